#include "text.hpp"

#include <openssl/evp.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace ossd {

namespace {

bool is_unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.' || c == '~';
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

tm utc(int64_t time) {
    time_t seconds = static_cast<time_t>(time);
    tm parts{};
    gmtime_r(&seconds, &parts);
    return parts;
}

// Of parts that are in their ranges.
std::optional<int64_t> from_utc(int year, int month, int day, int hour, int minute, int second) {
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60 || hour < 0 || minute < 0 || second < 0)
        return std::nullopt;
    tm parts{};
    parts.tm_year = year - 1900;
    parts.tm_mon = month - 1;
    parts.tm_mday = day;
    parts.tm_hour = hour;
    parts.tm_min = minute;
    parts.tm_sec = second;
    return static_cast<int64_t>(timegm(&parts));
}

} // namespace

std::string to_hex(std::string_view bytes, bool upper) {
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (unsigned char byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string to_base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    int n = EVP_EncodeBlock(reinterpret_cast<unsigned char *>(text.data()),
                            reinterpret_cast<const unsigned char *>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<size_t>(n));
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') padding++;
    if (text.substr(0, text.size() - padding).find('=') != std::string_view::npos) return std::nullopt;
    std::string bytes(text.size() / 4 * 3, '\0');
    int n = EVP_DecodeBlock(reinterpret_cast<unsigned char *>(bytes.data()),
                            reinterpret_cast<const unsigned char *>(text.data()), static_cast<int>(text.size()));
    // It skips white space at the ends: the text would then be shorter than it claims to be.
    if (n != static_cast<int>(bytes.size())) return std::nullopt;
    bytes.resize(bytes.size() - padding);
    return bytes;
}

std::string percent_encode(std::string_view bytes, bool keep_slash) {
    std::string text;
    text.reserve(bytes.size());
    for (unsigned char c : bytes) {
        if (is_unreserved(c) || (c == '/' && keep_slash)) {
            text += static_cast<char>(c);
        } else {
            text += '%';
            text += to_hex(std::string_view(reinterpret_cast<const char *>(&c), 1), true);
        }
    }
    return text;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] != '%') {
            bytes += text[i];
            continue;
        }
        int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high << 4 | low);
        i += 2;
    }
    return bytes;
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char &c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

std::string_view trim(std::string_view text) {
    const char *white = " \t\r\n";
    size_t begin = text.find_first_not_of(white);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(white) - begin + 1);
}

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool is_utf8(std::string_view text) {
    for (size_t i = 0; i < text.size();) {
        unsigned char c = static_cast<unsigned char>(text[i]);
        size_t more = c < 0x80                ? 0
                      : c >= 0xC2 && c < 0xE0 ? 1
                      : c >= 0xE0 && c < 0xF0 ? 2
                      : c >= 0xF0 && c < 0xF5 ? 3
                                              : 4;
        if (more == 4 || i + more >= text.size()) return false;
        uint32_t point = more == 0 ? c : c & (0x3Fu >> more);
        for (size_t k = 1; k <= more; k++) {
            unsigned char next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xC0) != 0x80) return false;
            point = point << 6 | (next & 0x3F);
        }
        // Not the shortest form, a surrogate, or beyond the last code point.
        if ((more == 2 && point < 0x800) || (more == 3 && point < 0x10000) || point > 0x10FFFF ||
            (point >= 0xD800 && point < 0xE000))
            return false;
        i += more + 1;
    }
    return true;
}

std::string latin1_to_utf8(std::string_view bytes) {
    std::string text;
    for (unsigned char c : bytes) {
        if (c < 0x80) {
            text += static_cast<char>(c);
        } else {
            text += static_cast<char>(0xC0 | c >> 6);
            text += static_cast<char>(0x80 | (c & 0x3F));
        }
    }
    return text;
}

std::string utf8_to_latin1(std::string_view text) {
    std::string bytes;
    for (size_t i = 0; i < text.size(); i++) {
        unsigned char c = static_cast<unsigned char>(text[i]);
        if (c >= 0x80 && i + 1 < text.size()) {
            unsigned char next = static_cast<unsigned char>(text[++i]);
            bytes += static_cast<char>((c & 3) << 6 | (next & 0x3F));
        } else {
            bytes += static_cast<char>(c);
        }
    }
    return bytes;
}

std::optional<uint64_t> parse_number(std::string_view digits) {
    uint64_t value = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

int64_t now() { return static_cast<int64_t>(::time(nullptr)); }

std::string http_date(int64_t time) {
    tm parts = utc(time);
    char text[64];
    snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[parts.tm_wday], parts.tm_mday,
             MONTHS[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return text;
}

std::string iso_date(int64_t time) {
    tm parts = utc(time);
    char text[64];
    snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.000Z", parts.tm_year + 1900, parts.tm_mon + 1,
             parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    return text;
}

std::optional<int64_t> parse_http_date(const std::string &text) {
    char month_name[4] = "", zone[4] = "";
    int day = 0, year = 0, hour = 0, minute = 0, second = 0, end = 0;
    if (sscanf(text.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3s%n", &day, month_name, &year, &hour,
               &minute, &second, zone, &end) != 7 ||
        static_cast<size_t>(end) != text.size() || strcmp(zone, "GMT") != 0)
        return std::nullopt;
    for (int month = 0; month < 12; month++)
        if (strcmp(month_name, MONTHS[month]) == 0) return from_utc(year, month + 1, day, hour, minute, second);
    return std::nullopt;
}

std::optional<int64_t> parse_basic_iso_date(const std::string &text) {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, end = 0;
    if (text.size() != 16 ||
        sscanf(text.c_str(), "%4d%2d%2dT%2d%2d%2dZ%n", &year, &month, &day, &hour, &minute, &second, &end) != 6 ||
        end != 16)
        return std::nullopt;
    return from_utc(year, month, day, hour, minute, second);
}

} // namespace ossd

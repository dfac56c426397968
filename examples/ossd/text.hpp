// Encodings and dates of HTTP, and numbers out of text: everything strict, nothing depends on a locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ossd {

std::string to_hex(std::string_view bytes, bool upper = false);
std::string to_base64(std::string_view bytes);
// Standard alphabet, with padding. Nothing for anything else.
std::optional<std::string> from_base64(std::string_view text);

// Everything but A-Z a-z 0-9 - _ . ~ as %XX; `/` too, unless it is kept.
std::string percent_encode(std::string_view bytes, bool keep_slash = false);
// Nothing for a `%` without two digits behind it. A `+` stays a `+`.
std::optional<std::string> percent_decode(std::string_view text);

std::string lower(std::string_view text);
std::string_view trim(std::string_view text);
bool starts_with(std::string_view text, std::string_view prefix);
bool is_utf8(std::string_view text);

// Header values are bytes. As the code points of ISO 8859-1 they fit into JSON, and come back as they were.
std::string latin1_to_utf8(std::string_view bytes);
std::string utf8_to_latin1(std::string_view text);

// A decimal number of digits alone, that fits.
std::optional<uint64_t> parse_number(std::string_view digits);

// Seconds since 1970.
int64_t now();
std::string http_date(int64_t time); // Sat, 21 Nov 2026 14:44:06 GMT
std::string iso_date(int64_t time);  // 2026-11-21T14:44:06.000Z
std::optional<int64_t> parse_http_date(const std::string &text);
std::optional<int64_t> parse_basic_iso_date(const std::string &text); // 20261121T144406Z

} // namespace ossd

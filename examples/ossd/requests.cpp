#include "requests.hpp"

#include "text.hpp"

#include <algorithm>
#include <stdexcept>

namespace ossd {

namespace {

constexpr size_t DOCUMENT_MAX = 2 << 20;
constexpr size_t HEADER_MAX = 8 << 10; // of what is kept
const std::string FACTS = "ossd.facts";

// Whether a list of ETags, as conditions have it, names this one.
bool names_etag(std::string list, const std::string &etag) {
    list.erase(std::remove(list.begin(), list.end(), '"'), list.end());
    for (size_t begin = 0; begin <= list.size();) {
        size_t end = std::min(list.find(',', begin), list.size());
        std::string_view one = trim(std::string_view(list).substr(begin, end - begin));
        if (one == "*" || lower(one) == lower(etag)) return true;
        begin = end + 1;
    }
    return false;
}

} // namespace

ossenc::sse::Decision Call::decide(Operation operation, uint32_t recorded, uint32_t source) const {
    return daemon.crypto.resolve(operation, request, bucket ? bucket->rule() : "", recorded, source);
}

void refuse_not_built() {
    throw Refused(501, "NotImplemented", "A header or parameter implies functionality that is not implemented.");
}

void check_acl(const std::string &acl) {
    if (!acl.empty() && acl != "private" && acl != "default") refuse_not_built();
}

Begun with_document(const Call &call, std::function<Response(const std::string &)> use) {
    const Request &request = call.request;
    return {take_document(DOCUMENT_MAX,
                          [&request, use = std::move(use)](std::string document) {
                              check_md5(request, md5(document));
                              return use(document);
                          }),
            std::nullopt};
}

Response xml_response(std::string document) {
    Response response;
    response.headers.emplace_back("Content-Type", "application/xml");
    response.body = std::move(document);
    return response;
}

std::string told_name(const Request &request, const std::string &name) {
    return request.parameter("encoding-type") == "url" ? percent_encode(name) : name;
}

uint64_t number_parameter(const Request &request, std::string_view name, uint64_t otherwise, uint64_t least,
                          uint64_t most) {
    const std::string &text = request.parameter(name);
    if (text.empty()) return otherwise;
    auto number = parse_number(text);
    if (!number || *number < least || *number > most)
        refuse_argument("The parameter " + std::string(name) + " is not valid.");
    return *number;
}

Headers stored_headers(const Request &request) {
    Headers kept;
    for (const char *name :
         {"content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires"})
        if (request.has_header(name)) kept.emplace_back(name, request.header(name));
    for (const auto &[name, value] : kept)
        if (value.size() > HEADER_MAX) refuse_argument("The header " + name + " has more than 8 KB.");
    if (!request.has_header("content-type")) kept.emplace_back("content-type", "application/octet-stream");
    size_t bytes = 0;
    for (const auto &[name, value] : request.headers) {
        if (!starts_with(name, "x-oss-meta-")) continue;
        kept.emplace_back(name, value);
        bytes += name.size() + value.size();
    }
    if (bytes > HEADER_MAX) refuse_argument("The user's metadata has more than 8 KB.");
    return kept;
}

void check_md5(const Request &request, const std::string &made) {
    const std::string &given = request.header("content-md5");
    if (given.empty()) return;
    auto digest = from_base64(given);
    if (!digest || digest->size() != 16)
        throw Refused(400, "InvalidDigest", "The Content-MD5 you specified is not valid.");
    if (*digest != made)
        throw Refused(400, "InvalidDigest", "The Content-MD5 you specified did not match what we received.");
}

std::string quoted(const std::string &etag) { return '"' + etag + '"'; }

std::string told_crc64(uint64_t crc64) { return std::to_string(crc64); }

void append(Headers &to, Headers more) {
    for (auto &header : more) to.push_back(std::move(header));
}

std::shared_ptr<const Facts> facts_of(const RecordPtr &record, const ObjectKey &key) {
    if (auto known = record->known.get()) return known;
    auto facts = std::make_shared<const Facts>(Facts::from_json(open_value(key, FACTS, record->facts)));
    if (facts->size != record->size) throw std::runtime_error("a record's length is not the sealed one");
    record->known.set(facts);
    return facts;
}

void set_facts(Record &record, const ObjectKey &key, Facts facts) {
    record.size = facts.size;
    record.facts = seal_value(key, FACTS, facts.to_json());
    record.known.set(std::make_shared<const Facts>(std::move(facts)));
}

RecordPtr put_object(const Call &call, Record record) {
    bool forbids = call.request.header("x-oss-forbid-overwrite") == "true";
    RecordPtr put = forbids ? call.bucket->put_if(nullptr, std::move(record)) : call.bucket->put(std::move(record));
    if (!put)
        throw Refused(409, "FileAlreadyExists", "The object you specified already exists and can not be overwritten.");
    return put;
}

bool is_copy(const Request &request) { return request.has_header("x-oss-copy-source"); }

CopySource find_copy_source(const Call &call) {
    // /bucket/key, percent-encoded; perhaps with a version behind it, of which there is none here.
    const std::string &text = call.request.header("x-oss-copy-source");
    auto decoded = percent_decode(std::string_view(text).substr(0, text.find('?')));
    if (!decoded || !is_utf8(*decoded)) refuse_argument("Copy Source is not well encoded.");
    std::string_view path = starts_with(*decoded, "/") ? std::string_view(*decoded).substr(1) : *decoded;
    size_t slash = path.find('/');
    if (slash == std::string_view::npos || slash + 1 == path.size())
        refuse_argument("Copy Source must mention the source bucket and key: /sourcebucket/sourcekey");
    CopySource source;
    source.bucket = call.daemon.store.get(std::string(path.substr(0, slash)));
    source.record = source.bucket->get(std::string(path.substr(slash + 1)));
    return source;
}

void open_copy_source(const Call &call, CopySource &source) {
    source.key =
        call.daemon.crypto.open(source.record->protection, &call.user, {source.bucket->id(), source.record->name});
    source.facts = facts_of(source.record, source.key);
    check_conditions(call.request, "x-oss-copy-source-", *source.facts, source.record->modified, false);
}

std::optional<Range> parse_range(const std::string &header, uint64_t size) {
    // One range of bytes; what is anything else, or several, asks for all, as RFC 9110 has it.
    const std::string unit = "bytes=";
    size_t dash = header.find('-');
    if (!starts_with(header, unit) || dash == std::string::npos || header.find(',') != std::string::npos)
        return std::nullopt;
    std::string_view from = trim(std::string_view(header).substr(unit.size(), dash - unit.size()));
    std::string_view to = trim(std::string_view(header).substr(dash + 1));
    auto first = parse_number(from), last = parse_number(to);
    if ((!from.empty() && !first) || (!to.empty() && !last) || (!first && !last) || (first && last && *last < *first))
        return std::nullopt;
    uint64_t begin = first ? *first : size - std::min(*last, size);
    uint64_t end = first && last && *last < size ? *last + 1 : size;
    if (begin >= end)
        throw Refused(416, "InvalidRange", "The requested range cannot be satisfied.",
                      {{"Content-Range", "bytes */" + std::to_string(size)}});
    return Range{begin, end - begin};
}

void check_conditions(const Request &request, const std::string &prefix, const Facts &facts, int64_t modified,
                      bool reads) {
    auto refuse = [&](bool unmodified) {
        if (unmodified && reads)
            throw Refused(304, "NotModified", "Not Modified",
                          {{"ETag", quoted(facts.etag)}, {"Last-Modified", http_date(modified)}});
        throw Refused(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.");
    };
    auto header = [&](const char *name) { return request.header(prefix + name); };
    if (std::string list = header("if-match"); !list.empty() && !names_etag(list, facts.etag)) refuse(false);
    if (std::string list = header("if-none-match"); !list.empty() && names_etag(list, facts.etag)) refuse(true);
    if (auto time = parse_http_date(header("if-unmodified-since")); time && modified > *time) refuse(false);
    if (auto time = parse_http_date(header("if-modified-since")); time && modified <= *time) refuse(true);
}

} // namespace ossd

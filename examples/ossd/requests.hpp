// What requests have in common: who asks for what, and the pieces that answers are made of.
#pragma once

#include "body.hpp"
#include "crypto.hpp"
#include "http.hpp"
#include "store.hpp"
#include "users.hpp"

#include <memory>
#include <string>

namespace ossd {

struct Daemon {
    Store &store;
    Keys &keys;
    Crypto &crypto;
    const Users &users;
};

// A signed request. Sinks keep a copy: what it refers to outlives them.
struct Call {
    Daemon &daemon;
    const Request &request;
    const User &user;
    std::shared_ptr<Bucket> bucket; // NULL for the service, and for a bucket that is to be made
    std::string bucket_name;
    std::string key;

    Place place() const { return {bucket->id(), key}; }
    // What the request means for encryption. Every request asks: an SSE header where none belongs is refused.
    ossenc::sse::Decision decide(Operation operation, uint32_t recorded = 0, uint32_t source = 0) const;
    bool has(std::string_view parameter) const { return request.has_parameter(parameter); }
};

// The requests of each kind: requests that OSS has and ossd has not are 501 NotImplemented.
Begun serve_service(const Call &call);
Begun serve_bucket(const Call &call);
Begun serve_object(const Call &call);
Begun serve_upload(const Call &call); // those of multipart uploads, `has_upload`
bool has_upload(const Call &call);
[[noreturn]] void refuse_not_built();
// Everything is private: to ask for that is well, for anything else 501.
void check_acl(const std::string &acl);

// A document of the client's, at most 2 MiB; its Content-MD5 is checked.
Begun with_document(const Call &call, std::function<Response(const std::string &document)> use);
Response xml_response(std::string document);
// The name of an object in an answer: percent-encoded if the client asked for that.
std::string told_name(const Request &request, const std::string &name);
// The parameter as a number in a range, `otherwise` if there is none. Throws Refused, 400 InvalidArgument.
uint64_t number_parameter(const Request &request, std::string_view name, uint64_t otherwise, uint64_t least,
                          uint64_t most);

// What of a request's headers comes back with the object.
Headers stored_headers(const Request &request);
// Throws Refused, 400: Content-MD5 is malformed, or not that of the body.
void check_md5(const Request &request, const std::string &md5);
std::string quoted(const std::string &etag);
std::string told_crc64(uint64_t crc64);
void append(Headers &to, Headers more);

// The facts of an object whose key is open. Throws Refused, 500, if they are damaged.
std::shared_ptr<const Facts> facts_of(const RecordPtr &record, const ObjectKey &key);
// Seals the facts into a record.
void set_facts(Record &record, const ObjectKey &key, Facts facts);

// Puts an object in its place. Throws Refused, 409 FileAlreadyExists, if there is one and the client forbids it.
RecordPtr put_object(const Call &call, Record record);

// The object that a copy is made of.
struct CopySource {
    std::shared_ptr<Bucket> bucket;
    RecordPtr record;
    ObjectKey key;
    std::shared_ptr<const Facts> facts;
};
bool is_copy(const Request &request);
CopySource find_copy_source(const Call &call);
// Opens it for the user, and checks the request's conditions on it.
void open_copy_source(const Call &call, CopySource &source);

// A range of `size` bytes; nothing if the header asks for all. Throws Refused, 416 InvalidRange.
struct Range {
    uint64_t offset, n;
};
std::optional<Range> parse_range(const std::string &header, uint64_t size);

// Throws Refused, 412 or (`reads`) 304, if the conditions of the headers with this prefix are not met.
void check_conditions(const Request &request, const std::string &prefix, const Facts &facts, int64_t modified,
                      bool reads);

} // namespace ossd

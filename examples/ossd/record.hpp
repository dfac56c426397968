// What is known of an object, of an upload and of its parts; and the JSON that is stored of it.
#pragma once

#include "error.hpp"
#include "files.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ossd {

// How something is encrypted, as it is kept beside it.
struct Protection {
    uint32_t method = 0;  // OSSENC_METHOD_..., 0 for not encrypted
    uint32_t layout = 0;  // OSSENC_INLINE, OSSENC_PAGED
    std::string envelope; // empty if not encrypted
    std::string context;  // SSE-KMS: the JSON of the client's encryption context
};

// What says something about the bytes: sealed if they are encrypted.
struct Facts {
    std::string etag; // without quotation marks
    uint64_t crc64 = 0;
    uint64_t crc64_before = 0; // of all segments but the last: an append may seal that anew
    uint64_t size = 0;
    Headers headers; // content-type and so on, x-oss-meta-...: what comes back with the object

    std::string to_json() const;
    static Facts from_json(std::string_view json);
};

// A body, or one piece of it: in a data file, `size` bytes of plaintext.
struct Segment {
    std::shared_ptr<const DataFile> file;
    uint64_t size = 0;
};

enum class Kind { Normal, Multipart, Appendable };
const char *kind_name(Kind kind);

// The facts of an object once they were opened, so that they are not opened each time. Any number of threads.
class Remembered {
  public:
    Remembered() = default;
    Remembered(const Remembered &other) : facts_(other.get()) {}
    Remembered &operator=(const Remembered &other) {
        set(other.get());
        return *this;
    }
    std::shared_ptr<const Facts> get() const { return std::atomic_load(&facts_); }
    void set(std::shared_ptr<const Facts> facts) const { std::atomic_store(&facts_, std::move(facts)); }

  private:
    mutable std::shared_ptr<const Facts> facts_;
};

// An object. Never changed: a change is another record in its place.
struct Record {
    std::string name;
    Kind kind = Kind::Normal;
    int64_t modified = 0;
    uint64_t size = 0; // of the plaintext; sealed in the facts, too
    Protection protection;
    std::string facts;       // Facts as JSON, or that sealed
    std::string head;        // of the one segment, where the layout keeps it in the receipt
    std::string manifest;    // of an encrypted object of segments; sealed
    uint64_t generation = 0; // of the manifest; counts appends
    std::vector<Segment> segments;
    std::string upload; // the multipart upload that it was: which has ended, then

    Remembered known; // the facts

    std::string to_json() const;
    // Data files are taken from `folder`, and are kept.
    static Record from_json(std::string_view json, const std::string &folder);
};

using RecordPtr = std::shared_ptr<const Record>; // NULL for no object

// A part of an upload: its bytes, and what is sealed about them.
struct Part {
    Segment segment;
    int64_t modified = 0;
    std::string facts; // PartFacts as JSON, or that sealed

    std::string to_json() const;
    static Part from_json(std::string_view json, const std::string &folder);
};

struct PartFacts {
    std::string etag;
    uint64_t crc64 = 0;
    std::string receipt; // encoded; empty if not encrypted

    std::string to_json() const;
    static PartFacts from_json(std::string_view json);
};

// A multipart upload; its parts are files of their own.
struct UploadRecord {
    std::string id;
    std::string name;
    int64_t begun = 0;
    Protection protection;
    std::string facts;  // Facts with headers alone, as JSON or that sealed
    std::string record; // of the library: that the envelope is the one that the upload began with

    std::string to_json() const;
    static UploadRecord from_json(std::string_view json);
};

} // namespace ossd

// All encryption of ossd: what a request means, making and opening objects, sealing segments, reading ranges. Every
// decision is libossenc's; here its calls meet the daemon's records, and its refusals become answers.
#pragma once

#include "files.hpp"
#include "http.hpp"
#include "keys.hpp"
#include "record.hpp"

#include <ossenc.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

namespace ossd {

using ossenc::sse::Operation;
// The open data key of an object, shared by whoever works on it. NULL for an object that is not encrypted.
using ObjectKey = std::shared_ptr<const ossenc::Object>;

// Where an object belongs: its data key opens nowhere else.
struct Place {
    const std::string &bucket_id;
    const std::string &name;
};

class Crypto {
  public:
    struct Created {
        ObjectKey key;
        Protection protection;
        // Until it is let go, before the Crypto ends: see Crypto::pending.
        std::shared_ptr<const void> pending = nullptr;
    };

    // From so many bytes on an object is large: without another `layout` it is PAGED, so that its ciphertext, as long
    // as the plaintext, can be read to where that is wanted and opened there. Others are INLINE, which pads nothing.
    static constexpr uint64_t LARGE = 1 << 20;

    // Without `enabled` nothing is encrypted, whatever is asked for.
    Crypto(Keys &keys, std::optional<ossenc::Layout> layout, bool enabled)
        : keys_(keys), layout_(layout), enabled_(enabled) {}

    // What follows throws Refused, as OSS would.

    // What a request means. `recorded` and `source` are the methods of what it goes on with, and of what it copies.
    ossenc::sse::Decision resolve(Operation operation, const Request &request, const std::string &rule = {},
                                  uint32_t recorded = 0, uint32_t source = 0) const;
    // A new object, as it was decided.
    Created create(const ossenc::sse::Decision &decision, const User &user, const Place &place, ossenc::Shape shape,
                   bool large);
    // What was recorded; `user` is NULL for the daemon itself.
    ObjectKey open(const Protection &protection, const User *user, const Place &place) const;
    // The envelope under the key's primary version; nothing if it is there already.
    std::optional<Protection> rewrap(const Protection &protection, const Place &place) const;
    bool lags(const Protection &protection) const;
    // The envelopes of objects that were created and may be in no record yet: they, too, need their key's version.
    std::vector<std::string> pending();
    // The response's headers.
    Headers answer(Operation operation, const Protection &protection) const;
    // A bucket's rule, in another form; refused if it is none.
    std::string rule(const std::string &document, ossenc::sse::RuleForm form) const;

  private:
    [[noreturn]] void refuse(ossenc::Status status, ossenc::Method method, std::string_view key_id) const;
    std::shared_ptr<const void> list(const std::string &envelope);

    Keys &keys_;
    std::optional<ossenc::Layout> layout_;
    bool enabled_;
    std::shared_mutex making_; // shared by who makes an envelope, until it is listed
    std::mutex mutex_;         // for what follows
    std::multiset<std::string> pending_;
};

// Values beside the body: sealed, if there is a key. `name` tells them apart. Opening throws ossenc::Exception.
std::string seal_value(const ObjectKey &key, const std::string &name, const std::string &value);
std::string open_value(const ObjectKey &key, const std::string &name, const std::string &value);

// Of objects of segments; all but the first of the functions take an object that is encrypted.

// The library's record of an upload that begins; empty for one that is not encrypted. `check_upload` throws if the
// object is not the one that the upload began with.
std::string begin_upload(const ObjectKey &key);
void check_upload(const ObjectKey &key, const std::string &record);
std::string encode_receipt(const ossenc::Receipt &receipt);
ossenc::Receipt decode_receipt(const std::string &encoded);
std::string seal_manifest(const ObjectKey &key, const std::vector<ossenc::Receipt> &receipts);
// With `replace` the segment takes the place of the last one.
std::string append_manifest(const ObjectKey &key, const std::string &old, const ossenc::Receipt &receipt, bool replace);

// Seals one segment into a file, as it comes. One thread at a time.
class SegmentSealer {
  public:
    SegmentSealer(const ossenc::Object &object, uint32_t part, ossenc::Layout layout);
    void write(std::string_view piece, Fd &file);
    ossenc::Receipt finish(Fd &file);

  private:
    ossenc::Sealer sealer_;
    ossenc::Layout layout_;
    std::string rest_; // of the plaintext: less than a chunk
    std::vector<char> stored_;
};

// Reads an encrypted object. One thread at a time.
class SealedReader {
  public:
    SealedReader(RecordPtr record, ObjectKey key);
    // Exactly these bytes of the plaintext. Throws ossenc::Exception for what is damaged.
    void read(uint64_t offset, char *p, size_t n);

  private:
    void open_segment(uint32_t index);

    RecordPtr record_;
    ObjectKey key_;
    ossenc::Map map_;
    // The segment that was read last.
    std::optional<uint32_t> index_;
    Fd file_;
    ossenc::Opener opener_;
    std::unique_ptr<char[]> aside_;
    size_t room_ = 0;
};

} // namespace ossd

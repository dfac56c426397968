// The bytes of objects, encrypted or not, on their way to data files and back. One thread at a time.
#pragma once

#include "crypto.hpp"
#include "digest.hpp"
#include "store.hpp"

#include <optional>

namespace ossd {

// What was written: one segment, durable, named by no record yet.
struct Written {
    Segment segment;
    std::string md5; // of the plaintext, 16 bytes
    uint64_t crc64 = 0;
    ossenc::Receipt receipt; // if it is encrypted
};

class BodyWriter {
  public:
    // `part` as for ossenc_sealer_new.
    BodyWriter(const Bucket &bucket, const ObjectKey &key, const Protection &protection, uint32_t part);
    void write(std::string_view piece);
    // Bytes of the segment that this one takes the place of: they count for all but the MD5.
    void write_again(std::string_view piece);
    Written finish();

  private:
    const Bucket &bucket_;
    Fd file_;
    Segment segment_;
    Md5 md5_;
    uint64_t crc64_ = 0; // of what is not encrypted; else the receipt has it
    std::optional<SegmentSealer> sealer_;
};

// A range of an object, which has it.
class BodyReader : public Source {
  public:
    BodyReader(RecordPtr record, const ObjectKey &key, uint64_t offset, uint64_t n);
    uint64_t size() const override { return size_; }
    size_t read(char *p, size_t n) override;

  private:
    void read_plain(uint64_t offset, char *p, size_t n);

    RecordPtr record_;
    std::optional<SealedReader> sealed_;
    std::optional<size_t> index_; // of the segment that `file_` is
    Fd file_;
    uint64_t size_, at_, end_;
};

// All of it, in memory: the caller has looked at its size.
std::string read_last_segment(const RecordPtr &record, const ObjectKey &key);

// Reads all of a source, in blocks, into a writer.
void copy_body(Source &from, BodyWriter &to);

} // namespace ossd

#include "body.hpp"

#include <algorithm>

namespace ossd {

namespace {

constexpr size_t COPY_BLOCK = 1 << 20;

} // namespace

BodyWriter::BodyWriter(const Bucket &bucket, const ObjectKey &key, const Protection &protection, uint32_t part)
    : bucket_(bucket) {
    segment_.file = bucket.create_data(file_);
    if (key) sealer_.emplace(*key, part, static_cast<ossenc::Layout>(protection.layout));
}

void BodyWriter::write(std::string_view piece) {
    md5_.update(piece.data(), piece.size());
    write_again(piece);
}

void BodyWriter::write_again(std::string_view piece) {
    segment_.size += piece.size();
    if (sealer_) {
        sealer_->write(piece, file_);
    } else {
        crc64_ = crc64(crc64_, piece.data(), piece.size());
        file_.write(piece.data(), piece.size());
    }
}

Written BodyWriter::finish() {
    Written written;
    if (sealer_) {
        written.receipt = sealer_->finish(file_);
        crc64_ = written.receipt.crc64_plain();
    }
    file_.sync();
    bucket_.sync_data();
    written.segment = std::move(segment_);
    written.md5 = md5_.finish();
    written.crc64 = crc64_;
    return written;
}

BodyReader::BodyReader(RecordPtr record, const ObjectKey &key, uint64_t offset, uint64_t n)
    : record_(std::move(record)), size_(n), at_(offset), end_(offset + n) {
    if (key) sealed_.emplace(record_, key);
}

size_t BodyReader::read(char *p, size_t n) {
    uint64_t left = end_ - at_;
    if (n < left) {
        // No chunk is opened twice: pieces end where chunks do.
        uint64_t beyond = (at_ + n) % OSSENC_CHUNK;
        if (beyond < n) n -= static_cast<size_t>(beyond);
    } else {
        n = static_cast<size_t>(left);
    }
    if (sealed_)
        sealed_->read(at_, p, n);
    else
        read_plain(at_, p, n);
    at_ += n;
    return n;
}

void BodyReader::read_plain(uint64_t offset, char *p, size_t n) {
    for (size_t i = 0; n > 0; i++) {
        const Segment &segment = record_->segments.at(i);
        if (offset >= segment.size) {
            offset -= segment.size;
            continue;
        }
        if (index_ != i) file_ = segment.file->open();
        index_ = i;
        size_t here = static_cast<size_t>(std::min<uint64_t>(n, segment.size - offset));
        file_.read_at(offset, p, here);
        p += here;
        n -= here;
        offset = 0;
    }
}

std::string read_last_segment(const RecordPtr &record, const ObjectKey &key) {
    uint64_t n = record->segments.back().size;
    std::string bytes(static_cast<size_t>(n), '\0');
    BodyReader reader(record, key, record->size - n, n);
    for (size_t at = 0; at < bytes.size();) at += reader.read(bytes.data() + at, bytes.size() - at);
    return bytes;
}

void copy_body(Source &from, BodyWriter &to) {
    std::string block(COPY_BLOCK, '\0');
    for (uint64_t left = from.size(); left > 0;) {
        size_t n = from.read(block.data(), block.size());
        to.write({block.data(), n});
        left -= n;
    }
}

} // namespace ossd

// The multipart uploads of a bucket.
#pragma once

#include "record.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace ossd {

// An upload that is under way. Any number of threads.
class Upload {
  public:
    using Parts = std::map<uint32_t, Part>; // by number

    Upload(std::string folder, UploadRecord record, Parts parts = {})
        : folder_(std::move(folder)), record_(std::make_shared<const UploadRecord>(std::move(record))),
          parts_(std::move(parts)) {}

    std::shared_ptr<const UploadRecord> record() const;
    std::shared_ptr<const UploadRecord> open_record() const; // NULL once it is closed
    Parts parts() const;
    // Durable; takes the place of an earlier attempt at that part. Throws Refused if the upload has ended meanwhile.
    void put_part(uint32_t number, Part part);
    // Puts another record, with another envelope, in the place of `expected`; false if that is not the one any more.
    bool replace(const std::shared_ptr<const UploadRecord> &expected, UploadRecord record);

  private:
    friend class ClosedUpload;
    Parts close();
    void reopen();
    void check_open() const;

    const std::string folder_;
    mutable std::mutex mutex_;
    std::shared_ptr<const UploadRecord> record_;
    Parts parts_;
    bool closed_ = false;
};

// An upload while it is completed or aborted: nothing is put to it. If that is refused, or fails, it opens again.
class ClosedUpload {
  public:
    // Throws Refused if it is closed already.
    explicit ClosedUpload(std::shared_ptr<Upload> upload) : upload_(std::move(upload)), parts_(upload_->close()) {}
    ~ClosedUpload() {
        if (upload_) upload_->reopen();
    }
    ClosedUpload(const ClosedUpload &) = delete;
    ClosedUpload &operator=(const ClosedUpload &) = delete;

    const Upload::Parts &parts() const { return parts_; }
    // It never opens again.
    void end() { upload_.reset(); }

  private:
    std::shared_ptr<Upload> upload_;
    Upload::Parts parts_;
};

class Uploads {
  public:
    // Those below `folder`, with segments in `data`; without those that `ended` names, which are removed.
    void load(const std::string &folder, const std::string &data, const std::vector<std::string> &ended);

    void create(UploadRecord record);
    // Throws Refused, 404 NoSuchUpload: also if it is of another object.
    std::shared_ptr<Upload> find(const std::string &id, const std::string &name) const;
    // By object's name, then by id.
    std::vector<std::shared_ptr<Upload>> all() const;
    bool empty() const;
    // Of an upload that is closed. Its segments are removed, but for those that an object has `taken`.
    void remove(const std::string &id, const Upload::Parts &parts, const std::vector<Segment> &taken = {});

  private:
    std::string folder_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Upload>> uploads_; // by id
};

} // namespace ossd

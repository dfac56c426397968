// Buckets and their objects: an index in memory, and the records on disk that it is read from.
//
// A record is durable when the call that puts it returns. Readers hold the record that they found: its data files stay
// until the last one lets go. All of it is for any number of threads.
#pragma once

#include "record.hpp"
#include "uploads.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

namespace ossd {

struct ListQuery {
    std::string prefix, delimiter;
    std::string marker; // what comes behind it, in the order of bytes
    size_t max = 100;
};

struct Listing {
    std::vector<RecordPtr> objects;
    std::vector<std::string> prefixes; // what the delimiter rolls up
    std::string next;                  // the marker of the next page; empty at the end
};

class Bucket {
  public:
    // One that is there, in its folder.
    explicit Bucket(std::string folder);
    // The content of a new bucket's file.
    static std::string describe(const std::string &id, const std::string &name, int64_t created,
                                const std::string &rule);

    const std::string &id() const { return id_; } // of no other bucket, ever: data keys are bound to it
    const std::string &name() const { return name_; }
    int64_t created() const { return created_; }
    std::string rule() const; // OSS's document; empty for none
    void set_rule(const std::string &rule);

    RecordPtr find(const std::string &name) const;
    // Throws Refused, 404 NoSuchKey.
    RecordPtr get(const std::string &name) const;
    Listing list(const ListQuery &query) const;
    std::vector<RecordPtr> all() const;

    // A new data file: to be written, synced, and named by a record.
    std::shared_ptr<DataFile> create_data(Fd &writer) const { return DataFile::create(folder_ + "/data", writer); }
    void sync_data() const { sync_folder(folder_ + "/data"); }

    // Puts an object in place of whatever has its name. Its data files are synced already.
    RecordPtr put(Record record);
    // The same, if `expected` is what has that name now; else NULL, and nothing is done.
    RecordPtr put_if(const RecordPtr &expected, Record record);
    // Whether or not there is such an object.
    void remove(const std::string &name);

    // Begins an upload, which keeps the bucket from ending.
    void create_upload(UploadRecord record);
    Uploads &uploads() { return uploads_; }
    const Uploads &uploads() const { return uploads_; }

    // Ends the bucket, and removes its folder: all calls are then refused. Throws Refused, 409 BucketNotEmpty.
    void end();

  private:
    RecordPtr place(Record record, const RecordPtr *expected);
    std::mutex &stripe(const std::string &name) { return stripes_[std::hash<std::string>()(name) % stripes_.size()]; }
    void check_alive() const;
    std::string objects_folder() const { return folder_ + "/objects"; }

    std::string folder_, id_, name_;
    int64_t created_ = 0;
    // Whoever changes an object holds `life_` shared, and then the object's stripe while its file is written. `mutex_`
    // is for the index and the rule, and never held over input or output.
    std::shared_mutex life_;
    bool gone_ = false;
    std::array<std::mutex, 64> stripes_;
    mutable std::shared_mutex mutex_;
    std::string rule_;
    std::map<std::string, RecordPtr> objects_;
    Uploads uploads_;
};

class Store {
  public:
    // The store in a folder, which is made if it is absent.
    explicit Store(const std::string &folder);

    // Throws Refused, 404 NoSuchBucket.
    std::shared_ptr<Bucket> get(const std::string &name) const;
    // `rule` is OSS's document, or empty. NULL if there is one of that name. Throws Refused, 400 InvalidBucketName.
    std::shared_ptr<Bucket> create(const std::string &name, const std::string &rule);
    void remove(const std::string &name);
    std::vector<std::shared_ptr<Bucket>> all() const; // by name

  private:
    std::string folder_;
    // Whoever makes or removes a bucket holds `making_`. `mutex_` is for the index, and never held over input or
    // output.
    std::mutex making_;
    mutable std::shared_mutex mutex_;
    std::map<std::string, std::shared_ptr<Bucket>> buckets_;
};

} // namespace ossd

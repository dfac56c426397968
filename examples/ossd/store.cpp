#include "store.hpp"

#include "digest.hpp"
#include "text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace ossd {

namespace {

using nlohmann::json;

const std::string ABOUT = "bucket.json";

// Names of objects are any text, names of files are not.
std::string file_of(const std::string &name) { return to_hex(sha256(name)); }

bool is_bucket_name(const std::string &name) {
    return name.size() >= 3 && name.size() <= 63 &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos &&
           name.front() != '-' && name.back() != '-';
}

[[noreturn]] void refuse_no_bucket() { throw Refused(404, "NoSuchBucket", "The specified bucket does not exist."); }

void doom_all_but(const RecordPtr &old, const RecordPtr &kept) {
    if (!old) return;
    std::set<const DataFile *> stay;
    if (kept)
        for (const Segment &segment : kept->segments) stay.insert(segment.file.get());
    for (const Segment &segment : old->segments)
        if (!stay.count(segment.file.get())) segment.file->doom();
}

} // namespace

std::string Bucket::describe(const std::string &id, const std::string &name, int64_t created, const std::string &rule) {
    return json{{"version", 1}, {"id", id}, {"name", name}, {"created", created}, {"rule", rule}}.dump();
}

Bucket::Bucket(std::string folder) : folder_(std::move(folder)) {
    json about = json::parse(read_file(folder_ + "/" + ABOUT));
    id_ = about.at("id");
    name_ = about.at("name");
    created_ = about.at("created");
    rule_ = about.at("rule");
    clean_folder(folder_);
    clean_folder(objects_folder());
    std::string data = folder_ + "/data";
    std::vector<std::string> ended;
    std::set<std::string> named;
    for (const std::string &file : list_folder(objects_folder())) {
        auto record = std::make_shared<const Record>(Record::from_json(read_file(objects_folder() + "/" + file), data));
        if (file_of(record->name) != file)
            throw std::runtime_error(folder_ + ": the record " + file + " is of another object");
        for (const Segment &segment : record->segments) named.insert(segment.file->id());
        if (!record->upload.empty()) ended.push_back(record->upload);
        objects_[record->name] = record;
    }
    uploads_.load(folder_ + "/uploads", data, ended);
    for (const auto &upload : uploads_.all())
        for (const auto &[number, part] : upload->parts()) named.insert(part.segment.file->id());
    // What a crash left unnamed.
    for (const std::string &id : list_folder(data))
        if (!named.count(id)) DataFile(data, id, true);
}

std::string Bucket::rule() const {
    std::shared_lock lock(mutex_);
    return rule_;
}

void Bucket::set_rule(const std::string &rule) {
    // Alone: two changes at once would leave one on disk and the other in memory.
    std::unique_lock life(life_);
    check_alive();
    replace_file(folder_, ABOUT, describe(id_, name_, created_, rule));
    std::unique_lock lock(mutex_);
    rule_ = rule;
}

RecordPtr Bucket::find(const std::string &name) const {
    std::shared_lock lock(mutex_);
    auto found = objects_.find(name);
    return found == objects_.end() ? nullptr : found->second;
}

RecordPtr Bucket::get(const std::string &name) const {
    RecordPtr record = find(name);
    if (!record) throw Refused(404, "NoSuchKey", "The specified key does not exist.");
    return record;
}

Listing Bucket::list(const ListQuery &query) const {
    Listing listing;
    std::string last;
    std::shared_lock lock(mutex_);
    auto at = query.marker < query.prefix ? objects_.lower_bound(query.prefix) : objects_.upper_bound(query.marker);
    while (at != objects_.end() && starts_with(at->first, query.prefix)) {
        size_t found =
            query.delimiter.empty() ? std::string::npos : at->first.find(query.delimiter, query.prefix.size());
        std::string rolled = found == std::string::npos ? "" : at->first.substr(0, found + query.delimiter.size());
        // What a page before has rolled up.
        bool told = !rolled.empty() && !query.marker.empty() && rolled <= query.marker;
        if (!told && listing.objects.size() + listing.prefixes.size() == query.max) {
            listing.next = last;
            break;
        }
        if (rolled.empty()) {
            listing.objects.push_back(at->second);
            last = at->first;
            ++at;
        } else {
            if (!told) listing.prefixes.push_back(last = rolled);
            // Behind all that begin so: names are UTF-8, and have no such byte.
            at = objects_.lower_bound(rolled + '\xFF');
        }
    }
    return listing;
}

std::vector<RecordPtr> Bucket::all() const {
    std::shared_lock lock(mutex_);
    std::vector<RecordPtr> list;
    for (const auto &[name, record] : objects_) list.push_back(record);
    return list;
}

void Bucket::check_alive() const {
    if (gone_) refuse_no_bucket();
}

RecordPtr Bucket::place(Record record, const RecordPtr *expected) {
    std::shared_lock life(life_);
    check_alive();
    std::lock_guard alone(stripe(record.name));
    RecordPtr old = find(record.name);
    if (expected && old != *expected) return nullptr;
    auto placed = std::make_shared<const Record>(std::move(record));
    replace_file(objects_folder(), file_of(placed->name), placed->to_json());
    for (const Segment &segment : placed->segments) segment.file->keep();
    doom_all_but(old, placed);
    std::unique_lock lock(mutex_);
    objects_[placed->name] = placed;
    return placed;
}

RecordPtr Bucket::put(Record record) { return place(std::move(record), nullptr); }

RecordPtr Bucket::put_if(const RecordPtr &expected, Record record) { return place(std::move(record), &expected); }

void Bucket::remove(const std::string &name) {
    std::shared_lock life(life_);
    check_alive();
    std::lock_guard alone(stripe(name));
    RecordPtr old = find(name);
    if (!old) return;
    remove_file(objects_folder(), file_of(name));
    doom_all_but(old, nullptr);
    std::unique_lock lock(mutex_);
    objects_.erase(name);
}

void Bucket::create_upload(UploadRecord record) {
    std::shared_lock life(life_);
    check_alive();
    uploads_.create(std::move(record));
}

void Bucket::end() {
    std::unique_lock life(life_);
    check_alive();
    if (!objects_.empty() || !uploads_.empty())
        throw Refused(409, "BucketNotEmpty", "The bucket has objects or uploads. Please delete them first.");
    size_t slash = folder_.rfind('/');
    remove_folder(folder_.substr(0, slash), folder_.substr(slash + 1));
    gone_ = true;
}

Store::Store(const std::string &folder) : folder_(folder + "/buckets") {
    make_folder(folder_);
    clean_folder(folder_);
    for (const std::string &name : list_folder(folder_))
        buckets_[name] = std::make_shared<Bucket>(folder_ + "/" + name);
}

std::shared_ptr<Bucket> Store::get(const std::string &name) const {
    std::shared_lock lock(mutex_);
    auto found = buckets_.find(name);
    if (found == buckets_.end()) refuse_no_bucket();
    return found->second;
}

std::shared_ptr<Bucket> Store::create(const std::string &name, const std::string &rule) {
    if (!is_bucket_name(name)) throw Refused(400, "InvalidBucketName", "The specified bucket is not valid.");
    std::lock_guard making(making_);
    {
        std::shared_lock lock(mutex_);
        if (buckets_.count(name)) return nullptr;
    }
    std::string passing = folder_ + "/.passing-" + random_id(), path = folder_ + "/" + name;
    make_folder(passing);
    for (const char *part : {"/objects", "/data", "/uploads"}) make_folder(passing + part);
    replace_file(passing, ABOUT, Bucket::describe(random_id(), name, now(), rule));
    rename_folder(passing, path);
    auto made = std::make_shared<Bucket>(path);
    std::unique_lock lock(mutex_);
    return buckets_[name] = std::move(made);
}

void Store::remove(const std::string &name) {
    std::lock_guard making(making_);
    get(name)->end();
    std::unique_lock lock(mutex_);
    buckets_.erase(name);
}

std::vector<std::shared_ptr<Bucket>> Store::all() const {
    std::shared_lock lock(mutex_);
    std::vector<std::shared_ptr<Bucket>> list;
    for (const auto &[name, bucket] : buckets_) list.push_back(bucket);
    return list;
}

} // namespace ossd

#include "uploads.hpp"

#include "text.hpp"

#include <algorithm>
#include <set>

namespace ossd {

namespace {

const std::string PART = "part.", UPLOAD = "upload.json";

[[noreturn]] void refuse_unknown() {
    throw Refused(404, "NoSuchUpload",
                  "The specified upload does not exist. The upload ID may be invalid, or the upload may "
                  "have been aborted or completed.");
}

} // namespace

std::shared_ptr<const UploadRecord> Upload::record() const {
    std::lock_guard lock(mutex_);
    return record_;
}

std::shared_ptr<const UploadRecord> Upload::open_record() const {
    std::lock_guard lock(mutex_);
    return closed_ ? nullptr : record_;
}

Upload::Parts Upload::parts() const {
    std::lock_guard lock(mutex_);
    return parts_;
}

void Upload::check_open() const {
    if (closed_) refuse_unknown();
}

void Upload::put_part(uint32_t number, Part part) {
    std::lock_guard lock(mutex_);
    check_open();
    replace_file(folder_, PART + std::to_string(number), part.to_json());
    part.segment.file->keep();
    auto found = parts_.find(number);
    if (found != parts_.end()) found->second.segment.file->doom();
    parts_[number] = std::move(part);
}

bool Upload::replace(const std::shared_ptr<const UploadRecord> &expected, UploadRecord record) {
    std::lock_guard lock(mutex_);
    if (closed_ || record_ != expected) return false;
    replace_file(folder_, UPLOAD, record.to_json());
    record_ = std::make_shared<const UploadRecord>(std::move(record));
    return true;
}

Upload::Parts Upload::close() {
    std::lock_guard lock(mutex_);
    check_open();
    closed_ = true;
    return parts_;
}

void Upload::reopen() {
    std::lock_guard lock(mutex_);
    closed_ = false;
}

void Uploads::load(const std::string &folder, const std::string &data, const std::vector<std::string> &ended) {
    folder_ = folder;
    clean_folder(folder);
    for (const std::string &id : list_folder(folder)) {
        std::string path = folder + "/" + id;
        if (std::find(ended.begin(), ended.end(), id) != ended.end()) {
            remove_folder(folder, id);
            continue;
        }
        clean_folder(path);
        UploadRecord record = UploadRecord::from_json(read_file(path + "/" + UPLOAD));
        Upload::Parts parts;
        for (const std::string &name : list_folder(path)) {
            auto number =
                starts_with(name, PART) ? parse_number(std::string_view(name).substr(PART.size())) : std::nullopt;
            if (number) parts[static_cast<uint32_t>(*number)] = Part::from_json(read_file(path + "/" + name), data);
        }
        uploads_[id] = std::make_shared<Upload>(path, std::move(record), std::move(parts));
    }
}

void Uploads::create(UploadRecord record) {
    std::string id = record.id, passing = folder_ + "/.passing-" + id, path = folder_ + "/" + id;
    make_folder(passing);
    replace_file(passing, UPLOAD, record.to_json());
    rename_folder(passing, path);
    auto upload = std::make_shared<Upload>(path, std::move(record));
    std::lock_guard lock(mutex_);
    uploads_[id] = std::move(upload);
}

std::shared_ptr<Upload> Uploads::find(const std::string &id, const std::string &name) const {
    std::shared_ptr<Upload> upload;
    {
        std::lock_guard lock(mutex_);
        auto found = uploads_.find(id);
        if (found != uploads_.end()) upload = found->second;
    }
    if (!upload || upload->record()->name != name) refuse_unknown();
    return upload;
}

std::vector<std::shared_ptr<Upload>> Uploads::all() const {
    std::vector<std::shared_ptr<Upload>> list;
    {
        std::lock_guard lock(mutex_);
        for (const auto &[id, upload] : uploads_) list.push_back(upload);
    }
    std::stable_sort(list.begin(), list.end(),
                     [](const auto &a, const auto &b) { return a->record()->name < b->record()->name; });
    return list;
}

bool Uploads::empty() const {
    std::lock_guard lock(mutex_);
    return uploads_.empty();
}

void Uploads::remove(const std::string &id, const Upload::Parts &parts, const std::vector<Segment> &taken) {
    remove_folder(folder_, id);
    std::set<const DataFile *> stay;
    for (const Segment &segment : taken) stay.insert(segment.file.get());
    for (const auto &[number, part] : parts)
        if (!stay.count(part.segment.file.get())) part.segment.file->doom();
    std::lock_guard lock(mutex_);
    uploads_.erase(id);
}

} // namespace ossd

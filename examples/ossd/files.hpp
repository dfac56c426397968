// Files that are there after a crash, or are not, and never half. Everything throws std::system_error.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ossd {

// An open file, closed at the end.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd &&other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Fd &operator=(Fd &&other) noexcept;
    ~Fd();
    explicit operator bool() const { return fd_ >= 0; }

    void write(const void *p, size_t n);
    // Exactly `n` bytes; fewer are an error.
    void read_at(uint64_t offset, void *p, size_t n) const;
    uint64_t size() const;
    void sync();

    int get() const { return fd_; }

  private:
    int fd_ = -1;
};

// A body, or a segment of one: written once, read by many, removed when it is doomed and the last holder lets go. The
// name is random and never used again.
class DataFile {
  public:
    // Makes an empty one in a folder. Until `keep` it is doomed: so what is broken off leaves nothing behind.
    static std::shared_ptr<DataFile> create(const std::string &folder, Fd &writer);
    // One that is there.
    DataFile(std::string folder, std::string id, bool doomed)
        : folder_(std::move(folder)), id_(std::move(id)), doomed_(doomed) {}
    ~DataFile();
    DataFile(const DataFile &) = delete;
    DataFile &operator=(const DataFile &) = delete;

    const std::string &id() const { return id_; }
    Fd open() const;
    void keep() const { doomed_ = false; }
    void doom() const { doomed_ = true; }

  private:
    std::string path() const { return folder_ + "/" + id_; }

    std::string folder_, id_;
    mutable std::atomic<bool> doomed_;
};

void make_folder(const std::string &path); // and syncs the one that it is in; may be there
void sync_folder(const std::string &path);
std::vector<std::string> list_folder(const std::string &path); // names, without those that begin with a dot

std::string read_file(const std::string &path);
// The new content is durable when this returns, and at no moment is there anything but the old or the new.
void replace_file(const std::string &folder, const std::string &name, std::string_view content);
// Durable, too; it may be absent.
void remove_file(const std::string &folder, const std::string &name);
// Gives a folder, made beside it with a name that begins `.passing-`, its own name; durably.
void rename_folder(const std::string &passing, const std::string &path);
// Removes a folder and what is in it, at once for whoever lists the folder that it is in.
void remove_folder(const std::string &folder, const std::string &name);
// What a crash left of `replace_file` and `remove_folder`.
void clean_folder(const std::string &folder);

bool exists(const std::string &path);
// Makes sure that this is the only process that uses a folder, until it ends. Throws std::runtime_error.
Fd lock_folder(const std::string &path);

std::string random_id(); // 32 characters 0-9 a-f

} // namespace ossd

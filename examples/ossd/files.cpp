#include "files.hpp"

#include "digest.hpp"
#include "text.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace ossd {

namespace {

// Begins the names of what is not there yet, or any more.
const std::string PASSING = ".passing-";

[[noreturn]] void fail(const std::string &what) { throw std::system_error(errno, std::generic_category(), what); }

void check(int result, const std::string &what) {
    if (result != 0) fail(what);
}

Fd open_file(const std::string &path, int flags) {
    Fd fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
    if (!fd) fail(path);
    return fd;
}

// When a folder that was changed cannot be synced, nobody knows which of the two states a crash would leave. To go on
// with either would be a guess: a new process reads what is there.
void sync_or_abort(const std::string &folder) {
    try {
        sync_folder(folder);
    } catch (const std::exception &why) {
        fprintf(stderr, "ossd: cannot sync, ending: %s\n", why.what());
        std::abort();
    }
}

} // namespace

Fd &Fd::operator=(Fd &&other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

Fd::~Fd() {
    if (fd_ >= 0) ::close(fd_);
}

void Fd::write(const void *p, size_t n) {
    for (size_t done = 0; done < n;) {
        ssize_t put = ::write(fd_, static_cast<const char *>(p) + done, n - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail("write");
        done += static_cast<size_t>(put);
    }
}

void Fd::read_at(uint64_t offset, void *p, size_t n) const {
    for (size_t done = 0; done < n;) {
        ssize_t got = ::pread(fd_, static_cast<char *>(p) + done, n - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("read");
        if (got == 0) throw std::runtime_error("a file is shorter than its record says");
        done += static_cast<size_t>(got);
    }
}

uint64_t Fd::size() const {
    struct stat about {};
    check(fstat(fd_, &about), "fstat");
    return static_cast<uint64_t>(about.st_size);
}

void Fd::sync() { check(fdatasync(fd_), "fdatasync"); }

std::shared_ptr<DataFile> DataFile::create(const std::string &folder, Fd &writer) {
    auto file = std::make_shared<DataFile>(folder, random_id(), true);
    writer = open_file(file->path(), O_WRONLY | O_CREAT | O_EXCL);
    return file;
}

DataFile::~DataFile() {
    if (doomed_) ::unlink(path().c_str());
}

Fd DataFile::open() const { return open_file(path(), O_RDONLY); }

void make_folder(const std::string &path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail(path);
    sync_folder(path + "/..");
}

void sync_folder(const std::string &path) { check(fsync(open_file(path, O_RDONLY | O_DIRECTORY).get()), path); }

std::vector<std::string> list_folder(const std::string &path) {
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(path)) {
        std::string name = entry.path().filename();
        if (name[0] != '.') names.push_back(std::move(name));
    }
    return names;
}

std::string read_file(const std::string &path) {
    Fd fd = open_file(path, O_RDONLY);
    std::string content(static_cast<size_t>(fd.size()), '\0');
    fd.read_at(0, content.data(), content.size());
    return content;
}

void replace_file(const std::string &folder, const std::string &name, std::string_view content) {
    std::string passing = folder + "/" + PASSING + random_id();
    try {
        Fd fd = open_file(passing, O_WRONLY | O_CREAT | O_EXCL);
        fd.write(content.data(), content.size());
        fd.sync();
        check(::rename(passing.c_str(), (folder + "/" + name).c_str()), name);
    } catch (...) {
        ::unlink(passing.c_str());
        throw;
    }
    sync_or_abort(folder);
}

void remove_file(const std::string &folder, const std::string &name) {
    if (::unlink((folder + "/" + name).c_str()) != 0 && errno != ENOENT) fail(name);
    sync_or_abort(folder);
}

void rename_folder(const std::string &passing, const std::string &path) {
    check(::rename(passing.c_str(), path.c_str()), path);
    sync_or_abort(path + "/..");
}

void remove_folder(const std::string &folder, const std::string &name) {
    std::string passing = folder + "/" + PASSING + random_id();
    check(::rename((folder + "/" + name).c_str(), passing.c_str()), name);
    sync_or_abort(folder);
    // It is gone: what cannot be cleaned away now is at the next start.
    std::error_code ignored;
    std::filesystem::remove_all(passing, ignored);
}

void clean_folder(const std::string &folder) {
    for (const auto &entry : std::filesystem::directory_iterator(folder))
        if (starts_with(entry.path().filename().string(), PASSING)) std::filesystem::remove_all(entry.path());
}

bool exists(const std::string &path) { return ::access(path.c_str(), F_OK) == 0; }

Fd lock_folder(const std::string &path) {
    Fd fd = open_file(path + "/lock", O_RDWR | O_CREAT);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) throw std::runtime_error(path + " is in use by another process");
    return fd;
}

std::string random_id() { return to_hex(random_bytes(16)); }

} // namespace ossd

#include "keys.hpp"

#include "digest.hpp"
#include "files.hpp"
#include "text.hpp"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace ossd {

namespace {

using ossenc::Change;
using ossenc::or_throw;
using ossenc::Status;

const std::string DEFAULT_ALIAS = "alias/acs/oss", ROOT_KEY = "root.key", ROOT_KEY_ID = "file";
constexpr size_t ROOT_KEY_BYTES = 32;
constexpr uint64_t SERVICE_PERIOD_SECONDS = 90 * 24 * 3600;

// The root key in memory, for as long as it is needed.
class RootKey {
  public:
    explicit RootKey(const std::string &folder) {
        std::string path = folder + "/" + ROOT_KEY;
        struct stat about {};
        if (stat(path.c_str(), &about) != 0 || (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
            throw std::runtime_error(path + ": is missing, or others may read it: chmod 600 it");
        bytes_ = read_file(path);
        if (bytes_.size() != ROOT_KEY_BYTES) throw std::runtime_error(path + ": a root key has exactly 32 bytes");
    }
    ~RootKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
    RootKey(const RootKey &) = delete;
    RootKey &operator=(const RootKey &) = delete;

    ossenc::Bytes bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

void make_root_key(const std::string &folder) {
    std::string key = random_bytes(ROOT_KEY_BYTES);
    replace_file(folder, ROOT_KEY, key);
    OPENSSL_cleanse(key.data(), key.size());
}

// As key services name keys.
std::string draw_key_id() {
    std::string id = random_id();
    for (size_t at : {8, 13, 18, 23}) id.insert(at, "-");
    return id;
}

} // namespace

Keys::Keys(const std::string &folder, bool kms)
    : folder_(folder), path_(folder + "/keystore"), kms_(kms), library_(or_throw(ossenc::Library::create())),
      keyring_(or_throw(ossenc::Keyring::create(library_))) {
    if (!exists(path_)) {
        // With a new one whatever is there would stay shut, and the last image of the old one be overwritten.
        for (const char *other : {"/keystore.previous", "/buckets"})
            if (exists(folder + other))
                throw std::runtime_error(path_ + " is missing, but " + folder + other + " is there");
        // A root key of an earlier start that was broken off serves as well as another one.
        if (!exists(folder + "/" + ROOT_KEY)) make_root_key(folder);
        RootKey root_key(folder);
        auto image = or_throw(ossenc::Keystore::init(library_, ROOT_KEY_ID, root_key.bytes()));
        or_throw(ossenc::Keystore::swap_file(path_.c_str(), 0, image));
    }
    load(0);
    std::lock_guard lock(changing_);
    if (!snapshot()->key(SERVICE_KEY)) {
        apply(Change::create(SERVICE_KEY));
        apply(Change::period(SERVICE_KEY, SERVICE_PERIOD_SECONDS));
    }
}

std::shared_ptr<const ossenc::Keystore> Keys::snapshot() const {
    std::lock_guard lock(mutex_);
    return keystore_;
}

void Keys::load(uint64_t min_generation) {
    RootKey root_key(folder_);
    auto loaded = or_throw(ossenc::Keystore::load(library_, read_file(path_), root_key.bytes(), min_generation));
    or_throw(keyring_.publish(loaded));
    std::lock_guard lock(mutex_);
    keystore_ = std::make_shared<const ossenc::Keystore>(std::move(loaded));
}

void Keys::apply(const Change &change) {
    for (;;) {
        auto now = snapshot();
        auto image = or_throw(now->apply(change));
        auto swapped = ossenc::Keystore::swap_file(path_.c_str(), now->generation(), image);
        // The `ossenc` command may have changed the file meanwhile: then what it did is the base.
        bool conflict = swapped.status() == Status::Conflict;
        if (!conflict) or_throw(std::move(swapped));
        load(now->generation() + 1);
        if (!conflict) return;
    }
}

void Keys::change(const Change &change) {
    std::lock_guard lock(changing_);
    apply(change);
}

std::string Keys::create(std::string id, const std::string &alias, bool imported) {
    std::lock_guard lock(changing_);
    if (id.empty()) id = draw_key_id();
    // A key whose alias is refused would stay behind without it.
    if (!alias.empty() && snapshot()->key(alias)) throw ossenc::Exception(ossenc::Error(Status::State));
    apply(imported ? Change::create_for_import(id) : Change::create(id));
    if (!alias.empty()) apply(Change::alias(id, alias));
    return id;
}

void Keys::rotate(const std::string &id) {
    std::lock_guard lock(changing_);
    std::string key_id = resolve(id);
    apply(Change::stage(key_id));
    // Other processes would load the staged version here; this one is alone.
    apply(Change::promote(key_id));
}

std::string Keys::resolve(std::string_view id_or_alias) const {
    return std::string(or_throw(snapshot()->key(ossenc::Bytes(id_or_alias))).key_id());
}

void Keys::rotate_due() {
    for (const std::string &id : or_throw(snapshot()->due(ossenc::Due::Rotation, now()))) {
        // One that fails leaves the old primary in use.
        try {
            rotate(id);
        } catch (const std::exception &why) { fprintf(stderr, "ossd: rotating %s: %s\n", id.c_str(), why.what()); }
    }
}

bool Keys::may_use(const User &user, std::string_view key_id) const {
    if (user.all_cmks) return true;
    auto keystore = snapshot();
    for (const std::string &cmk : user.cmks) {
        auto key = keystore->key(cmk);
        if (key && key->key_id() == key_id) return true;
    }
    return false;
}

ossenc::Result<std::string> Keys::choose(const ossenc::sse::Decision &decision, const User &user) {
    if (decision.method() == ossenc::Method::SseOss) return std::string(SERVICE_KEY);
    if (!kms_) return ossenc::Error(Status::State);
    if (decision.default_key() && !snapshot()->key(DEFAULT_ALIAS)) {
        const auto &cmks = user.cmks;
        if (!user.all_cmks && std::find(cmks.begin(), cmks.end(), DEFAULT_ALIAS) == cmks.end())
            return ossenc::Error(Status::Denied);
        std::lock_guard lock(changing_);
        if (!snapshot()->key(DEFAULT_ALIAS)) {
            std::string id = draw_key_id();
            apply(Change::create(id));
            apply(Change::service_alias(id, DEFAULT_ALIAS));
        }
    }
    auto keystore = snapshot();
    auto key = keystore->key(decision.key_id());
    if (!key) return ossenc::Error(key.status());
    std::string id(key->key_id());
    // To customers there is no such key.
    if (id == SERVICE_KEY) return ossenc::Error(Status::NoVersion);
    if (!may_use(user, id)) return ossenc::Error(Status::Denied);
    return id;
}

Status Keys::permits(const User *user, ossenc::Method method, std::string_view key_id) const {
    if (method == ossenc::Method::SseOss) return key_id == SERVICE_KEY ? Status::Ok : Status::Denied;
    if (!kms_) return Status::State;
    if (key_id == SERVICE_KEY) return Status::Denied;
    return !user || may_use(*user, key_id) ? Status::Ok : Status::Denied;
}

} // namespace ossd

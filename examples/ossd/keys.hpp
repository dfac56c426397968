// The keystore as an embedded key service: master keys, who may use them, and their rotation. Any number of threads.
#pragma once

#include "users.hpp"

#include <ossenc.hpp>

#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace ossd {

class Keys {
  public:
    // The key of SSE-OSS, which customers neither name nor see.
    static constexpr const char *SERVICE_KEY = "oss-service";

    // Opens `folder`/keystore under `folder`/root.key; makes both, and the service's key, at the first start. Without
    // `kms` there is no service for customers' keys. Throws std::exception.
    Keys(const std::string &folder, bool kms);

    const ossenc::Library &library() const { return library_; }
    const ossenc::Keyring &keyring() const { return keyring_; }
    bool kms() const { return kms_; }
    std::shared_ptr<const ossenc::Keystore> snapshot() const;

    // The id of the key for a new object: of the service's for SSE-OSS; of the CMK with that id or alias for SSE-KMS,
    // where the default CMK is made when it is first used. Status::State without a key service, NoVersion for a CMK
    // that is not there, Denied for one that the user may not use.
    ossenc::Result<std::string> choose(const ossenc::sse::Decision &decision, const User &user);
    // Whether what is under this key may be opened for the user; NULL is the daemon itself, which rewraps and lists.
    ossenc::Status permits(const User *user, ossenc::Method method, std::string_view key_id) const;

    // Each throws ossenc::Exception. `id` may be an alias.
    // An empty id is drawn, an empty alias is none; `imported` is a key whose material is to come. Gives the id.
    std::string create(std::string id, const std::string &alias, bool imported);
    void rotate(const std::string &id);
    void change(const ossenc::Change &change);
    // The id behind an alias. NoVersion.
    std::string resolve(std::string_view id_or_alias) const;

    // Rotates what is due of the service's own making: called from time to time.
    void rotate_due();

  private:
    void load(uint64_t min_generation);
    void apply(const ossenc::Change &change); // `mutex_` is held
    bool may_use(const User &user, std::string_view key_id) const;

    std::string folder_, path_;
    bool kms_;
    ossenc::Library library_;
    ossenc::Keyring keyring_;
    std::mutex changing_; // one change at a time; held over input and output
    mutable std::mutex mutex_;
    std::shared_ptr<const ossenc::Keystore> keystore_;
};

} // namespace ossd

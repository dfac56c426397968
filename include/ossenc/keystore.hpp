// Master keys: keystore images, snapshots of them, changes, and the file.
//
// A keystore is never changed in place. A change gives the next image; store it by compare-and-swap on the generation
// (swap_file, etcd, RADOS), load it, and publish it to the keyrings.
#ifndef OSSENC_KEYSTORE_HPP
#define OSSENC_KEYSTORE_HPP

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "library.hpp"

namespace ossenc {

// Where a root key comes from.
enum class Kdf : std::uint32_t { None = OSSENC_KDF_NONE, Argon2id = OSSENC_KDF_ARGON2ID };

// The state of a master key. Only an enabled one wraps and unwraps.
enum class KeyState : std::uint32_t {
  Enabled = OSSENC_KEY_ENABLED,
  Disabled = OSSENC_KEY_DISABLED,
  PendingDeletion = OSSENC_KEY_PENDING_DELETION,
  PendingImport = OSSENC_KEY_PENDING_IMPORT,
};

// The state of a version of a master key.
enum class VersionState : std::uint32_t {
  Staged = OSSENC_VERSION_STAGED,
  Active = OSSENC_VERSION_ACTIVE,
  Retired = OSSENC_VERSION_RETIRED,
  Destroyed = OSSENC_VERSION_DESTROYED,
};

// What may be due for a key: see OSSENC_DUE_....
enum class Due : std::uint32_t {
  Rotation = OSSENC_DUE_ROTATION,
  Deletion = OSSENC_DUE_DELETION,
  Expiry = OSSENC_DUE_EXPIRY
};

// What an image says without its root key: not authentic.
class KeystoreInfo {
 public:
  explicit KeystoreInfo(const ossenc_keystore_info &c) noexcept : c_(c) {}
  [[nodiscard]] std::uint64_t generation() const noexcept { return c_.generation; }
  // 16 bytes, borrowed from this.
  [[nodiscard]] Bytes keystore_id() const noexcept { return {c_.keystore_id, sizeof c_.keystore_id}; }
  // Borrowed from this.
  [[nodiscard]] std::string_view root_key_id() const noexcept { return c_.root_key_id; }
  [[nodiscard]] Kdf kdf() const noexcept { return static_cast<Kdf>(c_.kdf); }

 private:
  ossenc_keystore_info c_;
};

// A master key, as ossenc_key_info describes it. What it points to is borrowed from the keystore.
class KeyInfo {
 public:
  explicit KeyInfo(const ossenc_key_info &c) noexcept : c_(c) {}
  [[nodiscard]] std::string_view key_id() const noexcept { return Bytes(c_.key_id).text(); }
  [[nodiscard]] KeyState state() const noexcept { return static_cast<KeyState>(c_.state); }
  [[nodiscard]] bool imported() const noexcept { return c_.origin == 2; }
  // The number of the version that wraps; 0 for none.
  [[nodiscard]] std::uint64_t primary() const noexcept { return c_.primary; }
  [[nodiscard]] std::size_t versions() const noexcept { return c_.versions; }
  [[nodiscard]] std::size_t aliases() const noexcept { return c_.aliases; }
  // Times are in seconds since 1970; 0 for never.
  [[nodiscard]] std::uint64_t created_at() const noexcept { return c_.created_at; }
  [[nodiscard]] std::uint64_t last_rotated_at() const noexcept { return c_.last_rotated_at; }
  [[nodiscard]] std::uint64_t delete_at() const noexcept { return c_.delete_at; }
  [[nodiscard]] std::uint64_t not_after() const noexcept { return c_.not_after; }
  // Seconds between rotations; 0 for never by time.
  [[nodiscard]] std::uint64_t period_s() const noexcept { return c_.period_s; }
  [[nodiscard]] const ossenc_key_info &c() const noexcept { return c_; }

 private:
  ossenc_key_info c_;
};

// A version of a master key, as ossenc_version_info describes it.
class VersionInfo {
 public:
  explicit VersionInfo(const ossenc_version_info &c) noexcept : c_(c) {}
  // From 1.
  [[nodiscard]] std::uint64_t number() const noexcept { return c_.number; }
  [[nodiscard]] VersionState state() const noexcept { return static_cast<VersionState>(c_.state); }
  // Seconds since 1970.
  [[nodiscard]] std::uint64_t created_at() const noexcept { return c_.created_at; }
  // Seconds since 1970; 0 for never.
  [[nodiscard]] std::uint64_t not_after() const noexcept { return c_.not_after; }
  [[nodiscard]] bool has_material() const noexcept { return c_.has_material != 0; }

 private:
  ossenc_version_info c_;
};

// One change of a keystore: an ossenc_change. Made by the functions here, which take what the change takes; each says
// what OSSENC_KS_... of its name does. Borrows what it was given.
class Change {
 public:
  static Change create(Bytes key_id) noexcept { return {OSSENC_KS_CREATE, key_id}; }
  static Change create_for_import(Bytes key_id) noexcept { return {OSSENC_KS_CREATE_FOR_IMPORT, key_id}; }
  static Change stage(Bytes key_id) noexcept { return {OSSENC_KS_STAGE, key_id}; }
  // `version`, in decimal; or the newest staged one.
  static Change promote(Bytes key_id, Bytes version = {}) noexcept {
    return Change(OSSENC_KS_PROMOTE, key_id).of(version);
  }
  static Change enable(Bytes key_id) noexcept { return {OSSENC_KS_ENABLE, key_id}; }
  static Change disable(Bytes key_id) noexcept { return {OSSENC_KS_DISABLE, key_id}; }
  // After 7 to 366 days.
  static Change schedule_deletion(Bytes key_id, std::uint32_t window_days) noexcept {
    Change change(OSSENC_KS_SCHEDULE_DELETION, key_id);
    change.c_.window_days = window_days;
    return change;
  }
  static Change cancel_deletion(Bytes key_id) noexcept { return {OSSENC_KS_CANCEL_DELETION, key_id}; }
  static Change retire(Bytes key_id, Bytes version) noexcept { return Change(OSSENC_KS_RETIRE, key_id).of(version); }
  static Change destroy(Bytes key_id, Bytes version) noexcept { return Change(OSSENC_KS_DESTROY, key_id).of(version); }
  static Change remove(Bytes key_id) noexcept { return {OSSENC_KS_DELETE, key_id}; }
  // 32 bytes, which the caller wipes; used until `not_after`, in seconds since 1970, or for ever.
  static Change import(Bytes key_id, Bytes material, std::uint64_t not_after = 0) noexcept {
    Change change(OSSENC_KS_IMPORT, key_id);
    change.c_.material = material;
    change.c_.not_after = not_after;
    return change;
  }
  static Change delete_material(Bytes key_id) noexcept { return {OSSENC_KS_DELETE_MATERIAL, key_id}; }
  // `alias/...`, not `alias/acs...` or `alias/aws...`.
  static Change alias(Bytes key_id, Bytes alias) noexcept { return Change(OSSENC_KS_ALIAS, key_id).named(alias); }
  static Change move_alias(Bytes key_id, Bytes alias) noexcept {
    return Change(OSSENC_KS_MOVE_ALIAS, key_id).named(alias);
  }
  static Change remove_alias(Bytes alias) noexcept { return Change(OSSENC_KS_REMOVE_ALIAS, {}).named(alias); }
  // `alias/acs...` or `alias/aws...`: the service's own.
  static Change service_alias(Bytes key_id, Bytes alias) noexcept {
    return Change(OSSENC_KS_SERVICE_ALIAS, key_id).named(alias);
  }
  // 7 to 730 days, in seconds; 0 for none.
  static Change period(Bytes key_id, std::uint64_t period_s) noexcept {
    Change change(OSSENC_KS_PERIOD, key_id);
    change.c_.period_s = period_s;
    return change;
  }

  [[nodiscard]] const ossenc_change &c() const noexcept { return c_; }

 private:
  Change(std::uint32_t what, Bytes key_id) noexcept {
    c_.what = what;
    c_.key_id = key_id;
  }
  Change of(Bytes version) noexcept {
    c_.version = version;
    return *this;
  }
  Change named(Bytes alias) noexcept {
    c_.alias = alias;
    return *this;
  }

  ossenc_change c_ = detail::sized<ossenc_change>();
};

// What deriving a root key from a passphrase costs: ossenc_passphrase_cost. The default is the library's.
struct PassphraseCost {
  std::uint32_t kib = 64 * 1024;
  std::uint32_t passes = 3;
  std::uint32_t lanes = 4;
};

namespace detail {

inline ossenc_passphrase_cost raw(const PassphraseCost &cost) noexcept {
  ossenc_passphrase_cost c = sized<ossenc_passphrase_cost>();
  c.kib = cost.kib;
  c.passes = cost.passes;
  c.lanes = cost.lanes;
  return c;
}

}  // namespace detail

// An immutable snapshot of all master keys. Any number of threads may use it.
class Keystore : public detail::Handle<const ossenc_keystore, &ossenc_keystore_free> {
 public:
  using Handle::Handle;

  // ossenc_keystore_init: the image of a keystore without keys, generation 1, under the 32 bytes of `root_key`, which
  // `root_key_id` names in clear.
  static Result<Buffer> init(const Library &lib, Bytes root_key_id, Bytes root_key) {
    return gathered([&](ossenc_out *image, ossenc_error *error) {
      return ossenc_keystore_init(lib.get(), root_key_id, root_key, image, error);
    });
  }
  // ossenc_keystore_init_passphrase: the same, under a passphrase. Takes the time and memory of `cost`.
  static Result<Buffer> init_passphrase(const Library &lib, Bytes root_key_id, Bytes passphrase,
                                        const PassphraseCost &cost = {}) {
    const ossenc_passphrase_cost c = detail::raw(cost);
    return gathered([&](ossenc_out *image, ossenc_error *error) {
      return ossenc_keystore_init_passphrase(lib.get(), root_key_id, passphrase, &c, image, error);
    });
  }

  // ossenc_keystore_load: opens an image. `min_generation` is the newest generation that the caller has seen: an older
  // image is Status::Expect. Status::Commit is a wrong root key.
  static Result<Keystore> load(const Library &lib, Bytes image, Bytes root_key, std::uint64_t min_generation) noexcept {
    detail::Report report;
    return detail::make<Keystore, const ossenc_keystore>([&](const ossenc_keystore **keystore) {
      return report.done(ossenc_keystore_load(lib.get(), image, root_key, min_generation, keystore, &report));
    });
  }
  // ossenc_keystore_load_passphrase. Takes the time and memory that the image says, within the limits of a cost.
  static Result<Keystore> load_passphrase(const Library &lib, Bytes image, Bytes passphrase,
                                          std::uint64_t min_generation) noexcept {
    detail::Report report;
    return detail::make<Keystore, const ossenc_keystore>([&](const ossenc_keystore **keystore) {
      return report.done(
          ossenc_keystore_load_passphrase(lib.get(), image, passphrase, min_generation, keystore, &report));
    });
  }

  // ossenc_keystore_reseal: the image of the next generation, with the same master keys, under another root key.
  Result<Buffer> reseal(Bytes root_key_id, Bytes root_key) const {
    return gathered([&](ossenc_out *image, ossenc_error *error) {
      return ossenc_keystore_reseal(get(), root_key_id, root_key, image, error);
    });
  }
  // ossenc_keystore_reseal_passphrase.
  Result<Buffer> reseal_passphrase(Bytes root_key_id, Bytes passphrase, const PassphraseCost &cost = {}) const {
    const ossenc_passphrase_cost c = detail::raw(cost);
    return gathered([&](ossenc_out *image, ossenc_error *error) {
      return ossenc_keystore_reseal_passphrase(get(), root_key_id, passphrase, &c, image, error);
    });
  }

  // ossenc_keystore_apply: the image of the next generation, with one change. Status::State, Status::KeyState,
  // Status::NoVersion: changes that the key's state forbids, or to what is not there; the message says why.
  Result<Buffer> apply(const Change &change) const {
    return gathered([&](ossenc_out *image, ossenc_error *error) {
      return ossenc_keystore_apply(get(), &change.c(), image, error);
    });
  }

  // ossenc_keystore_swap_file: makes `image` the content of the file `path` (terminated), durably and atomically, if
  // the one there has generation `if_generation` (0: there is none). Status::Conflict if another writer was first,
  // Status::Io with the errno. Blocks: the one call that does input and output.
  static Result<void> swap_file(const char *path, std::uint64_t if_generation, Bytes image) noexcept {
    detail::Report report;
    return report.done(ossenc_keystore_swap_file(path, if_generation, image, &report));
  }

  // ossenc_keystore_read: what an image says in clear.
  static Result<KeystoreInfo> read(Bytes image) noexcept {
    auto info = detail::sized<ossenc_keystore_info>();
    return detail::read<KeystoreInfo>(ossenc_keystore_read(image, &info), info);
  }

  [[nodiscard]] std::uint64_t generation() const noexcept { return ossenc_keystore_generation(get()); }
  // How many master keys there are.
  [[nodiscard]] std::size_t keys() const noexcept { return ossenc_keystore_keys(get()); }

  // The index of the key with that id or alias; Status::NoVersion if there is none.
  Result<std::size_t> find(Bytes id_or_alias) const noexcept {
    std::size_t index = 0;
    return detail::read<std::size_t>(ossenc_keystore_find(get(), id_or_alias, &index), index);
  }
  // A key by index, from 0, sorted by id.
  Result<KeyInfo> key(std::size_t index) const noexcept {
    auto info = detail::sized<ossenc_key_info>();
    return detail::read<KeyInfo>(ossenc_keystore_key(get(), index, &info), info);
  }
  // A key by id or alias; Status::NoVersion if there is none.
  Result<KeyInfo> key(Bytes id_or_alias) const noexcept {
    Result<std::size_t> index = find(id_or_alias);
    if (!index) return std::move(index).error();
    return key(*index);
  }
  // A version of a key, both by index.
  Result<VersionInfo> version(std::size_t key, std::size_t index) const noexcept {
    auto info = detail::sized<ossenc_version_info>();
    return detail::read<VersionInfo>(ossenc_keystore_version(get(), key, index, &info), info);
  }
  // An alias of a key, both by index; borrowed from the keystore.
  Result<std::string_view> alias(std::size_t key, std::size_t index) const noexcept {
    ossenc_in alias{nullptr, 0};
    Result<Bytes> bytes = detail::read<Bytes>(ossenc_keystore_alias(get(), key, index, &alias), alias);
    if (!bytes) return std::move(bytes).error();
    return bytes->text();
  }
  // ossenc_keystore_due: the ids of the keys for which something is due at `wall_s`, seconds since 1970.
  Result<std::vector<std::string>> due(Due what, std::int64_t wall_s) const {
    Result<std::string> ids = detail::gather<std::string>([&](ossenc_out *out) {
      return detail::done(ossenc_keystore_due(get(), static_cast<std::uint32_t>(what), wall_s, out));
    });
    if (!ids) return std::move(ids).error();
    std::vector<std::string> list;
    for (std::size_t at = 0; at < ids->size(); at += list.back().size() + 1) list.emplace_back(ids->c_str() + at);
    return list;
  }

 private:
  template <class Call>
  static Result<Buffer> gathered(Call call) {
    detail::Report report;
    return detail::gather([&](ossenc_out *image) { return report.done(call(image, &report)); });
  }
};

}  // namespace ossenc

#endif

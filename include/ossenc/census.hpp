// The census: counts of slots per version of a key, which say whether a version can be retired.
#ifndef OSSENC_CENSUS_HPP
#define OSSENC_CENSUS_HPP

#include <cstdint>
#include <string_view>

#include "library.hpp"

namespace ossenc {

// How many slots of one kind are under one version of a key. What it points to is borrowed from the census, until that is
// changed or destroyed.
class CensusEntry {
 public:
  explicit CensusEntry(const ossenc_census_entry_info &c) noexcept : c_(c) {}
  // 1 local master key, 2 remote master key, 3 bucket key by value, 4 bucket key by reference, 5 customer's key.
  [[nodiscard]] std::uint32_t kind() const noexcept { return c_.kind; }
  [[nodiscard]] std::string_view provider() const noexcept { return Bytes(c_.provider).text(); }
  [[nodiscard]] std::string_view key_id() const noexcept { return Bytes(c_.key_id).text(); }
  [[nodiscard]] std::string_view key_version() const noexcept { return Bytes(c_.key_version).text(); }
  [[nodiscard]] std::uint64_t count() const noexcept { return c_.count; }

 private:
  ossenc_census_entry_info c_;
};

// Nothing in a census is authentic: envelopes are counted, not opened.
class Census : public detail::Handle<ossenc_census, &ossenc_census_free> {
 public:
  using Handle::Handle;

  // ossenc_census_new: nothing counted.
  static Result<Census> create(const Library &lib) noexcept {
    return detail::make<Census, ossenc_census>(
        [&](ossenc_census **census) { return detail::done(ossenc_census_new(lib.get(), census)); });
  }

  // ossenc_census_add: counts the slots of an envelope. After an error the census is as it was.
  Result<void> add(Bytes envelope) noexcept { return detail::done(ossenc_census_add(get(), envelope)); }
  // ossenc_census_merge: adds the counts of another census, encoded. Merging the same twice counts it twice.
  Result<void> merge(Bytes encoded) noexcept { return detail::done(ossenc_census_merge(get(), encoded)); }
  // ossenc_census_encode: the bytes to be stored, or sent to where shards are merged.
  Result<Buffer> encode() const {
    return detail::gather([&](ossenc_out *encoded) { return detail::done(ossenc_census_encode(get(), encoded)); });
  }

  // ossenc_census_count: how many slots are under `version` of the key `key_id`, of whatever kind they are.
  Result<std::uint64_t> count(Bytes key_id, Bytes version) const noexcept {
    std::uint64_t n = 0;
    return detail::read<std::uint64_t>(ossenc_census_count(get(), key_id, version, &n), n);
  }
  // How many envelopes were counted.
  [[nodiscard]] std::uint64_t envelopes() const noexcept { return ossenc_census_envelopes(get()); }
  // How many entries there are, and one by index, sorted by kind, provider, key id and version.
  [[nodiscard]] std::size_t entries() const noexcept { return ossenc_census_entries(get()); }
  Result<CensusEntry> entry(std::size_t index) const noexcept {
    auto info = detail::sized<ossenc_census_entry_info>();
    return detail::read<CensusEntry>(ossenc_census_entry(get(), index, &info), info);
  }
};

}  // namespace ossenc

#endif

// The library's handle, and what it takes of its host: time, entropy, an audit log, wakes.
#ifndef OSSENC_LIBRARY_HPP
#define OSSENC_LIBRARY_HPP

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "bytes.hpp"

namespace ossenc {

// An upper bound on the instruction sets used.
enum class Isa : std::uint32_t {
  Best = OSSENC_ISA_BEST,
  Portable = OSSENC_ISA_PORTABLE,
  ArmV8 = OSSENC_ISA_ARMV8,
  AesNi = OSSENC_ISA_AESNI,
  Avx2 = OSSENC_ISA_AVX2,
  Avx512 = OSSENC_ISA_AVX512,
};

// Wall time in seconds since 1970, and monotonic time in nanoseconds from any origin.
using Time = ossenc_time;

// A wrap or an unwrap that has ended, for the audit log. Borrowed for the call that brings it.
class Event {
 public:
  explicit Event(const ossenc_event &c) noexcept : c_(c) {}
  // OSSENC_EVENT_WRAP or OSSENC_EVENT_UNWRAP.
  [[nodiscard]] std::uint32_t what() const noexcept { return c_.what; }
  [[nodiscard]] Status status() const noexcept { return static_cast<Status>(c_.status); }
  // 16 bytes; zeros if there was no envelope to tell.
  [[nodiscard]] Bytes object_id() const noexcept { return {c_.object_id, sizeof c_.object_id}; }
  // Empty for local and customer keys.
  [[nodiscard]] std::string_view provider() const noexcept { return Bytes(c_.provider).text(); }
  // The master key; of an opening that failed, the last one that was tried, empty if none was.
  [[nodiscard]] std::string_view key_id() const noexcept { return Bytes(c_.key_id).text(); }
  [[nodiscard]] std::string_view key_version() const noexcept { return Bytes(c_.key_version).text(); }

 private:
  const ossenc_event &c_;
};

namespace detail {

// Which of the host's functions a class has.
template <class H, class = void>
inline constexpr bool has_now = false;
template <class H>
inline constexpr bool has_now<H, std::void_t<decltype(std::declval<H &>().now())>> = true;
template <class H, class = void>
inline constexpr bool has_entropy = false;
template <class H>
inline constexpr bool has_entropy<H, std::void_t<decltype(std::declval<H &>().entropy(MutableBytes()))>> = true;
template <class H, class = void>
inline constexpr bool has_event = false;
template <class H>
inline constexpr bool has_event<H, std::void_t<decltype(std::declval<H &>().event(std::declval<const Event &>()))>> =
    true;
template <class H, class = void>
inline constexpr bool has_wake = false;
template <class H>
inline constexpr bool has_wake<H, std::void_t<decltype(std::declval<H &>().wake(static_cast<void *>(nullptr)))>> = true;

}  // namespace detail

// How the library is set up: an ossenc_config. What is not set is as there: the best instruction set, the system's
// clock and entropy, receipts with both digests, no locked memory.
class Config {
 public:
  Config &isa_cap(Isa isa) noexcept {
    c_.isa_cap = static_cast<std::uint32_t>(isa);
    return *this;
  }
  // The newest format that every reader of the cluster understands.
  Config &write_format(std::uint32_t format) noexcept {
    c_.write_format = format;
    return *this;
  }
  // OSSENC_OMIT_..., added up.
  Config &omit_digests(std::uint32_t digests) noexcept {
    c_.omit_digests = digests;
    return *this;
  }
  // Whether memory for keys has to be locked.
  Config &require_mlock(bool required) noexcept {
    c_.require_mlock = required;
    return *this;
  }

  // Takes from `host` those of these functions that its class has:
  //
  //   Time now();                          the time
  //   Status entropy(MutableBytes room);   fills all of it, or says that it did not
  //   void event(const Event &event);      is told every wrap and unwrap
  //   void wake(void *waiter);             the operation made with `waiter` shall be stepped again
  //
  // Any thread that uses the library calls them, several at once; ossenc_config says what each may do. `host` outlives
  // everything made from this library, not only its handle. An exception that leaves one of them ends the program.
  template <class H>
  Config &host(H &host) noexcept {
    using namespace detail;
    static_assert(has_now<H> || has_entropy<H> || has_event<H> || has_wake<H>,
                  "a host has at least one of the functions");
    c_.user = &host;
    if constexpr (has_now<H>)
      c_.now = [](void *user, ossenc_time *time) noexcept { *time = static_cast<H *>(user)->now(); };
    if constexpr (has_entropy<H>)
      c_.entropy = [](void *user, void *p, std::size_t n) noexcept {
        return static_cast<ossenc_status>(static_cast<H *>(user)->entropy({p, n}));
      };
    if constexpr (has_event<H>)
      c_.event = [](void *user, const ossenc_event *event) noexcept { static_cast<H *>(user)->event(Event(*event)); };
    if constexpr (has_wake<H>)
      c_.wake = [](void *user, void *waiter) noexcept { static_cast<H *>(user)->wake(waiter); };
    return *this;
  }

  [[nodiscard]] const ossenc_config &c() const noexcept { return c_; }

 private:
  ossenc_config c_ = detail::sized<ossenc_config>();
};

// The library: what was chosen at start-up. One for the process is enough; what was made from it may outlive it.
class Library : public detail::Handle<ossenc_lib, &ossenc_lib_free> {
 public:
  using Handle::Handle;

  // ossenc_lib_new: chooses the code for this CPU, tests it, and probes the entropy source. Microseconds.
  // Status::SelfTest, Status::NoEntropy, Status::NotLocked.
  static Result<Library> create(const Config &config = {}) noexcept {
    detail::Report report;
    return detail::make<Library, ossenc_lib>(
        [&](ossenc_lib **lib) { return report.done(ossenc_lib_new(&config.c(), lib, &report)); });
  }

  // The version of the library that is linked: compare with OSSENC_VERSION_NUMBER, that of the header.
  [[nodiscard]] static std::uint32_t version_number() noexcept { return ossenc_version_number(); }
  [[nodiscard]] static const char *version_string() noexcept { return ossenc_version_string(); }
};

}  // namespace ossenc

#endif

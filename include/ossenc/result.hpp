// Outcomes: a status, an error that says more, and a result that is a value or an error.
//
// Nothing here allocates. Exceptions are thrown by or_throw() alone, which is there only when they are compiled in: all
// else is the same with -fno-exceptions and -fno-rtti. What allocates (functions that give a std::vector or a
// std::string) ends as the program's own allocations do when there is no memory.
#ifndef OSSENC_RESULT_HPP
#define OSSENC_RESULT_HPP

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "../ossenc.h"

// Defined by a program that has exceptions but does not want any from here: or_throw() and Exception are then gone.
#if defined(__cpp_exceptions) && !defined(OSSENC_NO_EXCEPTIONS)
#define OSSENC_HAS_EXCEPTIONS 1
#include <exception>
#else
#define OSSENC_HAS_EXCEPTIONS 0
#endif

namespace ossenc {

// How a call ended: the statuses of ossenc.h, which says what each means. Later versions may add values.
enum class Status : ossenc_status {
  Ok = OSSENC_OK,
  Ask = OSSENC_ASK,
  Wait = OSSENC_WAIT,
  Argument = OSSENC_E_ARG,
  State = OSSENC_E_STATE,
  Buffer = OSSENC_E_BUFFER,
  NoMemory = OSSENC_E_NOMEM,
  Used = OSSENC_E_USED,
  NoEntropy = OSSENC_E_NOENTROPY,
  Forked = OSSENC_E_FORKED,
  SelfTest = OSSENC_E_SELFTEST,
  Io = OSSENC_E_IO,
  Format = OSSENC_E_FORMAT,
  TooNew = OSSENC_E_TOONEW,
  Expect = OSSENC_E_EXPECT,
  Conflict = OSSENC_E_CONFLICT,
  NotLocked = OSSENC_E_MLOCK,
  Commit = OSSENC_E_COMMIT,
  Chunk = OSSENC_E_CHUNK,
  Truncated = OSSENC_E_TRUNCATED,
  Manifest = OSSENC_E_MANIFEST,
  NoVersion = OSSENC_E_NOVERSION,
  KeyState = OSSENC_E_KEYSTATE,
  Denied = OSSENC_E_DENIED,
  Kms = OSSENC_E_KMS,
  KmsRetry = OSSENC_E_KMS_RETRY,
  KeyAbsent = OSSENC_E_KEYABSENT,
  Timeout = OSSENC_E_TIMEOUT,
  Panic = OSSENC_E_PANIC,
};

// A sentence for a status; static, terminated.
[[nodiscard]] inline const char *describe(Status status) noexcept {
  return ossenc_strerror(static_cast<ossenc_status>(status));
}

// What went wrong: an ossenc_error. 120 bytes, plain data, holds neither key bytes nor plaintext.
class Error {
 public:
  // An error of the caller's own, or of a call that says no more than its status.
  explicit Error(Status status, std::uint64_t offset = 0) noexcept : status_(status), offset_(offset) {}

  // The error of a call that filled `detail`. The status is the one that the call returned.
  Error(ossenc_status status, const ossenc_error &detail) noexcept
      : status_(static_cast<Status>(status)), code_(detail.code), part_(detail.part), offset_(detail.offset) {
    std::memcpy(text_, detail.text, sizeof text_);
    text_[sizeof text_ - 1] = 0;
  }

  // Never Status::Ok.
  [[nodiscard]] Status status() const noexcept { return status_; }

  // The errno of Status::Io, the service's code of Status::Kms; else 0.
  [[nodiscard]] std::int32_t code() const noexcept { return code_; }

  // The part that the error is about; 0 for single-segment objects.
  [[nodiscard]] std::uint32_t part() const noexcept { return part_; }

  // Status::Chunk: the plaintext offset in the segment at which the damaged chunk begins. Status::Conflict: the
  // generation found. Status::KmsRetry: after how many milliseconds to try again. Status::Buffer, from functions that
  // write to one MutableBytes: the bytes that are needed. Else 0.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

  // An English sentence for logs, terminated; lives as long as this error.
  [[nodiscard]] const char *message() const noexcept { return text_[0] ? text_ : describe(status_); }

 private:
  Status status_;
  std::int32_t code_ = 0;
  std::uint32_t part_ = 0;
  std::uint64_t offset_ = 0;
  char text_[sizeof(ossenc_error::text)] = {};
};

namespace detail {

// A result was used as what it is not: a defect of the caller, as using an empty std::optional is.
inline void require(bool holds) noexcept {
  if (!holds) std::abort();
}

}  // namespace detail

// A value, or why there is none. Ignoring one is a warning. Taking the value of an error, or the error of a value, is a
// defect of the program and aborts it.
template <class T, class E = Error>
class [[nodiscard]] Result {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_move_constructible_v<E>);

 public:
  using value_type = T;
  using error_type = E;

  Result(T value) noexcept : either_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) noexcept : either_(std::in_place_index<1>, std::move(error)) {}

  // Whether there is a value.
  [[nodiscard]] bool ok() const noexcept { return either_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  // Status::Ok, or that of the error.
  [[nodiscard]] Status status() const noexcept { return ok() ? Status::Ok : error().status(); }

  // The value, which there must be.
  [[nodiscard]] T &value() &noexcept { return *get(std::get_if<0>(&either_)); }
  [[nodiscard]] const T &value() const &noexcept { return *get(std::get_if<0>(&either_)); }
  [[nodiscard]] T &&value() &&noexcept { return std::move(*get(std::get_if<0>(&either_))); }
  [[nodiscard]] T &operator*() &noexcept { return value(); }
  [[nodiscard]] const T &operator*() const &noexcept { return value(); }
  [[nodiscard]] T &&operator*() &&noexcept { return std::move(*this).value(); }
  T *operator->() noexcept { return &value(); }
  const T *operator->() const noexcept { return &value(); }

  // The value, or another where there is none.
  [[nodiscard]] T value_or(T other) && { return ok() ? std::move(*this).value() : std::move(other); }

  // The error, which there must be.
  [[nodiscard]] const E &error() const &noexcept { return *get(std::get_if<1>(&either_)); }
  [[nodiscard]] E &&error() &&noexcept { return std::move(*get(std::get_if<1>(&either_))); }

 private:
  template <class P>
  static P get(P pointer) noexcept {
    detail::require(pointer != nullptr);
    return pointer;
  }

  std::variant<T, E> either_;
};

// Done, or why not.
template <class E>
class [[nodiscard]] Result<void, E> {
  static_assert(std::is_nothrow_move_constructible_v<E>);

 public:
  using value_type = void;
  using error_type = E;

  Result() noexcept = default;
  Result(E error) noexcept : error_(std::move(error)) {}

  [[nodiscard]] bool ok() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] Status status() const noexcept { return ok() ? Status::Ok : error_->status(); }
  [[nodiscard]] const E &error() const &noexcept {
    detail::require(error_.has_value());
    return *error_;
  }
  [[nodiscard]] E &&error() &&noexcept {
    detail::require(error_.has_value());
    return std::move(*error_);
  }

 private:
  std::optional<E> error_;
};

#if OSSENC_HAS_EXCEPTIONS

// What or_throw() throws: an error, as an exception.
template <class E>
class BasicException : public std::exception {
 public:
  explicit BasicException(E error) noexcept : error_(std::move(error)) {}
  [[nodiscard]] const char *what() const noexcept override { return error_.message(); }
  [[nodiscard]] const E &error() const noexcept { return error_; }
  [[nodiscard]] Status status() const noexcept { return error_.status(); }

 private:
  E error_;
};

using Exception = BasicException<Error>;

// The value of a result; its error is thrown as a BasicException (Exception, for most). For programs that prefer that:
// auto library = or_throw(Library::create());
template <class T, class E>
T or_throw(Result<T, E> result) {
  if (!result) throw BasicException<E>(std::move(result).error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

#endif

namespace detail {

// A status of a call without an ossenc_error, as a result.
inline Result<void> done(ossenc_status status) noexcept {
  if (status != OSSENC_OK) return Error(static_cast<Status>(status));
  return {};
}

// An ossenc_error to pass to a call.
struct Report : ossenc_error {
  Report() noexcept : ossenc_error{} { size = sizeof(ossenc_error); }
  Result<void> done(ossenc_status outcome) const noexcept {
    if (outcome != OSSENC_OK) return Error(outcome, *this);
    return {};
  }
};

}  // namespace detail
}  // namespace ossenc

#endif

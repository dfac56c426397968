// Borrowed memory: bytes to read, room to write, pieces of either, lists; and handles. Nothing here copies or owns data.
#ifndef OSSENC_BYTES_HPP
#define OSSENC_BYTES_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#if defined(__cpp_lib_span) || (__cplusplus >= 202002L && __has_include(<span>))
#include <span>
#endif

#include "result.hpp"

// With clang, a view of a temporary that is gone is a warning (-Wdangling, on by default).
#if defined(__has_cpp_attribute)
#if __has_cpp_attribute(clang::lifetimebound)
#define OSSENC_LIFETIMEBOUND [[clang::lifetimebound]]
#define OSSENC_VIEW_OF(type) [[gsl::Pointer(type)]]
#endif
#endif
#ifndef OSSENC_LIFETIMEBOUND
#define OSSENC_LIFETIMEBOUND
#define OSSENC_VIEW_OF(type)
#endif

namespace ossenc {

// Bytes that the library made, where their number is only known then.
using Buffer = std::vector<std::uint8_t>;

namespace detail {

template <class T>
inline constexpr bool is_byte =
    std::is_same_v<T, char> || std::is_same_v<T, unsigned char> || std::is_same_v<T, std::byte>
#if defined(__cpp_char8_t)
    || std::is_same_v<T, char8_t>
#endif
    ;

// What std::data gives for an lvalue of C, without the pointer; void if it gives nothing.
template <class C, class = void>
struct ElementOf {
  using type = void;
};
template <class C>
struct ElementOf<C, std::void_t<decltype(std::data(std::declval<C &>())), decltype(std::size(std::declval<C &>()))>> {
  using type = std::remove_pointer_t<decltype(std::data(std::declval<C &>()))>;
};
template <class C>
using Element = typename ElementOf<C>::type;

// An array of char is text, with its terminator: read as a const char *, not as a container.
template <class C>
inline constexpr bool is_text_array =
    std::is_array_v<C> && std::is_same_v<std::remove_cv_t<std::remove_extent_t<C>>, char>;

}  // namespace detail

// Bytes to read: a pointer and a length, borrowed. As a parameter it is borrowed for the call; in a struct for as long
// as that is used. The empty string is {}.
//
// Made from any contiguous container of char, unsigned char or std::byte (std::string, std::string_view, std::vector,
// std::array, std::span, arrays); and from a const char * or an array of char, which is text up to its terminator.
class OSSENC_VIEW_OF(std::uint8_t) Bytes {
 public:
  constexpr Bytes() noexcept : in_{nullptr, 0} {}
  constexpr Bytes(std::nullptr_t) = delete;
  constexpr Bytes(const void *data, std::size_t size) noexcept : in_{data, size} {}
  Bytes(const char *text) noexcept : in_{text, std::strlen(text)} {}
  template <class C,
            std::enable_if_t<
                detail::is_byte<std::remove_const_t<detail::Element<const C>>> && !detail::is_text_array<C>, int> = 0>
  constexpr Bytes(const C &container OSSENC_LIFETIMEBOUND) noexcept : in_{std::data(container), std::size(container)} {}

  // What a C function gave.
  constexpr explicit Bytes(const ossenc_in &in) noexcept : in_(in) {}
  constexpr operator ossenc_in() const noexcept { return in_; }

  [[nodiscard]] const std::uint8_t *data() const noexcept { return static_cast<const std::uint8_t *>(in_.p); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return in_.n; }
  [[nodiscard]] constexpr bool empty() const noexcept { return in_.n == 0; }
  [[nodiscard]] const std::uint8_t *begin() const noexcept { return data(); }
  [[nodiscard]] const std::uint8_t *end() const noexcept { return data() + size(); }

  // The same bytes as text.
  [[nodiscard]] std::string_view text() const noexcept {
    return empty() ? std::string_view() : std::string_view(static_cast<const char *>(in_.p), in_.n);
  }

  // The bytes from `from` on, at most `n` of them; fewer, or none, where there are no more.
  [[nodiscard]] Bytes sub(std::size_t from, std::size_t n = SIZE_MAX) const noexcept {
    if (from >= size()) return {};
    return {data() + from, size() - from < n ? size() - from : n};
  }

 private:
  ossenc_in in_;
};

// Room to write to, borrowed as Bytes are. Made from what Bytes are made from, if that is an lvalue and may be written;
// an array of char is as much room as it has.
class OSSENC_VIEW_OF(std::uint8_t) MutableBytes {
 public:
  constexpr MutableBytes() noexcept = default;
  constexpr MutableBytes(std::nullptr_t) = delete;
  constexpr MutableBytes(void *data, std::size_t size) noexcept : p_(data), n_(size) {}
  template <class C, std::enable_if_t<detail::is_byte<detail::Element<C>> && !std::is_same_v<C, MutableBytes>, int> = 0>
  constexpr MutableBytes(C &container OSSENC_LIFETIMEBOUND) noexcept
      : p_(std::data(container)), n_(std::size(container)) {}
#if defined(__cpp_lib_span)
  template <class B, std::size_t N, std::enable_if_t<detail::is_byte<B>, int> = 0>
  constexpr MutableBytes(std::span<B, N> room) noexcept : p_(room.data()), n_(room.size()) {}
#endif

  [[nodiscard]] std::uint8_t *data() const noexcept { return static_cast<std::uint8_t *>(p_); }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return n_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return n_ == 0; }
  [[nodiscard]] std::uint8_t *begin() const noexcept { return data(); }
  [[nodiscard]] std::uint8_t *end() const noexcept { return data() + n_; }

  // The room from `from` on, at most `n` bytes of it; less, or none, where there is no more.
  [[nodiscard]] MutableBytes sub(std::size_t from, std::size_t n = SIZE_MAX) const noexcept {
    if (from >= n_) return {};
    return {data() + from, n_ - from < n ? n_ - from : n};
  }

 private:
  void *p_ = nullptr;
  std::size_t n_ = 0;
};

// Several of something, borrowed: a pointer and a number, made from an lvalue of any contiguous container.
template <class T>
class List {
 public:
  constexpr List() noexcept = default;
  constexpr List(const T *first, std::size_t n) noexcept : p_(first), n_(n) {}
  template <class C, std::enable_if_t<std::is_same_v<std::remove_const_t<detail::Element<const C>>, T>, int> = 0>
  constexpr List(const C &container OSSENC_LIFETIMEBOUND) noexcept
      : p_(std::data(container)), n_(std::size(container)) {}
  template <class C,
            std::enable_if_t<
                std::is_same_v<std::remove_const_t<detail::Element<const C>>, T> && !std::is_same_v<C, List>, int> = 0>
  List(const C &&temporary) = delete;

  [[nodiscard]] constexpr const T *data() const noexcept { return p_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return n_; }
  [[nodiscard]] constexpr const T *begin() const noexcept { return p_; }
  [[nodiscard]] constexpr const T *end() const noexcept { return p_ + n_; }
  constexpr const T &operator[](std::size_t i) const noexcept { return p_[i]; }

 private:
  const T *p_ = nullptr;
  std::size_t n_ = 0;
};

// A key and a value, both UTF-8, borrowed.
class Pair {
 public:
  Pair(Bytes key, Bytes value) noexcept : c_{key, value} {}
  [[nodiscard]] std::string_view key() const noexcept { return Bytes(c_.key).text(); }
  [[nodiscard]] std::string_view value() const noexcept { return Bytes(c_.value).text(); }

 private:
  ossenc_pair c_;
};

// A piece of scattered memory; the layout of POSIX's `struct iovec`.
using Piece = ossenc_iov;

// A piece to read. The library writes to no piece of a source.
inline Piece piece(Bytes bytes) noexcept { return {const_cast<std::uint8_t *>(bytes.data()), bytes.size()}; }
// A piece to write.
inline Piece piece(MutableBytes room) noexcept { return {room.data(), room.size()}; }

namespace detail {

// One piece, or several that lie with the caller.
class Pieces {
 public:
  explicit Pieces(Piece one) noexcept : one_(one), n_(1) {}
  Pieces(const Piece *several, std::size_t n) noexcept : one_{nullptr, 0}, several_(several), n_(n) {}
  [[nodiscard]] const Piece *data() const noexcept { return several_ ? several_ : &one_; }
  [[nodiscard]] std::size_t size() const noexcept { return n_; }

 private:
  Piece one_;
  const Piece *several_ = nullptr;
  std::size_t n_;
};

}  // namespace detail

// What a call reads: bytes in one place, or a list of pieces. A parameter only.
class Source : public detail::Pieces {
 public:
  Source() noexcept : Pieces(nullptr, 0) {}
  Source(List<Piece> pieces) noexcept : Pieces(pieces.data(), pieces.size()) {}
  template <class C, std::enable_if_t<std::is_same_v<std::remove_const_t<detail::Element<const C>>, Piece>, int> = 0>
  Source(const C &pieces) noexcept : Pieces(std::data(pieces), std::size(pieces)) {}
  template <class T, std::enable_if_t<std::is_convertible_v<const T &, Bytes>, int> = 0>
  Source(const T &bytes) noexcept : Pieces(piece(Bytes(bytes))) {}
};

// Where a call writes: room in one place, or a list of pieces. A parameter only.
class Target : public detail::Pieces {
 public:
  Target() noexcept : Pieces(nullptr, 0) {}
  Target(List<Piece> pieces) noexcept : Pieces(pieces.data(), pieces.size()) {}
  template <class C, std::enable_if_t<std::is_same_v<std::remove_const_t<detail::Element<const C>>, Piece>, int> = 0>
  Target(const C &pieces) noexcept : Pieces(std::data(pieces), std::size(pieces)) {}
  template <class T, std::enable_if_t<std::is_convertible_v<T, MutableBytes>, int> = 0>
  Target(T &&room) noexcept : Pieces(piece(MutableBytes(std::forward<T>(room)))) {}
};

namespace detail {

// The arrays of C structs that these lists are: a class of one member is laid out as that, and its address is that of it.
static_assert(std::is_standard_layout_v<Bytes> && sizeof(Bytes) == sizeof(ossenc_in));
static_assert(std::is_standard_layout_v<Pair> && sizeof(Pair) == sizeof(ossenc_pair));
inline const ossenc_in *raw(const List<Bytes> &list) noexcept {
  return reinterpret_cast<const ossenc_in *>(list.data());
}
inline const ossenc_pair *raw(const List<Pair> &list) noexcept {
  return reinterpret_cast<const ossenc_pair *>(list.data());
}
inline List<Pair> pairs(const ossenc_pair *first, std::size_t n) noexcept {
  return {reinterpret_cast<const Pair *>(first), n};
}

inline ossenc_out out(MutableBytes room) noexcept { return {room.data(), room.size(), 0}; }

// Zeros, but `size`, as the structs of ossenc.h want it.
template <class T>
T sized() noexcept {
  T zero{};
  zero.size = sizeof(T);
  return zero;
}

// Lets `call`, which takes an ossenc_out and gives a Result<void>, write to `room`: how many bytes it wrote, or
// Status::Buffer with the bytes that are needed.
template <class Call>
Result<std::size_t> write(MutableBytes room, Call call) noexcept {
  ossenc_out to = out(room);
  Result<void> outcome = call(&to);
  if (outcome.status() == Status::Buffer) return Error(Status::Buffer, to.n);
  if (!outcome) return std::move(outcome).error();
  return to.n;
}

// The same, into a container of just the size that it takes. Without room a call only says what it needs: `guess`
// bytes, where that is usually enough, spare a second call.
template <class Container = Buffer, class Call>
Result<Container> gather(Call call, std::size_t guess = 0) {
  Container container;
  container.resize(guess);
  for (;;) {
    ossenc_out to{container.data(), container.size(), 0};
    Result<void> outcome = call(&to);
    if (!outcome && outcome.status() != Status::Buffer) return std::move(outcome).error();
    container.resize(to.n);
    if (outcome) return container;
  }
}

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T *handle) const noexcept {
    Free(handle);
  }
};

// A handle of the C interface, freed with this object. Moves, does not copy. Made by default or moved from it is empty,
// and every call on it is Status::Argument (and every count 0). A const method passes a const handle on: so const methods
// may be called by any number of threads at once, others by one at a time; moving and destroying are the caller's to
// order after every other use.
template <class T, auto Free>
class Handle {
 public:
  Handle() noexcept = default;
  // Takes over what a C function gave.
  explicit Handle(T *handle) noexcept : handle_(handle) {}

  // Whether there is one.
  explicit operator bool() const noexcept { return handle_ != nullptr; }

  // For calls of the C interface; this object goes on owning it.
  [[nodiscard]] T *get() noexcept { return handle_.get(); }
  [[nodiscard]] const T *get() const noexcept { return handle_.get(); }

  // Gives it up: the caller frees it.
  [[nodiscard]] T *release() noexcept { return handle_.release(); }

 private:
  std::unique_ptr<T, Deleter<Free>> handle_;
};

// A value that a call filled, if it ended well. `value` is the place itself: it may be looked at only after the call.
template <class T, class C>
Result<T> read(ossenc_status status, const C &value) noexcept {
  if (status != OSSENC_OK) return Error(static_cast<Status>(status));
  return T(value);
}

// A new handle, from a call that takes the place for it and gives a Result<void>.
template <class H, class T, class Call>
Result<H> make(Call call) noexcept {
  T *handle = nullptr;
  Result<void> outcome = call(&handle);
  if (!outcome) return std::move(outcome).error();
  return H(handle);
}

}  // namespace detail
}  // namespace ossenc

#endif

// Reading: maps of where an object's bytes lie, plans of what to read of them, and openers. The reading itself is the
// caller's.
#ifndef OSSENC_READ_HPP
#define OSSENC_READ_HPP

#include <cstdint>
#include <iterator>
#include <utility>

#include "segment.hpp"

namespace ossenc {

// One run of stored bytes to read, and what it answers: plain data. See ossenc_extent.
using Extent = ossenc_extent;

class Extents;

// A segment of a map.
class Segment {
 public:
  explicit Segment(const ossenc_segment &c) noexcept : c_(c) {}
  [[nodiscard]] std::uint32_t part() const noexcept { return c_.part; }
  [[nodiscard]] Layout layout() const noexcept { return static_cast<Layout>(c_.layout); }
  // Where its plaintext begins in the object.
  [[nodiscard]] std::uint64_t offset() const noexcept { return c_.offset; }
  // Bytes of its plaintext, and of its body.
  [[nodiscard]] std::uint64_t plain() const noexcept { return c_.plain; }
  [[nodiscard]] std::uint64_t body() const noexcept { return c_.body; }

 private:
  ossenc_segment c_;
};

// Where an object's bytes lie. Immutable; any number of threads may use it. That of a segmented object is made by
// Object::map.
class Map : public detail::Handle<ossenc_map, &ossenc_map_free> {
 public:
  using Handle::Handle;

  // ossenc_map_single: of a single-segment object whose body takes `body` bytes. `plain` is the length of the plaintext
  // from a place that the caller trusts, or OSSENC_UNKNOWN; `head` the segment's 56 bytes, which opening needs.
  static Result<Map> single(Layout layout, std::uint64_t body, std::uint64_t plain, Bytes head) noexcept {
    return detail::make<Map, ossenc_map>([&](ossenc_map **map) {
      return detail::done(ossenc_map_single(static_cast<std::uint32_t>(layout), body, plain, head, map));
    });
  }

  // Length of the plaintext: as trusted, or as the body's length says, which is proved when an extent with `last` opens.
  [[nodiscard]] std::uint64_t plain() const noexcept { return ossenc_map_plain(get()); }
  // The manifest's generation; 0 for a single-segment object.
  [[nodiscard]] std::uint64_t generation() const noexcept { return ossenc_map_generation(get()); }
  [[nodiscard]] std::size_t segments() const noexcept { return ossenc_map_segments(get()); }
  // A segment, by index from 0.
  Result<Segment> segment(std::size_t index) const noexcept {
    auto segment = detail::sized<ossenc_segment>();
    return detail::read<Segment>(ossenc_map_segment(get(), index, &segment), segment);
  }

  // ossenc_plan: what to read for `len` plaintext bytes from `off` on, cut at the end; UINT64_MAX for all that there
  // are. Reads are rounded out to multiples of `align`: a power of two, or 0 (Status::Argument for others).
  //
  //   Result<Extents> plan = map.plan(off, len);
  //   for (const Extent &extent : *plan) ...
  //
  // Needs no key, allocates nothing. Without a trusted length the end of a range may bring an extent that gives no
  // bytes: open every extent before you answer. The map outlives the plan.
  Result<Extents> plan(std::uint64_t off, std::uint64_t len,
                       std::uint32_t align = 0) const noexcept OSSENC_LIFETIMEBOUND;
};

// The extents of a plan, for one range loop: they are planned on as it goes, eight at a time.
class Extents {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Extent;
    using difference_type = std::ptrdiff_t;
    using pointer = const Extent *;
    using reference = const Extent &;

    explicit Iterator(Extents *plan) noexcept : plan_(plan) {}
    const Extent &operator*() const noexcept { return plan_->batch_[plan_->at_]; }
    const Extent *operator->() const noexcept { return &**this; }
    Iterator &operator++() noexcept {
      plan_->advance();
      return *this;
    }
    void operator++(int) noexcept { plan_->advance(); }
    // All iterators of a plan are at the same place, so the only question is whether that is the end.
    friend bool operator==(const Iterator &a, const Iterator &b) noexcept { return a.at_end() == b.at_end(); }
    friend bool operator!=(const Iterator &a, const Iterator &b) noexcept { return !(a == b); }

   private:
    [[nodiscard]] bool at_end() const noexcept { return !plan_ || plan_->at_ == plan_->n_; }
    Extents *plan_;
  };

  [[nodiscard]] Iterator begin() noexcept { return Iterator(this); }
  [[nodiscard]] Iterator end() noexcept { return Iterator(nullptr); }

  // After a loop: Status::Ok if it saw all extents. Only where a stored extent is longer than size_t says is it not.
  [[nodiscard]] Status status() const noexcept { return status_; }

 private:
  friend class Map;
  static constexpr std::size_t batch = 8;

  Extents(const ossenc_map *map, std::uint64_t off, std::uint64_t len, std::uint32_t align) noexcept
      : map_(map), next_(off), end_(off + len < off ? UINT64_MAX : off + len), align_(align) {
    plan_on();
  }

  void advance() noexcept {
    if (++at_ == n_ && next_ < end_) plan_on();
  }
  void plan_on() noexcept {
    at_ = n_ = 0;
    status_ = static_cast<Status>(ossenc_plan(map_, next_, end_ - next_, align_, batch_, batch, &n_, &next_));
    if (status_ != Status::Ok) n_ = 0;
  }

  const ossenc_map *map_;
  std::uint64_t next_, end_;
  std::uint32_t align_;
  Status status_ = Status::Ok;
  std::size_t at_ = 0, n_ = 0;
  Extent batch_[batch];
};

inline Result<Extents> Map::plan(std::uint64_t off, std::uint64_t len, std::uint32_t align) const noexcept {
  Extents extents(get(), off, len, align);
  if (extents.status() != Status::Ok) return Error(extents.status());
  return extents;
}

// Opens the chunks of one segment. Any number of threads may use it. Made by Object::opener.
class Opener : public detail::Handle<ossenc_opener, &ossenc_opener_free> {
 public:
  using Handle::Handle;

  // ossenc_open_extent: verifies every chunk of an extent and writes exactly extent.take bytes to `target`. `source` is
  // what was read at extent.body_off, `side` what was read at extent.side_off (empty for INLINE).
  //
  // Status::Chunk tells the first damaged chunk by Error::offset and Error::part; chunks before it are released, it is
  // not. Neither allocates, locks nor makes system calls. Source and target may be the same memory where
  // ossenc_open_extent says so.
  Result<void> open(const Extent &extent, const Source &source, Bytes side, const Target &target) const noexcept {
    detail::Report report;
    return report.done(
        ossenc_open_extent(get(), &extent, source.data(), source.size(), side, target.data(), target.size(), &report));
  }
  // The same without writing anything: a scrub.
  Result<void> verify(const Extent &extent, const Source &source, Bytes side) const noexcept {
    return open(extent, source, side, Target());
  }
};

// Opens a segment in the layout INLINE, in order, as it arrives. One thread at a time. Made by Object::stream.
class Stream : public detail::Handle<ossenc_stream, &ossenc_stream_free> {
 public:
  using Handle::Handle;

  // ossenc_stream_next: opens as many whole stored chunks (OSSENC_STORED_CHUNK) as `sealed` holds and `plain` has room
  // for; what is left the caller gives again. Whether the object is whole only finish() says.
  Result<Moved> next(Bytes sealed, MutableBytes plain) noexcept {
    Moved moved;
    ossenc_out out = detail::out(plain);
    detail::Report report;
    Result<void> outcome = report.done(ossenc_stream_next(get(), sealed, &out, &moved.consumed, &report));
    if (!outcome) return std::move(outcome).error();
    moved.written = out.n;
    return moved;
  }

  // ossenc_stream_finish: opens what is left when the source has ended, and says how many bytes that gave; the object is
  // then whole. Status::Truncated: it is not.
  Result<std::size_t> finish(Bytes sealed, MutableBytes plain) noexcept {
    detail::Report report;
    return detail::write(
        plain, [&](ossenc_out *out) { return report.done(ossenc_stream_finish(get(), sealed, out, &report)); });
  }
};

}  // namespace ossenc

#endif

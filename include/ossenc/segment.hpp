// Segments: layouts, tickets, receipts, and how the bytes of a segment are moved between layouts.
#ifndef OSSENC_SEGMENT_HPP
#define OSSENC_SEGMENT_HPP

#include <array>
#include <cstdint>
#include <utility>

#include "bytes.hpp"

namespace ossenc {

// Where the bytes of a segment lie: see OSSENC_INLINE, OSSENC_DETACHED, OSSENC_PAGED.
enum class Layout : std::uint8_t { Inline = OSSENC_INLINE, Detached = OSSENC_DETACHED, Paged = OSSENC_PAGED };

// Bytes in the body, and bytes that lie aside (DETACHED: head and tags).
struct Sizes {
  std::uint64_t body;
  std::uint64_t side;
};

// ossenc_layout_size: what a plaintext of `plain` bytes takes.
[[nodiscard]] inline Result<Sizes> layout_size(Layout layout, std::uint64_t plain) noexcept {
  Sizes sizes{};
  return detail::read<Sizes>(ossenc_layout_size(static_cast<std::uint32_t>(layout), plain, &sizes.body, &sizes.side),
                             sizes);
}

// The next run of chunks of a segment, and its place, to be spent once: plain data. See ossenc_ticket.
using Ticket = ossenc_ticket;

// What was sealed, for the caller's records: neither secret nor authentic.
class Receipt {
 public:
  Receipt() noexcept = default;

  // ossenc_receipt_decode: Status::Format for what encode() did not make.
  static Result<Receipt> decode(Bytes encoded) noexcept {
    Receipt receipt;
    return detail::read<Receipt>(ossenc_receipt_decode(encoded, &receipt.c_), receipt);
  }
  // ossenc_receipt_encode: the bytes that a daemon stores.
  Result<std::array<std::uint8_t, OSSENC_RECEIPT>> encode() const noexcept {
    std::array<std::uint8_t, OSSENC_RECEIPT> encoded{};
    ossenc_out out = detail::out(encoded);
    return detail::read<std::array<std::uint8_t, OSSENC_RECEIPT>>(ossenc_receipt_encode(&c_, &out), encoded);
  }

  // 0 for a single-segment object.
  [[nodiscard]] std::uint32_t part() const noexcept { return c_.part; }
  [[nodiscard]] Layout layout() const noexcept { return static_cast<Layout>(c_.layout); }
  // 56 bytes, borrowed from this.
  [[nodiscard]] Bytes head() const noexcept { return {c_.head, sizeof c_.head}; }
  // Bytes of plaintext, and of the body.
  [[nodiscard]] std::uint64_t plain() const noexcept { return c_.plain; }
  [[nodiscard]] std::uint64_t body() const noexcept { return c_.body; }
  // CRC-64/XZ of the plaintext: OSS's x-oss-hash-crc64ecma. 0 if it was omitted.
  [[nodiscard]] std::uint64_t crc64_plain() const noexcept { return c_.crc64_plain; }
  // CRC-32C of the body, without what lies aside. 0 if it was omitted.
  [[nodiscard]] std::uint32_t crc32c_body() const noexcept { return c_.crc32c_body; }

  // The receipt after a conversion: the layout and the body's length are the new ones. Its CRC-32C is that of the new
  // body, which the caller computes, or 0.
  Result<Receipt> converted(Layout to, std::uint32_t crc32c_body = 0) const noexcept {
    Result<Sizes> sizes = layout_size(to, c_.plain);
    if (!sizes) return std::move(sizes).error();
    Receipt receipt = *this;
    receipt.c_.layout = static_cast<std::uint32_t>(to);
    receipt.c_.body = sizes->body;
    receipt.c_.crc32c_body = crc32c_body;
    return receipt;
  }

  [[nodiscard]] ossenc_receipt *c() noexcept { return &c_; }
  [[nodiscard]] const ossenc_receipt *c() const noexcept { return &c_; }

 private:
  ossenc_receipt c_ = detail::sized<ossenc_receipt>();
};

namespace detail {

static_assert(std::is_standard_layout_v<Receipt> && sizeof(Receipt) == sizeof(ossenc_receipt));
inline const ossenc_receipt *raw(const List<Receipt> &list) noexcept {
  return reinterpret_cast<const ossenc_receipt *>(list.data());
}

// NULL where nothing lies aside.
inline ossenc_out *aside(ossenc_out &side) noexcept { return side.cap ? &side : nullptr; }

}  // namespace detail

// ossenc_crc64_combine: the CRC-64 of two pieces of plaintext in a row.
[[nodiscard]] inline std::uint64_t crc64_combine(std::uint64_t first, std::uint64_t second,
                                                 std::uint64_t second_len) noexcept {
  return ossenc_crc64_combine(first, second, second_len);
}

// What was sealed at once: how many bytes were written to the body and aside, and the receipt.
struct Sealed {
  std::size_t body = 0;
  std::size_t side = 0;
  Receipt receipt;
};

// How far a call came: bytes of the source that were used up, bytes that were written, bytes that were written aside.
struct Moved {
  std::size_t consumed = 0;
  std::size_t written = 0;
  std::size_t side = 0;
};

// Seals one segment: as a stream (next, finish), or by tickets (reserve and run, by any number of threads, then finish).
// No sequence of calls encrypts two plaintexts under one nonce. Made by Object::sealer and Object::ticket_sealer.
//
// Calls that move data neither allocate, lock nor make system calls, and take at most 8 KiB of stack. Source and target
// may be the same memory where ossenc_seal_next says so.
class Sealer : public detail::Handle<ossenc_sealer, &ossenc_sealer_free> {
 public:
  using Handle::Handle;

  // ossenc_seal_next: seals as many whole chunks as the source holds and the target has room for. What is left of the
  // source the caller gives again. `side` takes the tags of DETACHED, from its start; empty for the other layouts.
  Result<Moved> next(const Source &source, const Target &target, MutableBytes side = {}) noexcept {
    Moved moved;
    ossenc_out out = detail::out(side);
    const ossenc_status status = ossenc_seal_next(get(), source.data(), source.size(), target.data(), target.size(),
                                                  detail::aside(out), &moved.consumed, &moved.written);
    moved.side = out.n;
    return detail::read<Moved>(status, moved);
  }

  // ossenc_seal_reserve: the next ticket. Status::State when all are reserved.
  Result<Ticket> reserve() const noexcept {
    Ticket ticket{};
    return detail::read<Ticket>(ossenc_seal_reserve(get(), &ticket), ticket);
  }

  // ossenc_seal_run: seals the chunks of a ticket: exactly ticket.plain bytes of the source into ticket.body bytes of
  // the target, and ticket.side bytes aside. Status::Used for a ticket that was spent.
  Result<void> run(const Ticket &ticket, const Source &source, const Target &target,
                   MutableBytes side = {}) const noexcept {
    ossenc_out out = detail::out(side);
    return detail::done(ossenc_seal_run(get(), &ticket, source.data(), source.size(), target.data(), target.size(),
                                        detail::aside(out)));
  }

  // ossenc_seal_finish: seals all that is left, of any length, and ends the segment. With tickets, all that were reserved
  // must be done; what is written belongs at receipt.body() - Sealed::body. Status::Buffer leaves the sealer as it was;
  // what the segment takes says layout_size().
  Result<Sealed> finish(const Source &tail, MutableBytes body, MutableBytes side = {}) noexcept {
    Sealed sealed;
    ossenc_out out = detail::out(body), aside = detail::out(side);
    const ossenc_status status =
        ossenc_seal_finish(get(), tail.data(), tail.size(), &out, detail::aside(aside), sealed.receipt.c());
    if (status != OSSENC_OK) return Error(static_cast<Status>(status), status == OSSENC_E_BUFFER ? out.n : 0);
    sealed.body = out.n;
    sealed.side = aside.n;
    return sealed;
  }
};

// Where a group of up to 256 chunks lies.
using Group = ossenc_group;

// ossenc_layout_groups: how many groups a segment of `plain` bytes has: at least one.
[[nodiscard]] inline std::uint64_t layout_groups(std::uint64_t plain) noexcept { return ossenc_layout_groups(plain); }

// ossenc_layout_group: where group `index` of a segment of `plain` bytes lies.
[[nodiscard]] inline Result<Group> layout_group(Layout layout, std::uint64_t plain, std::uint64_t index) noexcept {
  Group group{};
  return detail::read<Group>(ossenc_layout_group(static_cast<std::uint32_t>(layout), plain, index, &group), group);
}

// A group as it lies in one layout: its bytes in the body, and those aside (DETACHED; else empty).
struct StoredGroup {
  Layout layout = Layout::Inline;
  Bytes body;
  Bytes side;
};
struct GroupRoom {
  Layout layout = Layout::Inline;
  MutableBytes body;
  MutableBytes side;
};

// ossenc_layout_convert: moves group `index` of a segment of `plain` bytes from one layout to another. The sizes are
// those of layout_group(); `head` is that of the segment's receipt. Needs no key, and checks none.
[[nodiscard]] inline Result<void> layout_convert(std::uint64_t plain, std::uint64_t index, Bytes head,
                                                 const StoredGroup &from, const GroupRoom &to) noexcept {
  ossenc_out body = detail::out(to.body), side = detail::out(to.side);
  return detail::done(ossenc_layout_convert(plain, index, head, static_cast<std::uint32_t>(from.layout), from.body,
                                            from.side, static_cast<std::uint32_t>(to.layout), &body,
                                            detail::aside(side)));
}

}  // namespace ossenc

#endif

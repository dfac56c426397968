// Objects: where they belong, under which key they are, what an envelope says, and an object whose data key is open.
#ifndef OSSENC_OBJECT_HPP
#define OSSENC_OBJECT_HPP

#include <cstdint>
#include <string_view>
#include <utility>

#include "read.hpp"

namespace ossenc {

// Who holds the key that wraps data keys: see OSSENC_METHOD_....
enum class Method : std::uint32_t {
  None = OSSENC_METHOD_NONE,
  SseOss = OSSENC_METHOD_SSE_OSS,
  SseKms = OSSENC_METHOD_SSE_KMS,
  SseC = OSSENC_METHOD_SSE_C,
};

// Whether a bucket key spares calls to the key service: see OSSENC_BUCKET_KEY_....
enum class BucketKey : std::uint32_t {
  None = OSSENC_BUCKET_KEY_NONE,
  ByValue = OSSENC_BUCKET_KEY_BY_VALUE,
  ByReference = OSSENC_BUCKET_KEY_BY_REFERENCE,
};

// A single message, or segments under a manifest: multipart uploads, appends.
enum class Shape : std::int32_t { Single = 0, Segmented = 1 };

// Under which key an object shall be wrapped: an ossenc_choice.
struct Choice {
  Method method = Method::SseOss;
  // A master key's id or alias; empty for SSE-C.
  Bytes key_id;
  // Which provider has the master key; empty for a local one.
  Bytes provider;
  // 32 bytes, for SSE-C; else empty.
  Bytes customer_key;
  BucketKey bucket_key = BucketKey::None;
};

// Where an object belongs, from the daemon's own index: an ossenc_context. A key wrapped under one context opens under no
// other.
struct Context {
  Bytes tenant;
  // An id that is never given to another bucket.
  Bytes bucket_id;
  Bytes object;
  Bytes version_id;
  // Further pairs, in any order.
  List<Pair> user;
};

// What an opening may accept: an ossenc_expect. Left as it is it allows nothing.
struct Expect {
  // OSSENC_ALLOW_..., added up: allow() gives that of a method.
  std::uint32_t methods = 0;
  // Ids of the master keys that may have wrapped the object.
  List<Bytes> key_ids;
  // 32 bytes, for SSE-C; else empty.
  Bytes customer_key;
};

// The bit of a method in Expect::methods.
[[nodiscard]] constexpr std::uint32_t allow(Method method) noexcept {
  return method == Method::None ? 0 : std::uint32_t{1} << static_cast<std::uint32_t>(method);
}
static_assert(allow(Method::SseOss) == OSSENC_ALLOW_SSE_OSS && allow(Method::SseKms) == OSSENC_ALLOW_SSE_KMS &&
              allow(Method::SseC) == OSSENC_ALLOW_SSE_C);

namespace detail {

inline ossenc_choice raw(const Choice &choice) noexcept {
  auto c = sized<ossenc_choice>();
  c.method = static_cast<std::uint32_t>(choice.method);
  c.key_id = choice.key_id;
  c.provider = choice.provider;
  c.customer_key = choice.customer_key;
  c.bucket_key = static_cast<std::uint32_t>(choice.bucket_key);
  return c;
}

inline ossenc_context raw(const Context &context) noexcept {
  auto c = sized<ossenc_context>();
  c.tenant = context.tenant;
  c.bucket_id = context.bucket_id;
  c.object = context.object;
  c.version_id = context.version_id;
  c.user = raw(context.user);
  c.users = context.user.size();
  return c;
}

inline ossenc_expect raw(const Expect &expect) noexcept {
  auto c = sized<ossenc_expect>();
  c.methods = expect.methods;
  c.key_ids = raw(expect.key_ids);
  c.n = expect.key_ids.size();
  c.customer_key = expect.customer_key;
  return c;
}

}  // namespace detail

// What an envelope says in clear: not authentic. The key's id and version are borrowed from the envelope.
class EnvelopeInfo {
 public:
  explicit EnvelopeInfo(const ossenc_info &c) noexcept : c_(c) {}
  // ossenc_envelope_read. Status::Format, Status::TooNew.
  static Result<EnvelopeInfo> read(Bytes envelope OSSENC_LIFETIMEBOUND) noexcept {
    auto info = detail::sized<ossenc_info>();
    return detail::read<EnvelopeInfo>(ossenc_envelope_read(envelope, &info), info);
  }

  [[nodiscard]] std::uint32_t format() const noexcept { return c_.format; }
  [[nodiscard]] Method method() const noexcept { return static_cast<Method>(c_.method); }
  [[nodiscard]] Shape shape() const noexcept { return c_.segmented ? Shape::Segmented : Shape::Single; }
  // How many slots there are; what follows is of the first.
  [[nodiscard]] std::uint32_t slots() const noexcept { return c_.slots; }
  // 16 bytes, borrowed from this.
  [[nodiscard]] Bytes object_id() const noexcept { return {c_.id, sizeof c_.id}; }
  [[nodiscard]] std::string_view key_id() const noexcept { return Bytes(c_.key_id).text(); }
  [[nodiscard]] std::string_view key_version() const noexcept { return Bytes(c_.key_version).text(); }
  // Seconds since 1970.
  [[nodiscard]] std::int64_t wrapped_at() const noexcept { return c_.wrapped_at; }

 private:
  ossenc_info c_;
};

// An object whose data key is open. Any number of threads may use it. Its sealers, openers and maps may outlive it. Made
// by a Keyring, or by an Operation.
class Object : public detail::Handle<const ossenc_object, &ossenc_object_free> {
 public:
  using Handle::Handle;

  // Sealing. `part` is 0 for a single-segment object, from 1 up for a segmented one; sealing a part again makes another
  // message.

  // ossenc_seal: a whole segment at once, `source`, `body` and `side` apart. layout_size() says what room it takes;
  // `side` is for DETACHED.
  Result<Sealed> seal(std::uint32_t part, Layout layout, Bytes source, MutableBytes body,
                      MutableBytes side = {}) const noexcept {
    Sealed sealed;
    ossenc_out out = detail::out(body), aside = detail::out(side);
    const ossenc_status status = ossenc_seal(get(), part, static_cast<std::uint32_t>(layout), source, &out,
                                             detail::aside(aside), sealed.receipt.c());
    if (status != OSSENC_OK) return Error(static_cast<Status>(status), status == OSSENC_E_BUFFER ? out.n : 0);
    sealed.body = out.n;
    sealed.side = aside.n;
    return sealed;
  }

  // ossenc_sealer_new: a sealer that is a stream.
  Result<Sealer> sealer(std::uint32_t part, Layout layout) const noexcept { return new_sealer(part, layout, 0, 0); }
  // A sealer that gives up to `max_tickets` (1 to 2^24) tickets of `chunks_per_ticket` chunks each; for PAGED a multiple
  // of 256.
  Result<Sealer> ticket_sealer(std::uint32_t part, Layout layout, std::uint32_t max_tickets,
                               std::uint32_t chunks_per_ticket) const noexcept {
    if (max_tickets == 0) return Error(Status::Argument);
    return new_sealer(part, layout, max_tickets, chunks_per_ticket);
  }

  // Reading.

  // ossenc_open: a whole single-segment object at once, `body`, `side` (DETACHED) and `plain` apart: how many bytes it
  // has. Status::Buffer with what is needed.
  Result<std::size_t> open(const Map &map, Bytes body, Bytes side, MutableBytes plain) const noexcept {
    detail::Report report;
    return detail::write(
        plain, [&](ossenc_out *out) { return report.done(ossenc_open(get(), map.get(), body, side, out, &report)); });
  }

  // ossenc_opener_new: checks that the head of a segment, by its index in the map, belongs to this object
  // (Status::Commit), and opens its chunks. The map may go.
  Result<Opener> opener(const Map &map, std::uint32_t segment) const noexcept {
    detail::Report report;
    return detail::make<Opener, ossenc_opener>([&](ossenc_opener **opener) {
      return report.done(ossenc_opener_new(get(), map.get(), segment, opener, &report));
    });
  }

  // ossenc_stream_new: begins with the segment's first 56 bytes, in the layout INLINE.
  Result<Stream> stream(std::uint32_t part, Bytes head) const noexcept {
    detail::Report report;
    return detail::make<Stream, ossenc_stream>(
        [&](ossenc_stream **stream) { return report.done(ossenc_stream_new(get(), part, head, stream, &report)); });
  }

  // The manifest of a segmented object.

  // ossenc_manifest_seal: the receipts that count, parts strictly increasing. `generation` counts from 1: store the
  // manifest by compare-and-swap on it.
  Result<Buffer> seal_manifest(std::uint64_t generation, List<Receipt> receipts) const {
    return detail::gather([&](ossenc_out *manifest) {
      return detail::done(ossenc_manifest_seal(get(), generation, detail::raw(receipts), receipts.size(), manifest));
    });
  }
  // ossenc_manifest_append: the next generation, with further segments behind those of `old`. With `replace_last` the
  // first receipt takes the place of the last segment.
  Result<Buffer> append_manifest(Bytes old, List<Receipt> receipts, bool replace_last = false) const {
    return detail::gather([&](ossenc_out *manifest) {
      return detail::done(
          ossenc_manifest_append(get(), old, detail::raw(receipts), receipts.size(), replace_last, manifest));
    });
  }
  // ossenc_map_open: opens a manifest and maps its segments. `min_generation` is the newest that the caller has seen: an
  // older one is Status::Expect. `layouts` has one layout for all segments, or one for each.
  Result<Map> map(Bytes manifest, std::uint64_t min_generation, List<Layout> layouts) const noexcept {
    static_assert(sizeof(Layout) == sizeof(std::uint8_t));
    detail::Report report;
    return detail::make<Map, ossenc_map>([&](ossenc_map **map) {
      return report.done(ossenc_map_open(get(), manifest, min_generation,
                                         reinterpret_cast<const std::uint8_t *>(layouts.data()), layouts.size(), map,
                                         &report));
    });
  }
  // The same, with all segments in one layout.
  Result<Map> map(Bytes manifest, std::uint64_t min_generation, Layout layout) const noexcept {
    return map(manifest, min_generation, List<Layout>(&layout, 1));
  }

  // Small values beside the body.

  // ossenc_attr_seal: a value of at most 65,535 bytes, under a name of 1 to 255.
  Result<Buffer> seal_attribute(Bytes name, Bytes value) const {
    return detail::gather(
        [&](ossenc_out *sealed) { return detail::done(ossenc_attr_seal(get(), name, value, sealed)); });
  }
  // ossenc_attr_open. Status::Commit for another name or object.
  Result<Buffer> open_attribute(Bytes name, Bytes sealed) const {
    return detail::gather(
        [&](ossenc_out *value) { return detail::done(ossenc_attr_open(get(), name, sealed, value)); });
  }

  // ossenc_upload_begin: the record of a multipart upload that begins, to be kept with the upload's state.
  Result<Buffer> begin_upload() const {
    return detail::gather([&](ossenc_out *record) { return detail::done(ossenc_upload_begin(get(), record)); });
  }
  // ossenc_upload_check: whether this is the object that the upload began with (Status::Commit), and when that was, in
  // seconds since 1970.
  Result<std::int64_t> check_upload(Bytes record) const noexcept {
    std::int64_t began_at = 0;
    return detail::read<std::int64_t>(ossenc_upload_check(get(), record, &began_at), began_at);
  }

 private:
  Result<Sealer> new_sealer(std::uint32_t part, Layout layout, std::uint32_t max_tickets,
                            std::uint32_t chunks_per_ticket) const noexcept {
    detail::Report report;
    return detail::make<Sealer, ossenc_sealer>([&](ossenc_sealer **sealer) {
      return report.done(ossenc_sealer_new(get(), part, static_cast<std::uint32_t>(layout), max_tickets,
                                           chunks_per_ticket, sealer, &report));
    });
  }
};

}  // namespace ossenc

#endif

// Objects: created, opened, rewrapped; sealed and read in every way; manifests, attributes, uploads, conversion.
#include <algorithm>
#include <initializer_list>
#include <thread>

#include "check.hpp"

using namespace ossenc;

// A segment as it is stored.
struct Stored {
  Buffer body, side;
  Receipt receipt;

  Stored(const Object &object, std::uint32_t part, Layout layout, const std::string &plain) {
    const Sizes sizes = TAKE(layout_size(layout, plain.size()));
    body.resize(sizes.body);
    side.resize(sizes.side);
    Sealed sealed = TAKE(object.seal(part, layout, plain, body, side));
    CHECK(sealed.body == body.size() && sealed.side == side.size());
    receipt = sealed.receipt;
  }

  // What was read where an extent says.
  Bytes read(const Extent &extent) const { return Bytes(body).sub(extent.body_off, extent.body); }
  Bytes read_side(const Extent &extent) const {
    return Bytes(receipt.layout() == Layout::Paged ? body : side).sub(extent.side_off, extent.side);
  }
};

static std::string read_range(const Object &object, const Map &map, const std::vector<Stored> &segments,
                              std::uint64_t off, std::uint64_t len, std::size_t *extents = nullptr) {
  std::string plain;
  Extents plan = TAKE(map.plan(off, len));
  for (const Extent &extent : plan) {
    Opener opener = TAKE(object.opener(map, extent.segment));
    const std::size_t at = plain.size();
    plain.resize(at + extent.take);
    const Stored &stored = segments[extent.segment];
    OK(opener.verify(extent, stored.read(extent), stored.read_side(extent)));
    OK(opener.open(extent, stored.read(extent), stored.read_side(extent), MutableBytes(plain).sub(at)));
    if (extents) ++*extents;
  }
  CHECK(plan.status() == Status::Ok);
  return plain;
}

TEST(created_opened_rewrapped) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  EnvelopeInfo info = TAKE(EnvelopeInfo::read(made.envelope));
  CHECK(info.key_id() == "k1" && info.key_version() == "1" && info.slots() == 1 && info.format() == 1);
  CHECK(info.method() == Method::SseOss && info.shape() == Shape::Single && info.object_id().size() == 16);
  FAILS(Format, EnvelopeInfo::read("nonsense"));

  OK(world.keyring.open(made.envelope, place_of("a"), anything()));
  FAILS(Commit, world.keyring.open(made.envelope, place_of("b"), anything()));
  FAILS(Expect, world.keyring.open(made.envelope, place_of("a"), Expect()));
  FAILS(NoVersion, world.keyring.create(under("k9"), place_of("a"), Shape::Single));

  CHECK(TAKE(world.keyring.needs_rewrap(made.envelope)) == 0);
  world.change(Change::stage("k1"));
  world.change(Change::promote("k1"));
  CHECK(TAKE(world.keyring.needs_rewrap(made.envelope)) == OSSENC_REWRAP_OLD_VERSION);
  Buffer again = TAKE(world.keyring.rewrap(made.envelope, place_of("a"), anything()));
  CHECK(TAKE(EnvelopeInfo::read(again)).key_version() == "2" && TAKE(world.keyring.needs_rewrap(again)) == 0);

  const Choice k2 = under("k2");
  const Context elsewhere = place_of("b");
  Rewrap how;
  how.to = &k2;
  how.place = &elsewhere;
  again = TAKE(world.keyring.rewrap(again, place_of("a"), anything(), how));
  CHECK(TAKE(EnvelopeInfo::read(again)).key_id() == "k2");
  OK(world.keyring.open(again, elsewhere, anything()));
  FAILS(Commit, world.keyring.open(again, place_of("a"), anything()));
  OK(world.keyring.evict());
  OK(world.keyring.evict("k1"));
  CHECK(TAKE(world.keyring.stats()).find("ossenc_") != std::string::npos);
}

TEST(a_context_of_pairs_and_a_customers_key) {
  World world;
  const Pair pairs[] = {{"project", "x"}, {"department", "y"}}, turned[] = {{"department", "y"}, {"project", "x"}};
  Context place = place_of("a");
  place.version_id = "v1";
  place.user = pairs;
  const std::string key = "a customer's key of 32 bytes ---";
  Choice choice;
  choice.method = Method::SseC;
  choice.customer_key = key;
  Created made = TAKE(world.keyring.create(choice, place, Shape::Single));
  Expect expect;
  expect.methods = allow(Method::SseC);
  FAILS(KeyAbsent, world.keyring.open(made.envelope, place, expect));
  expect.customer_key = key;
  place.user = turned;
  OK(world.keyring.open(made.envelope, place, expect));
  place.user = List<Pair>(pairs, 1);
  FAILS(Commit, world.keyring.open(made.envelope, place, expect));
}

TEST(sealed_and_opened_whole) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  for (Layout layout : {Layout::Inline, Layout::Detached, Layout::Paged}) {
    for (std::size_t n : std::initializer_list<std::size_t>{0, 1, 16384, 100000}) {
      const std::string plain = pattern(n);
      const Stored stored(made.object, 0, layout, plain);
      CHECK(stored.receipt.layout() == layout && stored.receipt.plain() == n && stored.receipt.part() == 0);
      CHECK(stored.receipt.body() == stored.body.size() && stored.receipt.head().size() == OSSENC_HEAD);
      Map map = TAKE(Map::single(layout, stored.body.size(), n, stored.receipt.head()));
      std::string opened(n, 0);
      CHECK(TAKE(made.object.open(map, stored.body, stored.side, opened)) == n && opened == plain);
      Buffer damaged = stored.body;
      if (n > 0) {
        Result<std::size_t> small = made.object.open(map, stored.body, stored.side, MutableBytes());
        FAILS(Buffer, small);
        CHECK(small.error().offset() == n);
        damaged[damaged.size() / 2] ^= 1;
        CHECK(layout == Layout::Paged || !made.object.open(map, damaged, stored.side, opened));
      }
    }
  }
  Result<Sealed> small = made.object.seal(0, Layout::Inline, "hello", MutableBytes());
  FAILS(Buffer, small);
  CHECK(small.error().offset() == OSSENC_HEAD + 5 + 16);
}

TEST(ranges_of_every_layout) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  const std::string plain = pattern(300000);
  for (Layout layout : {Layout::Inline, Layout::Detached, Layout::Paged}) {
    std::vector<Stored> segments;
    segments.emplace_back(made.object, 0, layout, plain);
    Map map = TAKE(Map::single(layout, segments[0].body.size(), plain.size(), segments[0].receipt.head()));
    CHECK(map.plain() == plain.size() && map.segments() == 1 && map.generation() == 0);
    for (std::size_t off : std::initializer_list<std::size_t>{0, 1, 16383, 16384, 250000, 299999, 300000, 300001})
      for (std::size_t len : std::initializer_list<std::size_t>{0, 1, 16384, 100000, 400000})
        CHECK(read_range(made.object, map, segments, off, len) == (off < plain.size() ? plain.substr(off, len) : ""));
    CHECK(read_range(made.object, map, segments, 200000, UINT64_MAX) == plain.substr(200000));
    FAILS(Argument, map.plan(0, 1, 3));
    for (const Extent &extent : TAKE(map.plan(20000, 5, 4096))) CHECK(extent.body_off % 4096 == 0);
  }
}

TEST(a_length_that_is_not_trusted_is_proved) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  std::vector<Stored> segments;
  segments.emplace_back(made.object, 0, Layout::Inline, pattern(40000));
  Map map = TAKE(Map::single(Layout::Inline, segments[0].body.size(), OSSENC_UNKNOWN, segments[0].receipt.head()));
  std::size_t extents = 0;
  CHECK(read_range(made.object, map, segments, 40000, 0, &extents).empty() && extents == 1);
  Map shorter = TAKE(Map::single(Layout::Inline, OSSENC_HEAD + 2 * OSSENC_STORED_CHUNK + 16, OSSENC_UNKNOWN,
                                 segments[0].receipt.head()));
  CHECK(shorter.plain() == 32768);
  Opener opener = TAKE(made.object.opener(shorter, 0));
  for (const Extent &extent : TAKE(shorter.plan(32768, 1)))
    FAILS(Chunk, opener.verify(extent, segments[0].read(extent), {}));
}

TEST(a_segmented_object_of_more_extents_than_a_plan_holds_at_once) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Segmented));
  std::vector<Stored> segments;
  std::vector<Receipt> receipts;
  std::vector<Layout> layouts;
  std::string plain;
  for (std::uint32_t part = 1; part <= 40; part++) {
    const std::string piece = pattern(1000 + part, plain.size());
    layouts.push_back(static_cast<Layout>(part % 3));
    segments.emplace_back(made.object, part, layouts.back(), piece);
    receipts.push_back(segments.back().receipt);
    plain += piece;
  }
  Buffer manifest = TAKE(made.object.seal_manifest(1, receipts));
  Map map = TAKE(made.object.map(manifest, 1, layouts));
  CHECK(map.segments() == 40 && map.generation() == 1 && map.plain() == plain.size());
  Segment second = TAKE(map.segment(1));
  CHECK(second.part() == 2 && second.layout() == layouts[1] && second.offset() == 1001 && second.plain() == 1002);
  CHECK(second.body() == segments[1].body.size());
  FAILS(Argument, map.segment(40));
  std::size_t extents = 0;
  CHECK(read_range(made.object, map, segments, 0, UINT64_MAX, &extents) == plain && extents == 40);
  for (std::size_t parts : std::initializer_list<std::size_t>{7, 8, 9, 16, 17}) {
    const std::uint64_t end = TAKE(map.segment(parts)).offset();
    CHECK(read_range(made.object, map, segments, 0, end, &(extents = 0)) == plain.substr(0, end) && extents == parts);
  }

  segments[2].body[500] ^= 1;
  for (const Extent &extent : TAKE(map.plan(0, UINT64_MAX))) {
    const Stored &stored = segments[extent.segment];
    Result<void> outcome =
        TAKE(made.object.opener(map, extent.segment)).verify(extent, stored.read(extent), stored.read_side(extent));
    if (extent.segment != 2) {
      OK(outcome);
      continue;
    }
    FAILS(Chunk, outcome);
    CHECK(outcome.error().part() == 3 && outcome.error().offset() == 0);
  }

  const Stored more(made.object, 41, Layout::Inline, "more");
  const Receipt last[] = {more.receipt};
  Buffer next = TAKE(made.object.append_manifest(manifest, last));
  FAILS(Expect, made.object.map(manifest, 2, layouts));
  layouts.push_back(Layout::Inline);
  CHECK(TAKE(made.object.map(next, 2, layouts)).plain() == plain.size() + 4);
  FAILS(Argument, made.object.map(next, 2, List<Layout>(layouts.data(), 3)));
  CHECK(TAKE(made.object.map(TAKE(made.object.seal_manifest(1, {})), 1, Layout::Paged)).plain() == 0);
}

TEST(a_stream_sealed_from_pieces_and_opened_as_it_arrives) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  std::string plain = pattern(70000);
  Buffer body(TAKE(layout_size(Layout::Inline, plain.size())).body);
  Sealer sealer = TAKE(made.object.sealer(0, Layout::Inline));
  const Piece source[] = {piece(Bytes(plain).sub(0, 20000)), piece(Bytes(plain).sub(20000, 30000))};
  const Piece target[] = {piece(MutableBytes(body).sub(0, 100)), piece(MutableBytes(body).sub(100))};
  Moved first = TAKE(sealer.next(source, target));
  CHECK(first.consumed == 49152 && first.written == OSSENC_HEAD + 3 * OSSENC_STORED_CHUNK && first.side == 0);
  Sealed end = TAKE(sealer.finish(Bytes(plain).sub(first.consumed), MutableBytes(body).sub(first.written)));
  CHECK(first.written + end.body == body.size() && end.receipt.plain() == plain.size());
  FAILS(State, sealer.next(plain, body));

  std::string opened(plain.size(), 0);
  Stream stream = TAKE(made.object.stream(0, Bytes(body).sub(0, OSSENC_HEAD)));
  const Bytes sealed = Bytes(body).sub(OSSENC_HEAD);
  Moved some = TAKE(stream.next(sealed.sub(0, 40000), opened));
  CHECK(some.consumed == 2 * OSSENC_STORED_CHUNK && some.written == 32768);
  Moved rest = TAKE(stream.next(sealed.sub(some.consumed), MutableBytes(opened).sub(some.written)));
  CHECK(rest.written == 32768);
  const std::size_t at = some.written + rest.written;
  Result<std::size_t> small = stream.finish(sealed.sub(some.consumed + rest.consumed), MutableBytes());
  FAILS(Buffer, small);
  CHECK(small.error().offset() == plain.size() - at);
  CHECK(TAKE(stream.finish(sealed.sub(some.consumed + rest.consumed), MutableBytes(opened).sub(at))) ==
        plain.size() - at);
  CHECK(opened == plain);

  Stream cut = TAKE(made.object.stream(0, Bytes(body).sub(0, OSSENC_HEAD)));
  OK(cut.next(sealed.sub(0, 40000), opened));
  FAILS(Truncated, cut.finish({}, opened));
  FAILS(Commit, made.object.stream(0, std::string(OSSENC_HEAD, 'x')));
}

TEST(detached_and_in_place) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  const std::string plain = pattern(50000);
  std::string body = plain;
  Buffer side(TAKE(layout_size(Layout::Detached, plain.size())).side);
  Sealer sealer = TAKE(made.object.sealer(0, Layout::Detached));
  Moved moved = TAKE(sealer.next(body, body, side));
  CHECK(moved.consumed == 49152 && moved.written == 49152 && moved.side == OSSENC_HEAD + 3 * 16);
  std::string tail = body.substr(moved.consumed);
  Sealed end = TAKE(sealer.finish(tail, MutableBytes(body).sub(moved.written), MutableBytes(side).sub(moved.side)));
  CHECK(moved.side + end.side == side.size() && body != plain);

  Map map = TAKE(Map::single(Layout::Detached, body.size(), plain.size(), end.receipt.head()));
  Opener opener = TAKE(made.object.opener(map, 0));
  for (const Extent &extent : TAKE(map.plan(0, UINT64_MAX)))
    OK(opener.open(extent, body, Bytes(side).sub(extent.side_off, extent.side), body));
  CHECK(body == plain);
}

TEST(tickets_by_threads) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  const std::string plain = pattern(10 * 2 * OSSENC_CHUNK + 77);
  Buffer body(TAKE(layout_size(Layout::Inline, plain.size())).body);
  Sealer sealer = TAKE(made.object.ticket_sealer(0, Layout::Inline, 10, 2));
  const Sealer &shared = sealer;
  std::vector<std::thread> threads;
  std::vector<Status> bad(4, Status::Ok);
  for (Status &status : bad)
    threads.emplace_back([&] {
      for (;;) {
        Result<Ticket> ticket = shared.reserve();
        if (!ticket) {
          if (ticket.status() != Status::State) status = ticket.status();
          return;
        }
        const Bytes source = Bytes(plain).sub(ticket->plain_off, ticket->plain);
        const MutableBytes target = MutableBytes(body).sub(ticket->body_off, ticket->body);
        const Result<void> once = shared.run(*ticket, source, target), twice = shared.run(*ticket, source, target);
        if (!once) status = once.status();
        if (twice.status() != Status::Used) status = Status::Panic;
      }
    });
  for (std::thread &thread : threads) thread.join();
  for (Status status : bad) CHECK(status == Status::Ok);
  Buffer tail(77 + 16);
  Sealed end = TAKE(sealer.finish(Bytes(plain).sub(plain.size() - 77), tail));
  CHECK(end.body == tail.size() && end.receipt.body() == body.size());
  std::copy(tail.begin(), tail.end(), body.end() - static_cast<std::ptrdiff_t>(tail.size()));
  std::copy(end.receipt.head().begin(), end.receipt.head().end(), body.begin());
  Map map = TAKE(Map::single(Layout::Inline, body.size(), plain.size(), end.receipt.head()));
  std::string opened(plain.size(), 0);
  OK(made.object.open(map, body, {}, opened));
  CHECK(opened == plain);
  FAILS(Argument, made.object.ticket_sealer(0, Layout::Inline, 0, 2));
}

TEST(receipts_are_kept_and_layouts_converted) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Single));
  const std::string plain = pattern(5 * 1024 * 1024);
  const Stored stored(made.object, 0, Layout::Inline, plain);
  Receipt receipt = TAKE(Receipt::decode(TAKE(stored.receipt.encode())));
  CHECK(receipt.crc64_plain() == stored.receipt.crc64_plain() && receipt.crc32c_body() != 0);
  FAILS(Format, Receipt::decode("nonsense"));

  Receipt paged = TAKE(receipt.converted(Layout::Paged));
  CHECK(paged.layout() == Layout::Paged && paged.crc32c_body() == 0 && paged.plain() == receipt.plain());
  Buffer body(paged.body());
  CHECK(layout_groups(plain.size()) == 2);
  for (std::uint64_t i = 0; i < layout_groups(plain.size()); i++) {
    const Group from = TAKE(layout_group(Layout::Inline, plain.size(), i)),
                to = TAKE(layout_group(Layout::Paged, plain.size(), i));
    StoredGroup source{Layout::Inline, Bytes(stored.body).sub(from.body_off, from.body), {}};
    GroupRoom target{Layout::Paged, MutableBytes(body).sub(to.body_off, to.body), {}};
    OK(layout_convert(plain.size(), i, receipt.head(), source, target));
  }
  Map map = TAKE(Map::single(Layout::Paged, body.size(), plain.size(), receipt.head()));
  std::string opened(plain.size(), 0);
  OK(made.object.open(map, body, {}, opened));
  CHECK(opened == plain);

  const Stored a(made.object, 0, Layout::Inline, plain.substr(0, 1000)),
      b(made.object, 0, Layout::Inline, plain.substr(1000));
  CHECK(crc64_combine(a.receipt.crc64_plain(), b.receipt.crc64_plain(), b.receipt.plain()) == receipt.crc64_plain());
}

TEST(attributes_and_uploads) {
  World world;
  Created made = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Segmented));
  Created other = TAKE(world.keyring.create(under("k1"), place_of("a"), Shape::Segmented));
  Buffer sealed = TAKE(made.object.seal_attribute("etag", "\"0123\""));
  CHECK(Bytes(TAKE(made.object.open_attribute("etag", sealed))).text() == "\"0123\"");
  CHECK(TAKE(made.object.open_attribute("none", TAKE(made.object.seal_attribute("none", {})))).empty());
  FAILS(Commit, made.object.open_attribute("type", sealed));
  FAILS(Argument, made.object.seal_attribute("ossenc:x", "y"));
  Buffer record = TAKE(made.object.begin_upload());
  CHECK(TAKE(made.object.check_upload(record)) > 1700000000);
  FAILS(Commit, other.object.check_upload(record));
}

TEST(small_data_under_a_master_key) {
  World world;
  const Pair pairs[] = {{"a", "1"}}, others[] = {{"a", "2"}};
  const Bytes k1[] = {"k1"}, k2[] = {"k2"};
  Buffer blob = TAKE(world.keyring.direct_encrypt("k1", pairs, "secret"));
  CHECK(Bytes(TAKE(world.keyring.direct_decrypt(blob, pairs, k1))).text() == "secret");
  FAILS(Commit, world.keyring.direct_decrypt(blob, others, k1));
  FAILS(Expect, world.keyring.direct_decrypt(blob, pairs, k2));
  blob = TAKE(world.keyring.direct_reencrypt(blob, pairs, k1, "k2", others));
  char room[OSSENC_DIRECT_MAX];
  CHECK(TAKE(world.keyring.direct_decrypt(blob, others, k2, room)) == 6 && std::string_view(room, 6) == "secret");
}

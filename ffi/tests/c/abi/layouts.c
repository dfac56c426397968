/* The three layouts: streams of any steps, in place, scattered. */
#include "harness.h"

enum { GROUP = 256 * 16384, PAGE = 4096 };

/* A segment of the pattern, by a stream in steps of `step` source bytes, finished with what is left. */
static struct segment stream_seal(const ossenc_object *object, uint32_t part, uint32_t layout, size_t plain,
                                  size_t step)
{
    struct segment s;
    uint64_t body_n = 0, side_n = 0;
    byte *source = patterned(plain);
    ossenc_sealer *sealer = NULL;
    ossenc_iov src, dst;
    ossenc_out body, side;
    size_t at = 0, stored = 0, tags = 0;
    OK(ossenc_layout_size(layout, plain, &body_n, &side_n));
    s.body = guarded(s.body_n = (size_t)body_n);
    s.side = guarded(s.side_n = (size_t)side_n);
    SIZED(s.receipt);
    OK(ossenc_sealer_new(object, part, layout, 0, 0, &sealer, NULL));
    while (plain - at >= OSSENC_CHUNK) {
        size_t consumed = 99, written = 99;
        src = iov(source + at, plain - at < step ? plain - at : step);
        dst = iov(s.body + stored, s.body_n - stored);
        side = out(s.side + tags, s.side_n - tags);
        OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, &side, &consumed, &written));
        CHECK(consumed > 0 && consumed % OSSENC_CHUNK == 0);
        at += consumed;
        stored += written;
        tags += side.n;
        CHECK(in_bounds(s.body, s.body_n, stored) && in_bounds(s.side, s.side_n, tags));
        if (consumed == 0)
            break;
    }
    src = iov(source + at, plain - at);
    body = out(NULL, 0);
    side = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_seal_finish(sealer, &src, 1, &body, &side, &s.receipt));
    EQUAL(body.n, s.body_n - stored);
    EQUAL(side.n, s.side_n - tags);
    body = out(s.body + stored, s.body_n - stored);
    side = out(s.side + tags, s.side_n - tags);
    OK(ossenc_seal_finish(sealer, &src, 1, &body, &side, &s.receipt));
    CHECK(body.n == s.body_n - stored && side.n == s.side_n - tags);
    CHECK(in_bounds(s.body, s.body_n, s.body_n) && in_bounds(s.side, s.side_n, s.side_n));
    EQUAL(s.receipt.plain, plain);
    EQUAL(s.receipt.body, s.body_n);
    EQUAL(s.receipt.part, part);
    if (layout != OSSENC_PAGED)
        CHECK(memcmp(s.receipt.head, layout == OSSENC_INLINE ? s.body : s.side, OSSENC_HEAD) == 0);
    ossenc_sealer_free(sealer);
    free(source);
    return s;
}

static void guarded_segment_free(struct segment *s)
{
    release(s->body);
    release(s->side);
}

/* As a single-segment object: whole, with a length that is trusted, and with every other length refused. */
static void check_whole(const ossenc_object *object, const struct segment *s, uint32_t layout, size_t plain)
{
    byte *p = guarded(plain);
    ossenc_map *map = NULL;
    ossenc_out room = out(p, plain);
    ossenc_status status;
    STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(layout, s->body_n + 1, plain, in(s->receipt.head, OSSENC_HEAD), &map));
    if (layout == OSSENC_PAGED)
        STATUS(OSSENC_E_ARG, ossenc_map_single(layout, s->body_n, OSSENC_UNKNOWN, none(), &map));
    OK(ossenc_map_single(layout, s->body_n, plain, in(s->receipt.head, OSSENC_HEAD), &map));
    OK(ossenc_open(object, map, in(s->body, s->body_n), in(s->side, s->side_n), &room, NULL));
    CHECK(room.n == plain && is_pattern(p, plain, 0) && in_bounds(p, plain, plain));
    memset(p, CANARY, plain);
    EQUAL(read_extents(object, map, s, 0, UINT64_MAX, 1, p, &status, NULL), plain);
    OK(status);
    CHECK(is_pattern(p, plain, 0) && in_bounds(p, plain, plain));
    if (layout == OSSENC_DETACHED) {
        room = out(p, plain);
        STATUS(OSSENC_E_TRUNCATED, ossenc_open(object, map, in(s->body, s->body_n), in(s->side, s->side_n - 16), &room,
                                               NULL));
    }
    ossenc_map_free(map);
    release(p);
}

static void test_streams_in_each_layout(void)
{
    struct world w;
    struct sealed s;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (uint32_t layout = 0; layout < LAYOUTS; layout++) {
        for (size_t i = 0; i < LENGTHS_N; i++) {
            struct segment segment = stream_seal(s.object, 0, layout, LENGTHS[i], 20000);
            check_whole(s.object, &segment, layout, LENGTHS[i]);
            guarded_segment_free(&segment);
        }
    }
    { /* over the end of a group of PAGED, whose page lies between */
        size_t plain = GROUP + 2 * (size_t)OSSENC_CHUNK + 77;
        struct segment segment = stream_seal(s.object, 0, OSSENC_PAGED, plain, 3 << 20);
        EQUAL(segment.body_n, GROUP + PAGE + 9 * PAGE + PAGE);
        check_whole(s.object, &segment, OSSENC_PAGED, plain);
        guarded_segment_free(&segment);
    }
    ossenc_object_free(s.object);
    world_free(&w);
}

/* What lies aside has too little room: nothing is taken. A side for a layout that has none stays empty. */
static void test_room_aside(void)
{
    struct world w;
    struct sealed s;
    size_t plain = 2 * (size_t)OSSENC_CHUNK, consumed, written;
    byte *source = patterned(plain), *body = guarded(plain + 100), *tags = guarded(200);
    ossenc_sealer *sealer = NULL;
    ossenc_iov src = iov(source, plain), dst = iov(body, plain);
    ossenc_out side, room;
    world_init(&w);
    create_k1(&w, "o", &s);
    OK(ossenc_sealer_new(s.object, 0, OSSENC_DETACHED, 0, 0, &sealer, NULL));
    OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, &consumed, &written));
    CHECK(consumed == 0 && written == 0);
    side = out(tags, OSSENC_HEAD - 1);
    OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, &side, &consumed, &written));
    CHECK(consumed == 0 && written == 0 && side.n == 0 && in_bounds(tags, 200, 0));
    side = out(tags, OSSENC_HEAD + 16 + 15); /* head, one tag, not two */
    OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, &side, &consumed, &written));
    CHECK(consumed == OSSENC_CHUNK && written == OSSENC_CHUNK && side.n == OSSENC_HEAD + 16);
    CHECK(in_bounds(tags, 200, OSSENC_HEAD + 16) && in_bounds(body, plain + 100, OSSENC_CHUNK));
    /* Tags over source or destination. */
    src = iov(source + OSSENC_CHUNK, OSSENC_CHUNK);
    dst = iov(body + OSSENC_CHUNK, OSSENC_CHUNK);
    side = out(source + plain - 16, 16);
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, &src, 1, &dst, 1, &side, &consumed, &written));
    side = out(body + plain - 1, 16);
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, &src, 1, &dst, 1, &side, &consumed, &written));
    /* The finish asks for both, and takes nothing before both are there. */
    room = out(body + OSSENC_CHUNK, OSSENC_CHUNK);
    side = out(tags + OSSENC_HEAD + 16, 31);
    STATUS(OSSENC_E_BUFFER, ossenc_seal_finish(sealer, &src, 1, &room, &side, NULL));
    CHECK(room.n == OSSENC_CHUNK && side.n == 32 && in_bounds(tags, 200, OSSENC_HEAD + 16));
    STATUS(OSSENC_E_BUFFER, ossenc_seal_finish(sealer, &src, 1, &room, NULL, NULL));
    side = out(tags + OSSENC_HEAD + 16, 32);
    OK(ossenc_seal_finish(sealer, &src, 1, &room, &side, NULL));
    CHECK(in_bounds(tags, 200, OSSENC_HEAD + 48));
    ossenc_sealer_free(sealer);
    for (uint32_t layout = 0; layout < LAYOUTS; layout += 2) {
        memset(tags, CANARY, 200);
        OK(ossenc_sealer_new(s.object, 0, layout, 0, 0, &sealer, NULL));
        src = iov(source, 10);
        room = out(body, plain);
        side = out(tags, 200);
        OK(ossenc_seal_finish(sealer, &src, 1, &room, &side, NULL));
        CHECK(side.n == 0 && in_bounds(tags, 200, 0));
        ossenc_sealer_free(sealer);
    }
    free(source);
    release(body);
    release(tags);
    ossenc_object_free(s.object);
    world_free(&w);
}

/* DETACHED and PAGED in place: the body over the plaintext, tags and pages elsewhere; by a stream and by a ticket. */
static void test_in_place_in_other_layouts(void)
{
    struct world w;
    struct sealed s;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (uint32_t layout = OSSENC_DETACHED; layout <= OSSENC_PAGED; layout++)
        for (int tickets = 0; tickets < 2; tickets++) {
            size_t plain = layout == OSSENC_PAGED ? (size_t)GROUP : 2 * (size_t)OSSENC_CHUNK, consumed = 0, written = 0;
            byte *memory = patterned(plain), page[2 * PAGE], tags[OSSENC_HEAD + 3 * 16];
            struct segment segment;
            ossenc_sealer *sealer = NULL;
            ossenc_iov src[2], dst[3];
            size_t tag_n = layout == OSSENC_DETACHED ? (tickets ? 32 : OSSENC_HEAD + 32) : 0;
            byte *first_tag = tags + (tickets ? OSSENC_HEAD : 0);
            ossenc_out side = out(first_tag, tag_n), room;
            uint32_t chunks = (uint32_t)(plain / OSSENC_CHUNK);
            OK(ossenc_sealer_new(s.object, 0, layout, (uint32_t)tickets, tickets ? chunks : 0, &sealer, NULL));
            src[0] = iov(memory, 10000); /* cut elsewhere than chunks are */
            src[1] = iov(memory + 10000, plain - 10000);
            dst[0] = src[0];
            dst[1] = src[1];
            dst[2] = iov(page, layout == OSSENC_PAGED ? PAGE : 0);
            if (tickets) {
                ossenc_ticket ticket;
                OK(ossenc_seal_reserve(sealer, &ticket));
                dst[1].p = memory + 10001; /* a byte off */
                STATUS(OSSENC_E_ARG, ossenc_seal_run(sealer, &ticket, src, 2, dst, 3, &side));
                dst[1].p = memory + 10000;
                CHECK(is_pattern(memory, plain, 0));
                OK(ossenc_seal_run(sealer, &ticket, src, 2, dst, 3, &side));
            } else {
                OK(ossenc_seal_next(sealer, src, 2, dst, 3, &side, &consumed, &written));
                EQUAL(consumed, plain);
                EQUAL(written, plain + (layout == OSSENC_PAGED ? PAGE : 0));
            }
            EQUAL(side.n, tag_n);
            segment.body_n = plain + (layout == OSSENC_PAGED ? 2 * PAGE : 0);
            segment.side_n = layout == OSSENC_DETACHED ? sizeof tags : 0;
            SIZED(segment.receipt);
            room = out(page + PAGE, layout == OSSENC_PAGED ? PAGE : 0);
            side = out(tags + OSSENC_HEAD + 32, segment.side_n ? 16 : 0);
            OK(ossenc_seal_finish(sealer, NULL, 0, &room, &side, &segment.receipt));
            ossenc_sealer_free(sealer);
            if (segment.side_n)
                memcpy(tags, segment.receipt.head, OSSENC_HEAD);
            segment.body = get(segment.body_n);
            segment.side = tags;
            memcpy(segment.body, memory, plain);
            memcpy(segment.body + plain, page, segment.body_n - plain);
            check_whole(s.object, &segment, layout, plain);
            { /* and back, over the same memory, scattered otherwise */
                ossenc_map *map = NULL;
                ossenc_opener *opener = NULL;
                ossenc_extent e;
                size_t n;
                uint64_t next;
                ossenc_iov from[2], to[2];
                byte *aside = layout == OSSENC_PAGED ? page : tags + OSSENC_HEAD;
                OK(ossenc_map_single(layout, segment.body_n, plain, in(segment.receipt.head, OSSENC_HEAD), &map));
                OK(ossenc_plan(map, 0, plain, 0, &e, 1, &n, &next));
                CHECK(n == 1 && e.body == plain && e.side == chunks * 16 && e.lead == 0);
                OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
                from[0] = to[0] = iov(memory, OSSENC_CHUNK + 5);
                from[1] = to[1] = iov(memory + OSSENC_CHUNK + 5, plain - OSSENC_CHUNK - 5);
                STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, from, 2, in(aside, e.side - 1), to, 2, NULL));
                OK(ossenc_open_extent(opener, &e, from, 2, in(aside, e.side), to, 2, NULL));
                CHECK(is_pattern(memory, plain, 0));
                ossenc_opener_free(opener);
                ossenc_map_free(map);
            }
            free(segment.body);
            free(memory);
        }
    ossenc_object_free(s.object);
    world_free(&w);
}

/* Scattered on both sides, aside or in the body: the same plaintext comes back. */
static void test_scattered_in_each_layout(void)
{
    static const size_t lengths[] = {77, 5000, 16384, 100000};
    struct world w;
    struct sealed s;
    size_t plain = 40000;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (uint32_t layout = 0; layout < LAYOUTS; layout++)
        for (size_t i = 0; i < 4; i++) {
            struct segment segment = stream_seal(s.object, 0, layout, plain, 20000);
            uint64_t body_n = 0;
            byte *source = patterned(plain), *stored, *p = guarded(plain);
            size_t ns, nd, consumed, written, found;
            ossenc_sealer *sealer = NULL;
            ossenc_iov *src = pieces(source, plain, lengths[i], &ns), *dst, tail;
            ossenc_out side = out(segment.side, segment.side_n), body;
            ossenc_map *map = NULL;
            ossenc_opener *opener = NULL;
            ossenc_extent e;
            uint64_t next;
            OK(ossenc_layout_size(layout, plain, &body_n, NULL));
            stored = guarded((size_t)body_n);
            dst = pieces(stored, (size_t)body_n, lengths[3 - i], &nd);
            OK(ossenc_sealer_new(s.object, 0, layout, 0, 0, &sealer, NULL));
            OK(ossenc_seal_next(sealer, src, ns, dst, nd, &side, &consumed, &written));
            EQUAL(consumed, 2 * OSSENC_CHUNK);
            tail = iov(source + consumed, plain - consumed);
            body = out(stored + written, (size_t)body_n - written);
            side = out(segment.side + side.n, segment.side_n - side.n);
            OK(ossenc_seal_finish(sealer, &tail, 1, &body, &side, &segment.receipt));
            memcpy(segment.body, stored, (size_t)body_n);
            check_whole(s.object, &segment, layout, plain);
            ossenc_sealer_free(sealer);
            free(src);
            free(dst);
            OK(ossenc_map_single(layout, body_n, plain, in(segment.receipt.head, OSSENC_HEAD), &map));
            OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
            OK(ossenc_plan(map, 100, 39000, 0, &e, 1, &found, &next));
            src = pieces(stored + e.body_off, e.body, lengths[3 - i], &ns);
            dst = pieces(p, e.take, lengths[i], &nd);
            OK(ossenc_open_extent(opener, &e, src, ns, in((layout == OSSENC_PAGED ? stored : segment.side) + e.side_off,
                                                          e.side), dst, nd, NULL));
            CHECK(e.take == 39000 && is_pattern(p, 39000, 100) && in_bounds(p, plain, 39000));
            ossenc_opener_free(opener);
            ossenc_map_free(map);
            free(src);
            free(dst);
            free(source);
            release(stored);
            release(p);
            guarded_segment_free(&segment);
        }
    ossenc_object_free(s.object);
    world_free(&w);
}

void layouts_tests(void)
{
    RUN(streams_in_each_layout);
    RUN(room_aside);
    RUN(in_place_in_other_layouts);
    RUN(scattered_in_each_layout);
}

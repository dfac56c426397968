/* Opening one segment: ranges, extents, at once. */
#include "harness.h"

/* Reads a range as a daemon does: plans with room for one extent at a time, reads, opens. */
static void read_range(const ossenc_map *map, const ossenc_opener *opener, const byte *body, uint64_t plain,
                       uint64_t off, uint64_t len, uint32_t align, int trusted)
{
    uint64_t begin = off < plain ? off : plain;
    uint64_t end = len > plain - begin ? plain : begin + len;
    size_t wanted = (size_t)(end - begin), got = 0;
    byte *p = guarded(wanted);
    uint64_t next = off;
    int last = 0;
    for (int rounds = 0; rounds < 100; rounds++) {
        ossenc_extent e;
        ossenc_iov src, dst;
        size_t n = 99;
        memset(&e, CANARY, sizeof e);
        OK(ossenc_plan(map, next, off + len < off ? UINT64_MAX : off + len - next, align, &e, 1, &n, &next));
        if (n == 0)
            break;
        EQUAL(n, 1);
        last |= e.last != 0;
        CHECK(e.body_off + e.body <= body_len(plain) && e.take <= wanted - got);
        if (align > 1)
            CHECK(e.body_off % align == 0 && ((e.body_off + e.body) % align == 0 ||
                                              e.body_off + e.body == body_len(plain)));
        src = iov((void *)(body + e.body_off), e.body);
        dst = iov(p + got, e.take);
        OK(ossenc_open_extent(opener, &e, &src, 1, none(), NULL, 0, NULL)); /* as a scrub */
        CHECK(in_bounds(p, wanted, got));
        OK(ossenc_open_extent(opener, &e, &src, 1, none(), &dst, 1, NULL));
        got += e.take;
        CHECK(in_bounds(p, wanted, got));
        if (next == (off + len < off ? UINT64_MAX : off + len))
            break;
    }
    EQUAL(got, wanted);
    for (size_t i = 0; i < wanted; i++)
        if (p[i] != pattern(begin + i)) {
            CHECK(!"the range is something else");
            break;
        }
    if (!trusted && (off + len < off || off + len >= plain))
        CHECK(last); /* the end was proved */
    release(p);
}

static void test_ranges(void)
{
    static const size_t plains[] = {0, 1, 16383, 16384, 16385, 49152, 70000};
    static const uint32_t aligns[] = {0, 1, 512, 4096, 65536};
    struct world w;
    struct sealed s;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (size_t i = 0; i < 7; i++)
        for (int trusted = 0; trusted < 2; trusted++) {
            size_t plain = plains[i], n;
            byte *body = seal_pattern(s.object, plain, &n);
            ossenc_map *map = new_map(body, n, trusted ? plain : OSSENC_UNKNOWN);
            ossenc_opener *opener = NULL;
            const uint64_t offsets[] = {0, 1, 16383, 16384, 16385, 30000, plain, plain - (plain > 0), plain + 1,
                                        (uint64_t)1 << 40, UINT64_MAX};
            const uint64_t lens[] = {0, 1, 2, 16384, 20000, plain, 1000000, UINT64_MAX};
            EQUAL(ossenc_map_plain(map), plain);
            OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
            for (size_t o = 0; o < sizeof offsets / sizeof *offsets; o++)
                for (size_t l = 0; l < sizeof lens / sizeof *lens; l++)
                    read_range(map, opener, body, plain, offsets[o], lens[l], aligns[(o + l) % 5], trusted);
            ossenc_opener_free(opener);
            ossenc_map_free(map);
            free(body);
        }
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_maps_and_plans(void)
{
    ossenc_map *map = NULL;
    ossenc_extent e[2];
    size_t n;
    uint64_t next, tib = (uint64_t)1 << 40, body;
    byte head[OSSENC_HEAD];
    memset(head, 1, sizeof head);
    STATUS(OSSENC_E_ARG, ossenc_map_single(OSSENC_INLINE, 72, 0, none(), NULL));
    STATUS(OSSENC_E_TOONEW, ossenc_map_single(3, 72, 0, none(), &map));
    STATUS(OSSENC_E_ARG, ossenc_map_single(OSSENC_INLINE, 72, 0, in(head, 55), &map));
    STATUS(OSSENC_E_ARG, ossenc_map_single(OSSENC_INLINE, 72, 0, in(NULL, 56), &map));
    CHECK(map == NULL);
    for (uint64_t b = 0; b < 72; b++)
        STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, b, OSSENC_UNKNOWN, none(), &map));
    for (uint64_t b = 56 + 16400; b < 56 + 16400 + 16; b++)
        STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, b, OSSENC_UNKNOWN, none(), &map));
    STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, 72, 1, none(), &map));
    STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, 73, 0, none(), &map));
    STATUS(OSSENC_E_FORMAT, ossenc_map_single(OSSENC_INLINE, UINT64_MAX, OSSENC_UNKNOWN, none(), &map));
    STATUS(OSSENC_E_FORMAT, ossenc_map_single(OSSENC_INLINE, body_len(((uint64_t)1 << 46) - 1) + 1, OSSENC_UNKNOWN,
                                              none(), &map));
    OK(ossenc_map_single(OSSENC_INLINE, body_len(((uint64_t)1 << 46) - 1), OSSENC_UNKNOWN, none(), &map));
    ossenc_map_free(map);

    /* A TiB away, and no byte of it needed. */
    body = body_len(2 * tib);
    OK(ossenc_map_single(OSSENC_INLINE, body, OSSENC_UNKNOWN, none(), &map));
    EQUAL(ossenc_map_plain(map), 2 * tib);
    OK(ossenc_plan(map, tib + 5, 10, 0, e, 2, &n, &next));
    EQUAL(n, 1);
    EQUAL(next, tib + 15);
    EQUAL(e[0].chunk, tib / OSSENC_CHUNK);
    EQUAL(e[0].body_off, OSSENC_HEAD + tib / OSSENC_CHUNK * OSSENC_STORED_CHUNK);
    EQUAL(e[0].body, OSSENC_STORED_CHUNK);
    EQUAL(e[0].skip, 5);
    EQUAL(e[0].take, 10);
    EQUAL(e[0].lead + e[0].side + e[0].side_off + e[0].segment + e[0].last, 0);
    OK(ossenc_plan(map, 0, UINT64_MAX, 0, e, 2, &n, &next));
    EQUAL(e[0].take, 2 * tib);
    EQUAL(e[0].last, 1);

    STATUS(OSSENC_E_ARG, ossenc_plan(NULL, 0, 1, 0, e, 1, &n, &next));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 0, e, 1, NULL, &next));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 0, e, 1, &n, NULL));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 0, NULL, 1, &n, &next));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 3, e, 1, &n, &next));
    EQUAL(n, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_plan(map, 0, 1, 0, NULL, 0, &n, &next));
    EQUAL(n, 1);
    OK(ossenc_plan(map, 0, 0, 0, NULL, 0, &n, &next)); /* nothing wanted, nothing needed */
    EQUAL(n, 0);
    ossenc_map_free(map);
}

static void test_open_extent_arguments(void)
{
    struct world w;
    struct sealed s, other;
    size_t plain = 40000, n, found;
    byte *body, *p = guarded(40000), *copy;
    ossenc_map *map, *headless = NULL;
    ossenc_opener *opener = NULL;
    ossenc_extent e, f;
    ossenc_iov src, dst;
    uint64_t next;
    ossenc_error error = new_error();
    world_init(&w);
    create_k1(&w, "o", &s);
    create_k1(&w, "o", &other);
    body = seal_pattern(s.object, plain, &n);
    map = new_map(body, n, OSSENC_UNKNOWN);
    /* The head must be there, and be the object's. */
    STATUS(OSSENC_E_COMMIT, ossenc_opener_new(other.object, map, 0, &opener, &error));
    EQUAL(error.status, OSSENC_E_COMMIT);
    CHECK(opener == NULL);
    OK(ossenc_map_single(OSSENC_INLINE, n, plain, none(), &headless));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, headless, 0, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, map, 1, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(NULL, map, 0, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, NULL, 0, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, map, 0, NULL, NULL));
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    for (size_t at = 0; at < OSSENC_HEAD; at++) {
        ossenc_map *damaged;
        ossenc_opener *no = opener;
        body[at] ^= 0x80;
        damaged = new_map(body, n, OSSENC_UNKNOWN);
        STATUS(OSSENC_E_COMMIT, ossenc_opener_new(s.object, damaged, 0, &no, NULL));
        CHECK(no == NULL);
        ossenc_map_free(damaged);
        body[at] ^= 0x80;
    }

    OK(ossenc_plan(map, 10000, 10000, 0, &e, 1, &found, &next));
    src = iov(body + e.body_off, e.body);
    dst = iov(p, e.take);
#define EXTENT(wanted, extent) \
    STATUS(wanted, ossenc_open_extent(opener, extent, &src, 1, none(), &dst, 1, NULL))
    STATUS(OSSENC_E_ARG, ossenc_open_extent(NULL, &e, &src, 1, none(), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, NULL, &src, 1, none(), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, NULL, 1, none(), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, &src, 1, none(), NULL, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, &src, 1, in(p, 1), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, NULL, 0, none(), &dst, 1, NULL));
    src.n--;
    EXTENT(OSSENC_E_ARG, &e); /* a source that is too short */
    src.n++;
    dst.n--;
    EXTENT(OSSENC_E_BUFFER, &e); /* a destination that is too short */
    dst.n++;
    src.p = NULL;
    EXTENT(OSSENC_E_ARG, &e);
    src.p = body + e.body_off;
    /* Extents that no plan made: no harm is done. */
    f = e, f.chunk = 4242, f.segment = 0;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.chunk = UINT64_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.segment = 1;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.take = SIZE_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.skip = SIZE_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.lead = SIZE_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.take = 0;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.chunk = 2, f.last = 1, f.skip = 0, f.take = plain;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.chunk = 1; /* another chunk than was read */
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &f, &src, 1, none(), NULL, 0, &error));
    CHECK(in_bounds(p, 40000, 0));
    EXTENT(OSSENC_OK, &e);
    CHECK(in_bounds(p, 40000, 10000) && p[0] == pattern(10000) && p[9999] == pattern(19999));
    memset(p, CANARY, 40000);
    /* More source and destination than needed is no error, and what is too much is left alone. */
    OK(ossenc_plan(map, 0, 16384, 0, &e, 1, &found, &next));
    src = iov(body + e.body_off, n - (size_t)e.body_off);
    dst = iov(p, 40000);
    EXTENT(OSSENC_OK, &e);
    CHECK(in_bounds(p, 40000, 16384));
    memset(p, CANARY, 40000);

    /* Damage: nothing of the chunk is released, what is before it is, the offset tells where. */
    copy = get(n);
    OK(ossenc_plan(map, 0, plain, 0, &e, 1, &found, &next));
    for (size_t chunk = 0; chunk < 3; chunk++) {
        for (int where = 0; where < 3; where++) {
            size_t len = chunk < 2 ? OSSENC_CHUNK : plain - 2 * OSSENC_CHUNK;
            size_t at = where == 0 ? 0 : where == 1 ? len - 1 : len + 15;
            int clean = 1;
            memcpy(copy, body, n);
            copy[OSSENC_HEAD + chunk * OSSENC_STORED_CHUNK + at] ^= 1;
            src = iov(copy + e.body_off, e.body);
            dst = iov(p, plain);
            error = new_error();
            STATUS(OSSENC_E_CHUNK, ossenc_open_extent(opener, &e, &src, 1, none(), NULL, 0, &error));
            EQUAL(error.offset, chunk * OSSENC_CHUNK);
            CHECK(in_bounds(p, 40000, 0));
            STATUS(OSSENC_E_CHUNK, ossenc_open_extent(opener, &e, &src, 1, none(), &dst, 1, &error));
            EQUAL(error.status, OSSENC_E_CHUNK);
            EQUAL(error.offset, chunk * OSSENC_CHUNK);
            for (size_t i = 0; i < chunk * OSSENC_CHUNK; i++)
                clean &= p[i] == pattern(i);
            for (size_t i = chunk * OSSENC_CHUNK; i < plain; i++)
                clean &= p[i] == 0 || p[i] == CANARY;
            CHECK(clean);
            memset(p, CANARY, 40000);
        }
    }
#undef EXTENT
    free(copy);
    free(body);
    release(p);
    ossenc_opener_free(opener);
    ossenc_map_free(map);
    ossenc_map_free(headless);
    ossenc_object_free(s.object);
    ossenc_object_free(other.object);
    world_free(&w);
}

/* In pieces of any length on either side. */
static void test_open_in_pieces(void)
{
    struct world w;
    struct sealed s;
    size_t plain = 20000, n, found;
    byte *body, *p = guarded(plain);
    ossenc_map *map;
    ossenc_opener *opener = NULL;
    ossenc_extent e;
    uint64_t next;
    static const size_t lengths[] = {1, 5, 16384, 16400};
    world_init(&w);
    create_k1(&w, "o", &s);
    body = seal_pattern(s.object, plain, &n);
    map = new_map(body, n, OSSENC_UNKNOWN);
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    OK(ossenc_plan(map, 100, plain - 200, 512, &e, 1, &found, &next));
    for (size_t i = 0; i < 4; i++)
        for (size_t k = i > 1 ? 0 : 2 - i; k < 4; k++) {
            size_t sources, targets;
            ossenc_iov *src = pieces(body + e.body_off, e.body, lengths[i], &sources);
            ossenc_iov *dst = pieces(p, e.take, lengths[k], &targets);
            int right = 1;
            OK(ossenc_open_extent(opener, &e, src, sources, none(), NULL, 0, NULL));
            CHECK(in_bounds(p, plain, 0));
            OK(ossenc_open_extent(opener, &e, src, sources, none(), dst, targets, NULL));
            for (size_t b = 0; b < e.take; b++)
                right &= p[b] == pattern(100 + b);
            CHECK(right && in_bounds(p, plain, e.take));
            memset(p, CANARY, plain);
            free(src);
            free(dst);
        }
    free(body);
    ossenc_opener_free(opener);
    ossenc_map_free(map);
    /* Pieces of one byte on both sides. */
    body = seal_pattern(s.object, 300, &n);
    map = new_map(body, n, 300);
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    OK(ossenc_plan(map, 10, 280, 0, &e, 1, &found, &next));
    {
        size_t sources, targets;
        ossenc_iov *src = pieces(body + e.body_off, e.body, 1, &sources), *dst = pieces(p, e.take, 1, &targets);
        OK(ossenc_open_extent(opener, &e, src, sources, none(), dst, targets, NULL));
        for (size_t b = 0; b < 280; b++)
            CHECK(p[b] == pattern(10 + b));
        CHECK(in_bounds(p, plain, 280));
        free(src);
        free(dst);
    }
    free(body);
    release(p);
    ossenc_opener_free(opener);
    ossenc_map_free(map);
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_open_at_once(void)
{
    struct world w;
    struct sealed s, other;
    world_init(&w);
    create_k1(&w, "o", &s);
    create_k1(&w, "o", &other);
    for (size_t i = 0; i < LENGTHS_N; i++) {
        size_t plain = LENGTHS[i], n;
        byte *body = seal_pattern(s.object, plain, &n), *p = guarded(plain);
        ossenc_map *map = new_map(body, n, OSSENC_UNKNOWN), *shorter = NULL;
        ossenc_out room = out(p, plain);
        ossenc_error error = new_error();
        STATUS(OSSENC_E_COMMIT, ossenc_open(other.object, map, in(body, n), none(), &room, &error));
        EQUAL(room.n, 0);
        STATUS(OSSENC_E_TRUNCATED, ossenc_open(s.object, map, in(body, n - 1), none(), &room, NULL));
        EQUAL(room.n, 0);
        STATUS(OSSENC_E_TRUNCATED, ossenc_open(s.object, map, in(body, n), in(body, 1), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(NULL, map, in(body, n), none(), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(s.object, NULL, in(body, n), none(), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(s.object, map, in(NULL, n), none(), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(s.object, map, in(body, n), none(), NULL, NULL));
        if (plain > 0) {
            room = out(p, plain - 1);
            STATUS(OSSENC_E_BUFFER, ossenc_open(s.object, map, in(body, n), none(), &room, NULL));
            EQUAL(room.n, plain);
            room = out(body + 10, n - 10);
            STATUS(OSSENC_E_ARG, ossenc_open(s.object, map, in(body, n), none(), &room, NULL));
        }
        CHECK(in_bounds(p, plain, 0));
        /* Damage in the head, in the first and the last byte behind it, and at the end. */
        for (int where = 0; where < 4; where++) {
            size_t at = where == 0 ? 0 : where == 1 ? 55 : where == 2 ? 56 : n - 1;
            int clean = 1;
            body[at] ^= 4;
            room = out(p, plain);
            STATUS(where < 2 ? OSSENC_E_COMMIT : OSSENC_E_CHUNK,
                   ossenc_open(s.object, map, in(body, n), none(), &room, &error));
            EQUAL(room.n, 0);
            if (where >= 2)
                EQUAL(error.offset, where == 2 ? 0 : plain / OSSENC_CHUNK * OSSENC_CHUNK);
            body[at] ^= 4;
            for (size_t b = 0; b < plain; b++) /* what is there is authentic, wiped or untouched */
                clean &= p[b] == pattern(b) || p[b] == 0 || p[b] == CANARY;
            CHECK(clean && in_bounds(p, plain, plain));
        }
        /* A body that was cut inside its last chunk: a wrong chunk, or a length that is not the trusted one. */
        if (plain % OSSENC_CHUNK > 0) {
            STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, n - 1, plain, none(), &shorter));
            OK(ossenc_map_single(OSSENC_INLINE, n - 1, OSSENC_UNKNOWN, none(), &shorter));
            room = out(p, plain);
            STATUS(OSSENC_E_CHUNK, ossenc_open(s.object, shorter, in(body, n - 1), none(), &room, NULL));
            ossenc_map_free(shorter);
        } else {
            STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, n - 1, OSSENC_UNKNOWN, none(), &shorter));
        }
        ossenc_map_free(map);
        release(p);
        check_body(&w, &s, "o", body, n, plain);
        free(body);
    }
    ossenc_object_free(s.object);
    ossenc_object_free(other.object);
    world_free(&w);
}

void open_tests(void)
{
    RUN(ranges);
    RUN(maps_and_plans);
    RUN(open_extent_arguments);
    RUN(open_in_pieces);
    RUN(open_at_once);
}

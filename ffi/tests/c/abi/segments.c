/* Segmented objects: manifests sealed, opened and appended to; maps of them; ranges over the ends of parts. */
#include "harness.h"

enum { PARTS = 4, TOTAL = 20000 + 0 + 16384 + 777 };
static const size_t SIZES[PARTS] = {20000, 0, 16384, 777};
static const uint32_t NUMBERS[PARTS] = {1, 2, 7, 1000};
static const uint8_t MIXED[PARTS] = {OSSENC_INLINE, OSSENC_DETACHED, OSSENC_PAGED, OSSENC_DETACHED};

/* An object of four parts of the pattern, and its manifest. */
struct multipart {
    struct world w;
    struct sealed s;
    struct segment parts[PARTS];
    ossenc_receipt receipts[PARTS];
    byte manifest[1024];
    size_t n;
};

static ossenc_status seal_manifest(struct multipart *m, uint64_t generation, size_t parts)
{
    ossenc_out room = out(m->manifest, sizeof m->manifest);
    ossenc_status status = ossenc_manifest_seal(m->s.object, generation, m->receipts, parts, &room);
    m->n = room.n;
    return status;
}

static void multipart_init(struct multipart *m)
{
    uint64_t first = 0;
    world_init(&m->w);
    create_segmented(&m->w, "o", &m->s);
    for (int i = 0; i < PARTS; i++) {
        m->parts[i] = segment_seal(m->s.object, NUMBERS[i], MIXED[i], SIZES[i], first);
        m->receipts[i] = m->parts[i].receipt;
        first += SIZES[i];
    }
    OK(seal_manifest(m, 5, PARTS));
}

static void multipart_free(struct multipart *m)
{
    for (int i = 0; i < PARTS; i++)
        segment_free(&m->parts[i]);
    ossenc_object_free(m->s.object);
    world_free(&m->w);
}

static ossenc_map *open_map(const struct multipart *m, uint64_t min_generation)
{
    ossenc_map *map = NULL;
    OK(ossenc_map_open(m->s.object, in(m->manifest, m->n), min_generation, MIXED, PARTS, &map, NULL));
    return map;
}

static void test_map_of_a_manifest(void)
{
    struct multipart m;
    ossenc_map *map;
    ossenc_segment place;
    uint64_t first = 0;
    multipart_init(&m);
    map = open_map(&m, 5);
    EQUAL(ossenc_map_plain(map), TOTAL);
    EQUAL(ossenc_map_generation(map), 5);
    EQUAL(ossenc_map_segments(map), PARTS);
    for (size_t i = 0; i < PARTS; i++) {
        SIZED(place);
        OK(ossenc_map_segment(map, i, &place));
        EQUAL(place.size, sizeof place);
        EQUAL(place.part, NUMBERS[i]);
        EQUAL(place.layout, MIXED[i]);
        EQUAL(place.offset, first);
        EQUAL(place.plain, SIZES[i]);
        EQUAL(place.body, m.parts[i].body_n);
        first += SIZES[i];
    }
    STATUS(OSSENC_E_ARG, ossenc_map_segment(map, PARTS, &place));
    STATUS(OSSENC_E_ARG, ossenc_map_segment(map, SIZE_MAX, &place));
    STATUS(OSSENC_E_ARG, ossenc_map_segment(map, 0, NULL));
    STATUS(OSSENC_E_ARG, ossenc_map_segment(NULL, 0, &place));
    place.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_map_segment(map, 0, &place));
    memset(&place, CANARY, sizeof place);
    place.size = sizeof place.size + sizeof place.part;
    OK(ossenc_map_segment(map, 3, &place));
    CHECK(place.part == 1000 && untouched((byte *)&place + place.size, sizeof place - place.size));
    EQUAL(ossenc_map_generation(NULL) + ossenc_map_segments(NULL) + ossenc_map_plain(NULL), 0);
    ossenc_map_free(map);
    /* The layouts are the caller's to know: one for all, or one for each. */
    {
        static const uint8_t unknown[PARTS] = {0, 1, 3, 0};
        ossenc_in manifest = in(m.manifest, m.n);
        OK(ossenc_map_open(m.s.object, manifest, 0, MIXED, 1, &map, NULL));
        ossenc_map_free(map);
        STATUS(OSSENC_E_ARG, ossenc_map_open(m.s.object, manifest, 0, MIXED, 2, &map, NULL));
        STATUS(OSSENC_E_ARG, ossenc_map_open(m.s.object, manifest, 0, MIXED, 0, &map, NULL));
        STATUS(OSSENC_E_ARG, ossenc_map_open(m.s.object, manifest, 0, NULL, PARTS, &map, NULL));
        STATUS(OSSENC_E_TOONEW, ossenc_map_open(m.s.object, manifest, 0, unknown, PARTS, &map, NULL));
        STATUS(OSSENC_E_ARG, ossenc_map_open(NULL, manifest, 0, MIXED, PARTS, &map, NULL));
        STATUS(OSSENC_E_ARG, ossenc_map_open(m.s.object, in(NULL, 9), 0, MIXED, PARTS, &map, NULL));
        STATUS(OSSENC_E_ARG, ossenc_map_open(m.s.object, manifest, 0, MIXED, PARTS, NULL, NULL));
        CHECK(map == NULL);
    }
    multipart_free(&m);
}

static void test_ranges_over_the_ends_of_parts(void)
{
    static const uint64_t ranges[][2] = {{0, UINT64_MAX}, {19999, 2}, {20000, 1}, {0, 20000}, {20000, 16384},
                                         {36383, 2}, {36384, 777}, {TOTAL - 1, 5}, {TOTAL, 1}, {TOTAL + 9, 9},
                                         {UINT64_MAX, UINT64_MAX}, {16383, 20002}, {5, 0}};
    struct multipart m;
    ossenc_map *map;
    multipart_init(&m);
    map = open_map(&m, 0);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        for (size_t room = 1; room < 8; room += 3) {
            const uint64_t total = TOTAL, off = ranges[i][0] < total ? ranges[i][0] : total;
            size_t wanted = (size_t)(ranges[i][1] < total - off ? ranges[i][1] : total - off);
            byte *p = guarded(wanted);
            ossenc_status status;
            EQUAL(read_extents(m.s.object, map, m.parts, ranges[i][0], ranges[i][1], room, p, &status, NULL), wanted);
            OK(status);
            CHECK(is_pattern(p, wanted, off) && in_bounds(p, wanted, wanted));
            release(p);
        }
    ossenc_map_free(map);
    multipart_free(&m);
}

/* Another attempt at a part, another object, damage: told with part and offset. */
static void test_wrong_segments(void)
{
    struct multipart m;
    struct sealed other;
    struct segment again, kept;
    ossenc_map *map;
    ossenc_error error = new_error();
    ossenc_status status;
    byte *p = get(TOTAL);
    multipart_init(&m);
    map = open_map(&m, 0);
    create_segmented(&m.w, "o", &other);
    again = segment_seal(m.s.object, NUMBERS[2], MIXED[2], SIZES[2], 20000);
    kept = m.parts[2];
    m.parts[2] = again; /* sealed later, and not in the manifest: other keys */
    EQUAL(read_extents(m.s.object, map, m.parts, 0, UINT64_MAX, 2, p, &status, &error), 20000);
    STATUS(OSSENC_E_CHUNK, status);
    EQUAL(error.status, OSSENC_E_CHUNK);
    EQUAL(error.offset, 0);
    m.parts[2] = kept;
    segment_free(&again);
    m.parts[2].body[16384 - 1] ^= 1; /* the last byte of its first chunk */
    EQUAL(read_extents(m.s.object, map, m.parts, 0, UINT64_MAX, 2, p, &status, &error), 20000);
    STATUS(OSSENC_E_CHUNK, status);
    EQUAL(error.part, 7);
    EQUAL(error.offset, 0);
    EQUAL(read_extents(m.s.object, map, m.parts, 36384, UINT64_MAX, 2, p, &status, &error), 777); /* beside it */
    OK(status);
    m.parts[2].body[16384 - 1] ^= 1;
    m.parts[0].body[OSSENC_HEAD + OSSENC_STORED_CHUNK + 3] ^= 1;
    (void)read_extents(m.s.object, map, m.parts, 0, 20000, 2, p, &status, &error);
    STATUS(OSSENC_E_CHUNK, status);
    EQUAL(error.part, 1);
    EQUAL(error.offset, 16384);
    {
        ossenc_opener *opener = NULL;
        STATUS(OSSENC_E_COMMIT, ossenc_opener_new(other.object, map, 0, &opener, &error));
        EQUAL(error.status, OSSENC_E_COMMIT);
        STATUS(OSSENC_E_ARG, ossenc_opener_new(m.s.object, map, PARTS, &opener, &error));
        CHECK(opener == NULL);
    }
    {
        byte plain[1];
        ossenc_out room = out(plain, 1);
        STATUS(OSSENC_E_ARG, ossenc_open(m.s.object, map, none(), none(), &room, NULL)); /* of several segments */
    }
    free(p);
    ossenc_map_free(map);
    ossenc_object_free(other.object);
    multipart_free(&m);
}

static void test_manifest_arguments(void)
{
    struct multipart m;
    struct sealed single;
    ossenc_out room;
    byte *p = guarded(1024);
    ossenc_receipt swapped[2];
    multipart_init(&m);
    create_k1(&m.w, "s", &single);
#define REFUSED(wanted, object, generation, receipts, count)                              \
    do {                                                                                  \
        room = out(p, 1024);                                                              \
        STATUS(wanted, ossenc_manifest_seal(object, generation, receipts, count, &room)); \
        CHECK(room.n == 0 && in_bounds(p, 1024, 0));                                      \
    } while (0)
    REFUSED(OSSENC_E_ARG, NULL, 1, m.receipts, PARTS);
    REFUSED(OSSENC_E_ARG, m.s.object, 0, m.receipts, PARTS); /* generations count from 1 */
    REFUSED(OSSENC_E_ARG, m.s.object, 1, NULL, PARTS);
    REFUSED(OSSENC_E_ARG, m.s.object, 1, m.receipts, SIZE_MAX);
    REFUSED(OSSENC_E_ARG, single.object, 1, m.receipts, PARTS);
    swapped[0] = m.receipts[1];
    swapped[1] = m.receipts[0];
    REFUSED(OSSENC_E_ARG, m.s.object, 1, swapped, 2); /* parts increase */
    swapped[1] = swapped[0];
    REFUSED(OSSENC_E_ARG, m.s.object, 1, swapped, 2);
    swapped[0].part = 0;
    REFUSED(OSSENC_E_ARG, m.s.object, 1, swapped, 1);
    swapped[0].part = 1;
    swapped[0].plain = (uint64_t)1 << 46;
    REFUSED(OSSENC_E_ARG, m.s.object, 1, swapped, 1);
    swapped[0] = m.receipts[0];
    swapped[1].part = 2;
    swapped[1].layout = 3;
    REFUSED(OSSENC_E_TOONEW, m.s.object, 1, swapped, 2);
    swapped[1].layout = 0;
    swapped[1].size = 0;
    REFUSED(OSSENC_E_ARG, m.s.object, 1, swapped, 2);
#undef REFUSED
    STATUS(OSSENC_E_ARG, ossenc_manifest_seal(m.s.object, 1, m.receipts, PARTS, NULL));
    /* Its size, asked for without a draw. */
    m.w.machine.draws = 0;
    room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_manifest_seal(m.s.object, 1, m.receipts, PARTS, &room));
    EQUAL(room.n, 56 + 21 + PARTS * 76 + 16);
    room = out(p, room.n - 1);
    STATUS(OSSENC_E_BUFFER, ossenc_manifest_seal(m.s.object, 1, m.receipts, PARTS, &room));
    CHECK(m.w.machine.draws == 0 && in_bounds(p, 1024, 0));
    /* Receipts of a later, longer struct: each as long as the first says, and what is not known here zero. */
    {
        byte *longer = get(2 * (sizeof(ossenc_receipt) + 16));
        memset(longer, 0, 2 * (sizeof(ossenc_receipt) + 16));
        for (int i = 0; i < 2; i++) {
            ossenc_receipt one = m.receipts[i];
            one.size += 16;
            memcpy(longer + (size_t)i * one.size, &one, sizeof one);
        }
        room = out(p, 1024);
        OK(ossenc_manifest_seal(m.s.object, 1, (const ossenc_receipt *)(void *)longer, 2, &room));
        EQUAL(room.n, 56 + 21 + 2 * 76 + 16);
        longer[2 * (sizeof(ossenc_receipt) + 16) - 1] = 1;
        STATUS(OSSENC_E_TOONEW, ossenc_manifest_seal(m.s.object, 1, (const ossenc_receipt *)(void *)longer, 2, &room));
        free(longer);
    }
    release(p);
    ossenc_object_free(single.object);
    multipart_free(&m);
}

static void test_manifests_that_are_refused(void)
{
    struct multipart m;
    struct sealed other, single;
    ossenc_map *map = NULL;
    ossenc_error error = new_error();
    byte damaged[1024];
    multipart_init(&m);
    create_segmented(&m.w, "o", &other);
    create_k1(&m.w, "o", &single);
#define REFUSED(wanted, object, bytes, length, generation)                                                        \
    do {                                                                                                          \
        map = (ossenc_map *)(void *)damaged;                                                                      \
        STATUS(wanted, ossenc_map_open(object, in(bytes, length), generation, MIXED, PARTS, &map, &error));       \
        CHECK(map == NULL);                                                                                       \
    } while (0)
    REFUSED(OSSENC_E_EXPECT, m.s.object, m.manifest, m.n, 6); /* a rollback */
    EQUAL(error.status, OSSENC_E_EXPECT);
    REFUSED(OSSENC_E_EXPECT, m.s.object, m.manifest, m.n, UINT64_MAX);
    REFUSED(OSSENC_E_COMMIT, other.object, m.manifest, m.n, 0); /* of another object */
    REFUSED(OSSENC_E_FORMAT, single.object, m.manifest, m.n, 0);
    REFUSED(OSSENC_E_TRUNCATED, m.s.object, m.manifest, 0, 0);
    REFUSED(OSSENC_E_TRUNCATED, m.s.object, m.manifest, 71, 0);
    REFUSED(OSSENC_E_CHUNK, m.s.object, m.manifest, m.n - 1, 0);
    REFUSED(OSSENC_E_COMMIT, m.s.object, m.parts[0].body, m.parts[0].body_n, 0); /* a segment is no manifest */
    for (size_t i = 0; i < m.n; i++) {
        memcpy(damaged, m.manifest, m.n);
        damaged[i] ^= 0x10;
        REFUSED(i < OSSENC_HEAD ? OSSENC_E_COMMIT : OSSENC_E_CHUNK, m.s.object, damaged, m.n, 0);
    }
#undef REFUSED
    ossenc_object_free(other.object);
    ossenc_object_free(single.object);
    multipart_free(&m);
}

static void test_append(void)
{
    struct multipart m;
    struct sealed other;
    struct segment more[PARTS + 1], longer;
    byte *p = get(TOTAL + 1000), next[1024], *guard = guarded(1024);
    uint8_t layouts[PARTS + 1];
    ossenc_out room;
    ossenc_map *map = NULL;
    ossenc_status status;
    size_t n;
    multipart_init(&m);
    create_segmented(&m.w, "o", &other);
    memcpy(layouts, MIXED, PARTS);
    memcpy(more, m.parts, sizeof m.parts);
    layouts[PARTS] = OSSENC_PAGED;
    more[PARTS] = segment_seal(m.s.object, 1001, OSSENC_PAGED, 1000, TOTAL);
    /* A further segment. */
    room = out(next, sizeof next);
    OK(ossenc_manifest_append(m.s.object, in(m.manifest, m.n), &more[PARTS].receipt, 1, 0, &room));
    n = room.n;
    EQUAL(n, m.n + 76);
    OK(ossenc_map_open(m.s.object, in(next, n), 6, layouts, PARTS + 1, &map, NULL));
    EQUAL(ossenc_map_generation(map), 6);
    EQUAL(read_extents(m.s.object, map, more, 0, UINT64_MAX, 3, p, &status, NULL), TOTAL + 1000);
    CHECK(status == OSSENC_OK && is_pattern(p, TOTAL + 1000, 0));
    ossenc_map_free(map);
    /* In place of the last one, with its bytes and more. */
    longer = segment_seal(m.s.object, NUMBERS[3], MIXED[3], 777 + 1000, TOTAL - 777);
    room = out(next, sizeof next);
    OK(ossenc_manifest_append(m.s.object, in(m.manifest, m.n), &longer.receipt, 1, 1, &room));
    EQUAL(room.n, m.n);
    OK(ossenc_map_open(m.s.object, in(next, room.n), 6, MIXED, PARTS, &map, NULL));
    more[3] = longer;
    EQUAL(read_extents(m.s.object, map, more, 0, UINT64_MAX, 3, p, &status, NULL), TOTAL + 1000);
    CHECK(status == OSSENC_OK && is_pattern(p, TOTAL + 1000, 0));
    ossenc_map_free(map);
    /* And what is no append. */
#define REFUSED(wanted, object, old, receipts, count, replace)                                        \
    do {                                                                                              \
        room = out(guard, 1024);                                                                      \
        STATUS(wanted, ossenc_manifest_append(object, old, receipts, count, replace, &room));         \
        CHECK(room.n == 0 && in_bounds(guard, 1024, 0));                                              \
    } while (0)
    REFUSED(OSSENC_E_ARG, NULL, in(m.manifest, m.n), &longer.receipt, 1, 1);
    REFUSED(OSSENC_E_ARG, m.s.object, in(m.manifest, m.n), NULL, 1, 1);
    REFUSED(OSSENC_E_ARG, m.s.object, in(m.manifest, m.n), &longer.receipt, 1, 0); /* not a further part */
    REFUSED(OSSENC_E_ARG, m.s.object, in(m.manifest, m.n), NULL, 0, 1);            /* would lose the last */
    REFUSED(OSSENC_E_COMMIT, other.object, in(m.manifest, m.n), &longer.receipt, 1, 1);
    REFUSED(OSSENC_E_TRUNCATED, m.s.object, none(), &longer.receipt, 1, 1);
    longer.receipt.plain = 776; /* fewer bytes than the one that it replaces */
    REFUSED(OSSENC_E_ARG, m.s.object, in(m.manifest, m.n), &longer.receipt, 1, 1);
#undef REFUSED
    OK(seal_manifest(&m, UINT64_MAX, PARTS));
    room = out(guard, 1024);
    STATUS(OSSENC_E_STATE, ossenc_manifest_append(m.s.object, in(m.manifest, m.n), &more[PARTS].receipt, 1, 0, &room));
    /* An object of no segments: empty, and appended to. */
    OK(seal_manifest(&m, 1, 0));
    OK(ossenc_map_open(m.s.object, in(m.manifest, m.n), 1, MIXED, 1, &map, NULL));
    EQUAL(ossenc_map_segments(map) + ossenc_map_plain(map), 0);
    EQUAL(read_extents(m.s.object, map, more, 0, UINT64_MAX, 1, p, &status, NULL), 0);
    OK(status);
    ossenc_map_free(map);
    room = out(next, sizeof next);
    STATUS(OSSENC_E_ARG, ossenc_manifest_append(m.s.object, in(m.manifest, m.n), m.receipts, 1, 1, &room));
    OK(ossenc_manifest_append(m.s.object, in(m.manifest, m.n), m.receipts, 1, 0, &room));
    OK(ossenc_map_open(m.s.object, in(next, room.n), 2, MIXED, 1, &map, NULL));
    EQUAL(ossenc_map_plain(map), SIZES[0]);
    ossenc_map_free(map);
    segment_free(&more[PARTS]);
    segment_free(&longer);
    free(p);
    release(guard);
    ossenc_object_free(other.object);
    multipart_free(&m);
}

/* Whoever opened the envelope seals parts, and the attempt in the manifest is the one that counts. */
static void test_parts_by_others(void)
{
    struct multipart m;
    ossenc_context context = context_of("o");
    const ossenc_object *elsewhere = NULL;
    struct segment one, two;
    ossenc_map *map = NULL;
    ossenc_status status;
    byte *p = get(1000);
    multipart_init(&m);
    OK(open_with(m.w.keyring, in(m.s.envelope, m.s.n), &context, anything(), &elsewhere));
    one = segment_seal(elsewhere, 3, OSSENC_INLINE, 1000, 0);
    two = segment_seal(m.s.object, 3, OSSENC_INLINE, 1000, 0);
    CHECK(memcmp(one.receipt.head, two.receipt.head, 24) != 0); /* the same bytes twice: two salts */
    CHECK(memcmp(one.body + OSSENC_HEAD, two.body + OSSENC_HEAD, 1000) != 0);
    m.receipts[0] = one.receipt;
    OK(seal_manifest(&m, 1, 1));
    OK(ossenc_map_open(m.s.object, in(m.manifest, m.n), 1, MIXED, 1, &map, NULL));
    EQUAL(read_extents(m.s.object, map, &one, 0, UINT64_MAX, 1, p, &status, NULL), 1000);
    CHECK(status == OSSENC_OK && is_pattern(p, 1000, 0));
    EQUAL(read_extents(m.s.object, map, &two, 0, UINT64_MAX, 1, p, &status, NULL), 0);
    STATUS(OSSENC_E_CHUNK, status);
    {
        ossenc_out room = out(p, 1000);
        OK(ossenc_open(m.s.object, map, in(one.body, one.body_n), none(), &room, NULL)); /* one segment: at once */
        room = out(p, 1000);
        STATUS(OSSENC_E_COMMIT, ossenc_open(m.s.object, map, in(two.body, two.body_n), none(), &room, NULL));
        EQUAL(room.n, 0);
    }
    ossenc_map_free(map);
    segment_free(&one);
    segment_free(&two);
    ossenc_object_free(elsewhere);
    free(p);
    multipart_free(&m);
}

void segments_tests(void)
{
    RUN(map_of_a_manifest);
    RUN(ranges_over_the_ends_of_parts);
    RUN(wrong_segments);
    RUN(manifest_arguments);
    RUN(manifests_that_are_refused);
    RUN(append);
    RUN(parts_by_others);
}

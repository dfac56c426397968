/* Moving segments from layout to layout, group by group, without a key. */
#include "harness.h"

enum { GROUP = 256 * 16384 };

/* All groups, to a new segment. */
static ossenc_status convert(const struct segment *from, uint32_t to, struct segment *moved)
{
    uint64_t body = 0, side = 0, plain = from->receipt.plain;
    ossenc_status status = OSSENC_OK;
    OK(ossenc_layout_size(to, plain, &body, &side));
    moved->body = guarded(moved->body_n = (size_t)body);
    moved->side = guarded(moved->side_n = (size_t)side);
    moved->receipt = from->receipt;
    for (uint64_t i = 0; i < ossenc_layout_groups(plain) && status == OSSENC_OK; i++) {
        ossenc_group a, b;
        ossenc_out to_body, to_side;
        OK(ossenc_layout_group(from->receipt.layout, plain, i, &a));
        OK(ossenc_layout_group(to, plain, i, &b));
        CHECK(a.body <= 4198456 && a.side <= 4152 && a.body_off + a.body <= from->body_n);
        to_body = out(moved->body + b.body_off, b.body);
        to_side = out(moved->side + b.side_off, b.side);
        status = ossenc_layout_convert(plain, i, in(from->receipt.head, OSSENC_HEAD), from->receipt.layout,
                                       in(from->body + a.body_off, a.body), in(from->side + a.side_off, a.side), to,
                                       &to_body, &to_side);
        CHECK(status != OSSENC_OK || (to_body.n == b.body && to_side.n == b.side));
    }
    moved->receipt.layout = to;
    moved->receipt.body = body;
    return status;
}

static void moved_free(struct segment *moved)
{
    release(moved->body);
    release(moved->side);
}

static void test_conversions(void)
{
    static const size_t sizes[] = {0, 1, 4096, 4097, 16384, 40000, GROUP - 1, GROUP, GROUP + 16384 + 7};
    struct world w;
    struct sealed s;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t from = 0; from < LAYOUTS; from++) {
            struct segment original = segment_seal(s.object, 0, from, sizes[i], 0);
            EQUAL(ossenc_layout_groups(sizes[i]), (uint64_t)(sizes[i] / GROUP + 1));
            /* Where there are more groups than one, each layout once is enough to wait for. */
            for (uint32_t to = 0; to < LAYOUTS; to++) {
                struct segment moved, back;
                byte *p = guarded(sizes[i]);
                ossenc_map *map = NULL;
                ossenc_out room = out(p, sizes[i]);
                if (sizes[i] > 40000 && to != (from + 1) % LAYOUTS) {
                    release(p);
                    continue;
                }
                OK(convert(&original, to, &moved));
                OK(ossenc_map_single(to, moved.body_n, sizes[i], in(moved.receipt.head, OSSENC_HEAD), &map));
                OK(ossenc_open(s.object, map, in(moved.body, moved.body_n), in(moved.side, moved.side_n), &room, NULL));
                CHECK(room.n == sizes[i] && is_pattern(p, sizes[i], 0));
                OK(convert(&moved, from, &back)); /* and back, byte for byte */
                CHECK(memcmp(back.body, original.body, original.body_n) == 0);
                CHECK(memcmp(back.side, original.side, original.side_n) == 0);
                CHECK(in_bounds(moved.body, moved.body_n, moved.body_n));
                CHECK(in_bounds(moved.side, moved.side_n, moved.side_n));
                ossenc_map_free(map);
                moved_free(&moved);
                moved_free(&back);
                release(p);
            }
            segment_free(&original);
        }
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_refused_conversions(void)
{
    struct world w;
    struct sealed s;
    struct segment a;
    ossenc_group group;
    ossenc_out body, side;
    ossenc_in head, from_body;
    byte *p = guarded(30000), *tags = guarded(OSSENC_HEAD + 32), another[OSSENC_HEAD];
    const uint64_t plain = 20000, most = ((uint64_t)1 << 46) - 1;
    world_init(&w);
    create_k1(&w, "o", &s);
    a = segment_seal(s.object, 0, OSSENC_INLINE, (size_t)plain, 0);
    head = in(a.receipt.head, OSSENC_HEAD);
    from_body = in(a.body, a.body_n);
#define CONVERT(wanted, length, index, head_in, from, body_in, side_in, to, body_n, side_n)                          \
    do {                                                                                                             \
        body = out(p, body_n);                                                                                       \
        side = out(tags, side_n);                                                                                    \
        STATUS(wanted, ossenc_layout_convert(length, index, head_in, from, body_in, side_in, to, &body, &side));     \
        CHECK(in_bounds(p, 30000, 0) && in_bounds(tags, OSSENC_HEAD + 32, 0));                                       \
    } while (0)
    memcpy(another, a.receipt.head, OSSENC_HEAD);
    another[55] ^= 1;
    CONVERT(OSSENC_E_ARG, plain, 0, in(another, OSSENC_HEAD), 0, from_body, none(), 1, 20000, 88); /* another's */
    CONVERT(OSSENC_E_ARG, plain, 0, in(another, 55), 0, from_body, none(), 1, 20000, 88);
    CONVERT(OSSENC_E_ARG, plain, 1, head, 0, from_body, none(), 1, 20000, 88); /* there is one group */
    CONVERT(OSSENC_E_ARG, plain + 1, 0, head, 0, from_body, none(), 1, 20001, 88);
    CONVERT(OSSENC_E_ARG, plain, 0, head, 0, in(a.body, a.body_n - 1), none(), 1, 20000, 88);
    CONVERT(OSSENC_E_ARG, plain, 0, head, 0, from_body, in(a.body, 1), 1, 20000, 88);
    CONVERT(OSSENC_E_ARG, plain, 0, head, 1, from_body, none(), 0, 30000, 0);
    CONVERT(OSSENC_E_ARG, plain, 0, head, 0, in(NULL, a.body_n), none(), 1, 20000, 88);
    CONVERT(OSSENC_E_ARG, most + 1, 0, head, 0, from_body, none(), 1, 20000, 88);
    CONVERT(OSSENC_E_TOONEW, plain, 0, head, 3, from_body, none(), 1, 20000, 88);
    CONVERT(OSSENC_E_TOONEW, plain, 0, head, 0, from_body, none(), 3, 20000, 88);
    CONVERT(OSSENC_E_BUFFER, plain, 0, head, 0, from_body, none(), 1, 19999, 88);
    CHECK(body.n == 20000 && side.n == 88);
    CONVERT(OSSENC_E_BUFFER, plain, 0, head, 0, from_body, none(), 1, 20000, 87);
    CHECK(body.n == 20000 && side.n == 88);
#undef CONVERT
    body = out(p, 20000);
    STATUS(OSSENC_E_BUFFER, ossenc_layout_convert(plain, 0, head, 0, from_body, none(), 1, &body, NULL));
    STATUS(OSSENC_E_ARG, ossenc_layout_convert(plain, 0, head, 0, from_body, none(), 1, NULL, NULL));
    body = out(a.body + 56, 20000);
    side = out(tags, OSSENC_HEAD + 32);
    STATUS(OSSENC_E_ARG, ossenc_layout_convert(plain, 0, head, 0, from_body, none(), 1, &body, &side));
    body = out(p, 20000);
    side = out(a.body, OSSENC_HEAD + 32);
    STATUS(OSSENC_E_ARG, ossenc_layout_convert(plain, 0, head, 0, from_body, none(), 1, &body, &side));
    /* Where groups lie is arithmetic, up to the last of the longest segment. */
    EQUAL(ossenc_layout_groups(most), (uint64_t)1 << 24);
    for (uint32_t layout = 0; layout < LAYOUTS; layout++) {
        uint64_t size = 0;
        OK(ossenc_layout_size(layout, most, &size, NULL));
        OK(ossenc_layout_group(layout, most, ((uint64_t)1 << 24) - 1, &group));
        EQUAL(group.body_off + group.body, size);
        STATUS(OSSENC_E_ARG, ossenc_layout_group(layout, most, (uint64_t)1 << 24, &group));
        STATUS(OSSENC_E_ARG, ossenc_layout_group(layout, most + 1, 0, &group));
        STATUS(OSSENC_E_ARG, ossenc_layout_group(layout, UINT64_MAX, 0, &group));
        STATUS(OSSENC_E_ARG, ossenc_layout_group(layout, plain, UINT64_MAX, &group));
        STATUS(OSSENC_E_ARG, ossenc_layout_group(layout, plain, 0, NULL));
    }
    STATUS(OSSENC_E_TOONEW, ossenc_layout_group(3, plain, 0, &group));
    /* Damage moves along, unseen: a conversion checks nothing, the opening does. */
    {
        struct segment moved;
        ossenc_map *map = NULL;
        ossenc_error error = new_error();
        a.body[OSSENC_HEAD + OSSENC_STORED_CHUNK + 9] ^= 1;
        OK(convert(&a, OSSENC_PAGED, &moved));
        OK(ossenc_map_single(OSSENC_PAGED, moved.body_n, plain, head, &map));
        memset(p, CANARY, 30000);
        body = out(p, (size_t)plain);
        STATUS(OSSENC_E_CHUNK, ossenc_open(s.object, map, in(moved.body, moved.body_n), none(), &body, &error));
        CHECK(error.offset == OSSENC_CHUNK && body.n == 0);
        ossenc_map_free(map);
        moved_free(&moved);
    }
    segment_free(&a);
    release(p);
    release(tags);
    ossenc_object_free(s.object);
    world_free(&w);
}

void convert_tests(void)
{
    RUN(conversions);
    RUN(refused_conversions);
}

/* Plans over several segments: paged with `next`, aligned, verified without being read. */
#include "harness.h"

enum { PARTS = 3, GROUP = 256 * 16384, TOTAL = 40000 + GROUP + 20000 + 5 };

static int same(const ossenc_extent *a, const ossenc_extent *b)
{
    return a->segment == b->segment && a->last == b->last && a->chunk == b->chunk && a->body_off == b->body_off &&
           a->side_off == b->side_off && a->body == b->body && a->side == b->side && a->lead == b->lead &&
           a->skip == b->skip && a->take == b->take;
}

struct planned {
    struct world w;
    struct sealed s;
    struct segment parts[PARTS];
    ossenc_map *map;
};

static void planned_init(struct planned *p)
{
    static const size_t sizes[PARTS] = {40000, GROUP + 20000, 5};
    static const uint8_t layouts[PARTS] = {OSSENC_INLINE, OSSENC_PAGED, OSSENC_DETACHED};
    ossenc_receipt receipts[PARTS];
    byte manifest[512];
    ossenc_out room = out(manifest, sizeof manifest);
    uint64_t first = 0;
    world_init(&p->w);
    create_segmented(&p->w, "o", &p->s);
    for (uint32_t i = 0; i < PARTS; i++) {
        p->parts[i] = segment_seal(p->s.object, i + 1, layouts[i], sizes[i], first);
        receipts[i] = p->parts[i].receipt;
        first += sizes[i];
    }
    OK(ossenc_manifest_seal(p->s.object, 1, receipts, PARTS, &room));
    OK(ossenc_map_open(p->s.object, in(manifest, room.n), 1, layouts, PARTS, &p->map, NULL));
}

static void planned_free(struct planned *p)
{
    ossenc_map_free(p->map);
    for (int i = 0; i < PARTS; i++)
        segment_free(&p->parts[i]);
    ossenc_object_free(p->s.object);
    world_free(&p->w);
}

/* However many extents fit into a page of a plan, they are those of the whole plan. */
static void test_plans_are_paged(void)
{
    static const uint64_t ranges[][2] = {{0, TOTAL}, {0, UINT64_MAX}, {39999, 2}, {40000 + GROUP - 1, 2},
                                         {TOTAL - 6, 100}, {16384, 1}, {TOTAL, 5}, {UINT64_MAX, UINT64_MAX}};
    struct planned p;
    planned_init(&p);
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++)
        for (uint32_t align = 0; align <= 4096; align += 4096) {
            const uint64_t off = ranges[r][0], len = ranges[r][1], end = off + len < off ? UINT64_MAX : off + len;
            ossenc_extent all[8];
            size_t found = 99, sum = 0;
            uint64_t next = 99;
            OK(ossenc_plan(p.map, off, len, align, all, 8, &found, &next));
            EQUAL(next, end);
            CHECK(found <= 4); /* INLINE, two groups of PAGED, DETACHED */
            for (size_t i = 0; i < found; i++) {
                const struct segment *s = &p.parts[all[i].segment];
                size_t n_side = all[i].segment == 1 ? s->body_n : s->side_n;
                sum += all[i].take;
                CHECK(all[i].body_off + all[i].body <= s->body_n && all[i].side_off + all[i].side <= n_side);
                if (align)
                    CHECK(all[i].body_off % align == 0 && all[i].side_off % align == 0);
            }
            EQUAL(sum, off >= TOTAL ? 0 : len < TOTAL - off ? len : TOTAL - off);
            for (size_t cap = 1; cap <= 3; cap++) {
                size_t seen = 0;
                uint64_t at = off;
                for (;;) {
                    ossenc_extent page[4];
                    size_t n = 99, given = 0;
                    memset(page, CANARY, sizeof page);
                    OK(ossenc_plan(p.map, at, end - at, align, page, cap, &n, &next));
                    CHECK(n <= cap && untouched((const byte *)&page[n], (4 - n) * sizeof *page));
                    for (size_t i = 0; i < n && seen < found; i++) {
                        CHECK(same(&page[i], &all[seen++]));
                        given += page[i].take;
                    }
                    CHECK(next == end || (n == cap && next == at + given));
                    at = next;
                    if (next == end || n == 0)
                        break;
                }
                EQUAL(seen, found);
            }
            {
                size_t n = 99;
                STATUS(found ? OSSENC_E_BUFFER : OSSENC_OK, ossenc_plan(p.map, off, len, align, NULL, 0, &n, &next));
                EQUAL(n, found ? 1 : 0);
            }
        }
    planned_free(&p);
}

/* With nd 0 a plan is a scrub: nothing is written, and every flipped byte is told with part and offset. */
static void test_scrub(void)
{
    struct planned p;
    ossenc_extent all[8];
    size_t found;
    uint64_t next;
    planned_init(&p);
    OK(ossenc_plan(p.map, 0, UINT64_MAX, 0, all, 8, &found, &next));
    EQUAL(found, 4);
    for (size_t i = 0; i < found; i++) {
        const ossenc_extent *e = &all[i];
        struct segment *s = &p.parts[e->segment];
        byte *aside = e->segment == 1 ? s->body : s->side;
        ossenc_iov src = iov(s->body + e->body_off, e->body);
        ossenc_in side = in(aside + e->side_off, e->side);
        ossenc_opener *opener = NULL;
        /* In the last chunk of the run: its first byte, and the last byte of its tag. */
        size_t chunks = e->skip + e->take == 0 ? 1 : (e->skip + e->take - 1) / OSSENC_CHUNK + 1;
        size_t stride = e->segment == 0 ? OSSENC_STORED_CHUNK : OSSENC_CHUNK;
        byte *places[2];
        places[0] = (byte *)src.p + (chunks - 1) * stride;
        places[1] = e->side ? aside + e->side_off + e->side - 1 : (byte *)src.p + e->body - 1;
        OK(ossenc_opener_new(p.s.object, p.map, e->segment, &opener, NULL));
        OK(ossenc_open_extent(opener, e, &src, 1, side, NULL, 0, NULL));
        for (int where = 0; where < 2; where++) {
            ossenc_error error = new_error();
            *places[where] ^= 0x20;
            STATUS(OSSENC_E_CHUNK, ossenc_open_extent(opener, e, &src, 1, side, NULL, 0, &error));
            EQUAL(error.part, e->segment + 1);
            EQUAL(error.offset, (e->chunk + chunks - 1) * OSSENC_CHUNK);
            *places[where] ^= 0x20;
        }
        OK(ossenc_open_extent(opener, e, &src, 1, side, NULL, 0, NULL));
        ossenc_opener_free(opener);
    }
    planned_free(&p);
}

/* An extent is of its segment; one that no plan made does no harm. */
static void test_extents_of_other_segments(void)
{
    struct planned p;
    ossenc_extent all[8], e;
    size_t found;
    uint64_t next;
    byte *dst_bytes = guarded(GROUP);
    planned_init(&p);
    OK(ossenc_plan(p.map, 0, UINT64_MAX, 0, all, 8, &found, &next));
    for (uint32_t segment = 0; segment < PARTS; segment++) {
        ossenc_opener *opener = NULL;
        OK(ossenc_opener_new(p.s.object, p.map, segment, &opener, NULL));
        for (size_t i = 0; i < found; i++) {
            struct segment *s = &p.parts[all[i].segment];
            ossenc_iov src = iov(s->body + all[i].body_off, all[i].body), dst = iov(dst_bytes, GROUP);
            ossenc_in side = in((all[i].segment == 1 ? s->body : s->side) + all[i].side_off, all[i].side);
            static const uint64_t odd[] = {0, 1, 255, 256, 16384, (uint64_t)1 << 32, UINT64_MAX / 16384, UINT64_MAX};
            if (all[i].segment != segment) {
                STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &all[i], &src, 1, side, &dst, 1, NULL));
                CHECK(in_bounds(dst_bytes, GROUP, 0));
                continue;
            }
            for (size_t k = 0; k < sizeof odd / sizeof *odd; k++)
                for (int field = 0; field < 6; field++) {
                    ossenc_status status;
                    e = all[i];
                    if (field == 0)
                        e.chunk = odd[k];
                    else if (field == 1)
                        e.body_off = odd[k];
                    else if (field == 2)
                        e.side_off = odd[k];
                    else if (field == 3)
                        e.lead = (size_t)odd[k];
                    else if (field == 4)
                        e.skip = (size_t)odd[k];
                    else
                        e.take = (size_t)odd[k];
                    status = ossenc_open_extent(opener, &e, &src, 1, side, NULL, 0, NULL);
                    CHECK(status == OSSENC_OK || status == OSSENC_E_ARG || status == OSSENC_E_CHUNK);
                    if (status == OSSENC_OK && field < 4) /* the very bytes that it says */
                        CHECK(same(&e, &all[i]) || e.side == 0);
                }
        }
        ossenc_opener_free(opener);
    }
    release(dst_bytes);
    planned_free(&p);
}

void plans_tests(void)
{
    RUN(plans_are_paged);
    RUN(scrub);
    RUN(extents_of_other_segments);
}

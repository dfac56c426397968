/* Sealing one segment: at once, in pieces, step by step. */
#include "harness.h"

static void test_layout_size(void)
{
    uint64_t body = 1, side = 1;
    const uint64_t most = ((uint64_t)1 << 46) - 1;
    OK(ossenc_layout_size(OSSENC_INLINE, 0, &body, &side));
    EQUAL(body, 72);
    EQUAL(side, 0);
    OK(ossenc_layout_size(OSSENC_INLINE, 16384, &body, NULL));
    EQUAL(body, 56 + 16400 + 16);
    OK(ossenc_layout_size(OSSENC_INLINE, most, &body, &side));
    EQUAL(body, 56 + most + ((uint64_t)16 << 32));
    OK(ossenc_layout_size(OSSENC_INLINE, 1, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_layout_size(OSSENC_INLINE, most + 1, &body, &side));
    STATUS(OSSENC_E_ARG, ossenc_layout_size(OSSENC_INLINE, UINT64_MAX, &body, &side));
    OK(ossenc_layout_size(OSSENC_DETACHED, 20000, &body, &side));
    CHECK(body == 20000 && side == 56 + 2 * 16);
    OK(ossenc_layout_size(OSSENC_PAGED, 20000, &body, &side));
    CHECK(body == 5 * 4096 + 4096 && side == 0);
    STATUS(OSSENC_E_TOONEW, ossenc_layout_size(3, 1, &body, &side));
}

static void test_seal_at_once(void)
{
    struct world w;
    struct sealed s;
    ossenc_receipt receipt;
    ossenc_out side = out(NULL, 0), room;
    byte *overlapping;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (size_t i = 0; i < LENGTHS_N; i++) {
        size_t n = LENGTHS[i], needed = (size_t)body_len(n);
        byte *source = patterned(n), *p = guarded(needed);
        w.machine.draws = 0;
        room = out(NULL, 0);
        STATUS(OSSENC_E_BUFFER, ossenc_seal(s.object, 0, OSSENC_INLINE, in(source, n), &room, NULL, NULL));
        EQUAL(room.n, needed);
        room = out(p, needed - 1);
        STATUS(OSSENC_E_BUFFER, ossenc_seal(s.object, 0, OSSENC_INLINE, in(source, n), &room, NULL, NULL));
        EQUAL(room.n, needed);
        EQUAL(w.machine.draws, 0);
        CHECK(in_bounds(p, needed, 0));
        SIZED(receipt);
        room = out(p, needed);
        OK(ossenc_seal(s.object, 0, OSSENC_INLINE, n ? in(source, n) : none(), &room, &side, &receipt));
        EQUAL(w.machine.draws, 1);
        EQUAL(side.n, 0);
        EQUAL(receipt.part, 0);
        EQUAL(receipt.layout, OSSENC_INLINE);
        EQUAL(receipt.plain, n);
        EQUAL(receipt.body, needed);
        CHECK(in_bounds(p, needed, needed) && memcmp(receipt.head, p, OSSENC_HEAD) == 0);
        check_body(&w, &s, "o", p, needed, n);
        release(p);
        free(source);
    }
    overlapping = get(1000);
    memset(overlapping, 1, 1000);
    room = out(overlapping + 99, 900);
    STATUS(OSSENC_E_ARG, ossenc_seal(s.object, 0, OSSENC_INLINE, in(overlapping, 100), &room, NULL, NULL));
    room = out(overlapping, 900);
    STATUS(OSSENC_E_ARG, ossenc_seal(s.object, 0, OSSENC_INLINE, in(overlapping, 100), &room, NULL, NULL));
    room = out(overlapping + 100, 900);
    STATUS(OSSENC_E_ARG, ossenc_seal(NULL, 0, OSSENC_INLINE, in(overlapping, 100), &room, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_seal(s.object, 0, OSSENC_INLINE, in(overlapping, 100), NULL, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_seal(s.object, 0, OSSENC_INLINE, in(NULL, 100), &room, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_seal(s.object, 1, OSSENC_INLINE, in(overlapping, 100), &room, NULL, NULL));
    STATUS(OSSENC_E_TOONEW, ossenc_seal(s.object, 0, 3, in(overlapping, 100), &room, NULL, NULL));
    CHECK(overlapping[0] == 1 && memcmp(overlapping, overlapping + 1, 999) == 0); /* untouched */
    OK(ossenc_seal(s.object, 0, OSSENC_INLINE, in(overlapping, 100), &room, NULL, NULL));
    free(overlapping);
    ossenc_object_free(s.object);
    world_free(&w);
}

/* A receipt without its size is a mistake that is found before anything was sealed. */
static void test_receipt_without_size(void)
{
    struct world w;
    struct sealed s;
    ossenc_sealer *sealer = NULL;
    ossenc_receipt receipt;
    byte source[100], *p = guarded(1000);
    ossenc_iov tail = iov(source, sizeof source);
    ossenc_out room;
    world_init(&w);
    create_k1(&w, "o", &s);
    memset(source, 1, sizeof source);
    ZERO(receipt);
    room = out(p, 1000);
    STATUS(OSSENC_E_ARG, ossenc_seal(s.object, 0, OSSENC_INLINE, in(source, sizeof source), &room, NULL, &receipt));
    EQUAL(room.n, 0);
    CHECK(in_bounds(p, 1000, 0));
    OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
    room = out(p, 1000);
    STATUS(OSSENC_E_ARG, ossenc_seal_finish(sealer, &tail, 1, &room, NULL, &receipt));
    EQUAL(room.n, 0);
    receipt.size = sizeof receipt;
    OK(ossenc_seal_finish(sealer, &tail, 1, &room, NULL, &receipt)); /* the sealer stayed as it was */
    ossenc_sealer_free(sealer);
    ossenc_object_free(s.object);
    release(p);
    world_free(&w);
}

static void test_seal_in_pieces(void)
{
    static const size_t piece_lengths[] = {1, 7, 16383, 16384, 16400, 100000};
    struct world w;
    struct sealed s;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = i > 1 ? 0 : 2 - i; k < 6; k++) { /* not both tiny: overlaps are looked for pair by pair */
            size_t n = 40000, needed = (size_t)body_len(n), consumed = 99, written = 99, sources, targets, whole;
            byte *source = patterned(n), *p = guarded(needed);
            ossenc_iov *src = pieces(source, n, piece_lengths[i], &sources);
            ossenc_iov *dst = pieces(p, needed, piece_lengths[k], &targets), tail;
            ossenc_sealer *sealer = NULL;
            ossenc_receipt receipt;
            ossenc_out room;
            OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
            OK(ossenc_seal_next(sealer, src, sources, dst, targets, NULL, &consumed, &written));
            EQUAL(consumed, 2 * OSSENC_CHUNK);
            EQUAL(written, OSSENC_HEAD + 2 * OSSENC_STORED_CHUNK);
            CHECK(in_bounds(p, needed, written));
            whole = consumed;
            /* The rest is no whole chunk. */
            tail = iov(source + whole, n - whole);
            OK(ossenc_seal_next(sealer, &tail, 1, dst, targets, NULL, &consumed, &written));
            EQUAL(consumed, 0);
            EQUAL(written, 0);
            /* Too little room, and then enough. */
            room = out(p + OSSENC_HEAD + 2 * OSSENC_STORED_CHUNK, n - whole + 15);
            STATUS(OSSENC_E_BUFFER, ossenc_seal_finish(sealer, &tail, 1, &room, NULL, NULL));
            EQUAL(room.n, n - whole + 16);
            CHECK(in_bounds(p, needed, OSSENC_HEAD + 2 * OSSENC_STORED_CHUNK));
            room.cap = room.n;
            SIZED(receipt);
            OK(ossenc_seal_finish(sealer, &tail, 1, &room, NULL, &receipt));
            EQUAL(room.n, n - whole + 16);
            EQUAL(receipt.plain, n);
            EQUAL(receipt.body, needed);
            CHECK(memcmp(receipt.head, p, OSSENC_HEAD) == 0 && in_bounds(p, needed, needed));
            check_body(&w, &s, "o", p, needed, n);
            /* Finished is finished. */
            consumed = written = 99;
            STATUS(OSSENC_E_STATE, ossenc_seal_next(sealer, src, sources, dst, targets, NULL, &consumed, &written));
            EQUAL(consumed, 0);
            EQUAL(written, 0);
            STATUS(OSSENC_E_STATE, ossenc_seal_finish(sealer, NULL, 0, &room, NULL, NULL));
            room.cap = 0;
            STATUS(OSSENC_E_STATE, ossenc_seal_finish(sealer, NULL, 0, &room, NULL, NULL));
            ossenc_sealer_free(sealer);
            free(src);
            free(dst);
            free(source);
            release(p);
        }
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_seal_step_by_step(void)
{
    struct world w;
    struct sealed s;
    size_t n = 3 * OSSENC_CHUNK, needed = (size_t)body_len(n), consumed, written, at = 0;
    byte *source = patterned(n), *p = guarded(needed);
    ossenc_iov src, dst;
    ossenc_sealer *sealer = NULL;
    ossenc_out room, side = out(NULL, 0);
    ossenc_error error = new_error();
    world_init(&w);
    create_k1(&w, "o", &s);
    STATUS(OSSENC_E_ARG, ossenc_sealer_new(NULL, 0, OSSENC_INLINE, 0, 0, &sealer, &error));
    EQUAL(error.status, OSSENC_E_ARG);
    STATUS(OSSENC_E_ARG, ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_sealer_new(s.object, 1, OSSENC_INLINE, 0, 0, &sealer, NULL));
    STATUS(OSSENC_E_TOONEW, ossenc_sealer_new(s.object, 0, 3, 0, 0, &sealer, NULL));
    STATUS(OSSENC_E_ARG, ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 1, 0, &sealer, NULL));
    STATUS(OSSENC_E_ARG, ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 1, &sealer, NULL));
    CHECK(sealer == NULL);
    OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, &error));
    src = iov(source, n);
    dst = iov(p, needed);
    STATUS(OSSENC_E_ARG, ossenc_seal_next(NULL, &src, 1, &dst, 1, NULL, &consumed, &written));
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, NULL, &written));
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, &consumed, NULL));
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, NULL, 1, &dst, 1, NULL, &consumed, &written));
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, &src, 1, NULL, 1, NULL, &consumed, &written));
    room = out(p, needed);
    STATUS(OSSENC_E_ARG, ossenc_seal_finish(NULL, &src, 1, &room, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_seal_finish(sealer, &src, 1, NULL, NULL, NULL));
    src = iov(NULL, 5);
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, &consumed, &written));
    src = iov(source, SIZE_MAX);
    STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, &consumed, &written));
    {
        ossenc_iov many[2];
        many[0] = iov(source, SIZE_MAX / 2);
        many[1] = iov(source, SIZE_MAX / 2);
        STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, many, 2, &dst, 1, NULL, &consumed, &written));
    }
    CHECK(in_bounds(p, needed, 0));
    /* No room for the head, for the head alone, for one chunk less a byte, for one chunk. */
    src = iov(source, n);
    dst = iov(p, OSSENC_HEAD - 1);
    OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, &side, &consumed, &written));
    CHECK(consumed == 0 && written == 0 && in_bounds(p, needed, 0));
    dst = iov(p, OSSENC_HEAD);
    OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, &consumed, &written));
    CHECK(consumed == 0 && written == OSSENC_HEAD && in_bounds(p, needed, OSSENC_HEAD));
    at = OSSENC_HEAD;
    dst = iov(p + at, OSSENC_STORED_CHUNK - 1);
    OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, &consumed, &written));
    CHECK(consumed == 0 && written == 0 && in_bounds(p, needed, at));
    dst = iov(p + at, OSSENC_STORED_CHUNK + 1);
    OK(ossenc_seal_next(sealer, &src, 1, &dst, 1, NULL, &consumed, &written));
    CHECK(consumed == OSSENC_CHUNK && written == OSSENC_STORED_CHUNK);
    at += written;
    CHECK(in_bounds(p, needed, at));
    /* The rest, of several chunks, in the finish: in pieces, with the last one empty. */
    {
        ossenc_iov tail[3];
        tail[0] = iov(source + OSSENC_CHUNK, 1);
        tail[1] = iov(source + OSSENC_CHUNK + 1, 2 * OSSENC_CHUNK - 1);
        tail[2] = iov(NULL, 0);
        room = out(NULL, 0);
        STATUS(OSSENC_E_BUFFER, ossenc_seal_finish(sealer, tail, 3, &room, NULL, NULL));
        EQUAL(room.n, needed - at);
        room = out(p + at, needed - at);
        OK(ossenc_seal_finish(sealer, tail, 3, &room, &side, NULL));
        EQUAL(room.n, needed - at);
    }
    CHECK(in_bounds(p, needed, needed));
    check_body(&w, &s, "o", p, needed, n);
    ossenc_sealer_free(sealer);
    /* An empty body, by the finish alone. */
    OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
    room = out(p, 72);
    OK(ossenc_seal_finish(sealer, NULL, 0, &room, NULL, NULL));
    EQUAL(room.n, 72);
    check_body(&w, &s, "o", p, 72, 0);
    ossenc_sealer_free(sealer);
    /* Left unfinished. */
    OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
    ossenc_sealer_free(sealer);
    free(source);
    release(p);
    ossenc_object_free(s.object);
    world_free(&w);
}

void seal_tests(void)
{
    RUN(layout_size);
    RUN(seal_at_once);
    RUN(receipt_without_size);
    RUN(seal_in_pieces);
    RUN(seal_step_by_step);
}

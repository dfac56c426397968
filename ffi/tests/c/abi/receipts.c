/* Receipts: their encoding, their numbers, and checksums that combine. */
#include "harness.h"

/* CRC-64/XZ, bit by bit. */
static uint64_t crc64(const byte *p, size_t n)
{
    uint64_t crc = UINT64_MAX;
    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xC96C5795D7870F42u : 0);
    }
    return ~crc;
}

static uint32_t crc32c(const byte *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

static int same(const ossenc_receipt *a, const ossenc_receipt *b)
{
    return a->part == b->part && a->layout == b->layout && memcmp(a->head, b->head, OSSENC_HEAD) == 0 &&
           a->plain == b->plain && a->body == b->body && a->crc64_plain == b->crc64_plain &&
           a->crc32c_body == b->crc32c_body;
}

static void test_receipts(void)
{
    struct world w;
    struct sealed s;
    world_init(&w);
    create_segmented(&w, "o", &s);
    for (uint32_t layout = 0; layout < LAYOUTS; layout++) {
        struct segment segment = segment_seal(s.object, 5 + layout, layout, 20000, 0);
        byte *plain = patterned(20000), *p = guarded(OSSENC_RECEIPT), damaged[OSSENC_RECEIPT + 1];
        ossenc_receipt back;
        ossenc_out room = out(NULL, 0);
        EQUAL(segment.receipt.part, 5 + layout);
        EQUAL(segment.receipt.layout, layout);
        EQUAL(segment.receipt.plain, 20000);
        EQUAL(segment.receipt.body, segment.body_n);
        EQUAL(segment.receipt.crc64_plain, crc64(plain, 20000));
        EQUAL(segment.receipt.crc32c_body, crc32c(segment.body, segment.body_n));
        STATUS(OSSENC_E_BUFFER, ossenc_receipt_encode(&segment.receipt, &room));
        EQUAL(room.n, OSSENC_RECEIPT);
        room = out(p, OSSENC_RECEIPT - 1);
        STATUS(OSSENC_E_BUFFER, ossenc_receipt_encode(&segment.receipt, &room));
        CHECK(in_bounds(p, OSSENC_RECEIPT, 0));
        room = out(p, OSSENC_RECEIPT);
        OK(ossenc_receipt_encode(&segment.receipt, &room));
        CHECK(room.n == OSSENC_RECEIPT && in_bounds(p, OSSENC_RECEIPT, OSSENC_RECEIPT));
        SIZED(back);
        OK(ossenc_receipt_decode(in(p, OSSENC_RECEIPT), &back));
        CHECK(back.size == sizeof back && same(&back, &segment.receipt));
        for (size_t bit = 0; bit < 8 * OSSENC_RECEIPT; bit++) {
            memcpy(damaged, p, OSSENC_RECEIPT);
            damaged[bit / 8] = (byte)(damaged[bit / 8] ^ 1 << bit % 8);
            STATUS(OSSENC_E_FORMAT, ossenc_receipt_decode(in(damaged, OSSENC_RECEIPT), &back));
        }
        memcpy(damaged, p, OSSENC_RECEIPT);
        damaged[OSSENC_RECEIPT] = 0;
        STATUS(OSSENC_E_FORMAT, ossenc_receipt_decode(in(damaged, OSSENC_RECEIPT + 1), &back));
        for (size_t n = 0; n < OSSENC_RECEIPT; n++)
            STATUS(OSSENC_E_FORMAT, ossenc_receipt_decode(in(p, n), &back));
        CHECK(same(&back, &segment.receipt)); /* no refusal has touched it */
        STATUS(OSSENC_E_ARG, ossenc_receipt_decode(in(NULL, OSSENC_RECEIPT), &back));
        STATUS(OSSENC_E_ARG, ossenc_receipt_decode(in(p, OSSENC_RECEIPT), NULL));
        back.size = 0;
        STATUS(OSSENC_E_ARG, ossenc_receipt_decode(in(p, OSSENC_RECEIPT), &back));
        memset(&back, CANARY, sizeof back);
        back.size = sizeof back.size + sizeof back.part;
        OK(ossenc_receipt_decode(in(p, OSSENC_RECEIPT), &back));
        CHECK(back.part == 5 + layout && untouched((byte *)&back + back.size, sizeof back - back.size));
        room = out(p, OSSENC_RECEIPT);
        STATUS(OSSENC_E_ARG, ossenc_receipt_encode(NULL, &room));
        STATUS(OSSENC_E_ARG, ossenc_receipt_encode(&segment.receipt, NULL));
        STATUS(OSSENC_E_ARG, ossenc_receipt_encode(&back, &room)); /* an input struct that is too short */
        segment.receipt.layout = 3;
        STATUS(OSSENC_E_TOONEW, ossenc_receipt_encode(&segment.receipt, &room));
        release(p);
        free(plain);
        segment_free(&segment);
    }
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_crc64_combine(void)
{
    static const size_t cuts[] = {0, 1, 7, 16384, 49999, 50000};
    byte *p = patterned(50000);
    EQUAL(crc64((const byte *)"123456789", 9), 0x995DC9BBDF1939FAu); /* the check value of CRC-64/XZ */
    for (size_t i = 0; i < 6; i++) {
        uint64_t first = crc64(p, cuts[i]), second = crc64(p + cuts[i], 50000 - cuts[i]);
        EQUAL(ossenc_crc64_combine(first, second, 50000 - cuts[i]), crc64(p, 50000));
    }
    EQUAL(ossenc_crc64_combine(0, 0, 0), 0);
    EQUAL(ossenc_crc64_combine(42, 0, 0), 42);
    /* Lengths far beyond what could be computed: in one step or in two, it is the same. */
    EQUAL(ossenc_crc64_combine(1, 5, UINT64_MAX),
          ossenc_crc64_combine(ossenc_crc64_combine(1, 0, UINT64_MAX - 1), 5, 1));
    free(p);
}

void receipts_tests(void)
{
    RUN(receipts);
    RUN(crc64_combine);
}

/* Plaintext and ciphertext in the same memory. */
#include "harness.h"

/* Plaintext and ciphertext in the same memory, head and tags elsewhere; and every other overlap. */
static void test_seal_in_place(void)
{
    enum { CHUNKS = 3 };
    struct world w;
    struct sealed s;
    size_t n = CHUNKS * (size_t)OSSENC_CHUNK, consumed, written, needed = (size_t)body_len(n);
    byte *memory = patterned(n), *body = get(needed), tags[CHUNKS + 1][16], head[OSSENC_HEAD];
    ossenc_sealer *sealer = NULL;
    ossenc_iov src[CHUNKS + 1], dst[2 * CHUNKS + 2];
    ossenc_out room;
    world_init(&w);
    create_k1(&w, "o", &s);
    OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
#define OVERLAP(ns, nd)                                                                       \
    do {                                                                                      \
        consumed = written = 99;                                                              \
        STATUS(OSSENC_E_ARG, ossenc_seal_next(sealer, src, ns, dst, nd, NULL, &consumed, &written)); \
        EQUAL(consumed, 0);                                                                   \
        EQUAL(written, 0);                                                                    \
    } while (0)
    src[0] = iov(memory, OSSENC_CHUNK);
    dst[0] = iov(head, OSSENC_HEAD);
    dst[1] = iov(memory + 1, OSSENC_CHUNK); /* a byte later */
    dst[2] = iov(tags[0], 16);
    OVERLAP(1, 3);
    src[0] = iov(memory + 1, OSSENC_CHUNK);
    dst[1] = iov(memory, OSSENC_CHUNK); /* a byte earlier */
    OVERLAP(1, 3);
    src[0] = iov(memory, OSSENC_CHUNK);
    dst[0] = iov(memory, OSSENC_HEAD); /* the head over the plaintext */
    dst[1] = iov(body, OSSENC_CHUNK);
    OVERLAP(1, 3);
    dst[0] = iov(head, OSSENC_HEAD);
    dst[1] = iov(memory, OSSENC_STORED_CHUNK); /* the tag over the next chunk */
    src[0] = iov(memory, 2 * (size_t)OSSENC_CHUNK);
    OVERLAP(1, 2);
    dst[1] = iov(body, OSSENC_CHUNK);
    dst[2] = iov(memory + n - 16, 16); /* a tag over plaintext */
    src[0] = iov(memory, n);
    OVERLAP(1, 3);
    src[0] = iov(memory, OSSENC_CHUNK); /* chunks crossed over */
    src[1] = iov(memory + OSSENC_CHUNK, OSSENC_CHUNK);
    dst[1] = iov(memory + OSSENC_CHUNK, OSSENC_CHUNK);
    dst[2] = iov(tags[0], 16);
    dst[3] = iov(memory, OSSENC_CHUNK);
    dst[4] = iov(tags[1], 16);
    OVERLAP(2, 5);
    dst[0] = iov(memory, OSSENC_CHUNK); /* no place for the head: everything is shifted */
    OVERLAP(1, 1);
    for (size_t i = 0; i < n; i++)
        if (memory[i] != pattern(i)) {
            CHECK(!"the plaintext was touched");
            break;
        }

    for (size_t i = 0; i < CHUNKS; i++) {
        src[i] = iov(memory + i * OSSENC_CHUNK, OSSENC_CHUNK);
        dst[2 * i + 1] = iov(memory + i * OSSENC_CHUNK, OSSENC_CHUNK);
        dst[2 * i + 2] = iov(tags[i], 16);
    }
    dst[0] = iov(head, OSSENC_HEAD);
    OK(ossenc_seal_next(sealer, src, CHUNKS, dst, 2 * CHUNKS + 1, NULL, &consumed, &written));
    EQUAL(consumed, n);
    EQUAL(written, needed - 16);
    room = out(tags[CHUNKS], 16);
    OK(ossenc_seal_finish(sealer, NULL, 0, &room, NULL, NULL));
    ossenc_sealer_free(sealer);
    memcpy(body, head, OSSENC_HEAD);
    for (size_t i = 0; i < CHUNKS; i++) {
        memcpy(body + OSSENC_HEAD + i * OSSENC_STORED_CHUNK, memory + i * OSSENC_CHUNK, OSSENC_CHUNK);
        memcpy(body + OSSENC_HEAD + i * OSSENC_STORED_CHUNK + OSSENC_CHUNK, tags[i], 16);
    }
    memcpy(body + needed - 16, tags[CHUNKS], 16);
    check_body(&w, &s, "o", body, needed, n);

    /* And back, in place, from the same scattered pieces. */
    {
        ossenc_map *map = new_map(body, needed, OSSENC_UNKNOWN);
        ossenc_opener *opener = NULL;
        ossenc_extent extent;
        uint64_t next;
        size_t found;
        ossenc_iov from[2 * CHUNKS + 2], to[CHUNKS];
        OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
        OK(ossenc_plan(map, 0, n, 0, &extent, 1, &found, &next));
        EQUAL(found, 1);
        for (size_t i = 0; i < CHUNKS; i++) {
            from[2 * i] = iov(memory + i * OSSENC_CHUNK, OSSENC_CHUNK);
            from[2 * i + 1] = iov(tags[i], 16);
            to[i] = iov(memory + i * OSSENC_CHUNK, OSSENC_CHUNK);
        }
        from[2 * CHUNKS] = iov(tags[CHUNKS], 16);
        to[0] = iov(memory + 1, OSSENC_CHUNK);
        STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &extent, from, 2 * CHUNKS + 1, none(), to, CHUNKS, NULL));
        to[0] = iov(tags[0], 16);
        STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &extent, from, 2 * CHUNKS + 1, none(), to, CHUNKS, NULL));
        /* A destination that goes on over the tag, where the source goes on, too. */
        {
            ossenc_iov whole = iov(body + extent.body_off, extent.body), over = iov(whole.p, n), split[2];
            byte *saved = get(needed);
            memcpy(saved, body, needed);
            STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &extent, &whole, 1, none(), &over, 1, NULL));
            over.n = OSSENC_CHUNK + 1;
            split[0] = over;
            split[1] = iov(get(n), n);
            STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &extent, &whole, 1, none(), split, 2, NULL));
            CHECK(memcmp(saved, body, needed) == 0);
            /* The first chunk in place, the others elsewhere. */
            split[0].n = OSSENC_CHUNK;
            OK(ossenc_open_extent(opener, &extent, &whole, 1, none(), split, 2, NULL));
            CHECK(memcmp(saved + OSSENC_HEAD + OSSENC_CHUNK, body + OSSENC_HEAD + OSSENC_CHUNK,
                         needed - OSSENC_HEAD - OSSENC_CHUNK) == 0);
            for (size_t i = 0; i < n; i++)
                if ((i < OSSENC_CHUNK ? body[OSSENC_HEAD + i] : ((byte *)split[1].p)[i - OSSENC_CHUNK]) != pattern(i)) {
                    CHECK(!"opened partly in place to something else");
                    break;
                }
            free(split[1].p);
            free(saved);
        }
        to[0] = iov(memory, OSSENC_CHUNK);
        OK(ossenc_open_extent(opener, &extent, from, 2 * CHUNKS + 1, none(), to, CHUNKS, NULL));
        for (size_t i = 0; i < n; i++)
            if (memory[i] != pattern(i)) {
                CHECK(!"opened in place to something else");
                break;
            }
        ossenc_opener_free(opener);
        ossenc_map_free(map);
    }
#undef OVERLAP
    free(memory);
    free(body);
    ossenc_object_free(s.object);
    world_free(&w);
}

void in_place_tests(void)
{
    RUN(seal_in_place);
}

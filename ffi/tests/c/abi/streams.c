/* Opening as the bytes come: through a real pipe, in steps of any length; and sources that end too early. */
#include "harness.h"

/* Opens what `stored` holds in steps of at most `step` bytes, as a loop over read(2) does. */
static ossenc_status open_in_steps(ossenc_stream *stream, const byte *stored, size_t n, size_t step, byte *plain,
                                   size_t room, size_t *got, ossenc_error *error)
{
    size_t held = 0, at = 0; /* stored[at - held .. at] was read and not consumed yet */
    *got = 0;
    while (at < n) {
        size_t consumed = 99, more = n - at < step ? n - at : step;
        ossenc_out to = out(plain + *got, room - *got);
        ossenc_status status;
        at += more;
        held += more;
        status = ossenc_stream_next(stream, in(stored + at - held, held), &to, &consumed, error);
        if (status != OSSENC_OK) {
            CHECK(consumed == 0 && to.n == 0);
            return status;
        }
        CHECK(consumed / OSSENC_STORED_CHUNK == to.n / OSSENC_CHUNK && consumed % OSSENC_STORED_CHUNK == 0);
        held -= consumed;
        *got += to.n;
    }
    {
        ossenc_out to = out(plain + *got, room - *got);
        ossenc_status status = ossenc_stream_finish(stream, in(stored + n - held, held), &to, error);
        *got += status == OSSENC_OK ? to.n : 0;
        return status;
    }
}

static void test_streams(void)
{
    static const size_t steps[] = {16399, 16400, 16401, 50000, 1000000};
    struct world w;
    struct sealed objects[2];
    world_init(&w);
    create_k1(&w, "o", &objects[0]);
    create_segmented(&w, "o", &objects[1]);
    for (uint32_t part = 0; part < 2; part++)
        for (size_t i = 0; i < LENGTHS_N; i++)
            for (size_t k = 0; k < 5; k++) {
                size_t plain = LENGTHS[i], got;
                struct segment s = segment_seal(objects[part].object, part, OSSENC_INLINE, plain, 0);
                byte *p = guarded(plain);
                ossenc_stream *stream = NULL;
                ossenc_error error = new_error();
                OK(ossenc_stream_new(objects[part].object, part, in(s.body, OSSENC_HEAD), &stream, &error));
                OK(open_in_steps(stream, s.body + OSSENC_HEAD, s.body_n - OSSENC_HEAD, steps[k], p, plain, &got,
                                 &error));
                EQUAL(got, plain);
                CHECK(is_pattern(p, plain, 0) && in_bounds(p, plain, plain));
                { /* it is at an end */
                    ossenc_out to = out(p, plain);
                    size_t consumed = 99;
                    STATUS(OSSENC_E_STATE, ossenc_stream_next(stream, none(), &to, &consumed, &error));
                    CHECK(consumed == 0 && to.n == 0);
                    STATUS(OSSENC_E_STATE, ossenc_stream_finish(stream, in(s.body, 16), &to, &error));
                }
                ossenc_stream_free(stream);
                segment_free(&s);
                release(p);
            }
    ossenc_object_free(objects[0].object);
    ossenc_object_free(objects[1].object);
    world_free(&w);
}

struct writer {
    int fd;
    const byte *p;
    size_t n;
};

static void *write_to_pipe(void *argument)
{
    struct writer *w = (struct writer *)argument;
    while (w->n > 0) {
        ssize_t put = write(w->fd, w->p, w->n < 7001 ? w->n : 7001);
        if (put <= 0)
            break;
        w->p += put;
        w->n -= (size_t)put;
    }
    close(w->fd);
    return NULL;
}

static size_t read_all(int fd, byte *p, size_t n)
{
    size_t done = 0;
    ssize_t got;
    while (done < n && (got = read(fd, p + done, n - done)) > 0)
        done += (size_t)got;
    return done;
}

/* A source whose length is known to nobody, through a pipe, with the memory of one chunk. */
static void test_a_pipe(void)
{
    struct world w;
    struct sealed s;
    size_t plain = 200000, at = 0, held = 0;
    struct segment segment;
    struct writer writer;
    pthread_t thread;
    int ends[2];
    byte head[OSSENC_HEAD], sealed[OSSENC_STORED_CHUNK], opened[OSSENC_CHUNK];
    ossenc_stream *stream = NULL;
    ossenc_out room;
    world_init(&w);
    create_k1(&w, "o", &s);
    segment = segment_seal(s.object, 0, OSSENC_INLINE, plain, 0);
    CHECK(pipe(ends) == 0);
    writer.fd = ends[1];
    writer.p = segment.body;
    writer.n = segment.body_n;
    CHECK(pthread_create(&thread, NULL, write_to_pipe, &writer) == 0);
    EQUAL(read_all(ends[0], head, OSSENC_HEAD), OSSENC_HEAD);
    OK(ossenc_stream_new(s.object, 0, in(head, OSSENC_HEAD), &stream, NULL));
    while ((held = read_all(ends[0], sealed, sizeof sealed)) == sizeof sealed) {
        size_t consumed = 0;
        room = out(opened, sizeof opened);
        OK(ossenc_stream_next(stream, in(sealed, held), &room, &consumed, NULL));
        CHECK(consumed == sizeof sealed && room.n == sizeof opened && is_pattern(opened, room.n, at));
        at += room.n;
    }
    room = out(opened, sizeof opened);
    OK(ossenc_stream_finish(stream, in(sealed, held), &room, NULL));
    CHECK(is_pattern(opened, room.n, at));
    EQUAL(at + room.n, plain);
    CHECK(pthread_join(thread, NULL) == 0);
    close(ends[0]);
    ossenc_stream_free(stream);
    segment_free(&segment);
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_refused_streams(void)
{
    struct world w;
    struct sealed s, other, segmented;
    size_t plain = 2 * (size_t)OSSENC_CHUNK + 100, n, got, consumed;
    static const size_t cuts[] = {0,     1,     15,    16,    17,    8000,  16399, 16400,
                                  16415, 16416, 32799, 32800, 32815, 32816, 32915};
    struct segment segment;
    byte *p = guarded(plain), *stored;
    ossenc_stream *stream = NULL;
    ossenc_error error = new_error();
    ossenc_out room;
    world_init(&w);
    create_k1(&w, "o", &s);
    create_k1(&w, "o", &other);
    create_segmented(&w, "o", &segmented);
    segment = segment_seal(s.object, 0, OSSENC_INLINE, plain, 0);
    stored = segment.body + OSSENC_HEAD;
    n = segment.body_n - OSSENC_HEAD;
#define REFUSED(wanted, object, part, head)                                            \
    do {                                                                               \
        stream = (ossenc_stream *)(void *)p;                                           \
        STATUS(wanted, ossenc_stream_new(object, part, head, &stream, &error));        \
        CHECK(stream == NULL && error.status == (wanted));                             \
    } while (0)
    REFUSED(OSSENC_E_COMMIT, other.object, 0, in(segment.body, OSSENC_HEAD));
    REFUSED(OSSENC_E_COMMIT, segmented.object, 1, in(segment.body, OSSENC_HEAD));
    REFUSED(OSSENC_E_FORMAT, segmented.object, 0, in(segment.body, OSSENC_HEAD)); /* it has a manifest */
    REFUSED(OSSENC_E_ARG, s.object, 1, in(segment.body, OSSENC_HEAD));
    REFUSED(OSSENC_E_ARG, s.object, 0, in(segment.body, OSSENC_HEAD - 1));
    REFUSED(OSSENC_E_ARG, s.object, 0, in(segment.body, OSSENC_HEAD + 1));
    REFUSED(OSSENC_E_ARG, s.object, 0, none());
    REFUSED(OSSENC_E_ARG, NULL, 0, in(segment.body, OSSENC_HEAD));
#undef REFUSED
    STATUS(OSSENC_E_ARG, ossenc_stream_new(s.object, 0, in(segment.body, OSSENC_HEAD), NULL, &error));
#define BEGIN() OK(ossenc_stream_new(s.object, 0, in(segment.body, OSSENC_HEAD), &stream, NULL))
    /* Cut anywhere: inside a chunk, between two, before the last. */
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        const size_t cut = cuts[i];
        BEGIN();
        STATUS(cut % OSSENC_STORED_CHUNK < 16 ? OSSENC_E_TRUNCATED : OSSENC_E_CHUNK,
               open_in_steps(stream, stored, cut, 1000000, p, plain, &got, &error));
        EQUAL(got, cut / OSSENC_STORED_CHUNK * OSSENC_CHUNK);
        CHECK(is_pattern(p, got, 0)); /* what was given was authentic */
        ossenc_stream_free(stream);
    }
    /* Chunks swapped, repeated, left out, damaged; a stream is at an end then. */
    for (int what = 0; what < 4; what++) {
        byte *copy = get(n + OSSENC_STORED_CHUNK);
        size_t copy_n = n;
        memcpy(copy, stored, n);
        memset(p, CANARY, plain);
        if (what == 0) {
            memcpy(copy, stored + OSSENC_STORED_CHUNK, OSSENC_STORED_CHUNK);
            memcpy(copy + OSSENC_STORED_CHUNK, stored, OSSENC_STORED_CHUNK);
        } else if (what == 1) {
            memcpy(copy + OSSENC_STORED_CHUNK, stored, OSSENC_STORED_CHUNK);
        } else if (what == 2) {
            memcpy(copy + OSSENC_STORED_CHUNK, stored + 2 * OSSENC_STORED_CHUNK, n - 2 * OSSENC_STORED_CHUNK);
            copy_n -= OSSENC_STORED_CHUNK;
        } else {
            copy[OSSENC_STORED_CHUNK + 5] ^= 1;
        }
        BEGIN();
        STATUS(OSSENC_E_CHUNK, open_in_steps(stream, copy, copy_n, OSSENC_STORED_CHUNK, p, plain, &got, &error));
        EQUAL(error.offset, what == 0 ? 0 : OSSENC_CHUNK);
        EQUAL(got, what == 0 ? 0 : OSSENC_CHUNK);
        CHECK(is_pattern(p, got, 0));
        for (size_t i = got; i < plain; i++)
            if (p[i] != 0 && p[i] != CANARY) {
                CHECK(!"unauthenticated plaintext was left");
                break;
            }
        room = out(p, plain);
        STATUS(OSSENC_E_STATE, ossenc_stream_next(stream, in(stored, n), &room, &consumed, &error));
        STATUS(OSSENC_E_STATE, ossenc_stream_finish(stream, in(stored, 16), &room, &error));
        ossenc_stream_free(stream);
        free(copy);
    }
    /* Room: none for a chunk is no error, none for the end is, and may be mended. */
    memset(p, CANARY, plain);
    BEGIN();
    room = out(p, OSSENC_CHUNK - 1);
    OK(ossenc_stream_next(stream, in(stored, n), &room, &consumed, NULL));
    CHECK(consumed == 0 && room.n == 0 && in_bounds(p, plain, 0));
    room = out(p, plain);
    OK(ossenc_stream_next(stream, in(stored, n), &room, &consumed, NULL));
    CHECK(consumed == 2 * OSSENC_STORED_CHUNK && room.n == 2 * OSSENC_CHUNK);
    room = out(p + 2 * OSSENC_CHUNK, 99);
    STATUS(OSSENC_E_BUFFER, ossenc_stream_finish(stream, in(stored + consumed, n - consumed), &room, NULL));
    CHECK(room.n == 100 && in_bounds(p, plain, 2 * OSSENC_CHUNK));
    room.cap = 100;
    OK(ossenc_stream_finish(stream, in(stored + 2 * OSSENC_STORED_CHUNK, 116), &room, NULL));
    CHECK(room.n == 100 && is_pattern(p, plain, 0));
    ossenc_stream_free(stream);
    /* Arguments, and overlaps. */
    BEGIN();
    room = out(p, plain);
    STATUS(OSSENC_E_ARG, ossenc_stream_next(NULL, in(stored, n), &room, &consumed, NULL));
    STATUS(OSSENC_E_ARG, ossenc_stream_next(stream, in(NULL, n), &room, &consumed, NULL));
    STATUS(OSSENC_E_ARG, ossenc_stream_next(stream, in(stored, n), NULL, &consumed, NULL));
    STATUS(OSSENC_E_ARG, ossenc_stream_next(stream, in(stored, n), &room, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_stream_finish(NULL, in(stored, 16), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_stream_finish(stream, in(NULL, 16), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_stream_finish(stream, in(stored, 16), NULL, NULL));
    room = out(stored + 100, plain - 100);
    STATUS(OSSENC_E_ARG, ossenc_stream_next(stream, in(stored, n), &room, &consumed, NULL));
    STATUS(OSSENC_E_ARG, ossenc_stream_finish(stream, in(stored, 200), &room, NULL));
    OK(open_in_steps(stream, stored, n, 100000, p, plain, &got, NULL)); /* none of that did harm */
    ossenc_stream_free(stream);
    ossenc_stream_free(NULL);
#undef BEGIN
    segment_free(&segment);
    release(p);
    ossenc_object_free(s.object);
    ossenc_object_free(other.object);
    ossenc_object_free(segmented.object);
    world_free(&w);
}

void streams_tests(void)
{
    RUN(streams);
    RUN(a_pipe);
    RUN(refused_streams);
}

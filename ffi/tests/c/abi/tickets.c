/* Tickets: one segment sealed by many threads, and everything that can be done wrong with a ticket. */
#include "harness.h"

enum { TICKETS = 6, TAIL = 1234 };

static uint32_t chunks_of(uint32_t layout)
{
    return layout == OSSENC_PAGED ? 256 : 2;
}

static ossenc_sealer *new_sealer(const ossenc_object *object, uint32_t layout, uint32_t tickets)
{
    ossenc_sealer *sealer = NULL;
    OK(ossenc_sealer_new(object, 1, layout, tickets, chunks_of(layout), &sealer, NULL));
    return sealer;
}

static ossenc_status spend(const ossenc_sealer *sealer, const ossenc_ticket *ticket, byte *source, size_t n, byte *dst,
                           size_t nd, ossenc_out *side)
{
    ossenc_iov from = iov(source, n), to = iov(dst, nd);
    return ossenc_seal_run(sealer, ticket, &from, 1, &to, 1, side);
}

/* The ticket's bytes to where it says that they belong. */
static ossenc_status spend_into(const ossenc_sealer *sealer, const ossenc_ticket *ticket, byte *source,
                                struct segment *s)
{
    ossenc_out side = out(s->side + ticket->side_off, ticket->side);
    ossenc_status status = spend(sealer, ticket, source + ticket->plain_off, ticket->plain, s->body + ticket->body_off,
                                 ticket->body, &side);
    if (status == OSSENC_OK && side.n != ticket->side)
        return OSSENC_E_PANIC;
    return status;
}

static struct segment room_for(uint32_t layout, size_t plain)
{
    struct segment s;
    uint64_t body = 0, side = 0;
    OK(ossenc_layout_size(layout, plain, &body, &side));
    s.body_n = (size_t)body;
    s.side_n = (size_t)side;
    s.body = get(s.body_n);
    s.side = get(s.side_n);
    memset(s.body, CANARY, s.body_n);
    memset(s.side, CANARY, s.side_n);
    SIZED(s.receipt);
    return s;
}

/* The tail, the tags behind it, and the head, each to its place. */
static void finish_into(ossenc_sealer *sealer, uint32_t layout, byte *tail, size_t n, struct segment *s)
{
    ossenc_iov from = iov(tail, n);
    ossenc_out body = out(NULL, 0), side = out(NULL, 0);
    size_t tail_n, tags_n;
    ossenc_status status = ossenc_seal_finish(sealer, &from, 1, &body, &side, &s->receipt);
    if (layout == OSSENC_DETACHED && n == 0)
        EQUAL(body.n, 0); /* a tag alone, aside */
    STATUS(OSSENC_E_BUFFER, status);
    tail_n = body.n;
    tags_n = side.n;
    body = out(s->body + s->body_n - tail_n, tail_n);
    side = out(s->side + s->side_n - tags_n, tags_n);
    OK(ossenc_seal_finish(sealer, &from, 1, &body, &side, &s->receipt));
    CHECK(body.n == tail_n && side.n == tags_n);
    EQUAL(s->receipt.body, s->body_n);
    if (layout == OSSENC_INLINE)
        memcpy(s->body, s->receipt.head, OSSENC_HEAD);
    if (layout == OSSENC_DETACHED)
        memcpy(s->side, s->receipt.head, OSSENC_HEAD);
}

/* Opens a segment that is the only one of its object. */
static void check_segment(const ossenc_object *object, const struct segment *s, uint32_t layout, size_t plain)
{
    byte manifest[512], *p = guarded(plain);
    ossenc_out room = out(manifest, sizeof manifest);
    ossenc_map *map = NULL;
    ossenc_status status;
    uint8_t layouts = (uint8_t)layout;
    OK(ossenc_manifest_seal(object, 1, &s->receipt, 1, &room));
    OK(ossenc_map_open(object, in(manifest, room.n), 1, &layouts, 1, &map, NULL));
    EQUAL(read_extents(object, map, s, 0, UINT64_MAX, 4, p, &status, NULL), plain);
    OK(status);
    CHECK(is_pattern(p, plain, 0) && in_bounds(p, plain, plain));
    ossenc_map_free(map);
    release(p);
}

struct crew {
    const ossenc_sealer *sealer;
    byte *source;
    struct segment *segment;
    int errors, tickets;
};

static void *seal_what_there_is(void *argument)
{
    struct crew *c = (struct crew *)argument;
    ossenc_ticket ticket;
    ossenc_status status;
    while ((status = ossenc_seal_reserve(c->sealer, &ticket)) == OSSENC_OK) {
        c->tickets++;
        c->errors += spend_into(c->sealer, &ticket, c->source, c->segment) != OSSENC_OK;
    }
    c->errors += status != OSSENC_E_STATE;
    return NULL;
}

static void test_tickets_on_threads(void)
{
    enum { THREADS = 4 };
    struct world w;
    struct sealed s;
    world_init(&w);
    create_segmented(&w, "o", &s);
    for (uint32_t layout = 0; layout < LAYOUTS; layout++)
        for (int tail = 0; tail < 2; tail++) {
            uint32_t tickets = layout == OSSENC_PAGED ? 1 : TICKETS;
            size_t whole = (size_t)tickets * chunks_of(layout) * OSSENC_CHUNK, plain = whole + (tail ? TAIL : 0);
            byte *source = patterned(plain);
            struct segment segment = room_for(layout, plain);
            ossenc_sealer *sealer = new_sealer(s.object, layout, tickets);
            struct crew crews[THREADS];
            pthread_t threads[THREADS];
            uint32_t taken = 0;
            for (int i = 0; i < THREADS; i++) {
                memset(&crews[i], 0, sizeof crews[i]);
                crews[i].sealer = sealer;
                crews[i].source = source;
                crews[i].segment = &segment;
                CHECK(pthread_create(&threads[i], NULL, seal_what_there_is, &crews[i]) == 0);
            }
            for (int i = 0; i < THREADS; i++) {
                CHECK(pthread_join(threads[i], NULL) == 0);
                EQUAL(crews[i].errors, 0);
                taken += (uint32_t)crews[i].tickets;
            }
            EQUAL(taken, tickets);
            finish_into(sealer, layout, source + whole, plain - whole, &segment);
            EQUAL(segment.receipt.part, 1);
            EQUAL(segment.receipt.layout, layout);
            EQUAL(segment.receipt.plain, plain);
            check_segment(s.object, &segment, layout, plain);
            ossenc_sealer_free(sealer);
            segment_free(&segment);
            free(source);
        }
    ossenc_object_free(s.object);
    world_free(&w);
}

/* Of many threads that spend one ticket, one does. */
struct rivals {
    const ossenc_sealer *sealer;
    ossenc_ticket ticket; /* each thread has a copy */
    byte *source;
    int done, used, others;
};

static void *spend_the_same(void *argument)
{
    struct rivals *r = (struct rivals *)argument;
    byte *room = guarded(r->ticket.body);
    ossenc_status status = spend(r->sealer, &r->ticket, r->source, r->ticket.plain, room, r->ticket.body, NULL);
    r->done += status == OSSENC_OK;
    r->used += status == OSSENC_E_USED && in_bounds(room, r->ticket.body, 0);
    r->others += status != OSSENC_OK && status != OSSENC_E_USED;
    release(room);
    return NULL;
}

static void test_one_ticket_is_spent_once(void)
{
    enum { RIVALS = 8, ROUNDS = 20 };
    struct world w;
    struct sealed s;
    byte *source;
    world_init(&w);
    create_segmented(&w, "o", &s);
    source = patterned(2 * (size_t)OSSENC_CHUNK);
    for (int round = 0; round < ROUNDS; round++) {
        ossenc_sealer *sealer = new_sealer(s.object, OSSENC_INLINE, 1);
        struct rivals rivals[RIVALS];
        pthread_t threads[RIVALS];
        ossenc_ticket ticket;
        int done = 0, used = 0, others = 0;
        OK(ossenc_seal_reserve(sealer, &ticket));
        for (int i = 0; i < RIVALS; i++) {
            memset(&rivals[i], 0, sizeof rivals[i]);
            rivals[i].sealer = sealer;
            rivals[i].ticket = ticket;
            rivals[i].source = source;
            CHECK(pthread_create(&threads[i], NULL, spend_the_same, &rivals[i]) == 0);
        }
        for (int i = 0; i < RIVALS; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
            done += rivals[i].done;
            used += rivals[i].used;
            others += rivals[i].others;
        }
        EQUAL(done, 1);
        EQUAL(used, RIVALS - 1);
        EQUAL(others, 0);
        ossenc_sealer_free(sealer);
    }
    free(source);
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_refused_tickets(void)
{
    struct world w;
    struct sealed s;
    world_init(&w);
    create_segmented(&w, "o", &s);
    for (uint32_t layout = 0; layout < LAYOUTS; layout++) {
        ossenc_sealer *own = new_sealer(s.object, layout, 2), *foreign = new_sealer(s.object, layout, 2);
        ossenc_sealer *stream = NULL;
        ossenc_ticket t, u;
        ossenc_out side;
        byte *source, *room, *tags;
        size_t n;
        OK(ossenc_seal_reserve(own, &t));
        n = t.plain;
        EQUAL(t.plain, chunks_of(layout) * OSSENC_CHUNK);
        EQUAL(t.body, layout == OSSENC_INLINE  ? chunks_of(layout) * OSSENC_STORED_CHUNK
                      : layout == OSSENC_PAGED ? n + 4096
                                               : n);
        EQUAL(t.side, layout == OSSENC_DETACHED ? 2 * 16 : 0);
        EQUAL(t.body_off, layout == OSSENC_INLINE ? OSSENC_HEAD : 0);
        EQUAL(t.side_off, layout == OSSENC_DETACHED ? OSSENC_HEAD : 0);
        source = patterned(n + 1);
        room = guarded(t.body);
        tags = guarded(t.side);
#define REFUSED(wanted, sealer, ticket, length)                                                          \
    do {                                                                                                 \
        side = out(tags, t.side);                                                                        \
        STATUS(wanted, spend(sealer, ticket, source, length, room, t.body, &side));                      \
        CHECK(side.n == 0 && in_bounds(room, t.body, 0) && in_bounds(tags, t.side, 0)); /* nothing written */ \
    } while (0)
        REFUSED(OSSENC_E_ARG, NULL, &t, n);
        REFUSED(OSSENC_E_ARG, own, NULL, n);
        /* Foreign, made up, not given yet, beyond all that there are. */
        OK(ossenc_seal_reserve(foreign, &u));
        REFUSED(OSSENC_E_ARG, own, &u, n);
        memset(&u, 0, sizeof u);
        REFUSED(OSSENC_E_ARG, own, &u, n);
        for (uint64_t by = 1; by < 4; by++) {
            u = t, u.id += by, u.plain_off += by * t.plain, u.body_off += by * t.body, u.side_off += by * t.side;
            REFUSED(OSSENC_E_ARG, own, &u, n);
        }
        u = t, u.id += UINT32_MAX;
        REFUSED(OSSENC_E_ARG, own, &u, n);
        for (int bit = 0; bit < 64; bit++) {
            u = t, u.id ^= (uint64_t)1 << bit;
            REFUSED(OSSENC_E_ARG, own, &u, n);
        }
        /* Changed in any of its fields. */
        u = t, u.plain_off++;
        REFUSED(OSSENC_E_ARG, own, &u, n);
        u = t, u.body_off--;
        REFUSED(OSSENC_E_ARG, own, &u, n);
        u = t, u.side_off ^= 16;
        REFUSED(OSSENC_E_ARG, own, &u, n);
        u = t, u.plain -= OSSENC_CHUNK;
        REFUSED(OSSENC_E_ARG, own, &u, n - OSSENC_CHUNK);
        u = t, u.body = SIZE_MAX;
        REFUSED(OSSENC_E_ARG, own, &u, n);
        u = t, u.side = SIZE_MAX;
        REFUSED(OSSENC_E_ARG, own, &u, n);
        /* A source of another length, and too little room. */
        REFUSED(OSSENC_E_ARG, own, &t, n - 1);
        REFUSED(OSSENC_E_ARG, own, &t, n + 1);
        REFUSED(OSSENC_E_ARG, own, &t, 0);
        side = out(tags, t.side);
        STATUS(OSSENC_E_BUFFER, spend(own, &t, source, n, room, t.body - 1, &side));
        if (layout == OSSENC_DETACHED) {
            side = out(tags, t.side - 1);
            STATUS(OSSENC_E_BUFFER, spend(own, &t, source, n, room, t.body, &side));
            STATUS(OSSENC_E_BUFFER, spend(own, &t, source, n, room, t.body, NULL));
        }
        STATUS(OSSENC_E_ARG, ossenc_seal_run(own, &t, NULL, 1, NULL, 0, NULL));
        CHECK(in_bounds(room, t.body, 0) && in_bounds(tags, t.side, 0));
        /* Streams and tickets are two kinds of sealers. */
        OK(ossenc_sealer_new(s.object, 1, layout, 0, 0, &stream, NULL));
        STATUS(OSSENC_E_ARG, ossenc_seal_reserve(stream, &u));
        REFUSED(OSSENC_E_ARG, stream, &t, n);
        {
            ossenc_iov from = iov(source, n), to = iov(room, t.body);
            size_t consumed = 99, written = 99;
            STATUS(OSSENC_E_ARG, ossenc_seal_next(own, &from, 1, &to, 1, NULL, &consumed, &written));
            CHECK(consumed == 0 && written == 0 && in_bounds(room, t.body, 0));
        }
        STATUS(OSSENC_E_ARG, ossenc_seal_reserve(NULL, &u));
        STATUS(OSSENC_E_ARG, ossenc_seal_reserve(own, NULL));
        ossenc_sealer_free(stream);
        /* None of that has spent it. Spent, it is spent: the ticket and every copy. */
        side = out(tags, t.side);
        OK(spend(own, &t, source, n, room, t.body, &side));
        EQUAL(side.n, t.side);
        CHECK(in_bounds(room, t.body, t.body) && in_bounds(tags, t.side, t.side));
        memset(room, CANARY, t.body);
        memset(tags, CANARY, t.side);
        u = t;
        REFUSED(OSSENC_E_USED, own, &t, n);
        REFUSED(OSSENC_E_USED, own, &u, n);
#undef REFUSED
        ossenc_sealer_free(own);
        ossenc_sealer_free(foreign);
        release(room);
        release(tags);
        free(source);
    }
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_finish_while_a_ticket_is_out(void)
{
    struct world w;
    struct sealed s;
    world_init(&w);
    create_segmented(&w, "o", &s);
    for (uint32_t layout = 0; layout < 2; layout++) {
        size_t whole = 2 * 2 * (size_t)OSSENC_CHUNK, plain = whole + TAIL;
        byte *source = patterned(plain), *room = guarded(5000), aside[100];
        struct segment segment = room_for(layout, plain);
        ossenc_sealer *sealer = new_sealer(s.object, layout, 3);
        ossenc_ticket first, second, late;
        ossenc_iov tail = iov(source + whole, TAIL);
        ossenc_out body = out(room, 5000), side = out(aside, sizeof aside);
        OK(ossenc_seal_reserve(sealer, &first));
        OK(ossenc_seal_reserve(sealer, &second));
        EQUAL(second.plain_off, first.plain);
        EQUAL(second.body_off, first.body_off + first.body);
        EQUAL(second.side_off, first.side_off + first.side);
        STATUS(OSSENC_E_STATE, ossenc_seal_finish(sealer, &tail, 1, &body, &side, NULL));
        OK(spend_into(sealer, &second, source, &segment)); /* in any order */
        body = out(room, 5000);
        side = out(aside, sizeof aside);
        STATUS(OSSENC_E_STATE, ossenc_seal_finish(sealer, &tail, 1, &body, &side, NULL)); /* the first is out */
        CHECK(body.n == 0 && side.n == 0);
        CHECK(in_bounds(room, 5000, 0));
        OK(spend_into(sealer, &first, source, &segment));
        finish_into(sealer, layout, source + whole, TAIL, &segment); /* the third was never asked for */
        check_segment(s.object, &segment, layout, plain);
        /* An end is an end. */
        body = out(room, 5000);
        side = out(aside, sizeof aside);
        STATUS(OSSENC_E_STATE, ossenc_seal_finish(sealer, &tail, 1, &body, &side, NULL));
        body.cap = side.cap = 0; /* with no room, too */
        STATUS(OSSENC_E_STATE, ossenc_seal_finish(sealer, &tail, 1, &body, &side, NULL));
        STATUS(OSSENC_E_STATE, ossenc_seal_reserve(sealer, &late));
        STATUS(OSSENC_E_USED, spend_into(sealer, &first, source, &segment));
        /* The third, made up: its chunks are the tail's, so a run of it would repeat nonces. */
        late = second, late.id++, late.plain_off += late.plain, late.body_off += late.body, late.side_off += late.side;
        side = out(aside, sizeof aside);
        STATUS(OSSENC_E_ARG, spend(sealer, &late, source, late.plain, segment.body, late.body, &side));
        CHECK(in_bounds(room, 5000, 0));
        ossenc_sealer_free(sealer);
        segment_free(&segment);
        release(room);
        free(source);
    }
    ossenc_object_free(s.object);
    world_free(&w);
}

/* Threads that reserve and spend while others finish: finished once, and what came out is whole. */
struct racers {
    ossenc_sealer *sealer;
    byte *source;
    struct segment *segment;
    int errors, done, finishes;
};

static void *race_to_finish(void *argument)
{
    struct racers *r = (struct racers *)argument;
    for (int i = 0; i < 50 && r->finishes == 0; i++) {
        byte room[64];
        ossenc_out body = out(room, sizeof room);
        ossenc_receipt receipt;
        ossenc_status status;
        SIZED(receipt);
        status = ossenc_seal_finish(r->sealer, NULL, 0, &body, NULL, &receipt);
        r->errors += status != OSSENC_OK && status != OSSENC_E_STATE;
        if (status == OSSENC_OK) {
            r->finishes++;
            r->segment->receipt = receipt;
            memcpy(r->segment->body + r->segment->receipt.body - body.n, room, body.n);
        }
    }
    return NULL;
}

static void *race_to_reserve(void *argument)
{
    struct racers *r = (struct racers *)argument;
    ossenc_ticket ticket;
    for (int i = 0; i < 3 && ossenc_seal_reserve(r->sealer, &ticket) == OSSENC_OK; i++) {
        r->errors += spend_into(r->sealer, &ticket, r->source, r->segment) != OSSENC_OK;
        r->done++;
    }
    return NULL;
}

static void test_finish_against_reservations(void)
{
    enum { THREADS = 4 };
    struct world w;
    struct sealed s;
    size_t most = TICKETS * 2 * (size_t)OSSENC_CHUNK;
    byte *source = patterned(most);
    world_init(&w);
    create_segmented(&w, "o", &s);
    for (int round = 0; round < 20; round++) {
        struct segment segment = room_for(OSSENC_INLINE, most);
        ossenc_sealer *sealer = new_sealer(s.object, OSSENC_INLINE, TICKETS);
        struct racers racers[THREADS], last;
        pthread_t threads[THREADS];
        int done = 0, finishes = 0;
        memset(&last, 0, sizeof last);
        last.sealer = sealer;
        last.source = source;
        last.segment = &segment;
        for (int i = 0; i < THREADS; i++) {
            racers[i] = last;
            CHECK(pthread_create(&threads[i], NULL, i % 2 ? race_to_finish : race_to_reserve, &racers[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            CHECK(pthread_join(threads[i], NULL) == 0);
            EQUAL(racers[i].errors, 0);
            done += racers[i].done;
            finishes += racers[i].finishes;
        }
        if (finishes == 0) {
            race_to_finish(&last);
            finishes = last.finishes;
        }
        EQUAL(finishes, 1);
        EQUAL(segment.receipt.plain, (size_t)done * 2 * OSSENC_CHUNK);
        memcpy(segment.body, segment.receipt.head, OSSENC_HEAD);
        check_segment(s.object, &segment, OSSENC_INLINE, (size_t)segment.receipt.plain);
        ossenc_sealer_free(sealer);
        segment_free(&segment);
    }
    free(source);
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_numbers_of_tickets(void)
{
    struct world w;
    struct sealed s;
    ossenc_sealer *sealer = NULL;
    world_init(&w);
    create_segmented(&w, "o", &s);
    for (uint32_t layout = 0; layout < LAYOUTS; layout++) {
        static const uint32_t bad[][2] = {{1, 0}, {0, 256}, {(1 << 24) + 1, 256}, {1 << 16, 1 << 16},
                                          {2, (uint32_t)1 << 31}, {UINT32_MAX, UINT32_MAX}};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            STATUS(OSSENC_E_ARG, ossenc_sealer_new(s.object, 1, layout, bad[i][0], bad[i][1], &sealer, NULL));
            CHECK(sealer == NULL);
        }
        STATUS(OSSENC_E_ARG, ossenc_sealer_new(s.object, 0, layout, 1, 256, &sealer, NULL));
        OK(ossenc_sealer_new(s.object, 1, layout, 1 << 10, (1 << 22) - 256, &sealer, NULL));
        ossenc_sealer_free(sealer);
    }
    STATUS(OSSENC_E_ARG, ossenc_sealer_new(s.object, 1, OSSENC_PAGED, 1, 255, &sealer, NULL));
    STATUS(OSSENC_E_TOONEW, ossenc_sealer_new(s.object, 1, 3, 1, 256, &sealer, NULL));
    ossenc_object_free(s.object);
    world_free(&w);
}

void tickets_tests(void)
{
    RUN(tickets_on_threads);
    RUN(one_ticket_is_spent_once);
    RUN(refused_tickets);
    RUN(finish_while_a_ticket_is_out);
    RUN(finish_against_reservations);
    RUN(numbers_of_tickets);
}

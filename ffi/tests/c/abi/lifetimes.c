/* Lifetimes, threads, randomness. */
#include "harness.h"

/* Handles in every order of freeing: each keeps what it needs. */
static void test_lifetimes(void)
{
    struct world w;
    struct sealed s;
    ossenc_sealer *sealer = NULL;
    ossenc_opener *opener = NULL;
    ossenc_map *map;
    ossenc_op *op = NULL;
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_context context = context_of("o");
    const ossenc_object *late = NULL;
    const ossenc_keystore *keystore = NULL;
    ossenc_extent e;
    ossenc_iov src, dst;
    ossenc_out room;
    uint64_t next;
    size_t n, found, plain = 20000;
    byte *body, *p = get(20000 + 200);
    world_init(&w);
    create_k1(&w, "o", &s);
    OK(ossenc_object_create(w.keyring, &choice, &context, 0, NULL, &op));
    OK(ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), root(), 0, &keystore, NULL));
    ossenc_keystore_free(w.keystore);
    ossenc_lib_free(w.lib);
    OK(open_status(w.keyring, in(s.envelope, s.n), "o")); /* a keyring without its library and keystore */
    ossenc_keyring_free(w.keyring);
    w.keyring = NULL;
    w.keystore = NULL;
    w.lib = NULL;
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL)); /* an operation without its keyring */
    OK(ossenc_op_object(op, &late));
    ossenc_op_free(op);
    body = seal_pattern(late, plain, &n); /* an object without all of them */
    ossenc_object_free(late);
    free(body);
    body = seal_pattern(s.object, plain, &n);
    OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
    map = new_map(body, n, OSSENC_UNKNOWN);
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    OK(ossenc_plan(map, 0, plain, 0, &e, 1, &found, &next));
    ossenc_map_free(map);
    ossenc_object_free(s.object);
    src = iov(body + e.body_off, e.body);
    dst = iov(p, plain);
    OK(ossenc_open_extent(opener, &e, &src, 1, none(), &dst, 1, NULL)); /* an opener without object and map */
    CHECK(p[0] == pattern(0) && p[plain - 1] == pattern(plain - 1));
    ossenc_opener_free(opener);
    src = iov(body, 10);
    room = out(p, 200);
    OK(ossenc_seal_finish(sealer, &src, 1, &room, NULL, NULL)); /* a sealer without its object */
    ossenc_sealer_free(sealer);
    EQUAL(ossenc_keystore_generation(keystore), 2);
    room = out(p, 2000);
    OK(try_change(keystore, OSSENC_KS_STAGE, "k1", "", &room, NULL)); /* a keystore without its library */
    ossenc_keystore_free(keystore);
    free(body);
    free(p);
    world_free(&w);
}

struct shared {
    struct world *w;
    struct sealed *s;
    const ossenc_opener *opener;
    const ossenc_map *map;
    const byte *body;
    size_t plain, n;
    const ossenc_keystore *keystores[2];
    int seed, errors;
};

static void *worker(void *argument)
{
    struct shared *t = (struct shared *)argument;
    byte *p = get(t->plain), *sealed = get(200);
    for (int i = 0; i < 30; i++) {
        size_t off = (size_t)(t->seed * 7919 + i * 104729) % t->plain, found;
        size_t len = 1 + (size_t)(i * 7561) % (t->plain - off);
        uint64_t next;
        ossenc_extent e;
        ossenc_iov src, dst;
        ossenc_context context = context_of("o");
        ossenc_op *op = NULL;
        const ossenc_object *object = NULL;
        ossenc_out room = out(sealed, 200);
        t->errors += ossenc_plan(t->map, off, len, 0, &e, 1, &found, &next) != OSSENC_OK || found != 1;
        src = iov((void *)(t->body + e.body_off), e.body);
        dst = iov(p, len);
        t->errors += ossenc_open_extent(t->opener, &e, &src, 1, none(), &dst, 1, NULL) != OSSENC_OK;
        for (size_t b = 0; b < len; b += 37)
            t->errors += p[b] != pattern(off + b);
        t->errors += ossenc_seal(t->s->object, 0, OSSENC_INLINE, in(p, 10), &room, NULL, NULL) != OSSENC_OK;
        /* One keyring: opened through, and published to, by all. An older generation is refused, nothing else. */
        t->errors += ossenc_object_open(t->w->keyring, in(t->s->envelope, t->s->n), &context, anything(), NULL, &op) !=
                     OSSENC_OK;
        t->errors += ossenc_op_run(op, NULL, NULL, 0, NULL) != OSSENC_OK;
        t->errors += ossenc_op_object(op, &object) != OSSENC_OK;
        ossenc_op_free(op);
        ossenc_object_free(object);
        if (i % 3 == 0) {
            ossenc_status status = ossenc_keyring_publish(t->w->keyring, t->keystores[(i + t->seed) % 2]);
            t->errors += status != OSSENC_OK && status != OSSENC_E_EXPECT;
        }
        t->errors += ossenc_keystore_generation(t->keystores[0]) != 2;
    }
    free(p);
    free(sealed);
    return NULL;
}

static void test_threads(void)
{
    enum { THREADS = 8 };
    struct world w;
    struct sealed s;
    struct shared shared[THREADS], all;
    pthread_t threads[THREADS];
    ossenc_opener *opener = NULL;
    ossenc_map *map;
    byte *body;
    (void)anything();
    world_init(&w);
    create_k1(&w, "o", &s);
    memset(&all, 0, sizeof all);
    all.w = &w;
    all.s = &s;
    all.plain = 60000;
    body = seal_pattern(s.object, all.plain, &all.n);
    map = new_map(body, all.n, OSSENC_UNKNOWN);
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    all.body = body;
    all.map = map;
    all.opener = opener;
    OK(ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), root(), 0, &all.keystores[0], NULL));
    world_change(&w, OSSENC_KS_STAGE, "k1", "");
    OK(ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), root(), 0, &all.keystores[1], NULL));
    for (int i = 0; i < THREADS; i++) {
        shared[i] = all;
        shared[i].seed = i;
        CHECK(pthread_create(&threads[i], NULL, worker, &shared[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        EQUAL(shared[i].errors, 0);
    }
    ossenc_keystore_free(all.keystores[0]);
    ossenc_keystore_free(all.keystores[1]);
    ossenc_opener_free(opener);
    ossenc_map_free(map);
    ossenc_object_free(s.object);
    free(body);
    world_free(&w);
}

/* Each operation, with the randomness failing at its n-th draw: an honest status, nothing written, nothing spent. */
static void test_failing_entropy(void)
{
    struct world w;
    struct sealed s, t;
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_context context = context_of("o");
    byte source[100], *p = guarded(2000);
    memset(source, 1, sizeof source);
    world_init(&w);
    create_k1(&w, "o", &s);
    for (int what = 0; what < 6; what++) {
        /* keystore init, create, promote; object create, rewrap; seal */
        static const long draws[] = {2, 2, 1, 3, 1, 1};
        for (long at = 0; at <= draws[what]; at++) {
            ossenc_status wanted = at < draws[what] ? OSSENC_E_NOENTROPY : OSSENC_OK;
            ossenc_out room = out(p, 2000);
            ossenc_sealer *sealer = NULL;
            ossenc_error error = new_error();
            if (what == 2 && at == 0)
                world_change(&w, OSSENC_KS_STAGE, "k1", "");
            memset(p, CANARY, 2000);
            w.machine.draws = 0;
            w.machine.fail_at = at;
            if (what == 0)
                STATUS(wanted, ossenc_keystore_init(w.lib, text("root-1"), root(), &room, &error));
            else if (what == 1)
                STATUS(wanted, try_change(w.keystore, OSSENC_KS_CREATE, "k2", "", &room, &error));
            else if (what == 2)
                STATUS(wanted, try_change(w.keystore, OSSENC_KS_PROMOTE, "k1", "", &room, &error));
            else if (what == 3) {
                STATUS(wanted, create(w.keyring, &choice, &context, 0, &t));
                ossenc_object_free(t.object);
            } else if (what == 4)
                STATUS(wanted, rewrap(w.keyring, &s, "o", NULL, NULL, 0));
            else {
                STATUS(wanted, ossenc_seal(s.object, 0, OSSENC_INLINE, in(source, 100), &room, NULL, NULL));
                w.machine.draws = 0;
                STATUS(wanted, ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, &error));
                CHECK((sealer != NULL) == (wanted == OSSENC_OK));
                ossenc_sealer_free(sealer);
            }
            EQUAL(w.machine.draws, wanted == OSSENC_OK ? draws[what] : at + 1);
            if (wanted != OSSENC_OK && what != 3 && what != 4) {
                EQUAL(room.n, 0);
                CHECK(in_bounds(p, 2000, 0));
            }
            w.machine.fail_at = -1;
        }
    }
    /* After all that, everything still works. */
    OK(open_status(w.keyring, in(s.envelope, s.n), "o"));
    release(p);
    ossenc_object_free(s.object);
    world_free(&w);
}

/* No two messages share their randomness, whatever is sealed: not even the same bytes of the same object. */
static void test_nothing_repeats(void)
{
    struct world w;
    struct sealed s;
    byte *a, *b;
    size_t n;
    world_init(&w);
    create_k1(&w, "o", &s);
    a = seal_pattern(s.object, 100, &n);
    b = seal_pattern(s.object, 100, &n);
    for (size_t i = 0; i + 24 <= n; i += 24)
        CHECK(memcmp(a + i, b + i, 24) != 0);
    check_body(&w, &s, "o", a, n, 100);
    check_body(&w, &s, "o", b, n, 100);
    free(a);
    free(b);
    ossenc_object_free(s.object);
    world_free(&w);
}

void lifetimes_tests(void)
{
    RUN(lifetimes);
    RUN(threads);
    RUN(failing_entropy);
    RUN(nothing_repeats);
}

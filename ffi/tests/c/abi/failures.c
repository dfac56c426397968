/* What a failed call leaves. */
#include "harness.h"

/* The header: "when a call fails, the place for a handle is set to NULL". Also when the fault is in an argument:
 * clean-up code frees what is in the place. */
static void test_places_after_a_failure(void)
{
    struct world w;
    struct sealed s;
    ossenc_context context = context_of("o");
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_config config;
    size_t n;
    byte *body, stale;
    ossenc_map *map;
    world_init(&w);
    create_k1(&w, "o", &s);
    body = seal_pattern(s.object, 100, &n);
    map = new_map(body, n, OSSENC_UNKNOWN);
    ZERO(config);
#define NULLED(type, call)                       \
    do {                                         \
        type *place = (type *)(void *)&stale;    \
        CHECK((call) != OSSENC_OK);              \
        check(place == NULL, #call, __FILE__, __LINE__);   \
    } while (0)
    NULLED(ossenc_lib, ossenc_lib_new(&config, &place, NULL));
    NULLED(const ossenc_keystore, ossenc_keystore_load(NULL, in(w.image.p, w.image.n), root(), 0, &place, NULL));
    NULLED(const ossenc_keystore, ossenc_keystore_load(w.lib, in(NULL, 1), root(), 0, &place, NULL));
    NULLED(const ossenc_keystore, ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), in(ROOT, 5), 0, &place, NULL));
    NULLED(const ossenc_keystore, ossenc_keystore_load(w.lib, none(), root(), 0, &place, NULL));
    NULLED(ossenc_keyring, ossenc_keyring_new(NULL, NULL, &place));
    NULLED(ossenc_op, ossenc_object_create(NULL, &choice, &context, 0, NULL, &place));
    NULLED(ossenc_op, ossenc_object_create(w.keyring, NULL, &context, 0, NULL, &place));
    NULLED(ossenc_op, ossenc_object_create(w.keyring, &choice, NULL, 0, NULL, &place));
    NULLED(ossenc_op, ossenc_object_open(NULL, in(s.envelope, s.n), &context, anything(), NULL, &place));
    NULLED(ossenc_op, ossenc_object_open(w.keyring, in(s.envelope, s.n), &context, NULL, NULL, &place));
    NULLED(ossenc_op, ossenc_rewrap(NULL, in(s.envelope, s.n), &context, anything(), NULL, NULL, 0, NULL, &place));
    NULLED(const ossenc_object, ossenc_op_object(NULL, &place));
    NULLED(ossenc_sealer, ossenc_sealer_new(NULL, 0, OSSENC_INLINE, 0, 0, &place, NULL));
    NULLED(ossenc_sealer, ossenc_sealer_new(s.object, 9, OSSENC_INLINE, 0, 0, &place, NULL));
    NULLED(ossenc_sealer, ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 9, 0, &place, NULL));
    NULLED(ossenc_map, ossenc_map_single(9, n, OSSENC_UNKNOWN, none(), &place));
    NULLED(ossenc_map, ossenc_map_single(OSSENC_INLINE, n, OSSENC_UNKNOWN, in(body, 9), &place));
    NULLED(ossenc_map, ossenc_map_single(OSSENC_INLINE, 3, OSSENC_UNKNOWN, none(), &place));
    NULLED(ossenc_opener, ossenc_opener_new(NULL, map, 0, &place, NULL));
    NULLED(ossenc_opener, ossenc_opener_new(s.object, map, 9, &place, NULL));
#undef NULLED
    ossenc_map_free(map);
    free(body);
    ossenc_object_free(s.object);
    world_free(&w);
}

/* And `n` of an output is 0, unless it says what is needed. */
static void test_outputs_after_a_failure(void)
{
    struct world w;
    struct sealed s;
    ossenc_change change;
    ossenc_out room, side;
    size_t n;
    byte *body, *p = guarded(1000);
    ossenc_map *map;
    ossenc_sealer *sealer = NULL;
    ossenc_iov tail;
    world_init(&w);
    create_k1(&w, "o", &s);
    body = seal_pattern(s.object, 100, &n);
    map = new_map(body, n, OSSENC_UNKNOWN);
    tail = iov(body, 10);
    OK(ossenc_sealer_new(s.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
    ZERO(change);
#define EMPTY(call)                                                      \
    do {                                                                 \
        room = out(p, 1000);                                             \
        CHECK((call) != OSSENC_OK);                                      \
        check(room.n == 0 && in_bounds(p, 1000, 0), #call, __FILE__, __LINE__);    \
    } while (0)
    EMPTY(ossenc_keystore_init(NULL, text("r"), root(), &room, NULL));
    EMPTY(ossenc_keystore_init(w.lib, text(""), root(), &room, NULL));
    EMPTY(ossenc_keystore_init(w.lib, text("r"), in(ROOT, 1), &room, NULL));
    EMPTY(ossenc_keystore_apply(w.keystore, &change, &room, NULL));
    EMPTY(ossenc_keystore_apply(NULL, &change, &room, NULL));
    EMPTY(ossenc_op_envelope(NULL, &room));
    EMPTY(ossenc_seal(NULL, 0, OSSENC_INLINE, in(body, 10), &room, NULL, NULL));
    EMPTY(ossenc_seal(s.object, 1, OSSENC_INLINE, in(body, 10), &room, NULL, NULL));
    EMPTY(ossenc_seal(s.object, 0, OSSENC_INLINE, in(NULL, 10), &room, NULL, NULL));
    EMPTY(ossenc_seal_finish(NULL, &tail, 1, &room, NULL, NULL));
    EMPTY(ossenc_seal_finish(sealer, NULL, 1, &room, NULL, NULL));
    EMPTY(ossenc_open(NULL, map, in(body, n), none(), &room, NULL));
    EMPTY(ossenc_open(s.object, map, in(body, n), in(body, 1), &room, NULL));
    EMPTY(ossenc_open(s.object, map, in(NULL, n), none(), &room, NULL));
    EMPTY(ossenc_open(s.object, map, in(body, n - 1), none(), &room, NULL));
#undef EMPTY
    /* What would lie aside has room, too, and gets nothing. */
    side = out(p, 1000);
    room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_seal(s.object, 0, OSSENC_INLINE, in(body, 10), &room, &side, NULL));
    EQUAL(side.n, 0);
    ossenc_sealer_free(sealer);
    ossenc_map_free(map);
    free(body);
    release(p);
    ossenc_object_free(s.object);
    world_free(&w);
}

void failures_tests(void)
{
    RUN(places_after_a_failure);
    RUN(outputs_after_a_failure);
}

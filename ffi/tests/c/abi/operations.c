/* Keyrings and operations; contexts and expectations. */
#include "harness.h"

static void test_keyring(void)
{
    struct world w;
    struct sealed s;
    ossenc_keyring *empty = NULL, *none_made = (ossenc_keyring *)&w;
    const ossenc_keystore *old = NULL;
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_context context = context_of("o");
    uint32_t reasons;
    ossenc_limits limits;
    world_init(&w);
    STATUS(OSSENC_E_ARG, ossenc_keyring_new(NULL, NULL, &none_made));
    STATUS(OSSENC_E_ARG, ossenc_keyring_new(w.lib, NULL, NULL));
    none_made = (ossenc_keyring *)&w;
    ZERO(limits);
    STATUS(OSSENC_E_ARG, ossenc_keyring_new(w.lib, &limits, &none_made));
    CHECK(none_made == NULL);
    OK(ossenc_keyring_new(w.lib, NULL, &empty));
    STATUS(OSSENC_E_ARG, ossenc_keyring_publish(NULL, w.keystore));
    STATUS(OSSENC_E_ARG, ossenc_keyring_publish(empty, NULL));
    /* Without a keystore nothing works, and says so. */
    create_k1(&w, "o", &s);
    STATUS(OSSENC_E_STATE, open_status(empty, in(s.envelope, s.n), "o"));
    STATUS(OSSENC_E_STATE, ossenc_needs_rewrap(empty, in(s.envelope, s.n), &reasons));
    ossenc_object_free(s.object);
    STATUS(OSSENC_E_STATE, create(empty, &choice, &context, 0, &s));
    ossenc_keyring_free(empty);

    /* An older generation of the same keystore is refused; the same generation is not. */
    OK(ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), root(), 0, &old, NULL));
    world_change(&w, OSSENC_KS_STAGE, "k1", "");
    world_publish(&w);
    world_publish(&w);
    STATUS(OSSENC_E_EXPECT, ossenc_keyring_publish(w.keyring, old));
    ossenc_keystore_free(old);
    world_free(&w);
}

static void test_operations(void)
{
    struct world w;
    ossenc_op *op = NULL;
    ossenc_error error = new_error();
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_context context = context_of("o"), wrong = context_of("p");
    const ossenc_object *one = NULL, *two = NULL;
    byte *p = guarded(OSSENC_ENVELOPE_MAX), dummy;
    ossenc_out room;
    size_t needed;
    ossenc_answer answer;
    ossenc_provider provider;
    world_init(&w);
    OK(ossenc_object_create(w.keyring, &choice, &context, 0, NULL, &op));
    /* Not before it was run. */
    one = (const ossenc_object *)&w;
    STATUS(OSSENC_E_STATE, ossenc_op_object(op, &one));
    CHECK(one == NULL);
    room = out(p, OSSENC_ENVELOPE_MAX);
    STATUS(OSSENC_E_STATE, ossenc_op_envelope(op, &room));
    EQUAL(room.n, 0);
    ZERO(answer);
    ZERO(provider);
    STATUS(OSSENC_E_ARG, ossenc_op_step(op, &answer, NULL, &error));
    answer.size = sizeof answer;
    STATUS(OSSENC_E_ARG, ossenc_op_step(op, &answer, NULL, &error)); /* nothing was asked */
    STATUS(OSSENC_E_ARG, ossenc_op_run(op, &provider, NULL, 0, &error));
    OK(ossenc_op_step(op, NULL, NULL, &error)); /* the first step is the last one */
    OK(ossenc_op_step(op, NULL, NULL, NULL));   /* and more do no harm */
    OK(ossenc_op_run(op, NULL, &dummy, 4242, NULL));
    OK(ossenc_op_object(op, &one));
    OK(ossenc_op_object(op, &two));
    CHECK(one && two && one != two); /* a handle of its own at each call */
    room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_op_envelope(op, &room));
    needed = room.n;
    EQUAL(needed, 158 + 2 + 1);
    for (size_t cap = 0; cap < needed; cap++) {
        room = out(p, cap);
        STATUS(OSSENC_E_BUFFER, ossenc_op_envelope(op, &room));
        EQUAL(room.n, needed);
    }
    CHECK(in_bounds(p, OSSENC_ENVELOPE_MAX, 0));
    room = out(p, needed);
    OK(ossenc_op_envelope(op, &room));
    EQUAL(room.n, needed);
    CHECK(in_bounds(p, OSSENC_ENVELOPE_MAX, needed));
    STATUS(OSSENC_E_ARG, ossenc_op_envelope(op, NULL));
    STATUS(OSSENC_E_ARG, ossenc_op_envelope(NULL, &room));
    STATUS(OSSENC_E_ARG, ossenc_op_object(op, NULL));
    ossenc_object_free(one);
    STATUS(OSSENC_E_ARG, ossenc_op_object(NULL, &one));
    CHECK(one == NULL);
    STATUS(OSSENC_E_ARG, ossenc_op_step(NULL, NULL, NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_op_run(NULL, NULL, NULL, 0, NULL));
    OK(ossenc_op_object(op, &one));
    ossenc_op_free(op);
    ossenc_object_free(two);

    /* An opening has an object and no envelope, a rewrap the reverse. */
    OK(ossenc_object_open(w.keyring, in(p, needed), &context, anything(), NULL, &op));
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL));
    room = out(p, OSSENC_ENVELOPE_MAX);
    STATUS(OSSENC_E_STATE, ossenc_op_envelope(op, &room));
    ossenc_op_free(op);
    OK(ossenc_rewrap(w.keyring, in(p, needed), &context, anything(), NULL, NULL, 0, NULL, &op));
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL));
    two = one;
    STATUS(OSSENC_E_STATE, ossenc_op_object(op, &two));
    CHECK(two == NULL);
    ossenc_op_free(op);

    /* One that failed has nothing, now or later. */
    OK(ossenc_object_open(w.keyring, in(p, needed), &wrong, anything(), NULL, &op));
    STATUS(OSSENC_E_COMMIT, ossenc_op_run(op, NULL, NULL, 0, &error));
    EQUAL(error.status, OSSENC_E_COMMIT);
    STATUS(OSSENC_E_STATE, ossenc_op_run(op, NULL, NULL, 0, &error));
    STATUS(OSSENC_E_STATE, ossenc_op_object(op, &two));
    ossenc_op_free(op);
    /* Freed before it was run. */
    OK(ossenc_object_open(w.keyring, in(p, needed), &context, anything(), NULL, &op));
    ossenc_op_free(op);
    ossenc_object_free(one);
    release(p);
    world_free(&w);
}

static void test_create_arguments(void)
{
    struct world w;
    struct sealed s;
    ossenc_op *op;
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1"), other;
    ossenc_context context = context_of("o");
    world_init(&w);
    STATUS(OSSENC_E_ARG, ossenc_object_create(NULL, &choice, &context, 0, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, NULL, &context, 0, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, &choice, NULL, 0, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, &choice, &context, 0, NULL, NULL));
    other = choice;
    other.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, &other, &context, 0, NULL, &op));
    other = choice;
    other.method = 4;
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, &other, &context, 0, NULL, &op));
    other.method = OSSENC_METHOD_SSE_C;
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, &other, &context, 0, NULL, &op)); /* without its key */
    context.size--;
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, &choice, &context, 0, NULL, &op));
    context.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_object_create(w.keyring, &choice, &context, 0, NULL, &op));
    context = context_of("o");
    other = choice_of(OSSENC_METHOD_SSE_OSS, "k9");
    STATUS(OSSENC_E_NOVERSION, create(w.keyring, &other, &context, 0, &s));
    other = choice_of(OSSENC_METHOD_SSE_OSS, "");
    STATUS(OSSENC_E_NOVERSION, create(w.keyring, &other, &context, 0, &s));
    OK(ossenc_object_create(w.keyring, &choice, &context, 1, NULL, &op));
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL)); /* a segmented object */
    ossenc_op_free(op);
    world_free(&w);
}

static void test_contexts(void)
{
    struct world w;
    struct sealed s;
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_context c = context_of("o"), d;
    ossenc_pair pairs[3], swapped[2];
    const ossenc_object *object;
    byte *large = get(65536);
    memset(large, 'x', 65536);
    world_init(&w);
    memset(pairs, 0, sizeof pairs);
    pairs[0].key = text("a");
    pairs[0].value = text("1");
    pairs[1].key = text("b");
    pairs[1].value = none();
    c.version_id = text("v");
    c.user = pairs;
    c.users = 2;
    OK(create(w.keyring, &choice, &c, 0, &s));
#define OPENS(wanted, context)                                                                   \
    do {                                                                                         \
        STATUS(wanted, open_with(w.keyring, in(s.envelope, s.n), &(context), anything(), &object)); \
        ossenc_object_free(object);                                                              \
    } while (0)
    OPENS(OSSENC_OK, c);
    /* The order of the pairs does not matter; all else does. */
    swapped[0] = pairs[1];
    swapped[1] = pairs[0];
    d = c;
    d.user = swapped;
    OPENS(OSSENC_OK, d);
    d = c;
    d.users = 1;
    OPENS(OSSENC_E_COMMIT, d);
    d = c;
    d.users = 0;
    d.user = NULL;
    OPENS(OSSENC_E_COMMIT, d);
    d = c;
    d.tenant = text("Tenant");
    OPENS(OSSENC_E_COMMIT, d);
    d = c;
    d.bucket_id = none();
    OPENS(OSSENC_E_COMMIT, d);
    d = c;
    d.object = text("oo");
    OPENS(OSSENC_E_COMMIT, d);
    d = c;
    d.version_id = in("v\0", 2);
    OPENS(OSSENC_E_COMMIT, d);
    d = c; /* the same bytes, cut elsewhere */
    d.tenant = text("tenantb");
    d.bucket_id = text("ucket");
    OPENS(OSSENC_E_COMMIT, d);
    ossenc_object_free(s.object);

    /* Limits, and what is not allowed. */
#define CREATES(wanted)                                    \
    do {                                                   \
        STATUS(wanted, create(w.keyring, &choice, &c, 0, &s)); \
        ossenc_object_free(s.object);                      \
    } while (0)
    pairs[1].key = text("a");
    CREATES(OSSENC_E_ARG); /* a key twice */
    pairs[1].key = none();
    CREATES(OSSENC_E_ARG); /* an empty key */
    pairs[1].key = text("ossenc:x");
    CREATES(OSSENC_E_ARG); /* reserved */
    pairs[1].key = in("\xff", 1);
    CREATES(OSSENC_E_ARG); /* not UTF-8 */
    pairs[1].key = text("k");
    pairs[1].value = in(large, 8192 - 4 - 6 - 5); /* count, the pair a=1, k and two lengths */
    CREATES(OSSENC_OK);
    pairs[1].value.n++;
    CREATES(OSSENC_E_ARG);
    c.user = NULL;
    CREATES(OSSENC_E_ARG); /* a NULL list with a count */
    c.users = 0;
    c.tenant = in(large, 65535);
    c.bucket_id = in(large, 65535);
    c.object = in(large, 65535);
    c.version_id = in(large, 65535);
    CREATES(OSSENC_OK);
    c.object = in(large, 65536);
    CREATES(OSSENC_E_ARG);
    c.object = in(NULL, 1);
    CREATES(OSSENC_E_ARG);
    SIZED(c); /* all empty */
    CREATES(OSSENC_OK);
#undef OPENS
#undef CREATES
    free(large);
    world_free(&w);
}

static void test_expectations(void)
{
    struct world w;
    struct sealed s;
    ossenc_expect e;
    ossenc_in keys[2];
    ossenc_context context = context_of("o");
    const ossenc_object *object;
    ossenc_op *op = NULL;
    world_init(&w);
    create_k1(&w, "o", &s);
    SIZED(e);
    keys[0] = text("k0");
    keys[1] = text("k1");
#define OPENS(wanted)                                                                         \
    do {                                                                                      \
        STATUS(wanted, open_with(w.keyring, in(s.envelope, s.n), &context, &e, &object));     \
        ossenc_object_free(object);                                                           \
    } while (0)
    OPENS(OSSENC_E_EXPECT); /* nothing is allowed */
    e.methods = OSSENC_ALLOW_SSE_OSS;
    OPENS(OSSENC_E_EXPECT);
    e.key_ids = keys;
    e.n = 1;
    OPENS(OSSENC_E_EXPECT);
    e.n = 2;
    OPENS(OSSENC_OK);
    e.methods = OSSENC_ALLOW_SSE_KMS;
    OPENS(OSSENC_E_EXPECT);
    e.methods = 1;
    OPENS(OSSENC_E_ARG);
    e.methods = OSSENC_ALLOW_SSE_OSS;
    e.key_ids = NULL;
    OPENS(OSSENC_E_ARG);
    e.key_ids = keys;
    keys[0] = in("\xff", 1);
    OPENS(OSSENC_E_ARG);
    keys[0] = text("");
    OPENS(OSSENC_OK);
    e.size = 0;
    OPENS(OSSENC_E_ARG);
#undef OPENS
    STATUS(OSSENC_E_ARG, ossenc_object_open(w.keyring, in(s.envelope, s.n), &context, NULL, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_object_open(w.keyring, in(s.envelope, s.n), NULL, anything(), NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_object_open(NULL, in(s.envelope, s.n), &context, anything(), NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_object_open(w.keyring, in(NULL, 1), &context, anything(), NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_object_open(w.keyring, in(s.envelope, s.n), &context, anything(), NULL, NULL));
    STATUS(OSSENC_E_FORMAT, open_status(w.keyring, none(), "o"));
    ossenc_object_free(s.object);
    world_free(&w);
}

void operations_tests(void)
{
    RUN(keyring);
    RUN(operations);
    RUN(create_arguments);
    RUN(contexts);
    RUN(expectations);
}

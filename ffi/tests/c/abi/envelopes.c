/* Envelopes: what is refused, what they say, rotation and rewrapping. */
#include "harness.h"

static void test_refused_envelopes(void)
{
    struct world w, stranger;
    struct sealed s, other;
    byte e[OSSENC_ENVELOPE_MAX + 1];
    ossenc_info info;
    struct { size_t at; byte value; ossenc_status status; } cases[] = {
        {0, 'O', OSSENC_E_FORMAT},          {AT_VERSION, 2, OSSENC_E_TOONEW},     {AT_VERSION, 0, OSSENC_E_TOONEW},
        {AT_SUITE, 0, OSSENC_E_TOONEW},     {AT_SUITE, 2, OSSENC_E_TOONEW},       {AT_SHAPE, 3, OSSENC_E_TOONEW},
        {AT_ZERO, 1, OSSENC_E_FORMAT},      {AT_COUNT, 0, OSSENC_E_FORMAT},       {AT_COUNT, 2, OSSENC_E_FORMAT},
        {AT_COUNT, 17, OSSENC_E_FORMAT},    {AT_SLOTS, 0xff, OSSENC_E_FORMAT},    {AT_SLOTS + 1, 0, OSSENC_E_FORMAT},
        {AT_SLOT, 0xff, OSSENC_E_FORMAT},   {AT_SLOT + 1, 1, OSSENC_E_FORMAT},    {AT_METHOD, 9, OSSENC_E_TOONEW},
        {AT_METHOD, 3, OSSENC_E_FORMAT},    {AT_KIND, 9, OSSENC_E_TOONEW},        {AT_KIND, 2, OSSENC_E_FORMAT},
        {AT_KEY - 1, 0, OSSENC_E_FORMAT},   {AT_KEY - 1, 0xff, OSSENC_E_FORMAT},
        {AT_KEY_VERSION, '0', OSSENC_E_FORMAT},
        {AT_KEY_VERSION, '9', OSSENC_E_NOVERSION}, {AT_KEY_VERSION, 'x', OSSENC_E_FORMAT},
        {AT_KEY + 1, '2', OSSENC_E_NOVERSION}, {AT_KEY, 'x', OSSENC_E_EXPECT},    {AT_ID, 1, OSSENC_E_COMMIT},
        {AT_WRAPPED + 7, 1, OSSENC_E_COMMIT}, {AT_METHOD, 2, OSSENC_E_COMMIT},    {AT_INNER, 1, OSSENC_E_COMMIT},
        {AT_INNER + 24, 1, OSSENC_E_COMMIT}, {AT_INNER + 103, 1, OSSENC_E_COMMIT},
    };
    world_init(&w);
    create_k1(&w, "o", &s);
    create_k1(&w, "p", &other);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ossenc_status status;
        memcpy(e, s.envelope, s.n);
        e[cases[i].at] = e[cases[i].at] == cases[i].value ? (byte)(cases[i].value ^ 0x40) : cases[i].value;
        status = open_status(w.keyring, in(e, s.n), "o");
        if (status != cases[i].status)
            printf("  case at %u, value %u:\n", (unsigned)cases[i].at, cases[i].value);
        STATUS(cases[i].status, status);
    }
    /* Trailing bytes, and every shorter length. */
    memcpy(e, s.envelope, s.n);
    e[s.n] = 0;
    STATUS(OSSENC_E_FORMAT, open_status(w.keyring, in(e, s.n + 1), "o"));
    for (size_t n = 0; n < s.n; n++) {
        STATUS(OSSENC_E_FORMAT, open_status(w.keyring, in(e, n), "o"));
        SIZED(info);
        STATUS(OSSENC_E_FORMAT, ossenc_envelope_read(in(e, n), &info));
    }
    /* No bit is free. */
    for (size_t bit = 0; bit < 8 * s.n; bit++) {
        ossenc_status status;
        memcpy(e, s.envelope, s.n);
        e[bit / 8] = (byte)(e[bit / 8] ^ 1 << bit % 8);
        status = open_status(w.keyring, in(e, s.n), "o");
        CHECK(status != OSSENC_OK && status != OSSENC_E_ARG && status != OSSENC_E_PANIC);
    }
    /* Another context, another object's slot, another keystore with a key of the same name. */
    STATUS(OSSENC_E_COMMIT, open_status(w.keyring, in(s.envelope, s.n), "p"));
    memcpy(e, s.envelope, s.n);
    memcpy(e + AT_COUNT, other.envelope + AT_COUNT, s.n - AT_COUNT);
    STATUS(OSSENC_E_COMMIT, open_status(w.keyring, in(e, s.n), "o"));
    STATUS(OSSENC_E_COMMIT, open_status(w.keyring, in(e, s.n), "p"));
    memset(&stranger, 0, sizeof stranger);
    world_init(&stranger);
    OK(open_status(stranger.keyring, in(s.envelope, s.n), "o")); /* the same randomness: the same key */
    world_free(&stranger);
    {
        ossenc_lib *lib = NULL;
        ossenc_keyring *keyring = NULL;
        const ossenc_keystore *first = NULL, *second = NULL;
        byte image[1024];
        ossenc_out room = out(image, sizeof image);
        OK(ossenc_lib_new(NULL, &lib, NULL));
        OK(ossenc_keyring_new(lib, NULL, &keyring));
        OK(ossenc_keystore_init(lib, text("root-1"), root(), &room, NULL));
        OK(ossenc_keystore_load(lib, in(image, room.n), root(), 0, &first, NULL));
        OK(ossenc_keyring_publish(keyring, first));
        STATUS(OSSENC_E_NOVERSION, open_status(keyring, in(s.envelope, s.n), "o"));
        room = out(image, sizeof image);
        OK(try_change(first, OSSENC_KS_CREATE, "k1", "", &room, NULL));
        OK(ossenc_keystore_load(lib, in(image, room.n), root(), 0, &second, NULL));
        OK(ossenc_keyring_publish(keyring, second));
        STATUS(OSSENC_E_COMMIT, open_status(keyring, in(s.envelope, s.n), "o"));
        ossenc_keystore_free(first);
        ossenc_keystore_free(second);
        ossenc_keyring_free(keyring);
        ossenc_lib_free(lib);
    }
    ossenc_object_free(s.object);
    ossenc_object_free(other.object);
    world_free(&w);
}

static void test_envelope_read(void)
{
    struct world w;
    struct sealed s;
    ossenc_info info;
    world_init(&w);
    create_k1(&w, "o", &s);
    SIZED(info);
    OK(ossenc_envelope_read(in(s.envelope, s.n), &info));
    EQUAL(info.size, sizeof info);
    EQUAL(info.format, 1);
    EQUAL(info.method, OSSENC_METHOD_SSE_OSS);
    EQUAL(info.segmented, 0);
    EQUAL(info.slots, 1);
    CHECK(memcmp(info.id, s.envelope + AT_ID, 16) == 0);
    CHECK(info.key_id.p == s.envelope + AT_KEY && info.key_id.n == 2); /* borrowed from the envelope */
    CHECK(info.key_version.p == s.envelope + AT_KEY_VERSION && info.key_version.n == 1);
    EQUAL(info.wrapped_at, 1700000000);
    memset(&info, CANARY, sizeof info);
    info.size = sizeof info.size + 4;
    OK(ossenc_envelope_read(in(s.envelope, s.n), &info));
    CHECK(untouched((byte *)&info + info.size, sizeof info - info.size));
    info.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_envelope_read(in(s.envelope, s.n), &info));
    STATUS(OSSENC_E_ARG, ossenc_envelope_read(in(s.envelope, s.n), NULL));
    STATUS(OSSENC_E_ARG, ossenc_envelope_read(in(NULL, 99), &info));
    ossenc_object_free(s.object);
    world_free(&w);
}

static uint32_t reasons_of(const struct world *w, const struct sealed *s)
{
    uint32_t reasons = 4242;
    OK(ossenc_needs_rewrap(w->keyring, in(s->envelope, s->n), &reasons));
    return reasons;
}

static void test_rotation_and_rewrap(void)
{
    struct world w;
    struct sealed s, saved;
    ossenc_info info;
    ossenc_choice to;
    ossenc_context moved = context_of("moved");
    ossenc_op *op = NULL;
    size_t n, plain = 20000;
    byte *body;
    uint32_t reasons;
    world_init(&w);
    create_k1(&w, "o", &s);
    body = seal_pattern(s.object, plain, &n);
    ossenc_object_free(s.object);
    EQUAL(reasons_of(&w, &s), 0);
    STATUS(OSSENC_E_ARG, ossenc_needs_rewrap(NULL, in(s.envelope, s.n), &reasons));
    STATUS(OSSENC_E_ARG, ossenc_needs_rewrap(w.keyring, in(s.envelope, s.n), NULL));
    STATUS(OSSENC_E_FORMAT, ossenc_needs_rewrap(w.keyring, none(), &reasons));
    STATUS(OSSENC_E_FORMAT, ossenc_needs_rewrap(w.keyring, in(s.envelope, s.n - 1), &reasons));

    /* Staged: unwraps, does not wrap. Nothing lags behind. */
    world_change(&w, OSSENC_KS_STAGE, "k1", "");
    world_publish(&w);
    EQUAL(reasons_of(&w, &s), 0);
    OK(rewrap(w.keyring, &s, "o", NULL, NULL, 0));
    SIZED(info);
    OK(ossenc_envelope_read(in(s.envelope, s.n), &info));
    CHECK(info.key_version.n == 1 && memcmp(info.key_version.p, "1", 1) == 0);

    /* Promoted: old envelopes open, and lag. What is wrapped now opens where version 2 is staged, and only there. */
    {
        const ossenc_keystore *staged = NULL, *before = NULL;
        ossenc_keyring *node = NULL, *stale = NULL;
        struct world v;
        world_init(&v); /* same randomness, generation 2: knows version 1 alone */
        OK(ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), root(), 0, &staged, NULL));
        OK(ossenc_keyring_new(w.lib, NULL, &node));
        OK(ossenc_keyring_new(w.lib, NULL, &stale));
        OK(ossenc_keystore_load(w.lib, in(v.image.p, v.image.n), root(), 0, &before, NULL));
        OK(ossenc_keyring_publish(node, staged));
        OK(ossenc_keyring_publish(stale, before));
        world_change(&w, OSSENC_KS_PROMOTE, "k1", "");
        world_publish(&w);
        EQUAL(reasons_of(&w, &s), OSSENC_REWRAP_OLD_VERSION);
        check_body(&w, &s, "o", body, n, plain);
        saved = s;
        OK(rewrap(w.keyring, &s, "o", NULL, NULL, 0));
        EQUAL(reasons_of(&w, &s), 0);
        OK(open_status(node, in(s.envelope, s.n), "o"));
        STATUS(OSSENC_E_NOVERSION, open_status(stale, in(s.envelope, s.n), "o"));
        OK(ossenc_needs_rewrap(stale, in(s.envelope, s.n), &reasons));
        EQUAL(reasons, OSSENC_REWRAP_UNKNOWN_KEY);
        ossenc_keyring_free(node);
        ossenc_keyring_free(stale);
        ossenc_keystore_free(staged);
        ossenc_keystore_free(before);
        world_free(&v);
    }
    check_body(&w, &s, "o", body, n, plain);
    /* Retired: what was left behind does not open, and says why. */
    world_change(&w, OSSENC_KS_RETIRE, "k1", "1");
    world_publish(&w);
    STATUS(OSSENC_E_KEYSTATE, open_status(w.keyring, in(saved.envelope, saved.n), "o"));
    STATUS(OSSENC_E_KEYSTATE, rewrap(w.keyring, &saved, "o", NULL, NULL, 0));
    EQUAL(reasons_of(&w, &saved), OSSENC_REWRAP_OLD_VERSION | OSSENC_REWRAP_KEY_STATE);
    check_body(&w, &s, "o", body, n, plain);

    /* To another key, and another method; the old slot kept or not. */
    world_change(&w, OSSENC_KS_CREATE, "k2", "");
    world_publish(&w);
    saved = s;
    to = choice_of(OSSENC_METHOD_SSE_OSS, "k2");
    OK(rewrap(w.keyring, &s, "o", &to, NULL, 1));
    OK(ossenc_envelope_read(in(s.envelope, s.n), &info));
    EQUAL(info.slots, 2);
    CHECK(info.key_id.n == 2 && memcmp(info.key_id.p, "k2", 2) == 0);
    check_body(&w, &s, "o", body, n, plain);
    {
        ossenc_in only = text("k1");
        ossenc_expect e = *anything();
        ossenc_context context = context_of("o");
        const ossenc_object *object;
        e.key_ids = &only;
        e.n = 1;
        OK(open_with(w.keyring, in(s.envelope, s.n), &context, &e, &object)); /* the kept slot opens, too */
        ossenc_object_free(object);
    }
    OK(rewrap(w.keyring, &s, "o", &to, NULL, 0));
    OK(ossenc_envelope_read(in(s.envelope, s.n), &info));
    EQUAL(info.slots, 1);
    to = choice_of(OSSENC_METHOD_SSE_KMS, "k2");
    STATUS(OSSENC_E_ARG, rewrap(w.keyring, &s, "o", &to, NULL, 1)); /* kept slots would not go with it */
    OK(rewrap(w.keyring, &s, "o", &to, NULL, 0));
    OK(ossenc_envelope_read(in(s.envelope, s.n), &info));
    EQUAL(info.method, OSSENC_METHOD_SSE_KMS);
    check_body(&w, &s, "o", body, n, plain);
    /* To another name. */
    STATUS(OSSENC_E_ARG, rewrap(w.keyring, &s, "o", NULL, &moved, 1));
    OK(rewrap(w.keyring, &s, "o", NULL, &moved, 0));
    STATUS(OSSENC_E_COMMIT, open_status(w.keyring, in(s.envelope, s.n), "o"));
    check_body(&w, &s, "moved", body, n, plain);
    /* As an opening, and as a creation. */
    STATUS(OSSENC_E_COMMIT, rewrap(w.keyring, &s, "o", NULL, NULL, 0));
    to = choice_of(OSSENC_METHOD_SSE_KMS, "k9");
    STATUS(OSSENC_E_NOVERSION, rewrap(w.keyring, &s, "moved", &to, NULL, 0));
    to.size = 0;
    STATUS(OSSENC_E_ARG, rewrap(w.keyring, &s, "moved", &to, NULL, 0));
    moved.size = 0;
    STATUS(OSSENC_E_ARG, rewrap(w.keyring, &s, "moved", NULL, &moved, 0));
    moved = context_of("moved");
    STATUS(OSSENC_E_ARG, ossenc_rewrap(NULL, in(s.envelope, s.n), &moved, anything(), NULL, NULL, 0, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_rewrap(w.keyring, in(NULL, 9), &moved, anything(), NULL, NULL, 0, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_rewrap(w.keyring, in(s.envelope, s.n), NULL, anything(), NULL, NULL, 0, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_rewrap(w.keyring, in(s.envelope, s.n), &moved, NULL, NULL, NULL, 0, NULL, &op));
    STATUS(OSSENC_E_ARG, ossenc_rewrap(w.keyring, in(s.envelope, s.n), &moved, anything(), NULL, NULL, 0, NULL, NULL));
    free(body);
    world_free(&w);
}

void envelopes_tests(void)
{
    RUN(refused_envelopes);
    RUN(envelope_read);
    RUN(rotation_and_rewrap);
}

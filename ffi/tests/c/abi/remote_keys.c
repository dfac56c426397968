/* Operations with keys from elsewhere: asks answered by hand, waits and wakes, callbacks, and what is refused. */
#include "harness.h"

static int is(ossenc_in i, const char *s)
{
    return i.n == strlen(s) && memcmp(i.p, s, i.n) == 0;
}

/* --- A world with a clock of its own ------------------------------------------------------------------------------ */

static uint64_t mono_ns;
static int wakes[4];
static int events, last_what;
static ossenc_status last_event;

static void now(void *user, ossenc_time *time)
{
    (void)user;
    time->wall_s = 1700000000;
    time->mono_ns = mono_ns;
}

static void wake(void *user, void *waiter)
{
    (void)user;
    ++*(int *)waiter;
}

static void event(void *user, const ossenc_event *told)
{
    (void)user;
    CHECK(told->size == sizeof *told);
    events++;
    last_what = (int)told->what;
    last_event = told->status;
}

static ossenc_lib *lib;
static ossenc_keyring *keyring;

static void begin(const ossenc_limits *limits)
{
    static const unsigned char root[32] = {1};
    unsigned char image[4096];
    ossenc_out out;
    const ossenc_keystore *keystore = NULL;
    ossenc_config config;
    SIZED(config);
    config.now = now;
    config.wake = wake;
    config.event = event;
    mono_ns = 1000;
    memset(wakes, 0, sizeof wakes);
    OK(ossenc_lib_new(&config, &lib, NULL));
    out.p = image;
    out.cap = sizeof image;
    OK(ossenc_keystore_init(lib, text("root"), in(root, 32), &out, NULL));
    OK(ossenc_keystore_load(lib, in(image, out.n), in(root, 32), 1, &keystore, NULL));
    OK(ossenc_keyring_new(lib, limits, &keyring));
    OK(ossenc_keyring_publish(keyring, keystore));
    ossenc_keystore_free(keystore);
}

static void end(void)
{
    ossenc_keyring_free(keyring);
    ossenc_lib_free(lib);
}

static ossenc_context place(const char *object)
{
    ossenc_context c;
    SIZED(c);
    c.tenant = text("acme");
    c.bucket_id = text("b-1");
    c.object = text(object);
    return c;
}

static ossenc_choice remote(uint32_t bucket_key)
{
    ossenc_choice c;
    SIZED(c);
    c.method = OSSENC_METHOD_SSE_KMS;
    c.provider = text("kms-1");
    c.key_id = text("cmk");
    c.bucket_key = bucket_key;
    return c;
}

static ossenc_expect allowed(void)
{
    static ossenc_in key;
    ossenc_expect e;
    SIZED(e);
    key = text("cmk");
    e.methods = OSSENC_ALLOW_SSE_KMS;
    e.key_ids = &key;
    e.n = 1;
    return e;
}

/* --- A service: its blob is the secret with every bit turned, its store one record --------------------------------- */

static int calls;
static unsigned char secret[32], blob[64];
static unsigned char record[1024];
static size_t record_n;

static ossenc_answer serve(const ossenc_ask *ask)
{
    ossenc_answer a;
    size_t i;
    SIZED(a);
    a.id = ask->id;
    calls++;
    CHECK(ask->verb == OSSENC_VERB_LOAD_BUCKET_KEY || is(ask->provider, "kms-1"));
    switch (ask->verb) {
    case OSSENC_VERB_GENERATE:
        for (i = 0; i < 32; i++) {
            secret[i] = (unsigned char)(i + (size_t)calls);
            blob[i] = (unsigned char)~secret[i];
        }
        a.secret = in(secret, 32);
        a.blob = in(blob, 32);
        a.key_id = ask->key_id;
        a.key_version = text("v7");
        break;
    case OSSENC_VERB_UNWRAP:
        CHECK(is(ask->key_version, "v7") && ask->blob.n == 32);
        for (i = 0; i < 32; i++)
            secret[i] = (unsigned char)~((const unsigned char *)ask->blob.p)[i];
        a.secret = in(secret, 32);
        break;
    case OSSENC_VERB_STORE_BUCKET_KEY:
        CHECK(ask->bucket_key_id.n == 16 && ask->blob.n <= sizeof record);
        memcpy(record, ask->blob.p, record_n = ask->blob.n);
        break;
    default:
        a.blob = in(record, record_n);
    }
    return a;
}

static ossenc_status call(void *user, const ossenc_ask *ask, ossenc_reply reply, void *reply_to)
{
    ossenc_answer a;
    if (user)
        return *(ossenc_status *)user;
    CHECK(ask->size == sizeof *ask);
    a = serve(ask);
    reply(reply_to, &a);
    return OSSENC_OK;
}

static ossenc_provider provider(void)
{
    ossenc_provider p;
    SIZED(p);
    p.call = call;
    return p;
}

static unsigned char envelope[4096];

static size_t make(uint32_t bucket_key)
{
    ossenc_op *op = NULL;
    ossenc_choice choice = remote(bucket_key);
    ossenc_context context = place("o");
    ossenc_provider p = provider();
    ossenc_out out;
    out.p = envelope;
    out.cap = sizeof envelope;
    out.n = 0;
    OK(ossenc_object_create(keyring, &choice, &context, 0, NULL, &op));
    OK(ossenc_op_run(op, &p, NULL, 0, NULL));
    OK(ossenc_op_envelope(op, &out));
    ossenc_op_free(op);
    return out.n;
}

static ossenc_op *open_op(size_t n, int *waiter)
{
    ossenc_op *op = NULL;
    ossenc_context context = place("o");
    ossenc_expect expect = allowed();
    OK(ossenc_object_open(keyring, in(envelope, n), &context, &expect, waiter, &op));
    return op;
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void test_asks_answered_by_hand(void)
{
    ossenc_ask ask;
    ossenc_answer answer, wrong;
    ossenc_error error;
    const ossenc_object *object = NULL;
    ossenc_op *op;
    size_t n;
    begin(NULL);
    n = make(OSSENC_BUCKET_KEY_NONE);
    op = open_op(n, NULL);
    SIZED(ask);
    SIZED(error);
    STATUS(OSSENC_ASK, ossenc_op_step(op, NULL, NULL, NULL));
    STATUS(OSSENC_ASK, ossenc_op_step(op, NULL, &ask, &error));
    CHECK(error.status == OSSENC_ASK);
    CHECK(ask.verb == OSSENC_VERB_UNWRAP && is(ask.key_id, "cmk") && ask.timeout_ns == 10000000000u);
    CHECK(ask.n_pairs == 2 && is(ask.pairs[0].key, "ossenc:bucket") && is(ask.pairs[0].value, "b-1"));
    CHECK(is(ask.pairs[1].key, "ossenc:tenant") && is(ask.pairs[1].value, "acme"));
    CHECK(ask.context.n == 4 + 4 + 13 + 3 + 4 + 13 + 4 && ask.bucket_key_id.n == 0);
    answer = serve(&ask);
    wrong = answer;
    wrong.id++;
    STATUS(OSSENC_E_ARG, ossenc_op_step(op, &wrong, &ask, NULL));
    wrong = answer;
    wrong.status = OSSENC_E_PANIC;
    STATUS(OSSENC_E_ARG, ossenc_op_step(op, &wrong, &ask, NULL));
    wrong = answer;
    wrong.size--;
    STATUS(OSSENC_E_ARG, ossenc_op_step(op, &wrong, &ask, NULL));
    STATUS(OSSENC_E_STATE, ossenc_op_object(op, &object));
    OK(ossenc_op_step(op, &answer, &ask, NULL));
    STATUS(OSSENC_E_ARG, ossenc_op_step(op, &answer, &ask, NULL)); /* late */
    OK(ossenc_op_object(op, &object));
    ossenc_object_free(object);
    ossenc_op_free(op);
    /* A place for the ask that is of an older caller: no more is written than it has. */
    OK(ossenc_keyring_evict(keyring, text("cmk")));
    op = open_op(n, NULL);
    SIZED(ask);
    ask.size = offsetof(ossenc_ask, provider);
    STATUS(OSSENC_ASK, ossenc_op_step(op, NULL, &ask, NULL));
    CHECK(ask.id != 0 && ask.provider.p == NULL);
    ossenc_op_free(op);
    end();
}

static void test_waits_and_wakes(void)
{
    ossenc_ask ask;
    ossenc_answer answer;
    ossenc_op *ops[4];
    size_t n, i;
    begin(NULL);
    n = make(OSSENC_BUCKET_KEY_NONE);
    for (i = 0; i < 4; i++)
        ops[i] = open_op(n, &wakes[i]);
    SIZED(ask);
    STATUS(OSSENC_ASK, ossenc_op_step(ops[0], NULL, &ask, NULL));
    for (i = 1; i < 4; i++)
        STATUS(OSSENC_WAIT, ossenc_op_step(ops[i], NULL, &ask, NULL));
    CHECK(ask.timeout_ns == 10000000000u && ask.id == 0);
    ossenc_op_free(ops[3]);
    ossenc_op_free(ops[0]); /* the leader: the others are woken, the one that was freed is not */
    CHECK(wakes[0] == 0 && wakes[1] == 1 && wakes[2] == 1 && wakes[3] == 0);
    STATUS(OSSENC_ASK, ossenc_op_step(ops[2], NULL, &ask, NULL));
    STATUS(OSSENC_WAIT, ossenc_op_step(ops[1], NULL, NULL, NULL));
    answer = serve(&ask);
    OK(ossenc_op_step(ops[2], &answer, NULL, NULL));
    CHECK(wakes[1] == 2);
    OK(ossenc_op_step(ops[1], NULL, NULL, NULL));
    ossenc_op_free(ops[1]);
    ossenc_op_free(ops[2]);
    /* Time passes only as the caller says. */
    OK(ossenc_keyring_evict(keyring, in(NULL, 0)));
    ops[0] = open_op(n, NULL);
    OK(ossenc_op_set_timeout(ops[0], 500));
    STATUS(OSSENC_ASK, ossenc_op_step(ops[0], NULL, &ask, NULL));
    CHECK(ask.timeout_ns == 500);
    mono_ns += 500;
    STATUS(OSSENC_E_TIMEOUT, ossenc_op_step(ops[0], NULL, &ask, NULL));
    STATUS(OSSENC_E_STATE, ossenc_op_step(ops[0], NULL, &ask, NULL));
    ossenc_op_free(ops[0]);
    end();
}

static void test_failures(void)
{
    static const struct {
        ossenc_status answer, status;
    } cases[] = {{OSSENC_E_DENIED, OSSENC_E_DENIED},       {OSSENC_E_NOVERSION, OSSENC_E_NOVERSION},
                 {OSSENC_E_KEYSTATE, OSSENC_E_KEYSTATE},   {OSSENC_E_KMS, OSSENC_E_KMS},
                 {OSSENC_E_KMS_RETRY, OSSENC_E_KMS_RETRY}, {OSSENC_OK, OSSENC_E_KMS} /* without a secret */};
    size_t i, n;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        ossenc_ask ask;
        ossenc_answer answer;
        ossenc_error error;
        ossenc_op *op;
        begin(NULL);
        n = make(OSSENC_BUCKET_KEY_NONE);
        op = open_op(n, NULL);
        SIZED(ask);
        SIZED(error);
        SIZED(answer);
        STATUS(OSSENC_ASK, ossenc_op_step(op, NULL, &ask, NULL));
        answer.id = ask.id;
        answer.status = cases[i].answer;
        answer.code = cases[i].answer ? 42 : 0;
        answer.retry_after_ms = 300;
        STATUS(cases[i].status, ossenc_op_step(op, &answer, &ask, &error));
        CHECK(error.code == (cases[i].answer == OSSENC_E_KMS ? 42 : 0));
        CHECK(error.offset == (cases[i].status == OSSENC_E_KMS_RETRY ? 300u : 0u));
        CHECK(last_event == cases[i].status && last_what == (int)OSSENC_EVENT_UNWRAP);
        ossenc_op_free(op);
        op = open_op(n, NULL); /* and it is kept */
        STATUS(cases[i].status, ossenc_op_step(op, NULL, &ask, NULL));
        ossenc_op_free(op);
        end();
    }
}

static void test_runs_with_callbacks(void)
{
    static const uint32_t kinds[] = {OSSENC_BUCKET_KEY_NONE, OSSENC_BUCKET_KEY_BY_VALUE, OSSENC_BUCKET_KEY_BY_REFERENCE};
    size_t i, n;
    for (i = 0; i < 3; i++) {
        ossenc_provider p = provider();
        ossenc_status denied = OSSENC_E_DENIED;
        ossenc_op *op;
        begin(NULL);
        n = make(kinds[i]);
        OK(ossenc_keyring_evict(keyring, in(NULL, 0)));
        op = open_op(n, NULL);
        OK(ossenc_op_run(op, &p, NULL, 1000000, NULL));
        ossenc_op_free(op);
        calls = 0;
        op = open_op(n, NULL); /* warm: no call, and no provider */
        OK(ossenc_op_run(op, NULL, NULL, 0, NULL));
        CHECK(calls == 0);
        ossenc_op_free(op);
        OK(ossenc_keyring_evict(keyring, in(NULL, 0)));
        op = open_op(n, NULL);
        STATUS(OSSENC_E_DENIED, ossenc_op_run(op, &p, &denied, 0, NULL));
        ossenc_op_free(op);
        OK(ossenc_keyring_evict(keyring, in(NULL, 0)));
        op = open_op(n, NULL);
        STATUS(OSSENC_E_KMS, ossenc_op_run(op, NULL, NULL, 0, NULL));
        ossenc_op_free(op);
        end();
    }
}

static void test_refresh_and_stats(void)
{
    ossenc_limits limits;
    ossenc_op *op = NULL;
    ossenc_provider p = provider();
    static char counters[65536];
    ossenc_out out;
    size_t n;
    SIZED(limits);
    limits.soft_ms = 10;
    begin(&limits);
    events = 0;
    n = make(OSSENC_BUCKET_KEY_BY_VALUE);
    CHECK(events == 1 && last_what == (int)OSSENC_EVENT_WRAP && last_event == OSSENC_OK);
    OK(ossenc_keyring_refresh(keyring, NULL, &op));
    CHECK(op == NULL);
    mono_ns += 10000000;
    op = open_op(n, NULL);
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL));
    ossenc_op_free(op);
    OK(ossenc_keyring_refresh(keyring, NULL, &op));
    CHECK(op != NULL);
    calls = 0;
    OK(ossenc_op_run(op, &p, NULL, 0, NULL));
    CHECK(calls == 1);
    ossenc_op_free(op);
    out.p = counters;
    out.cap = 0;
    STATUS(OSSENC_E_BUFFER, ossenc_stats(keyring, &out));
    CHECK(out.n > 100 && out.n < sizeof counters);
    out.cap = sizeof counters - 1;
    OK(ossenc_stats(keyring, &out));
    counters[out.n] = 0;
    CHECK(strstr(counters, "ossenc_unwraps_total{provider=\"kms-1\",key_id=\"cmk\",outcome=\"ok\"} 1\n") != NULL);
    limits.reserved = 1;
    {
        ossenc_keyring *none = NULL;
        STATUS(OSSENC_E_TOONEW, ossenc_keyring_new(lib, &limits, &none));
        CHECK(none == NULL);
    }
    end();
}

static void test_customer_keys_and_choices(void)
{
    static const unsigned char key[32] = {7}, other[32] = {8};
    ossenc_choice choice;
    ossenc_expect expect;
    ossenc_context context = place("o");
    ossenc_op *op = NULL;
    ossenc_out out;
    begin(NULL);
    SIZED(choice);
    choice.method = OSSENC_METHOD_SSE_C;
    choice.customer_key = in(key, 32);
    OK(ossenc_object_create(keyring, &choice, &context, 0, NULL, &op));
    OK(ossenc_op_step(op, NULL, NULL, NULL));
    out.p = envelope;
    out.cap = sizeof envelope;
    OK(ossenc_op_envelope(op, &out));
    ossenc_op_free(op);
    SIZED(expect);
    expect.methods = OSSENC_ALLOW_SSE_C;
    OK(ossenc_object_open(keyring, in(envelope, out.n), &context, &expect, NULL, &op));
    STATUS(OSSENC_E_KEYABSENT, ossenc_op_step(op, NULL, NULL, NULL));
    ossenc_op_free(op);
    expect.customer_key = in(other, 32);
    OK(ossenc_object_open(keyring, in(envelope, out.n), &context, &expect, NULL, &op));
    STATUS(OSSENC_E_COMMIT, ossenc_op_step(op, NULL, NULL, NULL));
    ossenc_op_free(op);
    expect.customer_key = in(key, 32);
    OK(ossenc_object_open(keyring, in(envelope, out.n), &context, &expect, NULL, &op));
    OK(ossenc_op_step(op, NULL, NULL, NULL));
    ossenc_op_free(op);
    expect.customer_key = in(key, 31);
    STATUS(OSSENC_E_ARG, ossenc_object_open(keyring, in(envelope, out.n), &context, &expect, NULL, &op));
    choice.key_id = text("k");
    STATUS(OSSENC_E_ARG, ossenc_object_create(keyring, &choice, &context, 0, NULL, &op));
    choice = remote(3);
    STATUS(OSSENC_E_ARG, ossenc_object_create(keyring, &choice, &context, 0, NULL, &op));
    choice = remote(0);
    choice.customer_key = in(key, 32);
    STATUS(OSSENC_E_ARG, ossenc_object_create(keyring, &choice, &context, 0, NULL, &op));
    CHECK(op == NULL);
    end();
}

void remote_keys_tests(void)
{
    RUN(asks_answered_by_hand);
    RUN(waits_and_wakes);
    RUN(failures);
    RUN(runs_with_callbacks);
    RUN(refresh_and_stats);
    RUN(customer_keys_and_choices);
}

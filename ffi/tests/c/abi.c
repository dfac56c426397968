/*
 * The C ABI, every exported function of it, as a C program meets it. Compiled as C99 and as C++11, linked against the
 * shared and the static library, and run under valgrind's memcheck by run.sh. Ends with "N passed, 0 failed".
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ossenc.h"

/* --- A test set of its own ---------------------------------------------------------------------------------------- */

static int failures; /* of the running test */

static void check(int ok, const char *what, int line)
{
    if (!ok) {
        printf("  abi.c:%d: %s\n", line, what);
        failures++;
    }
}

static void check_equal(uint64_t got, uint64_t wanted, const char *what, int line)
{
    if (got != wanted) {
        printf("  abi.c:%d: %s is %llu, not %llu\n", line, what, (unsigned long long)got, (unsigned long long)wanted);
        failures++;
    }
}

static void check_status(ossenc_status got, ossenc_status wanted, const char *what, int line)
{
    if (got != wanted) {
        printf("  abi.c:%d: %s\n    gave %d (%s), not %d (%s)\n", line, what, (int)got, ossenc_strerror(got),
               (int)wanted, ossenc_strerror(wanted));
        failures++;
    }
}

#define CHECK(condition) check(!!(condition), #condition, __LINE__)
#define EQUAL(got, wanted) check_equal((uint64_t)(got), (uint64_t)(wanted), #got, __LINE__)
#define STATUS(wanted, call) check_status((call), (wanted), #call, __LINE__)
#define OK(call) STATUS(OSSENC_OK, call)

/* Sets a struct to zero, and its size. */
#define ZERO(s) memset(&(s), 0, sizeof(s))
#define SIZED(s) (ZERO(s), (s).size = sizeof(s))

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

typedef unsigned char byte;

static byte *get(size_t n)
{
    byte *p = (byte *)malloc(n ? n : 1);
    if (!p)
        abort();
    return p;
}

/* Memory of exactly n bytes with canaries on both sides, all canary at first. */
enum { MARGIN = 64, CANARY = 0xC5 };

static byte *guarded(size_t n)
{
    byte *p = get(n + 2 * MARGIN);
    memset(p, CANARY, n + 2 * MARGIN);
    return p + MARGIN;
}

static int untouched(const byte *p, size_t n)
{
    while (n--)
        if (*p++ != CANARY)
            return 0;
    return 1;
}

/* Only the first `used` of n bytes may differ from the canary. */
static int in_bounds(const byte *p, size_t n, size_t used)
{
    return untouched(p - MARGIN, MARGIN) && untouched(p + used, n - used + MARGIN);
}

static void release(byte *p)
{
    free(p - MARGIN);
}

static byte pattern(uint64_t i)
{
    return (byte)(i % 251);
}

static byte *patterned(size_t n)
{
    byte *p = get(n);
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(i);
    return p;
}

static ossenc_in in(const void *p, size_t n)
{
    ossenc_in i;
    i.p = p;
    i.n = n;
    return i;
}

static ossenc_in none(void)
{
    return in(NULL, 0);
}

static ossenc_in text(const char *s)
{
    return in(s, strlen(s));
}

static ossenc_out out(void *p, size_t cap)
{
    ossenc_out o;
    o.p = p;
    o.cap = cap;
    o.n = 12345;
    return o;
}

static ossenc_iov iov(void *p, size_t n)
{
    ossenc_iov v;
    v.p = p;
    v.n = n;
    return v;
}

static ossenc_error new_error(void)
{
    ossenc_error e;
    memset(&e, 0x5A, sizeof e);
    e.size = sizeof e;
    return e;
}

/* --- A library with countable randomness and a clock that is set -------------------------------------------------- */

struct machine {
    pthread_mutex_t mutex;
    uint64_t state;
    long draws;
    long fail_at; /* the number of the draw that fails; -1 for none */
    int stuck;
    int64_t wall;
    long clocks;
};

static ossenc_status entropy(void *user, void *p, size_t n)
{
    struct machine *m = (struct machine *)user;
    byte *b = (byte *)p;
    ossenc_status status = OSSENC_OK;
    pthread_mutex_lock(&m->mutex);
    if (m->draws++ == m->fail_at)
        status = -4242;
    else
        for (size_t i = 0; i < n; i++) {
            m->state = m->state * 6364136223846793005u + 1442695040888963407u;
            b[i] = m->stuck ? 7 : (byte)(m->state >> 56);
        }
    pthread_mutex_unlock(&m->mutex);
    return status;
}

static void now(void *user, ossenc_time *time)
{
    struct machine *m = (struct machine *)user;
    pthread_mutex_lock(&m->mutex);
    m->clocks++;
    time->wall_s = m->wall;
    pthread_mutex_unlock(&m->mutex);
}

static void machine_init(struct machine *m)
{
    memset(m, 0, sizeof *m);
    pthread_mutex_init(&m->mutex, NULL);
    m->fail_at = -1;
    m->wall = 1700000000;
    m->state = 42;
}

static ossenc_status machine_lib(struct machine *m, ossenc_lib **lib)
{
    ossenc_config config;
    SIZED(config);
    config.user = m;
    config.entropy = entropy;
    config.now = now;
    return ossenc_lib_new(&config, lib, NULL);
}

static const byte ROOT[33] = "0123456789abcdef0123456789ABCDEF";

static ossenc_in root(void)
{
    return in(ROOT, 32);
}

/* An image of any length. */
struct image {
    byte *p;
    size_t n;
};

static void image_free(struct image *image)
{
    free(image->p);
    image->p = NULL;
}

static ossenc_status try_change(const ossenc_keystore *keystore, uint32_t what, const char *key, const char *version,
                                ossenc_out *image, ossenc_error *error)
{
    ossenc_change change;
    SIZED(change);
    change.what = what;
    change.key_id = text(key);
    change.version = text(version);
    return ossenc_keystore_apply(keystore, &change, image, error);
}

/* What is needed of a keystore, in one place. */
struct world {
    struct machine machine;
    ossenc_lib *lib;
    ossenc_keyring *keyring;
    const ossenc_keystore *keystore;
    struct image image;
};

static void world_use(struct world *w, struct image image)
{
    ossenc_keystore_free(w->keystore);
    image_free(&w->image);
    w->image = image;
    OK(ossenc_keystore_load(w->lib, in(image.p, image.n), root(), 0, &w->keystore, NULL));
}

/* Changes the keystore; publishes nothing. */
static void world_change(struct world *w, uint32_t what, const char *key, const char *version)
{
    struct image image;
    ossenc_out room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, try_change(w->keystore, what, key, version, &room, NULL));
    image.n = room.n;
    image.p = get(image.n);
    room = out(image.p, image.n);
    OK(try_change(w->keystore, what, key, version, &room, NULL));
    EQUAL(room.n, image.n);
    world_use(w, image);
}

static void world_publish(struct world *w)
{
    OK(ossenc_keyring_publish(w->keyring, w->keystore));
}

/* One key, "k1", published. */
static void world_init(struct world *w)
{
    struct image image;
    ossenc_out room = out(NULL, 0);
    memset(w, 0, sizeof *w);
    machine_init(&w->machine);
    OK(machine_lib(&w->machine, &w->lib));
    OK(ossenc_keyring_new(w->lib, NULL, &w->keyring));
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_init(w->lib, text("root-1"), root(), &room, NULL));
    image.n = room.n;
    image.p = get(image.n);
    room = out(image.p, image.n);
    OK(ossenc_keystore_init(w->lib, text("root-1"), root(), &room, NULL));
    world_use(w, image);
    world_change(w, OSSENC_KS_CREATE, "k1", "");
    world_publish(w);
}

static void world_free(struct world *w)
{
    ossenc_keystore_free(w->keystore);
    ossenc_keyring_free(w->keyring);
    ossenc_lib_free(w->lib);
    image_free(&w->image);
    pthread_mutex_destroy(&w->machine.mutex);
}

static ossenc_context context_of(const char *object)
{
    ossenc_context c;
    SIZED(c);
    c.tenant = text("tenant");
    c.bucket_id = text("bucket");
    c.object = text(object);
    return c;
}

static ossenc_choice choice_of(uint32_t method, const char *key)
{
    ossenc_choice c;
    SIZED(c);
    c.method = method;
    c.key_id = text(key);
    return c;
}

/* Every method, and the keys that the tests use. */
static const ossenc_expect *anything(void)
{
    static ossenc_in keys[3];
    static ossenc_expect e;
    if (e.size == 0) {
        keys[0] = text("k1");
        keys[1] = text("k2");
        keys[2] = text("k3");
        e.methods = OSSENC_ALLOW_SSE_OSS | OSSENC_ALLOW_SSE_KMS;
        e.key_ids = keys;
        e.n = 3;
        e.size = sizeof e;
    }
    return &e;
}

/* An envelope, and the object it belongs to. */
struct sealed {
    byte envelope[OSSENC_ENVELOPE_MAX];
    size_t n;
    const ossenc_object *object;
};

static ossenc_status create(ossenc_keyring *keyring, const ossenc_choice *choice, const ossenc_context *context,
                            struct sealed *sealed)
{
    ossenc_op *op = NULL;
    ossenc_out room = out(sealed->envelope, sizeof sealed->envelope);
    ossenc_status status = ossenc_object_create(keyring, choice, context, 0, NULL, &op);
    memset(sealed, 0, sizeof *sealed);
    if (status == OSSENC_OK)
        status = ossenc_op_run(op, NULL, NULL, 0, NULL);
    if (status == OSSENC_OK)
        status = ossenc_op_envelope(op, &room);
    if (status == OSSENC_OK)
        status = ossenc_op_object(op, &sealed->object);
    sealed->n = room.n;
    ossenc_op_free(op);
    return status;
}

static void create_k1(struct world *w, const char *name, struct sealed *sealed)
{
    ossenc_choice choice = choice_of(OSSENC_METHOD_SSE_OSS, "k1");
    ossenc_context context = context_of(name);
    OK(create(w->keyring, &choice, &context, sealed));
}

/* Opens; on failure, checks that no object is given. */
static ossenc_status open_with(const ossenc_keyring *keyring, ossenc_in envelope, const ossenc_context *context,
                               const ossenc_expect *expect, const ossenc_object **object)
{
    ossenc_op *op = NULL;
    ossenc_error error = new_error();
    ossenc_status status = ossenc_object_open(keyring, envelope, context, expect, NULL, &op);
    *object = NULL;
    if (status != OSSENC_OK) {
        CHECK(op == NULL);
        return status;
    }
    status = ossenc_op_run(op, NULL, NULL, 0, &error);
    EQUAL(error.status, status);
    if (status == OSSENC_OK) {
        OK(ossenc_op_object(op, object));
    } else {
        const ossenc_object *no = (const ossenc_object *)op;
        STATUS(OSSENC_E_STATE, ossenc_op_object(op, &no));
        CHECK(no == NULL);
    }
    ossenc_op_free(op);
    return status;
}

static ossenc_status open_status(const ossenc_keyring *keyring, ossenc_in envelope, const char *name)
{
    const ossenc_object *object;
    ossenc_context context = context_of(name);
    ossenc_status status = open_with(keyring, envelope, &context, anything(), &object);
    ossenc_object_free(object);
    return status;
}

static uint64_t body_len(uint64_t plain)
{
    uint64_t body = 0;
    OK(ossenc_layout_size(OSSENC_INLINE, plain, &body, NULL));
    return body;
}

/* A body of the pattern. */
static byte *seal_pattern(const ossenc_object *object, size_t plain, size_t *n)
{
    byte *source = patterned(plain), *body;
    ossenc_out room;
    *n = (size_t)body_len(plain);
    body = get(*n);
    room = out(body, *n);
    OK(ossenc_seal(object, 0, OSSENC_INLINE, in(source, plain), &room, NULL, NULL));
    EQUAL(room.n, *n);
    free(source);
    return body;
}

static ossenc_map *new_map(const byte *body, uint64_t n, uint64_t plain)
{
    ossenc_map *map = NULL;
    OK(ossenc_map_single(OSSENC_INLINE, n, plain, in(body, OSSENC_HEAD), &map));
    return map;
}

/* --- Version, statuses, the library ------------------------------------------------------------------------------- */

static void test_version_and_statuses(void)
{
    static const ossenc_status all[] = {
        OSSENC_OK, OSSENC_E_ARG, OSSENC_E_STATE, OSSENC_E_BUFFER, OSSENC_E_NOENTROPY, OSSENC_E_SELFTEST, OSSENC_E_IO,
        OSSENC_E_FORMAT, OSSENC_E_TOONEW, OSSENC_E_EXPECT, OSSENC_E_CONFLICT, OSSENC_E_COMMIT, OSSENC_E_CHUNK,
        OSSENC_E_TRUNCATED, OSSENC_E_NOVERSION, OSSENC_E_KEYSTATE, OSSENC_E_PANIC
    };
    const char *unknown = ossenc_strerror(-4242);
    EQUAL(ossenc_version_number(), OSSENC_VERSION_NUMBER);
    CHECK(strcmp(ossenc_version_string(), OSSENC_VERSION_STRING) == 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK(ossenc_strerror(all[i]) != NULL && strcmp(ossenc_strerror(all[i]), unknown) != 0);
        for (size_t k = 0; k < i; k++)
            CHECK(all[i] != all[k] && strcmp(ossenc_strerror(all[i]), ossenc_strerror(all[k])) != 0);
    }
    CHECK(unknown != NULL && ossenc_strerror(3) == unknown && ossenc_strerror(INT32_MIN) == unknown);
}

static void test_free_of_null(void)
{
    ossenc_lib_free(NULL);
    ossenc_keystore_free(NULL);
    ossenc_keyring_free(NULL);
    ossenc_op_free(NULL);
    ossenc_object_free(NULL);
    ossenc_sealer_free(NULL);
    ossenc_map_free(NULL);
    ossenc_opener_free(NULL);
    EQUAL(ossenc_keystore_generation(NULL), 0);
    EQUAL(ossenc_keystore_keys(NULL), 0);
    EQUAL(ossenc_map_plain(NULL), 0);
}

static void test_lib(void)
{
    struct machine m;
    ossenc_config config;
    ossenc_lib *lib = NULL;
    ossenc_error error = new_error();
    machine_init(&m);
    OK(ossenc_lib_new(NULL, &lib, &error));
    CHECK(lib != NULL);
    EQUAL(error.status, OSSENC_OK);
    EQUAL(error.text[0], 0);
    EQUAL(error.size, sizeof error);
    ossenc_lib_free(lib);
    STATUS(OSSENC_E_ARG, ossenc_lib_new(NULL, NULL, &error));
    EQUAL(error.status, OSSENC_E_ARG);

    SIZED(config);
    config.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_lib_new(&config, &lib, NULL));
    CHECK(lib == NULL); /* "when a call fails, the place for a handle is set to NULL" */
    SIZED(config);
    config.write_format = OSSENC_WRITE_FORMAT;
    config.isa_cap = OSSENC_ISA_PORTABLE;
    OK(ossenc_lib_new(&config, &lib, NULL));
    ossenc_lib_free(lib);
    config.write_format = OSSENC_WRITE_FORMAT + 1;
    STATUS(OSSENC_E_TOONEW, ossenc_lib_new(&config, &lib, NULL));
    CHECK(lib == NULL);
    config.write_format = 1;
    config.isa_cap = 4242;
    STATUS(OSSENC_E_ARG, ossenc_lib_new(&config, &lib, NULL));

    /* A source that fails, or plainly does not work, is found at once. */
    OK(machine_lib(&m, &lib));
    EQUAL(m.draws, 2);
    ossenc_lib_free(lib);
    for (int at = 0; at < 2; at++) {
        m.draws = 0;
        m.fail_at = at;
        STATUS(OSSENC_E_NOENTROPY, machine_lib(&m, &lib));
        CHECK(lib == NULL);
    }
    m.fail_at = -1;
    m.stuck = 1;
    STATUS(OSSENC_E_NOENTROPY, machine_lib(&m, &lib));
    CHECK(lib == NULL);
    pthread_mutex_destroy(&m.mutex);
}

/* The report goes as far as the caller's struct, and no further. */
static void test_error_struct(void)
{
    struct world w;
    ossenc_lib *lib;
    const ossenc_keystore *keystore = NULL;
    world_init(&w);
    for (size_t size = 0; size <= sizeof(ossenc_error); size++) {
        ossenc_error error;
        const byte *p = (const byte *)&error;
        memset(&error, CANARY, sizeof error);
        error.size = size;
        STATUS(OSSENC_E_COMMIT,
               ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), in(ROOT + 1, 32), 0, &keystore, &error));
        EQUAL(error.size, size);
        CHECK(untouched(p + (size < sizeof size ? sizeof size : size),
                        sizeof error - (size < sizeof size ? sizeof size : size)));
        if (size >= sizeof size + sizeof error.status)
            EQUAL(error.status, OSSENC_E_COMMIT);
        if (size == sizeof error) {
            CHECK(memchr(error.text, 0, sizeof error.text) != NULL && error.text[0]);
            EQUAL(error.code, 0);
            EQUAL(error.part, 0);
            EQUAL(error.offset, 0);
        }
        CHECK(keystore == NULL);
    }
    {
        /* A later, longer struct: what this library does not know stays as it is. */
        byte longer[sizeof(ossenc_error) + 32];
        ossenc_error *error = (ossenc_error *)(void *)get(sizeof longer);
        memset(error, CANARY, sizeof longer);
        error->size = sizeof longer;
        STATUS(OSSENC_E_ARG, ossenc_lib_new(NULL, NULL, error));
        EQUAL(error->status, OSSENC_E_ARG);
        EQUAL(error->size, sizeof longer);
        CHECK(untouched((const byte *)error + sizeof(ossenc_error), 32));
        OK(ossenc_lib_new(NULL, &lib, error));
        EQUAL(error->status, OSSENC_OK);
        EQUAL(error->text[0], 0);
        ossenc_lib_free(lib);
        free(error);
    }
    world_free(&w);
}

/* --- Keystores ---------------------------------------------------------------------------------------------------- */

static void test_keystore_init(void)
{
    struct machine m;
    ossenc_lib *lib;
    ossenc_out room = out(NULL, 0);
    byte *p, longest[256];
    size_t needed;
    ossenc_error error = new_error();
    machine_init(&m);
    OK(machine_lib(&m, &lib));
    m.draws = 0;
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_init(lib, text("root-1"), root(), &room, &error));
    EQUAL(error.status, OSSENC_E_BUFFER);
    needed = room.n;
    /* header 7 + 1 + 16 + 8 + 1 + 6 + 1, message 56 + 5 + 16 */
    EQUAL(needed, 40 + 56 + 5 + 16);
    p = guarded(needed);
    for (size_t cap = 0; cap < needed; cap += needed / 7) {
        room = out(p, cap);
        STATUS(OSSENC_E_BUFFER, ossenc_keystore_init(lib, text("root-1"), root(), &room, NULL));
        EQUAL(room.n, needed);
    }
    room = out(p, needed - 1);
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_init(lib, text("root-1"), root(), &room, NULL));
    CHECK(in_bounds(p, needed, 0));
    EQUAL(m.draws, 0); /* asking for the size draws nothing */
    room = out(p, needed);
    OK(ossenc_keystore_init(lib, text("root-1"), root(), &room, NULL));
    EQUAL(room.n, needed);
    CHECK(m.draws > 0 && in_bounds(p, needed, needed));
    memset(p, CANARY, needed);

    room = out(p, needed);
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(NULL, text("root-1"), root(), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("root-1"), root(), NULL, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text(""), root(), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("a b"), root(), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("\x7f"), root(), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, in("\xff", 1), root(), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, in(NULL, 5), root(), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("r"), in(ROOT, 0), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("r"), in(ROOT, 31), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("r"), in(ROOT, 33), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("r"), in(NULL, 32), &room, NULL));
    room = out(NULL, needed);
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, text("r"), root(), &room, NULL));
    CHECK(in_bounds(p, needed, 0));
    memset(longest, 'x', sizeof longest);
    room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_init(lib, in(longest, 255), root(), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_init(lib, in(longest, 256), root(), &room, NULL));
    release(p);
    ossenc_lib_free(lib);
    pthread_mutex_destroy(&m.mutex);
}

static void test_keystore_load(void)
{
    struct world w;
    const ossenc_keystore *k;
    byte *damaged;
    ossenc_error error = new_error();
    world_init(&w);
    EQUAL(ossenc_keystore_generation(w.keystore), 2);
#define LOAD(image, key, minimum) ossenc_keystore_load(w.lib, image, key, minimum, &k, NULL)
    k = w.keystore;
    STATUS(OSSENC_E_COMMIT, LOAD(in(w.image.p, w.image.n), in(ROOT + 1, 32), 0));
    CHECK(k == NULL);
    STATUS(OSSENC_E_EXPECT, LOAD(in(w.image.p, w.image.n), root(), 3));
    STATUS(OSSENC_E_ARG, LOAD(in(w.image.p, w.image.n), in(ROOT, 31), 0));
    STATUS(OSSENC_E_ARG, LOAD(in(NULL, 10), root(), 0));
    STATUS(OSSENC_E_FORMAT, LOAD(none(), root(), 0));
    STATUS(OSSENC_E_ARG, ossenc_keystore_load(NULL, in(w.image.p, w.image.n), root(), 0, &k, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_load(w.lib, in(w.image.p, w.image.n), root(), 0, NULL, &error));
    EQUAL(error.status, OSSENC_E_ARG);
    OK(LOAD(in(w.image.p, w.image.n), root(), 2));
    EQUAL(ossenc_keystore_generation(k), 2);
    ossenc_keystore_free(k);
    /* Every bit counts, and every length. */
    damaged = get(w.image.n + 1);
    for (size_t i = 0; i < w.image.n; i++) {
        ossenc_status status;
        memcpy(damaged, w.image.p, w.image.n);
        damaged[i] ^= 1;
        status = LOAD(in(damaged, w.image.n), root(), 0);
        CHECK(status != OSSENC_OK && status != OSSENC_E_PANIC && status != OSSENC_E_ARG && k == NULL);
        status = LOAD(in(w.image.p, i), root(), 0);
        CHECK(status == OSSENC_E_FORMAT || status == OSSENC_E_TRUNCATED || status == OSSENC_E_CHUNK);
        CHECK(k == NULL);
    }
    memcpy(damaged, w.image.p, w.image.n);
    damaged[w.image.n] = 0;
    STATUS(OSSENC_E_CHUNK, LOAD(in(damaged, w.image.n + 1), root(), 0));
    damaged[7] = 2;
    STATUS(OSSENC_E_TOONEW, LOAD(in(damaged, w.image.n), root(), 0));
#undef LOAD
    free(damaged);
    world_free(&w);
}

static void test_keystore_apply(void)
{
    struct world w;
    ossenc_out room;
    ossenc_change change;
    ossenc_error error = new_error();
    byte *p;
    size_t needed;
    struct { uint32_t what; const char *key, *version; ossenc_status status; } cases[] = {
        {OSSENC_KS_CREATE, "k1", "", OSSENC_E_STATE},      {OSSENC_KS_CREATE, "alias/x", "", OSSENC_E_ARG},
        {OSSENC_KS_CREATE, "a b", "", OSSENC_E_ARG},       {OSSENC_KS_CREATE, "", "", OSSENC_E_ARG},
        {OSSENC_KS_CREATE, "k2", "1", OSSENC_E_ARG},       {OSSENC_KS_STAGE, "k1", "1", OSSENC_E_ARG},
        {OSSENC_KS_STAGE, "none", "", OSSENC_E_NOVERSION}, {OSSENC_KS_PROMOTE, "none", "", OSSENC_E_NOVERSION},
        {OSSENC_KS_PROMOTE, "k1", "", OSSENC_E_STATE},     {OSSENC_KS_PROMOTE, "k1", "1", OSSENC_E_STATE},
        {OSSENC_KS_PROMOTE, "k1", "2", OSSENC_E_NOVERSION}, {OSSENC_KS_PROMOTE, "k1", "x", OSSENC_E_ARG},
        {OSSENC_KS_PROMOTE, "k1", "18446744073709551616", OSSENC_E_ARG},
        {OSSENC_KS_RETIRE, "k1", "", OSSENC_E_ARG},        {OSSENC_KS_RETIRE, "k1", "1", OSSENC_E_STATE},
        {OSSENC_KS_RETIRE, "k1", "2", OSSENC_E_NOVERSION}, {OSSENC_KS_RETIRE, "none", "1", OSSENC_E_NOVERSION},
        {0, "k1", "", OSSENC_E_ARG},                       {4242, "k1", "", OSSENC_E_ARG},
    };
    world_init(&w);
    w.machine.draws = 0;
    room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, try_change(w.keystore, OSSENC_KS_STAGE, "k1", "", &room, NULL));
    needed = room.n;
    CHECK(needed > w.image.n);
    p = guarded(needed + 1000);
    room = out(p, needed - 1);
    STATUS(OSSENC_E_BUFFER, try_change(w.keystore, OSSENC_KS_STAGE, "k1", "", &room, NULL));
    EQUAL(room.n, needed);
    EQUAL(w.machine.draws, 0);
    CHECK(in_bounds(p, needed, 0));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        room = out(p, needed + 1000);
        STATUS(cases[i].status, try_change(w.keystore, cases[i].what, cases[i].key, cases[i].version, &room, &error));
        EQUAL(error.status, cases[i].status);
        EQUAL(room.n, 0);
        CHECK(in_bounds(p, needed + 1000, 0));
    }
    room = out(p, needed);
    SIZED(change);
    change.what = OSSENC_KS_STAGE;
    change.key_id = text("k1");
    STATUS(OSSENC_E_ARG, ossenc_keystore_apply(NULL, &change, &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_apply(w.keystore, NULL, &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_apply(w.keystore, &change, NULL, NULL));
    change.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_keystore_apply(w.keystore, &change, &room, NULL));
    change.size = sizeof change - 1;
    STATUS(OSSENC_E_ARG, ossenc_keystore_apply(w.keystore, &change, &room, NULL));
    change.size = sizeof change;
    OK(ossenc_keystore_apply(w.keystore, &change, &room, NULL));
    EQUAL(room.n, needed);
    CHECK(in_bounds(p, needed, needed) && w.machine.clocks > 0);
    EQUAL(ossenc_keystore_generation(w.keystore), 2); /* the snapshot stays */
    w.machine.wall = -1;
    STATUS(OSSENC_E_ARG, ossenc_keystore_apply(w.keystore, &change, &room, NULL)); /* no such time */
    release(p);
    world_free(&w);
}

static void test_keystore_enumeration(void)
{
    struct world w;
    ossenc_key_info key;
    ossenc_version_info version;
    ossenc_keystore_info about;
    ossenc_in alias;
    size_t index = 77;
    world_init(&w);
    w.machine.wall = 1700000100;
    world_change(&w, OSSENC_KS_CREATE, "a-key", "");
    w.machine.wall = 1700000200;
    world_change(&w, OSSENC_KS_STAGE, "k1", "");
    w.machine.wall = 1700000300;
    world_change(&w, OSSENC_KS_PROMOTE, "k1", "");
    world_change(&w, OSSENC_KS_STAGE, "k1", "");
    world_change(&w, OSSENC_KS_RETIRE, "k1", "1");
    EQUAL(ossenc_keystore_generation(w.keystore), 7);
    EQUAL(ossenc_keystore_keys(w.keystore), 2);
    OK(ossenc_keystore_find(w.keystore, text("k1"), &index));
    EQUAL(index, 1);
    OK(ossenc_keystore_find(w.keystore, text("a-key"), &index));
    EQUAL(index, 0);
    STATUS(OSSENC_E_NOVERSION, ossenc_keystore_find(w.keystore, text("k9"), &index));
    STATUS(OSSENC_E_NOVERSION, ossenc_keystore_find(w.keystore, none(), &index));
    STATUS(OSSENC_E_ARG, ossenc_keystore_find(NULL, text("k1"), &index));
    STATUS(OSSENC_E_ARG, ossenc_keystore_find(w.keystore, text("k1"), NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_find(w.keystore, in(NULL, 2), &index));

    SIZED(key);
    OK(ossenc_keystore_key(w.keystore, 1, &key));
    EQUAL(key.size, sizeof key);
    EQUAL(key.state, OSSENC_KEY_ENABLED);
    EQUAL(key.origin, 1);
    CHECK(key.key_id.n == 2 && memcmp(key.key_id.p, "k1", 2) == 0);
    EQUAL(key.primary, 2);
    EQUAL(key.created_at, 1700000000);
    EQUAL(key.last_rotated_at, 1700000300);
    EQUAL(key.versions, 3);
    EQUAL(key.aliases, 0);
    for (size_t i = 0; i < 3; i++) {
        static const uint32_t states[] = {OSSENC_VERSION_RETIRED, OSSENC_VERSION_ACTIVE, OSSENC_VERSION_STAGED};
        static const uint64_t times[] = {1700000000, 1700000200, 1700000300};
        SIZED(version);
        OK(ossenc_keystore_version(w.keystore, 1, i, &version));
        EQUAL(version.state, states[i]);
        EQUAL(version.number, i + 1);
        EQUAL(version.created_at, times[i]);
        EQUAL(version.not_after, 0);
    }
    STATUS(OSSENC_E_ARG, ossenc_keystore_version(w.keystore, 1, 3, &version));
    STATUS(OSSENC_E_ARG, ossenc_keystore_version(w.keystore, 2, 0, &version));
    STATUS(OSSENC_E_ARG, ossenc_keystore_version(w.keystore, 1, SIZE_MAX, &version));
    STATUS(OSSENC_E_ARG, ossenc_keystore_version(NULL, 1, 0, &version));
    STATUS(OSSENC_E_ARG, ossenc_keystore_version(w.keystore, 1, 0, NULL));
    version.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_keystore_version(w.keystore, 1, 0, &version));
    STATUS(OSSENC_E_ARG, ossenc_keystore_key(w.keystore, 2, &key));
    STATUS(OSSENC_E_ARG, ossenc_keystore_key(NULL, 0, &key));
    STATUS(OSSENC_E_ARG, ossenc_keystore_key(w.keystore, 0, NULL));
    key.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_keystore_key(w.keystore, 0, &key));
    STATUS(OSSENC_E_ARG, ossenc_keystore_alias(w.keystore, 1, 0, &alias));
    STATUS(OSSENC_E_ARG, ossenc_keystore_alias(w.keystore, 5, 0, &alias));
    STATUS(OSSENC_E_ARG, ossenc_keystore_alias(NULL, 0, 0, &alias));
    STATUS(OSSENC_E_ARG, ossenc_keystore_alias(w.keystore, 0, 0, NULL));

    /* A struct of an older, shorter header: filled as far as it goes. */
    memset(&key, CANARY, sizeof key);
    key.size = sizeof key.size + sizeof key.state;
    OK(ossenc_keystore_key(w.keystore, 0, &key));
    EQUAL(key.state, OSSENC_KEY_ENABLED);
    CHECK(untouched((byte *)&key + key.size, sizeof key - key.size));

    SIZED(about);
    OK(ossenc_keystore_read(in(w.image.p, w.image.n), &about));
    EQUAL(about.generation, 7);
    CHECK(strcmp(about.root_key_id, "root-1") == 0 && memcmp(about.keystore_id, w.image.p + 8, 16) == 0);
    STATUS(OSSENC_E_FORMAT, ossenc_keystore_read(none(), &about));
    STATUS(OSSENC_E_FORMAT, ossenc_keystore_read(in(w.image.p, 20), &about));
    STATUS(OSSENC_E_ARG, ossenc_keystore_read(in(w.image.p, w.image.n), NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_read(in(NULL, 1), &about));
    about.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_keystore_read(in(w.image.p, w.image.n), &about));
    world_free(&w);
}

static void test_swap_file(void)
{
    struct world w;
    struct image first = {NULL, 0}, second = {NULL, 0};
    ossenc_out room;
    char folder[] = "/tmp/ossenc-abi-XXXXXX", path[64], beside[80];
    struct stat about;
    ossenc_error error = new_error();
    byte stored[1024];
    FILE *f;
    CHECK(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/keystore", folder);
    world_init(&w); /* generation 2 */
    room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_init(w.lib, text("root-1"), root(), &room, NULL));
    first.p = get(first.n = room.n);
    room = out(first.p, first.n);
    OK(ossenc_keystore_init(w.lib, text("root-1"), root(), &room, NULL));

    STATUS(OSSENC_E_ARG, ossenc_keystore_swap_file(NULL, 0, in(first.p, first.n), NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_swap_file(path, 0, in(NULL, 9), NULL));
    STATUS(OSSENC_E_FORMAT, ossenc_keystore_swap_file(path, 0, none(), NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_swap_file(path, 0, in(w.image.p, w.image.n), NULL)); /* not generation 1 */
    STATUS(OSSENC_E_CONFLICT, ossenc_keystore_swap_file(path, 1, in(w.image.p, w.image.n), &error));
    EQUAL(error.offset, 0);
    CHECK(access(path, F_OK) != 0);
    OK(ossenc_keystore_swap_file(path, 0, in(first.p, first.n), &error));
    EQUAL(error.status, OSSENC_OK);
    CHECK(stat(path, &about) == 0 && (about.st_mode & 0777) == 0600 && about.st_size == (off_t)first.n);
    /* Another writer was first: generation 1 is there already. */
    STATUS(OSSENC_E_CONFLICT, ossenc_keystore_swap_file(path, 0, in(first.p, first.n), &error));
    EQUAL(error.status, OSSENC_E_CONFLICT);
    EQUAL(error.offset, 1);
    EQUAL(error.code, 0);
    STATUS(OSSENC_E_CONFLICT, ossenc_keystore_swap_file(path, 2, in(w.image.p, w.image.n), &error));
    EQUAL(error.offset, 1);
    /* The right generation, but of another keystore. */
    STATUS(OSSENC_E_ARG, ossenc_keystore_swap_file(path, 1, in(w.image.p, w.image.n), NULL));
    {
        const ossenc_keystore *k = NULL;
        OK(ossenc_keystore_load(w.lib, in(first.p, first.n), root(), 0, &k, NULL));
        room = out(NULL, 0);
        STATUS(OSSENC_E_BUFFER, try_change(k, OSSENC_KS_CREATE, "k1", "", &room, NULL));
        second.p = get(second.n = room.n);
        room = out(second.p, second.n);
        OK(try_change(k, OSSENC_KS_CREATE, "k1", "", &room, NULL));
        ossenc_keystore_free(k);
    }
    OK(ossenc_keystore_swap_file(path, 1, in(second.p, second.n), NULL));
    f = fopen(path, "rb");
    CHECK(f && fread(stored, 1, sizeof stored, f) == second.n && memcmp(stored, second.p, second.n) == 0);
    if (f)
        fclose(f);
    snprintf(beside, sizeof beside, "%s/no/such/folder", folder);
    STATUS(OSSENC_E_IO, ossenc_keystore_swap_file(beside, 0, in(first.p, first.n), &error));
    EQUAL(error.code, ENOENT);
    snprintf(beside, sizeof beside, "%s.tmp", path);
    CHECK(access(beside, F_OK) != 0);
    snprintf(beside, sizeof beside, "%s.lock", path);
    CHECK(unlink(beside) == 0 && unlink(path) == 0 && rmdir(folder) == 0);
    image_free(&first);
    image_free(&second);
    world_free(&w);
}

/* --- Keyrings and operations -------------------------------------------------------------------------------------- */

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
    STATUS(OSSENC_E_STATE, create(empty, &choice, &context, &s));
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
    STATUS(OSSENC_E_NOVERSION, create(w.keyring, &other, &context, &s));
    other = choice_of(OSSENC_METHOD_SSE_OSS, "");
    STATUS(OSSENC_E_NOVERSION, create(w.keyring, &other, &context, &s));
    OK(ossenc_object_create(w.keyring, &choice, &context, 1, NULL, &op));
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL)); /* a segmented object */
    ossenc_op_free(op);
    world_free(&w);
}

/* --- Contexts and expectations ------------------------------------------------------------------------------------ */

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
    OK(create(w.keyring, &choice, &c, &s));
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
        STATUS(wanted, create(w.keyring, &choice, &c, &s)); \
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

/* --- Envelopes that are refused ----------------------------------------------------------------------------------- */

/* Where things lie in an envelope of one local slot of key "k1", version "1". */
enum { AT_VERSION = 6, AT_SUITE = 7, AT_SHAPE = 8, AT_ZERO = 9, AT_ID = 16, AT_COUNT = 32, AT_SLOTS = 34,
       AT_SLOT = 36, AT_METHOD = 38, AT_KIND = 39, AT_WRAPPED = 40, AT_KEY = 50, AT_KEY_VERSION = 53, AT_INNER = 57 };

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

/* --- Rotation and rewrapping -------------------------------------------------------------------------------------- */

static ossenc_status rewrap(ossenc_keyring *keyring, struct sealed *s, const char *name, const ossenc_choice *to,
                            const ossenc_context *new_context, int keep)
{
    ossenc_context context = context_of(name);
    byte room_bytes[OSSENC_ENVELOPE_MAX];
    ossenc_out room = out(room_bytes, sizeof room_bytes);
    ossenc_op *op = NULL;
    ossenc_status status =
        ossenc_rewrap(keyring, in(s->envelope, s->n), &context, anything(), to, new_context, keep, NULL, &op);
    if (status == OSSENC_OK)
        status = ossenc_op_run(op, NULL, NULL, 0, NULL);
    if (status == OSSENC_OK)
        status = ossenc_op_envelope(op, &room);
    ossenc_op_free(op);
    if (status == OSSENC_OK) {
        CHECK(memcmp(s->envelope, room_bytes, AT_COUNT) == 0); /* the prelude stays */
        memcpy(s->envelope, room_bytes, room.n);
        s->n = room.n;
    }
    return status;
}

static uint32_t reasons_of(const struct world *w, const struct sealed *s)
{
    uint32_t reasons = 4242;
    OK(ossenc_needs_rewrap(w->keyring, in(s->envelope, s->n), &reasons));
    return reasons;
}

/* Opens an envelope, and with it a body of the pattern. */
static void check_body(struct world *w, const struct sealed *s, const char *name, const byte *body, size_t n,
                       size_t plain)
{
    ossenc_context context = context_of(name);
    const ossenc_object *object = NULL;
    OK(open_with(w->keyring, in(s->envelope, s->n), &context, anything(), &object));
    if (object) {
        ossenc_map *map = new_map(body, n, plain);
        byte *p = get(plain), *wanted = patterned(plain);
        ossenc_out room = out(p, plain);
        OK(ossenc_open(object, map, in(body, n), none(), &room, NULL));
        CHECK(room.n == plain && memcmp(p, wanted, plain) == 0);
        free(p);
        free(wanted);
        ossenc_map_free(map);
    }
    ossenc_object_free(object);
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

/* --- Sealing ------------------------------------------------------------------------------------------------------ */

static const size_t LENGTHS[] = {0, 1, 15, 16, 17, 16383, 16384, 16385, 32767, 32768, 32769, 40000, 81920};
enum { LENGTHS_N = sizeof LENGTHS / sizeof *LENGTHS };

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

/* Pieces of the given length (the last one shorter), with an empty one in between now and then. */
static ossenc_iov *pieces(byte *p, size_t n, size_t piece, size_t *count)
{
    ossenc_iov *v = (ossenc_iov *)(void *)get((2 * (n / piece) + 4) * sizeof *v);
    size_t at = 0;
    *count = 0;
    v[(*count)++] = iov(NULL, 0);
    while (at < n) {
        size_t len = n - at < piece ? n - at : piece;
        if (at / piece % 3 == 1)
            v[(*count)++] = iov(NULL, 0);
        v[(*count)++] = iov(p + at, len);
        at += len;
    }
    return v;
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

/* --- Opening ------------------------------------------------------------------------------------------------------ */

/* Reads a range as a daemon does: plans with room for one extent at a time, reads, opens. */
static void read_range(const ossenc_map *map, const ossenc_opener *opener, const byte *body, uint64_t plain,
                       uint64_t off, uint64_t len, uint32_t align, int trusted)
{
    uint64_t begin = off < plain ? off : plain;
    uint64_t end = len > plain - begin ? plain : begin + len;
    size_t wanted = (size_t)(end - begin), got = 0;
    byte *p = guarded(wanted);
    uint64_t next = off;
    int last = 0;
    for (int rounds = 0; rounds < 100; rounds++) {
        ossenc_extent e;
        ossenc_iov src, dst;
        size_t n = 99;
        memset(&e, CANARY, sizeof e);
        OK(ossenc_plan(map, next, off + len < off ? UINT64_MAX : off + len - next, align, &e, 1, &n, &next));
        if (n == 0)
            break;
        EQUAL(n, 1);
        last |= e.last != 0;
        CHECK(e.body_off + e.body <= body_len(plain) && e.take <= wanted - got);
        if (align > 1)
            CHECK(e.body_off % align == 0 && ((e.body_off + e.body) % align == 0 ||
                                              e.body_off + e.body == body_len(plain)));
        src = iov((void *)(body + e.body_off), e.body);
        dst = iov(p + got, e.take);
        OK(ossenc_open_extent(opener, &e, &src, 1, none(), NULL, 0, NULL)); /* as a scrub */
        CHECK(in_bounds(p, wanted, got));
        OK(ossenc_open_extent(opener, &e, &src, 1, none(), &dst, 1, NULL));
        got += e.take;
        CHECK(in_bounds(p, wanted, got));
        if (next == (off + len < off ? UINT64_MAX : off + len))
            break;
    }
    EQUAL(got, wanted);
    for (size_t i = 0; i < wanted; i++)
        if (p[i] != pattern(begin + i)) {
            CHECK(!"the range is something else");
            break;
        }
    if (!trusted && (off + len < off || off + len >= plain))
        CHECK(last); /* the end was proved */
    release(p);
}

static void test_ranges(void)
{
    static const size_t plains[] = {0, 1, 16383, 16384, 16385, 49152, 70000};
    static const uint32_t aligns[] = {0, 1, 512, 4096, 65536};
    struct world w;
    struct sealed s;
    world_init(&w);
    create_k1(&w, "o", &s);
    for (size_t i = 0; i < 7; i++)
        for (int trusted = 0; trusted < 2; trusted++) {
            size_t plain = plains[i], n;
            byte *body = seal_pattern(s.object, plain, &n);
            ossenc_map *map = new_map(body, n, trusted ? plain : OSSENC_UNKNOWN);
            ossenc_opener *opener = NULL;
            const uint64_t offsets[] = {0, 1, 16383, 16384, 16385, 30000, plain, plain - (plain > 0), plain + 1,
                                        (uint64_t)1 << 40, UINT64_MAX};
            const uint64_t lens[] = {0, 1, 2, 16384, 20000, plain, 1000000, UINT64_MAX};
            EQUAL(ossenc_map_plain(map), plain);
            OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
            for (size_t o = 0; o < sizeof offsets / sizeof *offsets; o++)
                for (size_t l = 0; l < sizeof lens / sizeof *lens; l++)
                    read_range(map, opener, body, plain, offsets[o], lens[l], aligns[(o + l) % 5], trusted);
            ossenc_opener_free(opener);
            ossenc_map_free(map);
            free(body);
        }
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_maps_and_plans(void)
{
    ossenc_map *map = NULL;
    ossenc_extent e[2];
    size_t n;
    uint64_t next, tib = (uint64_t)1 << 40, body;
    byte head[OSSENC_HEAD];
    memset(head, 1, sizeof head);
    STATUS(OSSENC_E_ARG, ossenc_map_single(OSSENC_INLINE, 72, 0, none(), NULL));
    STATUS(OSSENC_E_TOONEW, ossenc_map_single(3, 72, 0, none(), &map));
    STATUS(OSSENC_E_ARG, ossenc_map_single(OSSENC_INLINE, 72, 0, in(head, 55), &map));
    STATUS(OSSENC_E_ARG, ossenc_map_single(OSSENC_INLINE, 72, 0, in(NULL, 56), &map));
    CHECK(map == NULL);
    for (uint64_t b = 0; b < 72; b++)
        STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, b, OSSENC_UNKNOWN, none(), &map));
    for (uint64_t b = 56 + 16400; b < 56 + 16400 + 16; b++)
        STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, b, OSSENC_UNKNOWN, none(), &map));
    STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, 72, 1, none(), &map));
    STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, 73, 0, none(), &map));
    STATUS(OSSENC_E_FORMAT, ossenc_map_single(OSSENC_INLINE, UINT64_MAX, OSSENC_UNKNOWN, none(), &map));
    STATUS(OSSENC_E_FORMAT, ossenc_map_single(OSSENC_INLINE, body_len(((uint64_t)1 << 46) - 1) + 1, OSSENC_UNKNOWN,
                                              none(), &map));
    OK(ossenc_map_single(OSSENC_INLINE, body_len(((uint64_t)1 << 46) - 1), OSSENC_UNKNOWN, none(), &map));
    ossenc_map_free(map);

    /* A TiB away, and no byte of it needed. */
    body = body_len(2 * tib);
    OK(ossenc_map_single(OSSENC_INLINE, body, OSSENC_UNKNOWN, none(), &map));
    EQUAL(ossenc_map_plain(map), 2 * tib);
    OK(ossenc_plan(map, tib + 5, 10, 0, e, 2, &n, &next));
    EQUAL(n, 1);
    EQUAL(next, tib + 15);
    EQUAL(e[0].chunk, tib / OSSENC_CHUNK);
    EQUAL(e[0].body_off, OSSENC_HEAD + tib / OSSENC_CHUNK * OSSENC_STORED_CHUNK);
    EQUAL(e[0].body, OSSENC_STORED_CHUNK);
    EQUAL(e[0].skip, 5);
    EQUAL(e[0].take, 10);
    EQUAL(e[0].lead + e[0].side + e[0].side_off + e[0].segment + e[0].last, 0);
    OK(ossenc_plan(map, 0, UINT64_MAX, 0, e, 2, &n, &next));
    EQUAL(e[0].take, 2 * tib);
    EQUAL(e[0].last, 1);

    STATUS(OSSENC_E_ARG, ossenc_plan(NULL, 0, 1, 0, e, 1, &n, &next));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 0, e, 1, NULL, &next));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 0, e, 1, &n, NULL));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 0, NULL, 1, &n, &next));
    STATUS(OSSENC_E_ARG, ossenc_plan(map, 0, 1, 3, e, 1, &n, &next));
    EQUAL(n, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_plan(map, 0, 1, 0, NULL, 0, &n, &next));
    EQUAL(n, 1);
    OK(ossenc_plan(map, 0, 0, 0, NULL, 0, &n, &next)); /* nothing wanted, nothing needed */
    EQUAL(n, 0);
    ossenc_map_free(map);
}

static void test_open_extent_arguments(void)
{
    struct world w;
    struct sealed s, other;
    size_t plain = 40000, n, found;
    byte *body, *p = guarded(40000), *copy;
    ossenc_map *map, *headless = NULL;
    ossenc_opener *opener = NULL;
    ossenc_extent e, f;
    ossenc_iov src, dst;
    uint64_t next;
    ossenc_error error = new_error();
    world_init(&w);
    create_k1(&w, "o", &s);
    create_k1(&w, "o", &other);
    body = seal_pattern(s.object, plain, &n);
    map = new_map(body, n, OSSENC_UNKNOWN);
    /* The head must be there, and be the object's. */
    STATUS(OSSENC_E_COMMIT, ossenc_opener_new(other.object, map, 0, &opener, &error));
    EQUAL(error.status, OSSENC_E_COMMIT);
    CHECK(opener == NULL);
    OK(ossenc_map_single(OSSENC_INLINE, n, plain, none(), &headless));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, headless, 0, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, map, 1, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(NULL, map, 0, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, NULL, 0, &opener, NULL));
    STATUS(OSSENC_E_ARG, ossenc_opener_new(s.object, map, 0, NULL, NULL));
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    for (size_t at = 0; at < OSSENC_HEAD; at++) {
        ossenc_map *damaged;
        ossenc_opener *no = opener;
        body[at] ^= 0x80;
        damaged = new_map(body, n, OSSENC_UNKNOWN);
        STATUS(OSSENC_E_COMMIT, ossenc_opener_new(s.object, damaged, 0, &no, NULL));
        CHECK(no == NULL);
        ossenc_map_free(damaged);
        body[at] ^= 0x80;
    }

    OK(ossenc_plan(map, 10000, 10000, 0, &e, 1, &found, &next));
    src = iov(body + e.body_off, e.body);
    dst = iov(p, e.take);
#define EXTENT(wanted, extent) \
    STATUS(wanted, ossenc_open_extent(opener, extent, &src, 1, none(), &dst, 1, NULL))
    STATUS(OSSENC_E_ARG, ossenc_open_extent(NULL, &e, &src, 1, none(), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, NULL, &src, 1, none(), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, NULL, 1, none(), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, &src, 1, none(), NULL, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, &src, 1, in(p, 1), &dst, 1, NULL));
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &e, NULL, 0, none(), &dst, 1, NULL));
    src.n--;
    EXTENT(OSSENC_E_ARG, &e); /* a source that is too short */
    src.n++;
    dst.n--;
    EXTENT(OSSENC_E_BUFFER, &e); /* a destination that is too short */
    dst.n++;
    src.p = NULL;
    EXTENT(OSSENC_E_ARG, &e);
    src.p = body + e.body_off;
    /* Extents that no plan made: no harm is done. */
    f = e, f.chunk = 4242, f.segment = 0;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.chunk = UINT64_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.segment = 1;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.take = SIZE_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.skip = SIZE_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.lead = SIZE_MAX;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.take = 0;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.chunk = 2, f.last = 1, f.skip = 0, f.take = plain;
    EXTENT(OSSENC_E_ARG, &f);
    f = e, f.chunk = 1; /* another chunk than was read */
    STATUS(OSSENC_E_ARG, ossenc_open_extent(opener, &f, &src, 1, none(), NULL, 0, &error));
    CHECK(in_bounds(p, 40000, 0));
    EXTENT(OSSENC_OK, &e);
    CHECK(in_bounds(p, 40000, 10000) && p[0] == pattern(10000) && p[9999] == pattern(19999));
    memset(p, CANARY, 40000);
    /* More source and destination than needed is no error, and what is too much is left alone. */
    OK(ossenc_plan(map, 0, 16384, 0, &e, 1, &found, &next));
    src = iov(body + e.body_off, n - (size_t)e.body_off);
    dst = iov(p, 40000);
    EXTENT(OSSENC_OK, &e);
    CHECK(in_bounds(p, 40000, 16384));
    memset(p, CANARY, 40000);

    /* Damage: nothing of the chunk is released, what is before it is, the offset tells where. */
    copy = get(n);
    OK(ossenc_plan(map, 0, plain, 0, &e, 1, &found, &next));
    for (size_t chunk = 0; chunk < 3; chunk++) {
        for (int where = 0; where < 3; where++) {
            size_t len = chunk < 2 ? OSSENC_CHUNK : plain - 2 * OSSENC_CHUNK;
            size_t at = where == 0 ? 0 : where == 1 ? len - 1 : len + 15;
            int clean = 1;
            memcpy(copy, body, n);
            copy[OSSENC_HEAD + chunk * OSSENC_STORED_CHUNK + at] ^= 1;
            src = iov(copy + e.body_off, e.body);
            dst = iov(p, plain);
            error = new_error();
            STATUS(OSSENC_E_CHUNK, ossenc_open_extent(opener, &e, &src, 1, none(), NULL, 0, &error));
            EQUAL(error.offset, chunk * OSSENC_CHUNK);
            CHECK(in_bounds(p, 40000, 0));
            STATUS(OSSENC_E_CHUNK, ossenc_open_extent(opener, &e, &src, 1, none(), &dst, 1, &error));
            EQUAL(error.status, OSSENC_E_CHUNK);
            EQUAL(error.offset, chunk * OSSENC_CHUNK);
            for (size_t i = 0; i < chunk * OSSENC_CHUNK; i++)
                clean &= p[i] == pattern(i);
            for (size_t i = chunk * OSSENC_CHUNK; i < plain; i++)
                clean &= p[i] == 0 || p[i] == CANARY;
            CHECK(clean);
            memset(p, CANARY, 40000);
        }
    }
#undef EXTENT
    free(copy);
    free(body);
    release(p);
    ossenc_opener_free(opener);
    ossenc_map_free(map);
    ossenc_map_free(headless);
    ossenc_object_free(s.object);
    ossenc_object_free(other.object);
    world_free(&w);
}

/* In pieces of any length on either side. */
static void test_open_in_pieces(void)
{
    struct world w;
    struct sealed s;
    size_t plain = 20000, n, found;
    byte *body, *p = guarded(plain);
    ossenc_map *map;
    ossenc_opener *opener = NULL;
    ossenc_extent e;
    uint64_t next;
    static const size_t lengths[] = {1, 5, 16384, 16400};
    world_init(&w);
    create_k1(&w, "o", &s);
    body = seal_pattern(s.object, plain, &n);
    map = new_map(body, n, OSSENC_UNKNOWN);
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    OK(ossenc_plan(map, 100, plain - 200, 512, &e, 1, &found, &next));
    for (size_t i = 0; i < 4; i++)
        for (size_t k = i > 1 ? 0 : 2 - i; k < 4; k++) {
            size_t sources, targets;
            ossenc_iov *src = pieces(body + e.body_off, e.body, lengths[i], &sources);
            ossenc_iov *dst = pieces(p, e.take, lengths[k], &targets);
            int right = 1;
            OK(ossenc_open_extent(opener, &e, src, sources, none(), NULL, 0, NULL));
            CHECK(in_bounds(p, plain, 0));
            OK(ossenc_open_extent(opener, &e, src, sources, none(), dst, targets, NULL));
            for (size_t b = 0; b < e.take; b++)
                right &= p[b] == pattern(100 + b);
            CHECK(right && in_bounds(p, plain, e.take));
            memset(p, CANARY, plain);
            free(src);
            free(dst);
        }
    free(body);
    ossenc_opener_free(opener);
    ossenc_map_free(map);
    /* Pieces of one byte on both sides. */
    body = seal_pattern(s.object, 300, &n);
    map = new_map(body, n, 300);
    OK(ossenc_opener_new(s.object, map, 0, &opener, NULL));
    OK(ossenc_plan(map, 10, 280, 0, &e, 1, &found, &next));
    {
        size_t sources, targets;
        ossenc_iov *src = pieces(body + e.body_off, e.body, 1, &sources), *dst = pieces(p, e.take, 1, &targets);
        OK(ossenc_open_extent(opener, &e, src, sources, none(), dst, targets, NULL));
        for (size_t b = 0; b < 280; b++)
            CHECK(p[b] == pattern(10 + b));
        CHECK(in_bounds(p, plain, 280));
        free(src);
        free(dst);
    }
    free(body);
    release(p);
    ossenc_opener_free(opener);
    ossenc_map_free(map);
    ossenc_object_free(s.object);
    world_free(&w);
}

static void test_open_at_once(void)
{
    struct world w;
    struct sealed s, other;
    world_init(&w);
    create_k1(&w, "o", &s);
    create_k1(&w, "o", &other);
    for (size_t i = 0; i < LENGTHS_N; i++) {
        size_t plain = LENGTHS[i], n;
        byte *body = seal_pattern(s.object, plain, &n), *p = guarded(plain);
        ossenc_map *map = new_map(body, n, OSSENC_UNKNOWN), *shorter = NULL;
        ossenc_out room = out(p, plain);
        ossenc_error error = new_error();
        STATUS(OSSENC_E_COMMIT, ossenc_open(other.object, map, in(body, n), none(), &room, &error));
        EQUAL(room.n, 0);
        STATUS(OSSENC_E_TRUNCATED, ossenc_open(s.object, map, in(body, n - 1), none(), &room, NULL));
        EQUAL(room.n, 0);
        STATUS(OSSENC_E_TRUNCATED, ossenc_open(s.object, map, in(body, n), in(body, 1), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(NULL, map, in(body, n), none(), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(s.object, NULL, in(body, n), none(), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(s.object, map, in(NULL, n), none(), &room, NULL));
        STATUS(OSSENC_E_ARG, ossenc_open(s.object, map, in(body, n), none(), NULL, NULL));
        if (plain > 0) {
            room = out(p, plain - 1);
            STATUS(OSSENC_E_BUFFER, ossenc_open(s.object, map, in(body, n), none(), &room, NULL));
            EQUAL(room.n, plain);
            room = out(body + 10, n - 10);
            STATUS(OSSENC_E_ARG, ossenc_open(s.object, map, in(body, n), none(), &room, NULL));
        }
        CHECK(in_bounds(p, plain, 0));
        /* Damage in the head, in the first and the last byte behind it, and at the end. */
        for (int where = 0; where < 4; where++) {
            size_t at = where == 0 ? 0 : where == 1 ? 55 : where == 2 ? 56 : n - 1;
            int clean = 1;
            body[at] ^= 4;
            room = out(p, plain);
            STATUS(where < 2 ? OSSENC_E_COMMIT : OSSENC_E_CHUNK,
                   ossenc_open(s.object, map, in(body, n), none(), &room, &error));
            EQUAL(room.n, 0);
            if (where >= 2)
                EQUAL(error.offset, where == 2 ? 0 : plain / OSSENC_CHUNK * OSSENC_CHUNK);
            body[at] ^= 4;
            for (size_t b = 0; b < plain; b++) /* what is there is authentic, wiped or untouched */
                clean &= p[b] == pattern(b) || p[b] == 0 || p[b] == CANARY;
            CHECK(clean && in_bounds(p, plain, plain));
        }
        /* A body that was cut inside its last chunk: a wrong chunk, or a length that is not the trusted one. */
        if (plain % OSSENC_CHUNK > 0) {
            STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, n - 1, plain, none(), &shorter));
            OK(ossenc_map_single(OSSENC_INLINE, n - 1, OSSENC_UNKNOWN, none(), &shorter));
            room = out(p, plain);
            STATUS(OSSENC_E_CHUNK, ossenc_open(s.object, shorter, in(body, n - 1), none(), &room, NULL));
            ossenc_map_free(shorter);
        } else {
            STATUS(OSSENC_E_TRUNCATED, ossenc_map_single(OSSENC_INLINE, n - 1, OSSENC_UNKNOWN, none(), &shorter));
        }
        ossenc_map_free(map);
        release(p);
        check_body(&w, &s, "o", body, n, plain);
        free(body);
    }
    ossenc_object_free(s.object);
    ossenc_object_free(other.object);
    world_free(&w);
}

/* --- What a failed call leaves ------------------------------------------------------------------------------------ */

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
        check(place == NULL, #call, __LINE__);   \
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
        check(room.n == 0 && in_bounds(p, 1000, 0), #call, __LINE__);    \
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

/* --- Lifetimes, threads, randomness ------------------------------------------------------------------------------- */

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
                STATUS(wanted, create(w.keyring, &choice, &context, &t));
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

/* --- All of them -------------------------------------------------------------------------------------------------- */

#define TEST(name) {#name, test_##name}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } tests[] = {
        TEST(version_and_statuses), TEST(free_of_null), TEST(lib), TEST(error_struct), TEST(keystore_init),
        TEST(keystore_load), TEST(keystore_apply), TEST(keystore_enumeration), TEST(swap_file), TEST(keyring),
        TEST(operations), TEST(create_arguments), TEST(contexts), TEST(expectations), TEST(refused_envelopes),
        TEST(envelope_read), TEST(rotation_and_rewrap), TEST(layout_size), TEST(seal_at_once),
        TEST(receipt_without_size), TEST(seal_in_pieces), TEST(seal_step_by_step), TEST(seal_in_place), TEST(ranges),
        TEST(maps_and_plans), TEST(open_extent_arguments), TEST(open_in_pieces), TEST(open_at_once),
        TEST(places_after_a_failure), TEST(outputs_after_a_failure), TEST(lifetimes),
        TEST(threads), TEST(failing_entropy), TEST(nothing_repeats)
    };
    int passed = 0, failed = 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        failures = 0;
        tests[i].run();
        if (failures)
            printf("FAIL %s\n", tests[i].name);
        *(failures ? &failed : &passed) += 1;
        fflush(stdout);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

/* Version, statuses, the library. */
#include "harness.h"

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

void library_tests(void)
{
    RUN(version_and_statuses);
    RUN(free_of_null);
    RUN(lib);
    RUN(error_struct);
}

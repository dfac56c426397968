/* Sealed attributes, and the record of an upload. */
#include "harness.h"

static void test_attributes(void)
{
    struct world w;
    struct sealed objects[2], other;
    byte name[256], value[100], *p = guarded(400), *large = get(65536), *back = get(65536);
    ossenc_out room;
    world_init(&w);
    memset(name, 'n', sizeof name);
    memset(value, 7, sizeof value);
    memset(large, 3, 65536);
    create_k1(&w, "o", &objects[0]);
    create_segmented(&w, "o", &objects[1]);
    create_k1(&w, "o", &other);
    for (int shape = 0; shape < 2; shape++) {
        const ossenc_object *object = objects[shape].object;
        byte sealed[400];
        size_t n;
        room = out(NULL, 0);
        w.machine.draws = 0;
        STATUS(OSSENC_E_BUFFER, ossenc_attr_seal(object, text("etag"), in(value, 100), &room));
        EQUAL(room.n, 172);
        room = out(p, 171);
        STATUS(OSSENC_E_BUFFER, ossenc_attr_seal(object, text("etag"), in(value, 100), &room));
        CHECK(w.machine.draws == 0 && in_bounds(p, 400, 0));
        room = out(p, 172);
        OK(ossenc_attr_seal(object, text("etag"), in(value, 100), &room));
        CHECK(room.n == 172 && in_bounds(p, 400, 172));
        memcpy(sealed, p, n = room.n);
        memset(p, CANARY, 400);
        room = out(p, 99);
        STATUS(OSSENC_E_BUFFER, ossenc_attr_open(object, text("etag"), in(sealed, n), &room));
        CHECK(room.n == 100 && in_bounds(p, 400, 0));
        room = out(p, 100);
        OK(ossenc_attr_open(object, text("etag"), in(sealed, n), &room));
        CHECK(room.n == 100 && memcmp(p, value, 100) == 0 && in_bounds(p, 400, 100));
        memset(p, CANARY, 400);
#define REFUSED(wanted, object, name, sealed)                                \
    do {                                                                     \
        room = out(p, 400);                                                  \
        STATUS(wanted, ossenc_attr_open(object, name, sealed, &room));       \
        CHECK(room.n == 0 && in_bounds(p, 400, 0));                          \
    } while (0)
        REFUSED(OSSENC_E_COMMIT, object, text("etags"), in(sealed, n));
        REFUSED(OSSENC_E_COMMIT, object, text("eta"), in(sealed, n));
        REFUSED(OSSENC_E_COMMIT, object, in("etag\0", 5), in(sealed, n));
        REFUSED(OSSENC_E_COMMIT, other.object, text("etag"), in(sealed, n));
        REFUSED(OSSENC_E_COMMIT, objects[1 - shape].object, text("etag"), in(sealed, n));
        REFUSED(OSSENC_E_TRUNCATED, object, text("etag"), in(sealed, 71));
        REFUSED(OSSENC_E_CHUNK, object, text("etag"), in(sealed, n - 1));
        sealed[60] ^= 1;
        REFUSED(OSSENC_E_CHUNK, object, text("etag"), in(sealed, n));
        REFUSED(OSSENC_E_ARG, NULL, text("etag"), in(sealed, n));
        REFUSED(OSSENC_E_ARG, object, in(NULL, 4), in(sealed, n));
        REFUSED(OSSENC_E_ARG, object, text("etag"), in(NULL, n));
        REFUSED(OSSENC_E_ARG, object, none(), in(sealed, n));
#undef REFUSED
        STATUS(OSSENC_E_ARG, ossenc_attr_open(object, text("etag"), in(sealed, n), NULL));
        /* Limits of names and values. */
        room = out(p, 400);
        STATUS(OSSENC_E_ARG, ossenc_attr_seal(object, none(), none(), &room));
        STATUS(OSSENC_E_ARG, ossenc_attr_seal(object, in(name, 256), none(), &room));
        STATUS(OSSENC_E_ARG, ossenc_attr_seal(object, text("ossenc:upload"), none(), &room));
        STATUS(OSSENC_E_ARG, ossenc_attr_seal(object, in(NULL, 1), none(), &room));
        STATUS(OSSENC_E_ARG, ossenc_attr_seal(object, text("x"), in(NULL, 1), &room));
        STATUS(OSSENC_E_ARG, ossenc_attr_seal(NULL, text("x"), none(), &room));
        STATUS(OSSENC_E_ARG, ossenc_attr_seal(object, text("x"), none(), NULL));
        CHECK(in_bounds(p, 400, 0));
        OK(ossenc_attr_seal(object, in(name, 255), none(), &room));
        EQUAL(room.n, 72);
        memset(p, CANARY, 400);
        {
            byte *grown = get(66000);
            room = out(grown, 66000);
            STATUS(OSSENC_E_ARG, ossenc_attr_seal(object, text("x"), in(large, 65536), &room));
            OK(ossenc_attr_seal(object, text("x"), in(large, 65535), &room));
            EQUAL(room.n, 65535 + 72 + 3 * 16);
            n = room.n;
            room = out(back, 65535);
            OK(ossenc_attr_open(object, text("x"), in(grown, n), &room));
            CHECK(room.n == 65535 && memcmp(back, large, 65535) == 0);
            free(grown);
        }
    }
    for (int i = 0; i < 2; i++)
        ossenc_object_free(objects[i].object);
    ossenc_object_free(other.object);
    free(large);
    free(back);
    release(p);
    world_free(&w);
}

static void test_upload_record(void)
{
    struct world w;
    struct sealed upload, swapped, single;
    byte *p = guarded(81), damaged[82];
    ossenc_out room = out(NULL, 0);
    int64_t began = -1;
    ossenc_context context = context_of("o");
    const ossenc_object *elsewhere = NULL;
    world_init(&w);
    create_segmented(&w, "o", &upload);
    create_segmented(&w, "o", &swapped);
    create_k1(&w, "o", &single);
    w.machine.wall = 1700000777;
    STATUS(OSSENC_E_BUFFER, ossenc_upload_begin(upload.object, &room));
    EQUAL(room.n, 81);
    room = out(p, 81);
    STATUS(OSSENC_E_ARG, ossenc_upload_begin(NULL, &room));
    STATUS(OSSENC_E_ARG, ossenc_upload_begin(upload.object, NULL));
    STATUS(OSSENC_E_ARG, ossenc_upload_begin(single.object, &room)); /* it has no parts */
    CHECK(in_bounds(p, 81, 0));
    OK(ossenc_upload_begin(upload.object, &room));
    CHECK(room.n == 81 && in_bounds(p, 81, 81));
    w.machine.wall = 1800000000;
    OK(ossenc_upload_check(upload.object, in(p, 81), &began));
    EQUAL(began, 1700000777);
    OK(ossenc_upload_check(upload.object, in(p, 81), NULL));
    /* Another process that opened the envelope; and one before whose eyes it was swapped, of the same name. */
    OK(open_with(w.keyring, in(upload.envelope, upload.n), &context, anything(), &elsewhere));
    OK(ossenc_upload_check(elsewhere, in(p, 81), NULL));
    ossenc_object_free(elsewhere);
    OK(open_with(w.keyring, in(swapped.envelope, swapped.n), &context, anything(), &elsewhere));
    began = -1;
    STATUS(OSSENC_E_COMMIT, ossenc_upload_check(elsewhere, in(p, 81), &began));
    ossenc_object_free(elsewhere);
    STATUS(OSSENC_E_COMMIT, ossenc_upload_check(swapped.object, in(p, 81), &began));
    STATUS(OSSENC_E_COMMIT, ossenc_upload_check(single.object, in(p, 81), &began));
    for (size_t i = 0; i < 81; i++) {
        memcpy(damaged, p, 81);
        damaged[i] ^= 1;
        STATUS(i < OSSENC_HEAD ? OSSENC_E_COMMIT : OSSENC_E_CHUNK,
               ossenc_upload_check(upload.object, in(damaged, 81), &began));
    }
    damaged[81] = 0;
    memcpy(damaged, p, 81);
    STATUS(OSSENC_E_CHUNK, ossenc_upload_check(upload.object, in(damaged, 82), &began));
    STATUS(OSSENC_E_CHUNK, ossenc_upload_check(upload.object, in(p, 80), &began));
    STATUS(OSSENC_E_TRUNCATED, ossenc_upload_check(upload.object, none(), &began));
    STATUS(OSSENC_E_ARG, ossenc_upload_check(upload.object, in(NULL, 81), &began));
    STATUS(OSSENC_E_ARG, ossenc_upload_check(NULL, in(p, 81), &began));
    EQUAL(began, -1);
    release(p);
    ossenc_object_free(upload.object);
    ossenc_object_free(swapped.object);
    ossenc_object_free(single.object);
    world_free(&w);
}

void attributes_tests(void)
{
    RUN(attributes);
    RUN(upload_record);
}

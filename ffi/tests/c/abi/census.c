/* The census. */
#include "harness.h"

static int is(ossenc_in got, const char *wanted)
{
    return got.n == strlen(wanted) && (got.n == 0 || memcmp(got.p, wanted, got.n) == 0);
}

static unsigned char root_key[32], image[4096];

/* A keystore with one change more than the one before, in `image`. */
static const ossenc_keystore *changed(ossenc_lib *lib, const ossenc_keystore *old, uint32_t what, const char *key_id)
{
    ossenc_change change;
    ossenc_out out = {image, sizeof image, 0};
    const ossenc_keystore *keystore = NULL;
    memset(&change, 0, sizeof change);
    change.size = sizeof change;
    change.what = what;
    change.key_id = text(key_id);
    if (old)
        OK(ossenc_keystore_apply(old, &change, &out, NULL));
    else
        OK(ossenc_keystore_init(lib, text("root"), in(root_key, sizeof root_key), &out, NULL));
    OK(ossenc_keystore_load(lib, in(image, out.n), in(root_key, sizeof root_key), 0, &keystore, NULL));
    ossenc_keystore_free(old);
    return keystore;
}

static size_t new_envelope(const ossenc_keyring *keyring, const char *key_id, unsigned char envelope[OSSENC_ENVELOPE_MAX])
{
    ossenc_choice choice;
    ossenc_context context;
    ossenc_op *op = NULL;
    ossenc_out out = {NULL, OSSENC_ENVELOPE_MAX, 0};
    out.p = envelope;
    memset(&choice, 0, sizeof choice);
    choice.size = sizeof choice;
    choice.method = OSSENC_METHOD_SSE_OSS;
    choice.key_id = text(key_id);
    memset(&context, 0, sizeof context);
    context.size = sizeof context;
    context.object = text("name");
    OK(ossenc_object_create(keyring, &choice, &context, 0, NULL, &op));
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL));
    OK(ossenc_op_envelope(op, &out));
    ossenc_op_free(op);
    return out.n;
}

static void count_and_merge(ossenc_lib *lib, const ossenc_keyring *keyring)
{
    unsigned char envelope[OSSENC_ENVELOPE_MAX], encoded[256], again[256];
    ossenc_out out = {encoded, sizeof encoded, 0}, other = {again, sizeof again, 0}, size = {NULL, 0, 0};
    ossenc_census *census = NULL, *merged = NULL;
    ossenc_census_entry_info entry;
    uint64_t n = 99;
    size_t length, i;
    OK(ossenc_census_new(lib, &census));
    OK(ossenc_census_new(lib, &merged));
    CHECK(ossenc_census_entries(census) == 0 && ossenc_census_envelopes(census) == 0);
    OK(ossenc_census_count(census, text("b"), text("1"), &n));
    CHECK(n == 0);
    for (i = 0; i < 3; i++) {
        length = new_envelope(keyring, "b", envelope);
        OK(ossenc_census_add(census, in(envelope, length)));
    }
    length = new_envelope(keyring, "a", envelope);
    OK(ossenc_census_add(census, in(envelope, length)));
    STATUS(OSSENC_E_FORMAT, ossenc_census_add(census, in(envelope, length - 1)));
    envelope[6] = 2;
    STATUS(OSSENC_E_TOONEW, ossenc_census_add(census, in(envelope, length)));
    CHECK(ossenc_census_envelopes(census) == 4 && ossenc_census_entries(census) == 2);
    OK(ossenc_census_count(census, text("b"), text("1"), &n));
    CHECK(n == 3);

    memset(&entry, 0, sizeof entry);
    entry.size = sizeof entry;
    OK(ossenc_census_entry(census, 0, &entry));
    CHECK(entry.kind == 1 && entry.count == 1 && is(entry.provider, "") && is(entry.key_id, "a") && is(entry.key_version, "1"));
    OK(ossenc_census_entry(census, 1, &entry));
    CHECK(entry.count == 3 && is(entry.key_id, "b"));
    STATUS(OSSENC_E_ARG, ossenc_census_entry(census, 2, &entry));
    entry.size = 0;
    STATUS(OSSENC_E_ARG, ossenc_census_entry(census, 0, &entry));

    STATUS(OSSENC_E_BUFFER, ossenc_census_encode(census, &size));
    OK(ossenc_census_encode(census, &out));
    CHECK(out.n == size.n && out.n <= sizeof encoded);
    OK(ossenc_census_merge(merged, in(encoded, out.n)));
    OK(ossenc_census_encode(merged, &other));
    CHECK(other.n == out.n && memcmp(encoded, again, out.n) == 0);
    OK(ossenc_census_entry(merged, 0, (entry.size = sizeof entry, &entry)));
    OK(ossenc_census_merge(merged, in(encoded, out.n)));
    OK(ossenc_census_entry(merged, 1, &entry)); /* a listing made before a change is not shown after it */
    CHECK(entry.count == 6 && ossenc_census_envelopes(merged) == 8);
    encoded[10] ^= 1;
    STATUS(OSSENC_E_FORMAT, ossenc_census_merge(merged, in(encoded, out.n)));
    CHECK(ossenc_census_envelopes(merged) == 8);
    ossenc_census_free(census);
    ossenc_census_free(merged);
}

static void null_is_refused(ossenc_lib *lib)
{
    ossenc_census *census = (ossenc_census *)lib;
    ossenc_in none = {NULL, 0}, bad = {NULL, 1};
    ossenc_out out = {NULL, 0, 0};
    ossenc_census_entry_info entry;
    uint64_t n;
    entry.size = sizeof entry;
    STATUS(OSSENC_E_ARG, ossenc_census_new(NULL, &census));
    CHECK(census == NULL);
    STATUS(OSSENC_E_ARG, ossenc_census_new(lib, NULL));
    STATUS(OSSENC_E_ARG, ossenc_census_add(NULL, none));
    STATUS(OSSENC_E_ARG, ossenc_census_merge(NULL, none));
    STATUS(OSSENC_E_ARG, ossenc_census_encode(NULL, &out));
    STATUS(OSSENC_E_ARG, ossenc_census_count(NULL, none, none, &n));
    STATUS(OSSENC_E_ARG, ossenc_census_entry(NULL, 0, &entry));
    CHECK(ossenc_census_entries(NULL) == 0 && ossenc_census_envelopes(NULL) == 0);
    OK(ossenc_census_new(lib, &census));
    STATUS(OSSENC_E_ARG, ossenc_census_add(census, bad));
    STATUS(OSSENC_E_FORMAT, ossenc_census_add(census, none));
    STATUS(OSSENC_E_FORMAT, ossenc_census_merge(census, none));
    STATUS(OSSENC_E_ARG, ossenc_census_encode(census, NULL));
    STATUS(OSSENC_E_ARG, ossenc_census_count(census, none, none, NULL));
    ossenc_census_free(census);
    ossenc_census_free(NULL);
}

static void test_census(void)
{
    ossenc_lib *lib = NULL;
    ossenc_keyring *keyring = NULL;
    const ossenc_keystore *keystore;
    memset(root_key, 7, sizeof root_key);
    OK(ossenc_lib_new(NULL, &lib, NULL));
    keystore = changed(lib, NULL, 0, "");
    keystore = changed(lib, keystore, OSSENC_KS_CREATE, "a");
    keystore = changed(lib, keystore, OSSENC_KS_CREATE, "b");
    OK(ossenc_keyring_new(lib, NULL, &keyring));
    OK(ossenc_keyring_publish(keyring, keystore));
    ossenc_keystore_free(keystore);
    count_and_merge(lib, keyring);
    null_is_refused(lib);
    ossenc_keyring_free(keyring);
    ossenc_lib_free(lib);
}

void census_tests(void)
{
    RUN(census);
}

/*
 * The whole life of master keys: every change, what is due, other root keys, passphrases, and direct encryption.
 */
#include "harness.h"

/* --- A clock that the test turns, and a keystore in memory --------------------------------------------------------- */

enum { DAY = 86400 };
static int64_t wall = 1700000000;
static ossenc_lib *lib;
static const ossenc_keystore *keystore;
static unsigned char image[8192];
static size_t image_n;
static const char MATERIAL[] = "material that a customer brought";

static void now(void *user, ossenc_time *time)
{
    (void)user;
    time->wall_s = wall;
    time->mono_ns = 0;
}

static void use(const void *root)
{
    ossenc_keystore_free(keystore);
    OK(ossenc_keystore_load(lib, in(image, image_n), in(root, 32), 0, &keystore, NULL));
}

static ossenc_change change_of(uint32_t what, const char *key)
{
    ossenc_change change;
    memset(&change, 0, sizeof change);
    change.size = sizeof change;
    change.what = what;
    change.key_id = text(key);
    return change;
}

static ossenc_status try_apply(const ossenc_change *change)
{
    unsigned char made[8192];
    ossenc_out room = out(NULL, 0);
    ossenc_status status = ossenc_keystore_apply(keystore, change, &room, NULL);
    size_t needed = room.n;
    if (status != OSSENC_E_BUFFER) {
        CHECK(room.n == 0);
        return status;
    }
    room = out(made, sizeof made);
    status = ossenc_keystore_apply(keystore, change, &room, NULL);
    if (status == OSSENC_OK) {
        CHECK(room.n == needed);
        memcpy(image, made, room.n);
        image_n = room.n;
        use(ROOT);
    }
    return status;
}

static ossenc_status apply(uint32_t what, const char *key)
{
    ossenc_change change = change_of(what, key);
    return try_apply(&change);
}

static ossenc_status apply_alias(uint32_t what, const char *key, const char *alias)
{
    ossenc_change change = change_of(what, key);
    change.alias = text(alias);
    return try_apply(&change);
}

static ossenc_status apply_version(uint32_t what, const char *key, const char *version)
{
    ossenc_change change = change_of(what, key);
    change.version = text(version);
    return try_apply(&change);
}

static ossenc_status apply_period(const char *key, uint64_t period_s)
{
    ossenc_change change = change_of(OSSENC_KS_PERIOD, key);
    change.period_s = period_s;
    return try_apply(&change);
}

static ossenc_status schedule(const char *key, uint32_t days)
{
    ossenc_change change = change_of(OSSENC_KS_SCHEDULE_DELETION, key);
    change.window_days = days;
    return try_apply(&change);
}

static ossenc_status import(const char *key, const char *material, uint64_t not_after)
{
    ossenc_change change = change_of(OSSENC_KS_IMPORT, key);
    change.material = text(material);
    change.not_after = not_after;
    return try_apply(&change);
}

static ossenc_key_info info_of(const char *key)
{
    ossenc_key_info info;
    size_t index;
    OK(ossenc_keystore_find(keystore, text(key), &index));
    memset(&info, 0, sizeof info);
    info.size = sizeof info;
    OK(ossenc_keystore_key(keystore, index, &info));
    return info;
}

/* Whether just this key, or none, is due. */
static int due(uint32_t what, int64_t at, const char *key)
{
    char ids[64];
    ossenc_out room = out(ids, sizeof ids);
    OK(ossenc_keystore_due(keystore, what, at, &room));
    return key ? room.n == strlen(key) + 1 && !strcmp(ids, key) : room.n == 0;
}

/* --- The tests ----------------------------------------------------------------------------------------------------- */

static void test_states(void)
{
    ossenc_version_info version;
    ossenc_change change;
    OK(apply(OSSENC_KS_CREATE, "a"));
    STATUS(OSSENC_E_STATE, apply(OSSENC_KS_ENABLE, "a"));
    OK(apply(OSSENC_KS_DISABLE, "a"));
    CHECK(info_of("a").state == OSSENC_KEY_DISABLED);
    STATUS(OSSENC_E_STATE, apply(OSSENC_KS_DISABLE, "a"));
    STATUS(OSSENC_E_KEYSTATE, apply(OSSENC_KS_STAGE, "a"));
    OK(apply(OSSENC_KS_ENABLE, "a"));
    OK(apply(OSSENC_KS_STAGE, "a"));
    OK(apply(OSSENC_KS_PROMOTE, "a"));
    STATUS(OSSENC_E_STATE, apply_version(OSSENC_KS_DESTROY, "a", "1"));
    OK(apply_version(OSSENC_KS_RETIRE, "a", "1"));
    STATUS(OSSENC_E_ARG, apply(OSSENC_KS_DESTROY, "a"));
    OK(apply_version(OSSENC_KS_DESTROY, "a", "1"));
    memset(&version, 0, sizeof version);
    version.size = sizeof version;
    OK(ossenc_keystore_version(keystore, 0, 0, &version));
    CHECK(version.state == OSSENC_VERSION_DESTROYED && !version.has_material);
    OK(ossenc_keystore_version(keystore, 0, 1, &version));
    CHECK(version.state == OSSENC_VERSION_ACTIVE && version.has_material);
    /* What a change does not take must not be set. */
    change = change_of(OSSENC_KS_DISABLE, "a");
    change.window_days = 7;
    STATUS(OSSENC_E_ARG, try_apply(&change));
    change = change_of(OSSENC_KS_DISABLE, "a");
    change.material = text(MATERIAL);
    STATUS(OSSENC_E_ARG, try_apply(&change));
    change = change_of(OSSENC_KS_DISABLE, "a");
    change.not_after = 1;
    STATUS(OSSENC_E_ARG, try_apply(&change));
    STATUS(OSSENC_E_ARG, apply_alias(OSSENC_KS_DISABLE, "a", "alias/x"));
    STATUS(OSSENC_E_NOVERSION, apply(OSSENC_KS_DISABLE, ""));
    STATUS(OSSENC_E_ARG, apply(19, "a"));
}

static void test_periods_and_deletion(void)
{
    char small[1];
    ossenc_out room = out(small, sizeof small);
    STATUS(OSSENC_E_ARG, apply_period("a", 7 * DAY - 1));
    STATUS(OSSENC_E_ARG, apply_period("a", 731 * (uint64_t)DAY));
    OK(apply_period("a", 30 * DAY));
    CHECK(info_of("a").period_s == 30 * DAY);
    CHECK(due(OSSENC_DUE_ROTATION, wall + 30 * DAY - 1, NULL));
    CHECK(due(OSSENC_DUE_ROTATION, wall + 30 * DAY, "a"));
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_due(keystore, OSSENC_DUE_ROTATION, wall + 30 * DAY, &room));
    CHECK(room.n == 2);
    STATUS(OSSENC_E_ARG, ossenc_keystore_due(keystore, 0, wall, &room));
    STATUS(OSSENC_E_ARG, ossenc_keystore_due(keystore, OSSENC_DUE_ROTATION, -1, &room));
    STATUS(OSSENC_E_ARG, ossenc_keystore_due(NULL, OSSENC_DUE_ROTATION, wall, &room));
    STATUS(OSSENC_E_ARG, ossenc_keystore_due(keystore, OSSENC_DUE_ROTATION, wall, NULL));
    OK(apply_period("a", 0));
    CHECK(info_of("a").period_s == 0);

    OK(apply(OSSENC_KS_CREATE, "b"));
    STATUS(OSSENC_E_STATE, apply(OSSENC_KS_DELETE, "b"));
    STATUS(OSSENC_E_ARG, schedule("b", 6));
    STATUS(OSSENC_E_ARG, schedule("b", 367));
    OK(schedule("b", 7));
    CHECK(info_of("b").state == OSSENC_KEY_PENDING_DELETION);
    CHECK(info_of("b").delete_at == (uint64_t)wall + 7 * DAY);
    OK(apply(OSSENC_KS_CANCEL_DELETION, "b"));
    CHECK(info_of("b").state == OSSENC_KEY_DISABLED && info_of("b").delete_at == 0);
    OK(schedule("b", 7));
    STATUS(OSSENC_E_STATE, apply(OSSENC_KS_DELETE, "b"));
    CHECK(due(OSSENC_DUE_DELETION, wall, NULL));
    wall += 7 * DAY;
    CHECK(due(OSSENC_DUE_DELETION, wall, "b"));
    OK(apply(OSSENC_KS_DELETE, "b"));
    STATUS(OSSENC_E_NOVERSION, apply(OSSENC_KS_DELETE, "b"));
}

static void test_import(void)
{
    static const char zeros[32] = {0};
    ossenc_change change;
    OK(apply(OSSENC_KS_CREATE_FOR_IMPORT, "i"));
    CHECK(info_of("i").state == OSSENC_KEY_PENDING_IMPORT && info_of("i").origin == 2 && info_of("i").primary == 0);
    STATUS(OSSENC_E_ARG, import("i", "too short", 0));
    STATUS(OSSENC_E_ARG, import("i", "", 0));
    STATUS(OSSENC_E_ARG, import("i", MATERIAL, (uint64_t)wall));
    STATUS(OSSENC_E_STATE, import("a", MATERIAL, 0));
    change = change_of(OSSENC_KS_IMPORT, "i");
    change.material = in(zeros, 32);
    STATUS(OSSENC_E_ARG, try_apply(&change));
    OK(import("i", MATERIAL, (uint64_t)wall + 100));
    CHECK(info_of("i").state == OSSENC_KEY_ENABLED && info_of("i").not_after == (uint64_t)wall + 100);
    CHECK(due(OSSENC_DUE_EXPIRY, wall + 99, NULL));
    CHECK(due(OSSENC_DUE_EXPIRY, wall + 100, "i"));
    STATUS(OSSENC_E_STATE, import("i", "other material of just 32 bytes.", 0));
    OK(apply(OSSENC_KS_DELETE_MATERIAL, "i"));
    CHECK(info_of("i").state == OSSENC_KEY_PENDING_IMPORT);
    OK(import("i", MATERIAL, 0));
    CHECK(info_of("i").not_after == 0);
}

static void test_aliases(void)
{
    size_t index;
    OK(apply_alias(OSSENC_KS_ALIAS, "a", "alias/x"));
    STATUS(OSSENC_E_STATE, apply_alias(OSSENC_KS_ALIAS, "i", "alias/x"));
    OK(apply_alias(OSSENC_KS_MOVE_ALIAS, "i", "alias/x"));
    OK(ossenc_keystore_find(keystore, text("alias/x"), &index));
    CHECK(index == 1);
    STATUS(OSSENC_E_ARG, apply_alias(OSSENC_KS_REMOVE_ALIAS, "i", "alias/x"));
    OK(apply_alias(OSSENC_KS_REMOVE_ALIAS, "", "alias/x"));
    STATUS(OSSENC_E_STATE, apply_alias(OSSENC_KS_REMOVE_ALIAS, "", "alias/x"));
    STATUS(OSSENC_E_ARG, apply_alias(OSSENC_KS_ALIAS, "a", "alias/acs/oss"));
    STATUS(OSSENC_E_ARG, apply_alias(OSSENC_KS_ALIAS, "a", ""));
    OK(apply_alias(OSSENC_KS_SERVICE_ALIAS, "a", "alias/acs/oss"));
    STATUS(OSSENC_E_ARG, apply_alias(OSSENC_KS_SERVICE_ALIAS, "a", "alias/x"));
}

static void test_direct(void)
{
    ossenc_keyring *keyring;
    ossenc_pair pairs[2];
    ossenc_in allowed[2];
    unsigned char blob[512], moved[512], plain[64], large[OSSENC_DIRECT_MAX + 1];
    ossenc_out room = out(NULL, 0), back;
    size_t n;
    pairs[0].key = text("use");
    pairs[0].value = text("database");
    pairs[1].key = text("host");
    pairs[1].value = text("h");
    allowed[0] = text("i");
    allowed[1] = text("a");
    memset(large, 1, sizeof large);
    OK(ossenc_keyring_new(lib, NULL, &keyring));
    STATUS(OSSENC_E_STATE, ossenc_direct_encrypt(keyring, text("a"), pairs, 2, text("secret"), &room, NULL));
    OK(ossenc_keyring_publish(keyring, keystore));
    STATUS(OSSENC_E_BUFFER, ossenc_direct_encrypt(keyring, text("a"), pairs, 2, text("secret"), &room, NULL));
    n = room.n;
    CHECK(n == 8 + 2 + 2 + 56 + 6 + 16);
    room = out(blob, sizeof blob);
    OK(ossenc_direct_encrypt(keyring, text("alias/acs/oss"), pairs, 2, text("secret"), &room, NULL));
    CHECK(room.n == n);
    STATUS(OSSENC_E_ARG, ossenc_direct_encrypt(keyring, text("a"), pairs, 2, in(large, sizeof large), &room, NULL));
    STATUS(OSSENC_E_NOVERSION, ossenc_direct_encrypt(keyring, text("z"), NULL, 0, text("x"), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_direct_encrypt(NULL, text("a"), NULL, 0, text("x"), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_direct_encrypt(keyring, text("a"), NULL, 1, text("x"), &room, NULL));

    back = out(plain, sizeof plain);
    OK(ossenc_direct_decrypt(keyring, in(blob, n), pairs, 2, allowed, 2, &back, NULL));
    CHECK(back.n == 6 && !memcmp(plain, "secret", 6));
    STATUS(OSSENC_E_EXPECT, ossenc_direct_decrypt(keyring, in(blob, n), pairs, 2, allowed, 1, &back, NULL));
    CHECK(back.n == 0);
    STATUS(OSSENC_E_EXPECT, ossenc_direct_decrypt(keyring, in(blob, n), pairs, 2, NULL, 0, &back, NULL));
    STATUS(OSSENC_E_COMMIT, ossenc_direct_decrypt(keyring, in(blob, n), pairs, 1, allowed, 2, &back, NULL));
    STATUS(OSSENC_E_FORMAT, ossenc_direct_decrypt(keyring, in(blob, 7), pairs, 2, allowed, 2, &back, NULL));
    back = out(plain, 5);
    STATUS(OSSENC_E_BUFFER, ossenc_direct_decrypt(keyring, in(blob, n), pairs, 2, allowed, 2, &back, NULL));
    CHECK(back.n == 6);

    room = out(moved, sizeof moved);
    OK(ossenc_direct_reencrypt(keyring, in(blob, n), pairs, 2, allowed, 2, text("i"), pairs, 1, &room, NULL));
    back = out(plain, sizeof plain);
    OK(ossenc_direct_decrypt(keyring, in(moved, room.n), pairs, 1, allowed, 1, &back, NULL));
    CHECK(back.n == 6 && !memcmp(plain, "secret", 6));
    blob[n - 1] ^= 1;
    back = out(plain, sizeof plain);
    STATUS(OSSENC_E_CHUNK, ossenc_direct_decrypt(keyring, in(blob, n), pairs, 2, allowed, 2, &back, NULL));
    CHECK(back.n == 0);
    STATUS(OSSENC_E_CHUNK,
           ossenc_direct_reencrypt(keyring, in(blob, n), pairs, 2, allowed, 2, text("i"), pairs, 1, &room, NULL));
    ossenc_keyring_free(keyring);
}

static ossenc_keystore_info read_image(const void *p, size_t n)
{
    ossenc_keystore_info info;
    memset(&info, 0, sizeof info);
    info.size = sizeof info;
    OK(ossenc_keystore_read(in(p, n), &info));
    return info;
}

static void test_root_keys(void)
{
    static const char NEW_ROOT[] = "another root key, of 32 bytes ok";
    unsigned char sealed[8192];
    const ossenc_keystore *other;
    ossenc_passphrase_cost cost;
    ossenc_out room = out(NULL, 0);
    uint64_t generation = ossenc_keystore_generation(keystore);
    size_t n;
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_reseal(keystore, text("root-2"), in(NEW_ROOT, 32), &room, NULL));
    n = room.n;
    room = out(sealed, sizeof sealed);
    OK(ossenc_keystore_reseal(keystore, text("root-2"), in(NEW_ROOT, 32), &room, NULL));
    CHECK(room.n == n);
    STATUS(OSSENC_E_COMMIT, ossenc_keystore_load(lib, in(sealed, n), in(ROOT, 32), 0, &other, NULL));
    STATUS(OSSENC_E_EXPECT, ossenc_keystore_load(lib, in(sealed, n), in(NEW_ROOT, 32), generation + 2, &other, NULL));
    OK(ossenc_keystore_load(lib, in(sealed, n), in(NEW_ROOT, 32), generation + 1, &other, NULL));
    CHECK(ossenc_keystore_keys(other) == ossenc_keystore_keys(keystore));
    CHECK(!strcmp(read_image(sealed, n).root_key_id, "root-2") && read_image(sealed, n).kdf == OSSENC_KDF_NONE);
    STATUS(OSSENC_E_ARG, ossenc_keystore_reseal(keystore, text(""), in(NEW_ROOT, 32), &room, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_reseal(keystore, text("r"), in(NEW_ROOT, 31), &room, NULL));
    ossenc_keystore_free(other);

    memset(&cost, 0, sizeof cost);
    cost.size = sizeof cost;
    cost.kib = 32;
    cost.passes = 1;
    cost.lanes = 4;
    room = out(sealed, sizeof sealed);
    OK(ossenc_keystore_reseal_passphrase(keystore, text("p"), text("sesame"), &cost, &room, NULL));
    n = room.n;
    CHECK(read_image(sealed, n).kdf == OSSENC_KDF_ARGON2ID);
    OK(ossenc_keystore_load_passphrase(lib, in(sealed, n), text("sesame"), generation + 1, &other, NULL));
    CHECK(ossenc_keystore_keys(other) == ossenc_keystore_keys(keystore));
    ossenc_keystore_free(other);
    STATUS(OSSENC_E_COMMIT, ossenc_keystore_load_passphrase(lib, in(sealed, n), text("barley"), 0, &other, NULL));
    CHECK(other == NULL);
    STATUS(OSSENC_E_ARG, ossenc_keystore_load_passphrase(lib, in(sealed, n), text(""), 0, &other, NULL));
    STATUS(OSSENC_E_ARG, ossenc_keystore_load_passphrase(lib, in(image, image_n), text("sesame"), 0, &other, NULL));
    room = out(sealed, sizeof sealed);
    OK(ossenc_keystore_init_passphrase(lib, text("p"), text("sesame"), &cost, &room, NULL));
    OK(ossenc_keystore_load_passphrase(lib, in(sealed, room.n), text("sesame"), 1, &other, NULL));
    ossenc_keystore_free(other);
    cost.kib = 31;
    STATUS(OSSENC_E_ARG, ossenc_keystore_init_passphrase(lib, text("p"), text("sesame"), &cost, &room, NULL));
    cost.size = 1;
    STATUS(OSSENC_E_ARG, ossenc_keystore_init_passphrase(lib, text("p"), text("sesame"), &cost, &room, NULL));
    room = out(NULL, 0);
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_init_passphrase(lib, text("p"), text("sesame"), NULL, &room, NULL));
}

/* What the tests go on from, one after another. */
static void test_first_keystore(void)
{
    ossenc_config config;
    ossenc_out room = out(image, sizeof image);
    SIZED(config);
    config.now = now;
    OK(ossenc_lib_new(&config, &lib, NULL));
    OK(ossenc_keystore_init(lib, text("root-1"), in(ROOT, 32), &room, NULL));
    image_n = room.n;
    use(ROOT);
}

void master_keys_tests(void)
{
    RUN(first_keystore);
    RUN(states);
    RUN(periods_and_deletion);
    RUN(import);
    RUN(aliases);
    RUN(direct);
    RUN(root_keys);
    ossenc_keystore_free(keystore);
    ossenc_lib_free(lib);
}

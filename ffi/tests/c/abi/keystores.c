/* Keystores: images, changes, the file. */
#include "harness.h"

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
    CHECK(unlink(beside) == 0 && unlink(path) == 0);
    snprintf(beside, sizeof beside, "%s.previous", path);
    CHECK(unlink(beside) == 0 && rmdir(folder) == 0);
    image_free(&first);
    image_free(&second);
    world_free(&w);
}

void keystores_tests(void)
{
    RUN(keystore_init);
    RUN(keystore_load);
    RUN(keystore_apply);
    RUN(keystore_enumeration);
    RUN(swap_file);
}

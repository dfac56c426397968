#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#ifdef HAVE_EXPLICIT_BZERO
#define _DEFAULT_SOURCE 1
#endif
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

enum { ROOT_KEY_LEN = 32, IMAGE_MAX = 64 << 20, ATTEMPTS = 100 };

static const char ROOT_KEY_ID[] = "file";

void wipe(void *p, size_t n)
{
#ifdef HAVE_EXPLICIT_BZERO
    explicit_bzero(p, n);
#else
    volatile unsigned char *byte = p;
    while (n--)
        *byte++ = 0;
#endif
}

ossenc_in text(const char *string)
{
    ossenc_in in = {string, strlen(string)};
    return in;
}

static int read_root_key(const char *path, unsigned char key[ROOT_KEY_LEN + 1])
{
    struct stat about;
    ssize_t got;
    int code = RC_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_io(path, "open the root key file");
    if (fstat(fd, &about) != 0)
        code = fail_io(path, "look at the root key file");
    else if (about.st_mode & (S_IRWXG | S_IRWXO))
        code = fail(RC_USAGE, path, "others may read or change the root key: chmod 600 it");
    got = code == RC_OK ? read_full(fd, key, ROOT_KEY_LEN + 1) : 0;
    if (got < 0)
        code = fail_io(path, "read the root key file");
    else if (code == RC_OK && got != ROOT_KEY_LEN)
        code = fail(RC_USAGE, path, "a root key file has exactly 32 bytes");
    close(fd);
    return code;
}

/* Makes a random root key, unless the file is there. */
static int ensure_root_key(const char *path)
{
    unsigned char key[ROOT_KEY_LEN];
    struct new_file file;
    int code, kept, random;
    if (access(path, F_OK) == 0)
        return RC_OK;
    random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (random < 0)
        return fail_io("/dev/urandom", "open");
    code = read_full(random, key, sizeof key) == (ssize_t)sizeof key ? RC_OK : fail_io("/dev/urandom", "read");
    close(random);
    if (code == RC_OK)
        code = new_file_begin(&file, path);
    if (code == RC_OK && write_full(file.fd, key, sizeof key) != 0) {
        code = fail_io(path, "write the root key file");
        new_file_abandon(&file);
    } else if (code == RC_OK) {
        /* Never over a key that another process made in the meantime: something may be sealed under it already. */
        code = new_file_commit(&file, 1, &kept);
        if (code == RC_OK)
            printf("%s: %s\n", path, kept ? "is there" : "made a root key: keep a copy in a safe place");
    }
    wipe(key, sizeof key);
    return code;
}

/* Loads an image into `keys`, and publishes it to the keyring. */
static int use_image(struct keys *keys, const struct settings *settings, ossenc_in image)
{
    unsigned char root_key[ROOT_KEY_LEN + 1];
    ossenc_in root = {root_key, ROOT_KEY_LEN};
    const ossenc_keystore *loaded = NULL;
    ossenc_error error = {0};
    ossenc_status status = OSSENC_OK;
    int code = read_root_key(settings->root_key, root_key);
    error.size = sizeof error;
    /* A daemon takes as minimum the highest generation that it has ever seen, from a place that an attacker who can put
     * back an old keystore cannot put back. */
    if (code == RC_OK)
        status = ossenc_keystore_load(keys->lib, image, root, settings->min_generation, &loaded, &error);
    wipe(root_key, sizeof root_key);
    if (code == RC_OK && status == OSSENC_OK)
        status = ossenc_keyring_publish(keys->keyring, loaded);
    if (code != RC_OK || status != OSSENC_OK) {
        ossenc_keystore_free(loaded);
        return code != RC_OK ? code : fail_status(settings->keystore, status, &error);
    }
    ossenc_keystore_free(keys->keystore);
    keys->keystore = loaded;
    return RC_OK;
}

/* Loads the keystore file. With `absent`, a missing file is no error: *absent says so. */
static int load_file(struct keys *keys, const struct settings *settings, int *absent)
{
    const char *path = settings->keystore;
    unsigned char *image = NULL;
    struct stat about;
    int code = RC_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (absent)
        *absent = fd < 0 && errno == ENOENT;
    if (fd < 0)
        return absent && *absent ? RC_OK : fail_io(path, "open the keystore");
    /* The file is only ever replaced, never written to: what is open stays whole. */
    if (fstat(fd, &about) != 0)
        code = fail_io(path, "look at the keystore");
    else if (about.st_size > IMAGE_MAX)
        code = fail(RC_FORMAT, path, "too long for a keystore");
    else if (!(image = malloc((size_t)about.st_size + 1)) ||
             pread_full(fd, image, (size_t)about.st_size, 0) != (ssize_t)about.st_size)
        code = fail_io(path, "read the keystore");
    close(fd);
    if (code == RC_OK) {
        ossenc_in in = {image, (size_t)about.st_size};
        code = use_image(keys, settings, in);
    }
    free(image);
    return code;
}

/* Stores an image in place of the one with generation `old`, and takes it into use. RC_CONFLICT, without a message,
 * when another writer was first. */
static int store_image(struct keys *keys, const struct settings *settings, uint64_t old, ossenc_out image)
{
    ossenc_in in = {image.p, image.n};
    ossenc_error error = {0};
    ossenc_status status;
    error.size = sizeof error;
    status = ossenc_keystore_swap_file(settings->keystore, old, in, &error);
    if (status == OSSENC_E_CONFLICT)
        return RC_CONFLICT;
    return status == OSSENC_OK ? use_image(keys, settings, in) : fail_status(settings->keystore, status, &error);
}

/* A keystore without keys, generation 1. */
static int make_keystore(struct keys *keys, const struct settings *settings)
{
    unsigned char root_key[ROOT_KEY_LEN + 1], room[512];
    ossenc_in root = {root_key, ROOT_KEY_LEN};
    ossenc_out image = {room, sizeof room, 0};
    ossenc_error error = {0};
    ossenc_status status;
    int code = read_root_key(settings->root_key, root_key);
    if (code != RC_OK)
        return code;
    error.size = sizeof error;
    status = ossenc_keystore_init(keys->lib, text(ROOT_KEY_ID), root, &image, &error);
    wipe(root_key, sizeof root_key);
    return status == OSSENC_OK ? store_image(keys, settings, 0, image)
                               : fail_status(settings->keystore, status, &error);
}

/* One change of the keystore in use. RC_CONFLICT, without a message, when another writer was first. */
static int change(struct keys *keys, const struct settings *settings, uint32_t what, const char *version)
{
    ossenc_change change = {0};
    ossenc_out image = {NULL, 0, 0};
    ossenc_error error = {0};
    ossenc_status status;
    int code;
    change.size = sizeof change;
    change.what = what;
    change.key_id = text(settings->key_id);
    change.version = text(version);
    error.size = sizeof error;
    status = ossenc_keystore_apply(keys->keystore, &change, &image, &error); /* asks for the size */
    if (status == OSSENC_E_BUFFER) {
        image.p = malloc(image.n);
        image.cap = image.n;
        if (!image.p)
            return fail_io(settings->keystore, "allocate");
        status = ossenc_keystore_apply(keys->keystore, &change, &image, &error);
    }
    code = status == OSSENC_OK ? store_image(keys, settings, ossenc_keystore_generation(keys->keystore), image)
                               : fail_status(settings->key_id, status, &error);
    free(image.p);
    return code;
}

/* The master key, and its newest version that waits for promotion (0 for none). */
static int look(const struct keys *keys, const struct settings *settings, ossenc_key_info *key, uint64_t *staged)
{
    size_t index;
    ossenc_status status = ossenc_keystore_find(keys->keystore, text(settings->key_id), &index);
    *staged = 0;
    memset(key, 0, sizeof *key);
    key->size = sizeof *key;
    if (status == OSSENC_OK)
        status = ossenc_keystore_key(keys->keystore, index, key);
    for (size_t i = 0; status == OSSENC_OK && i < key->versions; i++) {
        ossenc_version_info version = {0};
        version.size = sizeof version;
        status = ossenc_keystore_version(keys->keystore, index, i, &version);
        if (status == OSSENC_OK && version.state == OSSENC_VERSION_STAGED && version.number > key->primary)
            *staged = version.number;
    }
    return status == OSSENC_OK ? RC_OK : fail_status(settings->key_id, status, NULL);
}

static int set_up(struct keys *keys)
{
    ossenc_error error = {0};
    ossenc_status status;
    error.size = sizeof error;
    status = ossenc_lib_new(NULL, &keys->lib, &error);
    if (status == OSSENC_OK)
        status = ossenc_keyring_new(keys->lib, NULL, &keys->keyring);
    return status == OSSENC_OK ? RC_OK : fail_status("libossenc", status, &error);
}

int keys_open(struct keys *keys, const struct settings *settings)
{
    int code = set_up(keys);
    return code == RC_OK ? load_file(keys, settings, NULL) : code;
}

void keys_close(struct keys *keys)
{
    ossenc_keystore_free(keys->keystore);
    ossenc_keyring_free(keys->keyring);
    ossenc_lib_free(keys->lib);
    memset(keys, 0, sizeof *keys);
}

int keys_init(struct keys *keys, const struct settings *settings)
{
    int code = set_up(keys);
    if (code == RC_OK)
        code = ensure_root_key(settings->root_key);
    /* Each round begins with what is in the file now: so this also ends an init that was interrupted. */
    for (int i = 0; code == RC_OK && i < ATTEMPTS; i++) {
        size_t index;
        int absent;
        code = load_file(keys, settings, &absent);
        if (code != RC_OK)
            break;
        if (!absent && ossenc_keystore_find(keys->keystore, text(settings->key_id), &index) == OSSENC_OK) {
            printf("%s: has master key %s (generation %" PRIu64 ")\n", settings->keystore, settings->key_id,
                   ossenc_keystore_generation(keys->keystore));
            return RC_OK;
        }
        code = absent ? make_keystore(keys, settings) : change(keys, settings, OSSENC_KS_CREATE, "");
        if (code == RC_CONFLICT)
            code = RC_OK;
    }
    return code == RC_OK ? fail(RC_CONFLICT, settings->keystore, "cannot make the keystore") : code;
}

int keys_rotate(struct keys *keys, const struct settings *settings)
{
    uint64_t target = 0; /* the version that shall become the primary, once it is known */
    int code = RC_OK;
    for (int i = 0; code == RC_OK && i < ATTEMPTS; i++) {
        char number[24];
        ossenc_key_info key;
        uint64_t staged;
        code = look(keys, settings, &key, &staged);
        if (code != RC_OK)
            break;
        if (target == 0)
            target = staged; /* perhaps of a rotation that was interrupted, or is under way in another process */
        if (target != 0 && key.primary >= target) {
            printf("%s: version %" PRIu64 " is the primary (generation %" PRIu64 "); now rewrap, then retire the old\n",
                   settings->key_id, key.primary, ossenc_keystore_generation(keys->keystore));
            return RC_OK;
        }
        /* In a cluster there is a pause between the two steps: every node loads the keystore with the staged version
         * before any node promotes it. So no node ever meets a file that it cannot open. */
        snprintf(number, sizeof number, "%" PRIu64, target);
        code = target == 0 ? change(keys, settings, OSSENC_KS_STAGE, "")
                           : change(keys, settings, OSSENC_KS_PROMOTE, number);
        if (code == RC_CONFLICT)
            code = load_file(keys, settings, NULL);
    }
    return code == RC_OK ? fail(RC_CONFLICT, settings->keystore, "cannot rotate") : code;
}

int keys_retire(struct keys *keys, const struct settings *settings, const char *version)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        int code = change(keys, settings, OSSENC_KS_RETIRE, version);
        if (code == RC_OK)
            printf("%s: version %s is retired\n", settings->key_id, version);
        if (code == RC_CONFLICT)
            code = load_file(keys, settings, NULL);
        else
            return code;
        if (code != RC_OK)
            return code;
    }
    return fail(RC_CONFLICT, settings->keystore, "cannot retire the version");
}

/* The keys of this program: a keystore file, its root key file, and the keyring that operations use. */
#ifndef KEYS_H
#define KEYS_H

#include <stdint.h>

#include "ossenc.h"

struct settings {
    const char *keystore;  /* path of the keystore's image */
    const char *root_key;  /* path of a file of 32 bytes */
    const char *key_id;    /* the master key */
    uint64_t min_generation;
    ossenc_context context;
};

struct keys {
    ossenc_lib *lib;
    ossenc_keyring *keyring;
    const ossenc_keystore *keystore; /* what was published last */
};

/* A C string as the library takes it. */
ossenc_in text(const char *string);

/* Set all to zero first. keys_close is legal at any time, and as often as you like. */
int keys_open(struct keys *keys, const struct settings *settings);
void keys_close(struct keys *keys);

/* Makes what is missing of: root key file, keystore, master key. */
int keys_init(struct keys *keys, const struct settings *settings);

/* Stages a new version of the master key and makes it the primary. Finishes a rotation that was interrupted. */
int keys_rotate(struct keys *keys, const struct settings *settings);

/* Takes a version of the master key out of use. */
int keys_retire(struct keys *keys, const struct settings *settings, const char *version);

/* Overwrites secrets, in a way that compilers do not remove. */
void wipe(void *p, size_t n);

#endif

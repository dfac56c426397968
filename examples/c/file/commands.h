/* The commands, and what they share. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdint.h>

#include "container.h"
#include "keys.h"
#include "ossenc.h"

/* Whole chunks of plaintext that are dealt with at once: all the memory that a file of any length needs. */
enum {
    WINDOW = 64 * OSSENC_CHUNK,
    /* A window that does not begin with a chunk touches one chunk more, and may bring the last one along. */
    STORED_WINDOW = OSSENC_HEAD + (64 + 2) * OSSENC_STORED_CHUNK
};

extern unsigned char plain_window[WINDOW];
extern unsigned char stored_window[STORED_WINDOW];

/* A range as on the command line. */
struct range {
    enum { FROM_TO, SUFFIX } kind;
    uint64_t from, to; /* both included; for SUFFIX, `to` is a length */
};

int command_seal(const struct keys *keys, const struct settings *settings, const char *in_path, const char *path);
int command_open(const struct keys *keys, const struct settings *settings, const char *path, const char *out_path);
int command_cat(const struct keys *keys, const struct settings *settings, const char *path, const struct range *range);
int command_rewrap(const struct keys *keys, const struct settings *settings, const char *path);
int command_verify(const struct keys *keys, const struct settings *settings, const char *path);
int command_info(const char *path);

/* An empty report, ready for a call. */
ossenc_error new_error(void);

/* What may have wrapped an object. It comes from the command line (in a daemon: from its own index), never from the
 * envelope: else whoever can replace the file could choose the key. */
struct allowed {
    ossenc_in key_ids[1];
    ossenc_expect expect;
};

const ossenc_expect *allow(struct allowed *allowed, const struct settings *settings);

/* A sealed file, open for reading. */
struct sealed {
    const char *path;
    int fd;
    uint64_t body; /* stored bytes behind the header */
    struct header header;
    const ossenc_object *object;
    unsigned char head[OSSENC_HEAD];
    ossenc_map *map;
    ossenc_opener *opener;
};

/* The file and its header: enough for `info`. */
int sealed_open_header(struct sealed *sealed, const char *path);

/* The object: from here on the envelope is known to be genuine, and the context to be the right one. */
int sealed_open_object(struct sealed *sealed, const struct keys *keys, const struct settings *settings);

/* The body: its head must belong to the object. `body` is its length; `plain` that of the plaintext, if trusted. */
int sealed_open_body(struct sealed *sealed, uint64_t body, uint64_t plain);

/* Whatever came of the three. */
void sealed_close(struct sealed *sealed);

#endif

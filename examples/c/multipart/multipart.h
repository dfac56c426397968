/* A multipart object in a folder: what the files of this program share. Functions that fail say why, and exit. */
#ifndef MULTIPART_H
#define MULTIPART_H

#include <stddef.h>
#include <stdint.h>

#include "ossenc.h"

/* --- store.c: named values in a folder, as an object store or a metadata service would keep them ------------------ */

struct bytes {
    unsigned char *p;
    size_t n;
};

void fail(const char *what);                                             /* with errno */
void must(ossenc_status status, const char *what, const ossenc_error *); /* unless it is OSSENC_OK; NULL is legal */

struct bytes allocate(size_t n);
struct bytes load(const char *folder, const char *name);
void save(const char *folder, const char *name, const void *p, size_t n);
void read_at(const char *path, uint64_t offset, void *p, size_t n);
uint64_t file_length(const char *path);
ossenc_in input(const struct bytes *bytes);

/* --- object.c: keys, and the object that an upload makes ---------------------------------------------------------- */

struct session {
    const char *folder;
    ossenc_lib *lib;
    ossenc_keyring *keyring;
    const ossenc_object *object;
};

void make_keys(const char *folder);                                   /* a root key and a keystore */
void session_open(struct session *session, const char *folder);
void session_close(struct session *session);
void begin_upload(struct session *session); /* a new object: its envelope, and the upload's record */
void join_upload(struct session *session);  /* by any process that has the keys */

/* --- parts.c: sealing parts, and what lists them ------------------------------------------------------------------ */

void part_name(char name[32], uint32_t part, const char *kind);       /* "part.7.body" */
void seal_part(const struct session *session, uint32_t part, const void *plain, size_t n);
void complete_upload(const struct session *session, uint32_t parts);  /* seals the manifest */
void append_part(const struct session *session, uint32_t part);       /* one more, in the next generation */
void convert_part(const struct session *session, uint32_t part, uint32_t to);

/* --- read.c ------------------------------------------------------------------------------------------------------- */

ossenc_map *open_map(const struct session *session);
struct bytes read_range(const struct session *session, const ossenc_map *map, uint64_t offset, uint64_t n);

/* Verifies every chunk. Says whether all is well; else where the first damage is. */
int scrub(const struct session *session, const ossenc_map *map, uint32_t *part, uint64_t *offset);

#endif

/*
 * The C ABI, every exported function of it, as a C program meets it: what the files here share. They make one program,
 * compiled as C99 and as C++11, linked against the shared and the static library, and run under valgrind's memcheck by
 * ../run.sh. It ends with "N passed, 0 failed".
 */
#ifndef HARNESS_H
#define HARNESS_H

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

/* Each is a file, and a function NAME_tests that runs what is in it. */
#define SUITES(X)                                                                                            \
    X(library) X(keystores) X(operations) X(envelopes) X(seal) X(in_place) X(open) X(failures) X(lifetimes) \
    X(tickets) X(layouts) X(segments) X(receipts) X(attributes) X(plans) X(streams) X(convert) \
    X(census) X(master_keys) X(remote_keys) X(sse)

#define DECLARE(name) void name##_tests(void);
SUITES(DECLARE)
#undef DECLARE

extern int failures; /* of the running test */

/* One thread at a time: those of a test count what went wrong, for it to check. */
void check(int ok, const char *what, const char *file, int line);
void check_equal(uint64_t got, uint64_t wanted, const char *what, const char *file, int line);
void check_status(ossenc_status got, ossenc_status wanted, const char *what, const char *file, int line);
void run(const char *name, void (*test)(void));

#define CHECK(condition) check(!!(condition), #condition, __FILE__, __LINE__)
#define EQUAL(got, wanted) check_equal((uint64_t)(got), (uint64_t)(wanted), #got, __FILE__, __LINE__)
#define STATUS(wanted, call) check_status((call), (wanted), #call, __FILE__, __LINE__)
#define OK(call) STATUS(OSSENC_OK, call)
#define RUN(name) run(#name, test_##name)

/* Sets a struct to zero, and its size. */
#define ZERO(s) memset(&(s), 0, sizeof(s))
#define SIZED(s) (ZERO(s), (s).size = sizeof(s))

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

typedef unsigned char byte;

byte *get(size_t n);

/* Memory of exactly n bytes with canaries on both sides, all canary at first. */
enum { MARGIN = 64, CANARY = 0xC5 };
byte *guarded(size_t n);
void release(byte *p);
int untouched(const byte *p, size_t n);

/* Only the first `used` of n bytes may differ from the canary. */
int in_bounds(const byte *p, size_t n, size_t used);

byte pattern(uint64_t i);
byte *patterned(size_t n);

/* Whether p holds the n bytes of the pattern from `first` on. */
int is_pattern(const byte *p, size_t n, uint64_t first);

ossenc_in in(const void *p, size_t n);
ossenc_in none(void);
ossenc_in text(const char *s);
ossenc_out out(void *p, size_t cap);
ossenc_iov iov(void *p, size_t n);
ossenc_error new_error(void);

/* Pieces of the given length (the last one shorter), with an empty one in between now and then. */
ossenc_iov *pieces(byte *p, size_t n, size_t piece, size_t *count);

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

void machine_init(struct machine *m);
ossenc_status machine_lib(struct machine *m, ossenc_lib **lib);

/* --- Keystores ---------------------------------------------------------------------------------------------------- */

extern const byte ROOT[33];
ossenc_in root(void);

/* An image of any length. */
struct image {
    byte *p;
    size_t n;
};

void image_free(struct image *image);
ossenc_status try_change(const ossenc_keystore *keystore, uint32_t what, const char *key, const char *version,
                         ossenc_out *image, ossenc_error *error);

/* What is needed of a keystore, in one place. */
struct world {
    struct machine machine;
    ossenc_lib *lib;
    ossenc_keyring *keyring;
    const ossenc_keystore *keystore;
    struct image image;
};

/* One key, "k1", published. */
void world_init(struct world *w);
void world_free(struct world *w);

/* Changes the keystore; publishes nothing. */
void world_change(struct world *w, uint32_t what, const char *key, const char *version);
void world_publish(struct world *w);

/* --- Objects ------------------------------------------------------------------------------------------------------ */

ossenc_context context_of(const char *object);
ossenc_choice choice_of(uint32_t method, const char *key);

/* Every method, and the keys that the tests use. */
const ossenc_expect *anything(void);

/* An envelope, and the object it belongs to. */
struct sealed {
    byte envelope[OSSENC_ENVELOPE_MAX];
    size_t n;
    const ossenc_object *object;
};

ossenc_status create(ossenc_keyring *keyring, const ossenc_choice *choice, const ossenc_context *context,
                     int32_t segmented, struct sealed *sealed);
void create_k1(struct world *w, const char *name, struct sealed *sealed);
void create_segmented(struct world *w, const char *name, struct sealed *sealed);

/* Opens; on failure, checks that no object is given. */
ossenc_status open_with(const ossenc_keyring *keyring, ossenc_in envelope, const ossenc_context *context,
                        const ossenc_expect *expect, const ossenc_object **object);
ossenc_status open_status(const ossenc_keyring *keyring, ossenc_in envelope, const char *name);
ossenc_status rewrap(ossenc_keyring *keyring, struct sealed *s, const char *name, const ossenc_choice *to,
                     const ossenc_context *new_context, int keep);

/* Where things lie in an envelope of one local slot of key "k1", version "1". */
enum { AT_VERSION = 6, AT_SUITE = 7, AT_SHAPE = 8, AT_ZERO = 9, AT_ID = 16, AT_COUNT = 32, AT_SLOTS = 34,
       AT_SLOT = 36, AT_METHOD = 38, AT_KIND = 39, AT_WRAPPED = 40, AT_KEY = 50, AT_KEY_VERSION = 53, AT_INNER = 57 };

/* Lengths of plaintext around the ends of chunks. */
enum { LENGTHS_N = 13 };
extern const size_t LENGTHS[LENGTHS_N];

/* An INLINE body of part 0: its length, one of the pattern, its map, and whether an envelope and it still open. */
uint64_t body_len(uint64_t plain);
byte *seal_pattern(const ossenc_object *object, size_t plain, size_t *n);
ossenc_map *new_map(const byte *body, uint64_t n, uint64_t plain);
void check_body(struct world *w, const struct sealed *s, const char *name, const byte *body, size_t n, size_t plain);

/* A stored segment. What lies aside is empty but for DETACHED. */
struct segment {
    byte *body, *side;
    size_t body_n, side_n;
    ossenc_receipt receipt;
};

enum { LAYOUTS = 3 }; /* OSSENC_INLINE, OSSENC_DETACHED, OSSENC_PAGED */

/* A segment of the pattern from `first` on. */
struct segment segment_seal(const ossenc_object *object, uint32_t part, uint32_t layout, size_t plain, uint64_t first);
void segment_free(struct segment *segment);

/* Plans with `room` extents at a time, reads each from the segment that it names, and opens it to p. Says how many
 * bytes there were, and gives up at the first failure, which is told in *status. */
size_t read_extents(const ossenc_object *object, const ossenc_map *map, const struct segment *segments, uint64_t off,
                    uint64_t len, size_t room, byte *p, ossenc_status *status, ossenc_error *error);

#endif

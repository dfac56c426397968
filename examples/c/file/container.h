/* The sealed file (docs/FORMAT.md, section 10): two header copies of 4 KiB, each with the envelope, then the body. The
 * second copy is there so that the envelope can be replaced at any moment of a crash. */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <stdint.h>

#include "ossenc.h"

enum {
    COPY_LEN = 4096,
    BODY_AT = 2 * COPY_LEN,
    FILED_ENVELOPE_MAX = COPY_LEN - 4 - 19 /* 19 bytes before it, 4 of CRC at the end */
};

struct header {
    unsigned char copies[2][COPY_LEN];
    int intact[2];        /* magic and CRC are right */
    uint64_t sequence[2]; /* of the intact ones */
    int counts;           /* 0 or 1: the copy that counts */
    ossenc_in envelope;   /* of that copy; points into it */
};

/* Reads both copies and chooses the one that counts. Even when it fails, `intact` and `sequence` are set. Who has not
 * locked the header takes the second one, which waits while another process changes it. */
int header_read(int fd, const char *path, struct header *header);
int header_read_shared(int fd, const char *path, struct header *header);

/* Whether both copies are intact and hold the same envelope, as they do when no change was interrupted. */
int header_is_settled(const struct header *header);

/* The header of a new file: both copies, sequences 1 and 2. The caller syncs. */
int header_write_new(int fd, const char *path, ossenc_in envelope);

/* Puts a new envelope in the place of the old one, so that at every moment one copy is whole, and neither holds the old
 * one in the end. The caller holds header_lock. */
int header_replace(int fd, const char *path, const struct header *header, ossenc_in envelope);

/* Opens a sealed file for a change of its header. One process at a time. Closing the file ends it. */
int header_lock(const char *path, int *fd);

#endif

#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

/* header copy = "ossencF" || 01 || u64 sequence || layout || u16 length || envelope || 00 ... || u32 crc32c */
static const char MAGIC[7] = {'o', 's', 's', 'e', 'n', 'c', 'F'};

enum { VERSION_AT = 7, SEQUENCE_AT = 8, LAYOUT_AT = 16, LENGTH_AT = 17, ENVELOPE_AT = 19, CRC_AT = COPY_LEN - 4 };

/* CRC-32C (Castagnoli), a bit at a time: two times 4 KiB do not ask for more. */
static uint32_t crc32c(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xFFFFFFFFu;
    while (n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

static void put_big_endian(unsigned char *p, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        p[i] = (unsigned char)value;
}

static uint64_t get_big_endian(const unsigned char *p, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

static void encode(unsigned char copy[COPY_LEN], uint64_t sequence, ossenc_in envelope)
{
    memset(copy, 0, COPY_LEN);
    memcpy(copy, MAGIC, sizeof MAGIC);
    copy[VERSION_AT] = 1;
    put_big_endian(copy + SEQUENCE_AT, sequence, 8);
    copy[LAYOUT_AT] = OSSENC_INLINE;
    put_big_endian(copy + LENGTH_AT, envelope.n, 2);
    memcpy(copy + ENVELOPE_AT, envelope.p, envelope.n);
    put_big_endian(copy + CRC_AT, crc32c(copy, CRC_AT), 4);
}

static int is_intact(const unsigned char copy[COPY_LEN])
{
    return memcmp(copy, MAGIC, sizeof MAGIC) == 0 && get_big_endian(copy + CRC_AT, 4) == crc32c(copy, CRC_AT);
}

/* The envelope within a copy: {NULL, 0} if its length does not fit. */
static ossenc_in envelope_of(const unsigned char copy[COPY_LEN])
{
    ossenc_in envelope = {NULL, 0};
    size_t n = (size_t)get_big_endian(copy + LENGTH_AT, 2);
    if (n <= FILED_ENVELOPE_MAX) {
        envelope.p = copy + ENVELOPE_AT;
        envelope.n = n;
    }
    return envelope;
}

static int set_lock(int fd, int what)
{
    int result;
    do
        result = flock(fd, what);
    while (result != 0 && errno == EINTR);
    return result;
}

int header_read(int fd, const char *path, struct header *header)
{
    const unsigned char *copy;
    ssize_t got;
    memset(header, 0, sizeof *header);
    got = pread_full(fd, header->copies, sizeof header->copies, 0);
    if (got < 0)
        return fail_io(path, "read the header");
    if (got < BODY_AT)
        return fail(RC_FORMAT, path, "not a sealed file: shorter than its header");
    for (int i = 0; i < 2; i++) {
        header->intact[i] = is_intact(header->copies[i]);
        if (header->intact[i])
            header->sequence[i] = get_big_endian(header->copies[i] + SEQUENCE_AT, 8);
    }
    if (!header->intact[0] && !header->intact[1])
        return fail(RC_FORMAT, path, "not a sealed file, or both header copies are damaged");
    /* The higher sequence counts, the first copy when they are equal. */
    header->counts = header->intact[1] && (!header->intact[0] || header->sequence[1] > header->sequence[0]);
    copy = header->copies[header->counts];
    if (copy[VERSION_AT] != 1 || copy[LAYOUT_AT] != OSSENC_INLINE)
        return fail(RC_TOONEW, path, "a version or layout of sealed files that this program does not know");
    /* There is no falling back on the other copy from here on: it is older, and may hold a key that was replaced. */
    header->envelope = envelope_of(copy);
    if (!header->envelope.p)
        return fail(RC_FORMAT, path, "the envelope does not fit the header");
    for (size_t i = ENVELOPE_AT + header->envelope.n; i < CRC_AT; i++) {
        if (copy[i] != 0)
            return fail(RC_FORMAT, path, "the header's padding is not zero");
    }
    return RC_OK;
}

/* Without the lock, a reader whose two halves come from two changes could find both copies torn. */
int header_read_shared(int fd, const char *path, struct header *header)
{
    int code;
    if (set_lock(fd, LOCK_SH) != 0)
        return fail_io(path, "lock");
    code = header_read(fd, path, header);
    set_lock(fd, LOCK_UN);
    return code;
}

int header_is_settled(const struct header *header)
{
    unsigned char again[COPY_LEN];
    int other = !header->counts;
    if (!header->intact[other])
        return 0;
    encode(again, header->sequence[other], header->envelope);
    return memcmp(again, header->copies[other], COPY_LEN) == 0;
}

static int write_copy(int fd, int which, uint64_t sequence, ossenc_in envelope)
{
    unsigned char copy[COPY_LEN];
    encode(copy, sequence, envelope);
    return pwrite_full(fd, copy, COPY_LEN, (uint64_t)which * COPY_LEN);
}

int header_write_new(int fd, const char *path, ossenc_in envelope)
{
    if (envelope.n > FILED_ENVELOPE_MAX)
        return fail(RC_DEFECT, path, "the envelope does not fit the header");
    if (write_copy(fd, 0, 1, envelope) != 0 || write_copy(fd, 1, 2, envelope) != 0)
        return fail_io(path, "write the header");
    return RC_OK;
}

int header_replace(int fd, const char *path, const struct header *header, ossenc_in envelope)
{
    uint64_t sequence = header->sequence[header->counts];
    int older = !header->counts;
    if (envelope.n > FILED_ENVELOPE_MAX)
        return fail(RC_DEFECT, path, "the envelope does not fit the header");
    if (sequence > UINT64_MAX - 2)
        return fail(RC_FORMAT, path, "the header's sequence is used up: open the file and seal it again");
    /* First the copy that does not count. Until it is whole and durable, the other one counts and is not touched. */
    if (write_copy(fd, older, sequence + 1, envelope) != 0 || fdatasync(fd) != 0)
        return fail_io(path, "write the header");
    /* Now the new one counts. The old envelope goes, too: it opens with a key that may be about to be retired. */
    if (write_copy(fd, !older, sequence + 2, envelope) != 0 || fdatasync(fd) != 0)
        return fail_io(path, "write the header");
    return RC_OK;
}

int header_lock(const char *path, int *fd)
{
    for (;;) {
        struct stat locked, named;
        *fd = open(path, O_RDWR | O_CLOEXEC);
        if (*fd < 0)
            return fail_io(path, "open for a change");
        if (set_lock(*fd, LOCK_EX) != 0 || fstat(*fd, &locked) != 0) {
            int code = fail_io(path, "lock");
            close(*fd);
            return code;
        }
        /* While this process waited, another may have put a new file in its place. */
        if (stat(path, &named) == 0 && named.st_dev == locked.st_dev && named.st_ino == locked.st_ino)
            return RC_OK;
        close(*fd);
        if (access(path, F_OK) != 0)
            return fail_io(path, "open for a change");
    }
}

/* Opening a file, all or ranges of it. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "commands.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

const ossenc_expect *allow(struct allowed *allowed, const struct settings *settings)
{
    memset(allowed, 0, sizeof *allowed);
    allowed->key_ids[0] = text(settings->key_id);
    allowed->expect.size = sizeof allowed->expect;
    allowed->expect.methods = OSSENC_ALLOW_SSE_OSS;
    allowed->expect.key_ids = allowed->key_ids;
    allowed->expect.n = 1;
    return &allowed->expect;
}

void sealed_close(struct sealed *sealed)
{
    ossenc_opener_free(sealed->opener);
    ossenc_map_free(sealed->map);
    ossenc_object_free(sealed->object);
    if (sealed->fd >= 0)
        close(sealed->fd);
    sealed->fd = -1;
}

int sealed_open_header(struct sealed *sealed, const char *path)
{
    struct stat about;
    memset(sealed, 0, sizeof *sealed);
    sealed->path = path;
    sealed->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (sealed->fd < 0 || fstat(sealed->fd, &about) != 0)
        return fail_io(path, "open");
    sealed->body = about.st_size > BODY_AT ? (uint64_t)about.st_size - BODY_AT : 0;
    return header_read_shared(sealed->fd, path, &sealed->header);
}

int sealed_open_object(struct sealed *sealed, const struct keys *keys, const struct settings *settings)
{
    struct allowed allowed;
    ossenc_info info = {0};
    ossenc_op *op = NULL;
    ossenc_error error = new_error();
    ossenc_status status;
    info.size = sizeof info;
    status = ossenc_object_open(keys->keyring, sealed->header.envelope, &settings->context, allow(&allowed, settings),
                                NULL, &op);
    if (status == OSSENC_OK)
        status = ossenc_op_run(op, NULL, NULL, 0, &error);
    if (status == OSSENC_OK)
        status = ossenc_op_object(op, &sealed->object);
    ossenc_op_free(op);
    if (status == OSSENC_OK)
        status = ossenc_envelope_read(sealed->header.envelope, &info);
    if (status == OSSENC_OK && info.segmented)
        return fail(RC_TOONEW, sealed->path, "an object of several segments, which one file does not hold");
    return status == OSSENC_OK ? RC_OK : fail_status(sealed->path, status, &error);
}

int sealed_open_body(struct sealed *sealed, uint64_t body, uint64_t plain)
{
    ossenc_in head = {sealed->head, sizeof sealed->head};
    ossenc_error error = new_error();
    ossenc_status status;
    ssize_t got = pread_full(sealed->fd, sealed->head, sizeof sealed->head, BODY_AT);
    if (got < 0)
        return fail_io(sealed->path, "read");
    if (got < OSSENC_HEAD) /* not even a head is there; the length says the same */
        head.n = 0;
    ossenc_opener_free(sealed->opener);
    ossenc_map_free(sealed->map);
    sealed->opener = NULL;
    status = ossenc_map_single(OSSENC_INLINE, body, plain, head, &sealed->map);
    if (status != OSSENC_OK)
        return fail_status(sealed->path, status, NULL);
    status = ossenc_opener_new(sealed->object, sealed->map, 0, &sealed->opener, &error);
    if (status == OSSENC_E_COMMIT) /* the envelope did open, so neither key nor context are wrong */
        return fail(RC_COMMIT, sealed->path,
                    "the envelope opens, but the body is of another object, or its head is damaged");
    return status == OSSENC_OK ? RC_OK : fail_status(sealed->path, status, &error);
}

static int sealed_open(struct sealed *sealed, const struct keys *keys, const struct settings *settings,
                       const char *path)
{
    int code = sealed_open_header(sealed, path);
    if (code == RC_OK)
        code = sealed_open_object(sealed, keys, settings);
    /* The file's length is what the file system says: not trusted. The library then proves it by the last chunk. */
    return code == RC_OK ? sealed_open_body(sealed, sealed->body, OSSENC_UNKNOWN) : code;
}

/* Plans one window at `off`, and reads it. *n is 0 when there is nothing (more) to read. */
static int read_window(struct sealed *sealed, uint64_t off, uint64_t len, ossenc_extent *extent, size_t *n,
                       uint64_t *next)
{
    ssize_t got;
    ossenc_status status = ossenc_plan(sealed->map, off, len < WINDOW ? len : WINDOW, 0, extent, 1, n, next);
    if (status != OSSENC_OK)
        return fail_status(sealed->path, status, NULL);
    if (*n == 0)
        return RC_OK;
    if (extent->body > sizeof stored_window)
        return fail(RC_DEFECT, sealed->path, "the library planned more than the window holds");
    got = pread_full(sealed->fd, stored_window, extent->body, BODY_AT + extent->body_off);
    if (got < 0)
        return fail_io(sealed->path, "read");
    if ((size_t)got < extent->body)
        return fail(RC_TRUNCATED, sealed->path, "became shorter while it was read");
    return RC_OK;
}

/* Writes `len` bytes of plaintext from `off`; what is past the end is cut. Nothing is written that is not verified. */
static int open_range(struct sealed *sealed, uint64_t off, uint64_t len, int out, const char *out_path)
{
    do {
        ossenc_extent extent;
        ossenc_iov source = {stored_window, 0}, target = {plain_window, sizeof plain_window};
        ossenc_in no_side = {NULL, 0};
        ossenc_error error = new_error();
        ossenc_status status;
        uint64_t next;
        size_t n;
        int code = read_window(sealed, off, len, &extent, &n, &next);
        if (code != RC_OK || n == 0)
            return code;
        source.n = extent.body;
        /* An extent that gives no bytes is opened, too: it proves where the end is. */
        status = ossenc_open_extent(sealed->opener, &extent, &source, 1, no_side, &target, 1, &error);
        if (status != OSSENC_OK)
            return fail_status(sealed->path, status, &error);
        if (write_full(out, plain_window, extent.take) != 0)
            return fail_io(out_path, "write");
        len -= next - off < len ? next - off : len;
        off = next;
    } while (len > 0 && off < ossenc_map_plain(sealed->map));
    return RC_OK;
}

int command_open(const struct keys *keys, const struct settings *settings, const char *path, const char *out_path)
{
    struct sealed sealed;
    struct new_file file = {-1, NULL, NULL};
    int code = sealed_open(&sealed, keys, settings, path);
    if (code == RC_OK)
        code = new_file_begin(&file, out_path);
    if (code == RC_OK)
        code = open_range(&sealed, 0, UINT64_MAX, file.fd, out_path);
    if (code == RC_OK)
        code = new_file_commit(&file, 0, NULL);
    else
        new_file_abandon(&file); /* a file that is not whole gets no name */
    sealed_close(&sealed);
    return code;
}

int command_cat(const struct keys *keys, const struct settings *settings, const char *path, const struct range *range)
{
    struct sealed sealed;
    uint64_t plain, off = range->from, len;
    int code = sealed_open(&sealed, keys, settings, path);
    plain = ossenc_map_plain(sealed.map);
    /* A range that depends on the length needs the proof of it before the first byte goes out. Planning no bytes at the
     * end gives the last chunk. With the proof, the length is trusted, and is not proved again. */
    if (code == RC_OK && (range->kind == SUFFIX || range->to >= plain)) {
        code = open_range(&sealed, plain, 0, STDOUT_FILENO, "standard output");
        if (code == RC_OK)
            code = sealed_open_body(&sealed, sealed.body, plain);
    }
    if (range->kind == SUFFIX)
        off = range->to < plain ? plain - range->to : 0;
    len = range->kind == SUFFIX || range->to >= plain ? UINT64_MAX : range->to - off + 1;
    if (code == RC_OK && off >= plain && plain + off > 0) {
        char message[96];
        snprintf(message, sizeof message, "the range begins at or past the end, which is at %" PRIu64, plain);
        code = fail(RC_USAGE, path, message);
    }
    if (code == RC_OK)
        code = open_range(&sealed, off, len, STDOUT_FILENO, "standard output");
    sealed_close(&sealed);
    return code;
}

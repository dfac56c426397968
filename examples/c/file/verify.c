/* Verifying a file, and reading what it says of itself. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "files.h"
#include "report.h"

static void print_copies(const char *path, const struct header *header)
{
    for (int i = 0; i < 2; i++) {
        if (!header->intact[i])
            printf("%s: header copy %c: damaged\n", path, 'A' + i);
        else
            printf("%s: header copy %c: intact, sequence %" PRIu64 "%s\n", path, 'A' + i, header->sequence[i],
                   header->envelope.p && i == header->counts ? ", counts" : "");
    }
}

/* Damaged plaintext, from..to. Neighbours are joined before they are printed. */
struct damage {
    const char *path;
    uint64_t from, to;
    int any;
    const char *what;
};

static void damage_print(const struct damage *damage)
{
    if (damage->any && damage->from == damage->to)
        printf("%s: %s: the end mark at %" PRIu64 "\n", damage->path, damage->what, damage->to);
    else if (damage->any)
        printf("%s: %s: plaintext bytes %" PRIu64 "-%" PRIu64 "\n", damage->path, damage->what, damage->from,
               damage->to - 1);
}

static void damage_add(struct damage *damage, const char *what, uint64_t from, uint64_t to)
{
    if (!damage->any || from != damage->to || what != damage->what) {
        damage_print(damage);
        damage->from = from;
    }
    damage->to = to;
    damage->what = what;
    damage->any = 1;
}

/* Goes on after a chunk that is damaged or cannot be read, to find all of them. */
static int verify_chunks(struct sealed *sealed)
{
    struct damage damage = {NULL, 0, 0, 0, NULL};
    uint64_t plain = ossenc_map_plain(sealed->map), off = 0, first_damage = 0, chunks = 0;
    int code = RC_OK;
    damage.path = sealed->path;
    for (;;) {
        ossenc_extent extent;
        ossenc_iov source = {stored_window, 0};
        ossenc_in no_side = {NULL, 0};
        ossenc_error error = new_error();
        ossenc_status status;
        uint64_t next, end;
        size_t n;
        ssize_t got;
        status = ossenc_plan(sealed->map, off, WINDOW, 0, &extent, 1, &n, &next);
        if (status != OSSENC_OK)
            return fail_status(sealed->path, status, NULL);
        if (n == 0)
            break;
        source.n = extent.body;
        got = pread_full(sealed->fd, stored_window, extent.body, BODY_AT + extent.body_off);
        if (got < 0 || (size_t)got < extent.body) {
            error.offset = off;
            end = next < plain ? next : plain;
            damage_add(&damage, "unreadable", off, end);
        } else {
            /* Without a destination, chunks are verified and nothing is written. */
            status = ossenc_open_extent(sealed->opener, &extent, &source, 1, no_side, NULL, 0, &error);
            if (status == OSSENC_OK) {
                off = next;
                if (extent.last)
                    break;
                continue;
            }
            if (status != OSSENC_E_CHUNK)
                return fail_status(sealed->path, status, &error);
            next = error.offset + OSSENC_CHUNK;
            end = next < plain ? next : plain;
            damage_add(&damage, "damaged", error.offset, end);
        }
        if (chunks++ == 0)
            first_damage = error.offset;
        /* The last chunk is shorter than a whole one, so this was it. */
        if (next > plain)
            break;
        off = next;
    }
    damage_print(&damage);
    if (chunks > 0) {
        char message[96];
        snprintf(message, sizeof message, "damaged; the first place is at plaintext offset %" PRIu64, first_damage);
        code = fail(RC_DAMAGED, sealed->path, message);
    }
    return code;
}

/* A file whose length is not that of a whole object was cut. Its whole chunks may still be good: they are looked at as
 * those of a shorter object, without its last chunk. */
static int verify_remains(struct sealed *sealed)
{
    uint64_t chunks = sealed->body < OSSENC_HEAD ? 0 : (sealed->body - OSSENC_HEAD) / OSSENC_STORED_CHUNK;
    uint64_t plain = chunks * OSSENC_CHUNK, body;
    int code = RC_OK;
    if (chunks > 0 && ossenc_layout_size(OSSENC_INLINE, plain, &body, NULL) == OSSENC_OK)
        code = sealed_open_body(sealed, body, plain);
    if (code == RC_OK && chunks > 0)
        code = verify_chunks(sealed);
    if (code == RC_OK)
        printf("%s: plaintext bytes 0-%" PRIu64 " are intact\n", sealed->path, plain ? plain - 1 : 0);
    return code;
}

int command_verify(const struct keys *keys, const struct settings *settings, const char *path)
{
    struct sealed sealed;
    int code = sealed_open_header(&sealed, path);
    if (sealed.fd >= 0)
        print_copies(path, &sealed.header);
    if (code == RC_OK)
        code = sealed_open_object(&sealed, keys, settings);
    if (code == RC_OK)
        code = sealed_open_body(&sealed, sealed.body, OSSENC_UNKNOWN);
    if (code == RC_OK)
        code = verify_chunks(&sealed);
    else if (code == RC_TRUNCATED)
        verify_remains(&sealed);
    if (code == RC_OK && !header_is_settled(&sealed.header))
        printf("%s: the header copies differ: a change was interrupted, or one is damaged; rewrap repairs it\n", path);
    if (code == RC_OK)
        printf("%s: verified, %" PRIu64 " bytes\n", path, ossenc_map_plain(sealed.map));
    sealed_close(&sealed);
    return code;
}

/* What the file says of itself, without any key: not authentic. */
int command_info(const char *path)
{
    struct sealed sealed;
    ossenc_info info;
    ossenc_map *map = NULL;
    ossenc_in no_head = {NULL, 0};
    ossenc_status status;
    time_t when;
    char date[32] = "?";
    int code = sealed_open_header(&sealed, path);
    if (sealed.fd >= 0)
        print_copies(path, &sealed.header);
    memset(&info, 0, sizeof info);
    info.size = sizeof info;
    if (code == RC_OK) {
        status = ossenc_envelope_read(sealed.header.envelope, &info);
        if (status != OSSENC_OK)
            code = fail_status(path, status, NULL);
    }
    if (code == RC_OK) {
        struct tm utc;
        when = (time_t)info.wrapped_at;
        if (gmtime_r(&when, &utc))
            strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
        printf("%s: object ", path);
        for (size_t i = 0; i < sizeof info.id; i++)
            printf("%02x", info.id[i]);
        printf("\n%s: wrapped under key %.*s version %.*s at %s\n", path, (int)info.key_id.n,
               (const char *)info.key_id.p, (int)info.key_version.n, (const char *)info.key_version.p, date);
        status = ossenc_map_single(OSSENC_INLINE, sealed.body, OSSENC_UNKNOWN, no_head, &map);
        if (status != OSSENC_OK)
            code = fail_status(path, status, NULL);
        else
            printf("%s: %" PRIu64 " bytes of plaintext, by its length\n", path, ossenc_map_plain(map));
    }
    ossenc_map_free(map);
    sealed_close(&sealed);
    return code;
}

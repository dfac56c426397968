/*
 * The life of a multipart object: its parts sealed by several threads and by a second process, one of them twice;
 * listed by a manifest; read in ranges, appended to, converted, scrubbed.
 *
 *   multipart FILE FOLDER    FILE is the source, FOLDER (empty) takes keys, envelope, manifest, parts and receipts
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "multipart.h"

enum { THREADS = 4, PART_LENGTH = 5000001 /* not a multiple of anything */ };

/* One part of the source, sealed. */
static void upload_part(const struct session *session, const char *source, uint32_t part)
{
    uint64_t offset = (uint64_t)(part - 1) * PART_LENGTH, left = file_length(source) - offset;
    struct bytes plain = allocate(left < PART_LENGTH ? (size_t)left : PART_LENGTH);
    read_at(source, offset, plain.p, plain.n);
    seal_part(session, part, plain.p, plain.n);
    free(plain.p);
}

struct worker {
    pthread_t thread;
    const struct session *session;
    const char *source;
    uint32_t first, parts;
};

/* Every fourth part. An object is shared by all threads; parts finish in any order. */
static void *upload_parts(void *argument)
{
    const struct worker *worker = argument;
    for (uint32_t part = worker->first; part <= worker->parts; part += THREADS)
        upload_part(worker->session, worker->source, part);
    return NULL;
}

/* Another process: this program again, which has nothing but the folder. */
static void upload_part_elsewhere(const char *program, const char *source, const char *folder, uint32_t part)
{
    char number[16];
    int status;
    pid_t child;
    snprintf(number, sizeof number, "%" PRIu32, part);
    child = fork();
    if (child == 0) {
        execl(program, program, source, folder, number, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        fail("the second process");
    printf("part %" PRIu32 ": sealed by process %ld\n", part, (long)child);
}

/* A range of the object is the same bytes of the source (which goes on, appended, with its own beginning). */
static void compare(const struct session *session, const ossenc_map *map, const char *source, uint64_t offset, size_t n)
{
    uint64_t length = file_length(source);
    struct bytes got = read_range(session, map, offset, n), wanted = allocate(n);
    size_t before_end = offset >= length ? 0 : length - offset < n ? (size_t)(length - offset) : n;
    read_at(source, offset, wanted.p, before_end);
    read_at(source, offset + before_end - length, wanted.p + before_end, n - before_end);
    if (memcmp(got.p, wanted.p, n) != 0) {
        fprintf(stderr, "%zu bytes at %" PRIu64 " differ\n", n, offset);
        exit(1);
    }
    printf("range of %zu bytes at %" PRIu64 ": as in the source\n", n, offset);
    free(got.p);
    free(wanted.p);
}

/* The layout of each part, which the caller remembers. */
static void save_layouts(const struct session *session, uint32_t parts, uint32_t odd_one, uint8_t its_layout)
{
    struct bytes layouts = allocate(parts);
    memset(layouts.p, OSSENC_INLINE, parts);
    layouts.p[odd_one - 1] = its_layout;
    save(session->folder, "layouts", layouts.p, layouts.n);
    free(layouts.p);
}

static void flip(const struct session *session, uint32_t part, size_t at)
{
    char name[32];
    struct bytes body;
    part_name(name, part, "body");
    body = load(session->folder, name);
    body.p[at] ^= 1;
    save(session->folder, name, body.p, body.n);
    free(body.p);
}

static void run(const char *program, const char *source, const char *folder)
{
    uint64_t length = file_length(source), offset = 0;
    uint32_t parts = (uint32_t)((length + PART_LENGTH - 1) / PART_LENGTH), found = 0;
    struct session session;
    struct worker workers[THREADS];
    ossenc_map *map;
    if (parts < 3) {
        fprintf(stderr, "%s: needs at least three parts of %d bytes\n", source, PART_LENGTH);
        exit(1);
    }
    make_keys(folder);
    session_open(&session, folder);
    begin_upload(&session);

    /* A first attempt at part 2, of which the client thinks that it failed: then it sends the part again. */
    seal_part(&session, 2, "half of a part", 14);
    for (uint32_t i = 0; i < THREADS; i++) {
        struct worker worker = {0};
        worker.session = &session;
        worker.source = source;
        worker.first = i + 1;
        worker.parts = parts - 1;
        workers[i] = worker;
        if (pthread_create(&workers[i].thread, NULL, upload_parts, &workers[i]) != 0)
            fail("pthread_create");
    }
    for (int i = 0; i < THREADS; i++)
        if (pthread_join(workers[i].thread, NULL) != 0)
            fail("pthread_join");
    printf("parts 1 to %" PRIu32 ": sealed by %d threads, part 2 for the second time\n", parts - 1, THREADS);
    upload_part_elsewhere(program, source, folder, parts);
    complete_upload(&session, parts);

    save_layouts(&session, parts, 1, OSSENC_INLINE);
    map = open_map(&session);
    compare(&session, map, source, 0, (size_t)length);
    compare(&session, map, source, PART_LENGTH - 1, 2);           /* over the end of part 1 */
    compare(&session, map, source, PART_LENGTH, PART_LENGTH);     /* part 2: the second attempt counts */
    compare(&session, map, source, PART_LENGTH - 7, PART_LENGTH + 14); /* and over both its ends */
    compare(&session, map, source, length - 1, 1);
    ossenc_map_free(map);

    { /* An append: a further part, and a manifest of the next generation. */
        struct bytes more = allocate(100000);
        read_at(source, 0, more.p, more.n);
        seal_part(&session, ++parts, more.p, more.n);
        append_part(&session, parts);
        free(more.p);
    }
    save_layouts(&session, parts, 1, OSSENC_INLINE);
    map = open_map(&session);
    printf("appended: generation %" PRIu64 ", %" PRIu64 " bytes\n", ossenc_map_generation(map), ossenc_map_plain(map));
    compare(&session, map, source, length - 50, 100);
    ossenc_map_free(map);

    convert_part(&session, 2, OSSENC_PAGED);
    save_layouts(&session, parts, 2, OSSENC_PAGED);
    map = open_map(&session);
    printf("part 2 converted to PAGED\n");
    compare(&session, map, source, PART_LENGTH - 7, PART_LENGTH + 14);
    ossenc_map_free(map);
    convert_part(&session, 2, OSSENC_INLINE);
    save_layouts(&session, parts, 2, OSSENC_INLINE);
    map = open_map(&session);
    printf("and back to INLINE\n");
    compare(&session, map, source, PART_LENGTH - 7, PART_LENGTH + 14);

    if (!scrub(&session, map, &found, &offset))
        fail("the scrub finds damage where there is none");
    printf("scrub: all is well\n");
    flip(&session, 3, OSSENC_HEAD + 10 * OSSENC_STORED_CHUNK + 5);
    if (scrub(&session, map, &found, &offset) || found != 3 || offset != 10 * OSSENC_CHUNK)
        fail("the scrub does not find the damage");
    printf("scrub: one flipped byte found, in part %" PRIu32 ", chunk at offset %" PRIu64 "\n", found, offset);
    ossenc_map_free(map);
    session_close(&session);
}

int main(int argc, char **argv)
{
    if (argc == 4) { /* the second process */
        struct session session;
        session_open(&session, argv[2]);
        join_upload(&session);
        upload_part(&session, argv[1], (uint32_t)strtoul(argv[3], NULL, 10));
        session_close(&session);
        return 0;
    }
    if (argc != 3) {
        fprintf(stderr, "usage: multipart FILE FOLDER\n");
        return 2;
    }
    run(argv[0], argv[1], argv[2]);
    return 0;
}

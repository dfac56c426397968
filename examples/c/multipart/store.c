#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "multipart.h"

void fail(const char *what)
{
    perror(what);
    exit(1);
}

void must(ossenc_status status, const char *what, const ossenc_error *error)
{
    if (status == OSSENC_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, ossenc_strerror(status));
    if (error)
        fprintf(stderr, "  part %u, offset %llu: %s\n", error->part, (unsigned long long)error->offset, error->text);
    exit(1);
}

struct bytes allocate(size_t n)
{
    struct bytes bytes;
    bytes.n = n;
    bytes.p = malloc(n > 0 ? n : 1);
    if (!bytes.p)
        fail("malloc");
    return bytes;
}

uint64_t file_length(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        fail(path);
    return (uint64_t)about.st_size;
}

void read_at(const char *path, uint64_t offset, void *p, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t done = 0;
    if (fd < 0)
        fail(path);
    while (done < n) {
        ssize_t got = pread(fd, (char *)p + done, n - done, (off_t)(offset + done));
        if (got <= 0)
            fail(path);
        done += (size_t)got;
    }
    close(fd);
}

static void path_of(char path[512], const char *folder, const char *name)
{
    if (snprintf(path, 512, "%s/%s", folder, name) >= 512)
        fail(folder);
}

struct bytes load(const char *folder, const char *name)
{
    char path[512];
    struct bytes bytes;
    path_of(path, folder, name);
    bytes = allocate((size_t)file_length(path));
    read_at(path, 0, bytes.p, bytes.n);
    return bytes;
}

/* As a rename, so that a reader sees the old value or the new one. A real store syncs file and folder, too. */
void save(const char *folder, const char *name, const void *p, size_t n)
{
    char path[512], temporary[520];
    FILE *file;
    path_of(path, folder, name);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    file = fopen(temporary, "wb");
    if (!file || fwrite(p, 1, n, file) != n || fclose(file) != 0 || rename(temporary, path) != 0)
        fail(path);
}

ossenc_in input(const struct bytes *bytes)
{
    ossenc_in in = {bytes->p, bytes->n};
    return in;
}

#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

ssize_t read_full(int fd, void *p, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = read(fd, (char *)p + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

ssize_t pread_full(int fd, void *p, size_t n, uint64_t offset)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = pread(fd, (char *)p + done, n - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int write_full(int fd, const void *p, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t put = write(fd, (const char *)p + done, n - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
}

int pwrite_full(int fd, const void *p, size_t n, uint64_t offset)
{
    size_t done = 0;
    while (done < n) {
        ssize_t put = pwrite(fd, (const char *)p + done, n - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        done += (size_t)put;
    }
    return 0;
}

int new_file_begin(struct new_file *file, const char *path)
{
    static const char SUFFIX[] = ".XXXXXX";
    size_t n = strlen(path);
    file->fd = -1;
    file->path = path;
    file->temporary = malloc(n + sizeof SUFFIX);
    if (!file->temporary)
        return fail_io(path, "allocate");
    memcpy(file->temporary, path, n);
    memcpy(file->temporary + n, SUFFIX, sizeof SUFFIX);
    file->fd = mkstemp(file->temporary); /* with mode 0600 */
    if (file->fd < 0) {
        int code = fail_io(path, "create a file beside it");
        free(file->temporary);
        file->temporary = NULL;
        return code;
    }
    return RC_OK;
}

/* A new name is durable when its folder is. */
static int sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 1;
    char *folder = malloc(n + 1);
    int fd, result;
    if (!folder)
        return -1;
    memcpy(folder, slash ? path : ".", n);
    folder[n] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0)
        return -1;
    result = fsync(fd);
    if (close(fd) != 0)
        result = -1;
    return result;
}

int new_file_commit(struct new_file *file, int keep_old, int *kept)
{
    int code = RC_OK;
    if (kept)
        *kept = 0;
    if (fsync(file->fd) != 0)
        code = fail_io(file->path, "sync");
    if (close(file->fd) != 0 && code == RC_OK)
        code = fail_io(file->path, "close");
    file->fd = -1;
    if (code == RC_OK && keep_old) { /* link(2) never replaces */
        if (link(file->temporary, file->path) != 0) {
            if (errno == EEXIST && kept)
                *kept = 1;
            else
                code = fail_io(file->path, "name the new file");
        }
    } else if (code == RC_OK) {
        if (rename(file->temporary, file->path) == 0) {
            free(file->temporary);
            file->temporary = NULL;
        } else {
            code = fail_io(file->path, "name the new file");
        }
    }
    new_file_abandon(file);
    if (code == RC_OK && sync_folder(file->path) != 0)
        code = fail_io(file->path, "sync its folder");
    return code;
}

void new_file_abandon(struct new_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    if (file->temporary) {
        unlink(file->temporary);
        free(file->temporary);
        file->temporary = NULL;
    }
}

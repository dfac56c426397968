/* Files, written so that a crash leaves the old one or the new one. Nothing here knows of encryption. */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads until `n` bytes are there or the file ends. -1 on failure, as read(2). */
ssize_t read_full(int fd, void *p, size_t n);
ssize_t pread_full(int fd, void *p, size_t n, uint64_t offset);

/* 0, or -1 as write(2). */
int write_full(int fd, const void *p, size_t n);
int pwrite_full(int fd, const void *p, size_t n, uint64_t offset);

/* A file that does not have its name yet. */
struct new_file {
    int fd;
    const char *path;
    char *temporary;
};

/* Makes `<path>.XXXXXX`, mode 0600. Ended by new_file_commit or new_file_abandon. */
int new_file_begin(struct new_file *file, const char *path);

/* Syncs it, gives it its name (instead of a file that had it, or, with `keep_old`, only if none had: *kept says so),
 * and syncs the folder. On failure no file of its is left. */
int new_file_commit(struct new_file *file, int keep_old, int *kept);
void new_file_abandon(struct new_file *file);

#endif

/*
 * Preloaded into the example program by file_test.sh: counts the calls that change files, writes them to a log, and
 * kills the process at the one that was asked for, as kill -9 or a power cut would: a write is then torn in the middle.
 *
 *   INTERPOSE_CRASH=n   die in the n-th call, counted from 1
 *   INTERPOSE_LOG=path  a line for each call: its name, and for writes the length and (pwrite) the offset
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);

static void *real(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

/* Whether this is the call to die in. */
static int count(const char *format, ...)
{
    static int calls;
    const char *crash = getenv("INTERPOSE_CRASH"), *log = getenv("INTERPOSE_LOG");
    if (!real_write)
        *(void **)&real_write = real("write");
    if (log) {
        char line[128];
        va_list arguments;
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), n;
        va_start(arguments, format);
        n = vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
        if (fd < 0 || real_write(fd, line, (size_t)n) != n)
            abort();
        close(fd);
    }
    return crash && ++calls == atoi(crash);
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

ssize_t write(int fd, const void *p, size_t n)
{
    if (!real_write)
        *(void **)&real_write = real("write");
    if (fd > 2 && count("write %zu\n", n)) {
        if (real_write(fd, p, n / 2) < 0)
            abort();
        die();
    }
    return real_write(fd, p, n);
}

static ssize_t pwrite_at(const char *name, int fd, const void *p, size_t n, off_t at)
{
    ssize_t (*next)(int, const void *, size_t, off_t);
    *(void **)&next = real(name);
    if (count("pwrite %zu at %ld\n", n, (long)at)) {
        if (next(fd, p, n / 2, at) < 0)
            abort();
        die();
    }
    return next(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite_at("pwrite", fd, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return pwrite_at("pwrite64", fd, p, n, at);
}

/* These are cut before they do anything. */
#define BEFORE(name, parameters, arguments) \
    int name parameters                     \
    {                                       \
        int(*next) parameters;              \
        *(void **)&next = real(#name);      \
        if (count(#name "\n"))              \
            die();                          \
        return next arguments;              \
    }

BEFORE(fsync, (int fd), (fd))
BEFORE(fdatasync, (int fd), (fd))
BEFORE(rename, (const char *from, const char *to), (from, to))
BEFORE(link, (const char *from, const char *to), (from, to))
BEFORE(unlink, (const char *path), (path))

#include "harness.h"

int failures;
static int passed, failed;

void check(int ok, const char *what, const char *file, int line)
{
    if (!ok) {
        printf("  %s:%d: %s\n", file, line, what);
        failures++;
    }
}

void check_equal(uint64_t got, uint64_t wanted, const char *what, const char *file, int line)
{
    if (got != wanted) {
        printf("  %s:%d: %s is %llu, not %llu\n", file, line, what, (unsigned long long)got,
               (unsigned long long)wanted);
        failures++;
    }
}

void check_status(ossenc_status got, ossenc_status wanted, const char *what, const char *file, int line)
{
    if (got != wanted) {
        printf("  %s:%d: %s\n    gave %d (%s), not %d (%s)\n", file, line, what, (int)got, ossenc_strerror(got),
               (int)wanted, ossenc_strerror(wanted));
        failures++;
    }
}

void run(const char *name, void (*test)(void))
{
    failures = 0;
    test();
    if (failures)
        printf("FAIL %s\n", name);
    *(failures ? &failed : &passed) += 1;
    fflush(stdout);
}

int main(void)
{
#define RUN_SUITE(name) name##_tests();
    SUITES(RUN_SUITE)
#undef RUN_SUITE
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

byte *get(size_t n)
{
    byte *p = (byte *)malloc(n ? n : 1);
    if (!p)
        abort();
    return p;
}

byte *guarded(size_t n)
{
    byte *p = get(n + 2 * MARGIN);
    memset(p, CANARY, n + 2 * MARGIN);
    return p + MARGIN;
}

int untouched(const byte *p, size_t n)
{
    while (n--)
        if (*p++ != CANARY)
            return 0;
    return 1;
}

int in_bounds(const byte *p, size_t n, size_t used)
{
    return untouched(p - MARGIN, MARGIN) && untouched(p + used, n - used + MARGIN);
}

void release(byte *p)
{
    free(p - MARGIN);
}

byte pattern(uint64_t i)
{
    return (byte)(i % 251);
}

byte *patterned(size_t n)
{
    byte *p = get(n);
    for (size_t i = 0; i < n; i++)
        p[i] = pattern(i);
    return p;
}

int is_pattern(const byte *p, size_t n, uint64_t first)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != pattern(first + i))
            return 0;
    return 1;
}

ossenc_in in(const void *p, size_t n)
{
    ossenc_in i;
    i.p = p;
    i.n = n;
    return i;
}

ossenc_in none(void)
{
    return in(NULL, 0);
}

ossenc_in text(const char *s)
{
    return in(s, strlen(s));
}

ossenc_out out(void *p, size_t cap)
{
    ossenc_out o;
    o.p = p;
    o.cap = cap;
    o.n = 12345;
    return o;
}

ossenc_iov iov(void *p, size_t n)
{
    ossenc_iov v;
    v.p = p;
    v.n = n;
    return v;
}

ossenc_error new_error(void)
{
    ossenc_error e;
    memset(&e, 0x5A, sizeof e);
    e.size = sizeof e;
    return e;
}

ossenc_iov *pieces(byte *p, size_t n, size_t piece, size_t *count)
{
    ossenc_iov *v = (ossenc_iov *)(void *)get((2 * (n / piece) + 4) * sizeof *v);
    size_t at = 0;
    *count = 0;
    v[(*count)++] = iov(NULL, 0);
    while (at < n) {
        size_t len = n - at < piece ? n - at : piece;
        if (at / piece % 3 == 1)
            v[(*count)++] = iov(NULL, 0);
        v[(*count)++] = iov(p + at, len);
        at += len;
    }
    return v;
}

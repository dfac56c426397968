/*
 * What the header promises of keys and of the calls that move data, proved on the library as it is shipped (Linux):
 *
 *   fork      a forked child has none of its parent's keys, spends nothing, and frees what it inherited
 *   mlock     memory that must be locked and cannot be is OSSENC_E_MLOCK
 *   heap      the calls that move data do not allocate: malloc and its kin are counted
 *   syscalls  nor do they call the system, or wait for a lock: a seccomp filter kills the process that does
 *   stack     they take at most 8 KiB of stack with every backend of this machine
 *   objects   100,000 open objects take less than 200 MB
 *
 * Each has a control: something that must be found, or the test could not fail. Tests run in children, with handles of
 * their own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ossenc.h"

static void fail(const char *what, int line)
{
    printf("  protection.c:%d: %s\n", line, what);
    fflush(stdout);
    _exit(1);
}

#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))
#define STATUS(wanted, call) CHECK((call) == (wanted))
#define OK(call) STATUS(OSSENC_OK, call)
#define SIZED(s) (memset(&(s), 0, sizeof(s)), (s).size = sizeof(s))

typedef unsigned char byte;

enum { CHUNKS = 4, LEN = CHUNKS * OSSENC_CHUNK + 5, BODY = OSSENC_HEAD + LEN + (CHUNKS + 1) * 16, TICKETS = 40000 };

/* --- Handles with keys, and one use of each ----------------------------------------------------------------------- */

struct handles {
    ossenc_lib *lib;
    ossenc_keyring *keyring;
    const ossenc_keystore *keystore;
    byte envelope[OSSENC_ENVELOPE_MAX];
    size_t envelope_n;
    const ossenc_object *object;
    byte plain[LEN], body[BODY];
    ossenc_map *map;
    ossenc_opener *opener;
    ossenc_sealer *sealer, *tickets;
    ossenc_stream *stream;
};

/* Each thread's own. */
struct scratch {
    byte sealed[BODY], opened[LEN];
    ossenc_ticket ticket;
    ossenc_error error;
};

static ossenc_in in(const void *p, size_t n)
{
    ossenc_in i = {p, n};
    return i;
}

static ossenc_out out(void *p, size_t n)
{
    ossenc_out o = {p, n, 0};
    return o;
}

static ossenc_in text(const char *s)
{
    return in(s, strlen(s));
}

static ossenc_status open_object(const struct handles *h, const ossenc_object **object)
{
    ossenc_context context;
    ossenc_expect expect;
    ossenc_op *op = NULL;
    ossenc_in key = text("k1");
    ossenc_status status;
    SIZED(context);
    SIZED(expect);
    expect.methods = OSSENC_ALLOW_SSE_OSS;
    expect.key_ids = &key;
    expect.n = 1;
    OK(ossenc_object_open(h->keyring, in(h->envelope, h->envelope_n), &context, &expect, NULL, &op));
    status = ossenc_op_run(op, NULL, NULL, 0, NULL);
    if (status == OSSENC_OK && object)
        OK(ossenc_op_object(op, object));
    ossenc_op_free(op);
    return status;
}

static void make_stream(struct handles *h)
{
    ossenc_stream_free(h->stream);
    OK(ossenc_stream_new(h->object, 0, in(h->body, OSSENC_HEAD), &h->stream, NULL));
}

static void set_up(struct handles *h, uint32_t isa)
{
    static byte image[4096];
    ossenc_config config;
    ossenc_change change;
    ossenc_choice choice;
    ossenc_context context;
    ossenc_op *op;
    ossenc_out o = out(image, sizeof image);
    ossenc_in root = text("0123456789abcdef0123456789ABCDEF");
    memset(h, 0, sizeof *h);
    SIZED(config);
    SIZED(change);
    SIZED(choice);
    SIZED(context);
    config.isa_cap = isa;
    OK(ossenc_lib_new(&config, &h->lib, NULL));
    OK(ossenc_keyring_new(h->lib, NULL, &h->keyring));
    OK(ossenc_keystore_init(h->lib, text("root-1"), root, &o, NULL));
    OK(ossenc_keystore_load(h->lib, in(image, o.n), root, 0, &h->keystore, NULL));
    change.what = OSSENC_KS_CREATE;
    change.key_id = choice.key_id = text("k1");
    choice.method = OSSENC_METHOD_SSE_OSS;
    OK(ossenc_keystore_apply(h->keystore, &change, &o, NULL));
    ossenc_keystore_free(h->keystore);
    OK(ossenc_keystore_load(h->lib, in(image, o.n), root, 0, &h->keystore, NULL));
    OK(ossenc_keyring_publish(h->keyring, h->keystore));
    OK(ossenc_object_create(h->keyring, &choice, &context, 0, NULL, &op));
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL));
    o = out(h->envelope, sizeof h->envelope);
    OK(ossenc_op_envelope(op, &o));
    h->envelope_n = o.n;
    ossenc_op_free(op);
    OK(open_object(h, &h->object));

    for (size_t i = 0; i < LEN; i++)
        h->plain[i] = (byte)(i % 251);
    o = out(h->body, BODY);
    OK(ossenc_seal(h->object, 0, OSSENC_INLINE, in(h->plain, LEN), &o, NULL, NULL));
    OK(ossenc_map_single(OSSENC_INLINE, BODY, LEN, in(h->body, OSSENC_HEAD), &h->map));
    OK(ossenc_opener_new(h->object, h->map, 0, &h->opener, NULL));
    OK(ossenc_sealer_new(h->object, 0, OSSENC_INLINE, 0, 0, &h->sealer, NULL));
    OK(ossenc_sealer_new(h->object, 0, OSSENC_INLINE, TICKETS, 1, &h->tickets, NULL));
    make_stream(h);
}

static void free_all(struct handles *h)
{
    ossenc_stream_free(h->stream);
    ossenc_sealer_free(h->tickets);
    ossenc_sealer_free(h->sealer);
    ossenc_opener_free(h->opener);
    ossenc_map_free(h->map);
    ossenc_object_free(h->object);
    ossenc_keystore_free(h->keystore);
    ossenc_keyring_free(h->keyring);
    ossenc_lib_free(h->lib);
}

/* The calls that move data. They must not allocate themselves, call the system, or print: they only say how it went. */

static ossenc_status reserve(struct handles *h, struct scratch *s)
{
    return ossenc_seal_reserve(h->tickets, &s->ticket);
}

static ossenc_status run(struct handles *h, struct scratch *s)
{
    ossenc_iov src = {h->plain, OSSENC_CHUNK}, dst = {s->sealed, OSSENC_STORED_CHUNK};
    return ossenc_seal_run(h->tickets, &s->ticket, &src, 1, &dst, 1, NULL);
}

static ossenc_status reserve_and_run(struct handles *h, struct scratch *s)
{
    ossenc_status status = reserve(h, s);
    return status == OSSENC_OK ? run(h, s) : status;
}

static ossenc_status next_of(ossenc_sealer *sealer, const byte *plain, size_t n, byte *sealed, size_t cap,
                             size_t *written)
{
    /* In pieces, so that chunks are scattered, too. */
    ossenc_iov src[2] = {{(void *)plain, n / 3}, {(void *)(plain + n / 3), n - n / 3}}, dst = {sealed, cap};
    size_t consumed;
    return ossenc_seal_next(sealer, src, 2, &dst, 1, NULL, &consumed, written);
}

static ossenc_status seal_next(struct handles *h, struct scratch *s)
{
    size_t written;
    return next_of(h->sealer, h->plain, 3 * OSSENC_CHUNK, s->sealed, BODY, &written);
}

static ossenc_status open_from(struct handles *h, struct scratch *s, size_t off, size_t len, byte *dst)
{
    ossenc_extent extent;
    size_t n;
    uint64_t next;
    ossenc_status status = ossenc_plan(h->map, off, len, 0, &extent, 1, &n, &next);
    ossenc_iov from, to;
    if (status != OSSENC_OK)
        return status;
    from.p = h->body + extent.body_off;
    from.n = extent.body;
    to.p = dst;
    to.n = extent.take;
    s->error.size = sizeof s->error;
    return ossenc_open_extent(h->opener, &extent, &from, 1, in(NULL, 0), &to, dst != NULL, &s->error);
}

static ossenc_status open_extent(struct handles *h, struct scratch *s)
{
    return open_from(h, s, 0, LEN, s->opened);
}

static ossenc_status open_odd(struct handles *h, struct scratch *s)
{
    return open_from(h, s, 100, 2 * OSSENC_CHUNK, s->opened);
}

static ossenc_status verify(struct handles *h, struct scratch *s)
{
    return open_from(h, s, 0, LEN, NULL);
}

static ossenc_status plan(struct handles *h, struct scratch *s)
{
    ossenc_extent extents[2];
    size_t n;
    uint64_t next;
    (void)s;
    return ossenc_plan(h->map, 5, LEN - 9, 4096, extents, 2, &n, &next);
}

static ossenc_status stream_next(struct handles *h, struct scratch *s)
{
    ossenc_out o = out(s->opened, LEN);
    size_t consumed;
    s->error.size = sizeof s->error;
    /* Only chunk 0 is the stream's next; at any other time it is OSSENC_E_CHUNK, and then OSSENC_E_STATE. */
    return ossenc_stream_next(h->stream, in(h->body + OSSENC_HEAD, OSSENC_STORED_CHUNK), &o, &consumed, &s->error);
}

/* And how they fail. */

static ossenc_status run_again(struct handles *h, struct scratch *s)
{
    ossenc_status status = reserve_and_run(h, s);
    return status == OSSENC_OK ? run(h, s) : status;
}

static ossenc_status open_damaged(struct handles *h, struct scratch *s)
{
    ossenc_extent extent;
    size_t n;
    uint64_t next;
    ossenc_status status = ossenc_plan(h->map, 0, LEN, 0, &extent, 1, &n, &next);
    ossenc_iov from = {h->plain, LEN}, to = {s->opened, LEN};
    extent.chunk = 0;
    extent.last = 0;
    extent.take = extent.take < OSSENC_CHUNK ? extent.take : OSSENC_CHUNK;
    s->error.size = sizeof s->error;
    return status != OSSENC_OK ? status
                               : ossenc_open_extent(h->opener, &extent, &from, 1, in(NULL, 0), &to, 1, &s->error);
}

struct call {
    const char *name;
    ossenc_status (*call)(struct handles *, struct scratch *);
    ossenc_status wanted;
    int shared; /* any number of threads */
    ossenc_status in_child;
};

static const struct call CALLS[] = {
    {"ossenc_seal_reserve", reserve, OSSENC_OK, 1, OSSENC_E_FORKED},
    {"ossenc_seal_run", reserve_and_run, OSSENC_OK, 1, OSSENC_E_FORKED},
    {"ossenc_seal_next", seal_next, OSSENC_OK, 0, OSSENC_E_FORKED},
    {"ossenc_open_extent", open_extent, OSSENC_OK, 1, OSSENC_E_FORKED},
    {"ossenc_open_extent, an odd range", open_odd, OSSENC_OK, 1, OSSENC_E_FORKED},
    {"ossenc_open_extent, verifying", verify, OSSENC_OK, 1, OSSENC_E_FORKED},
    {"ossenc_plan", plan, OSSENC_OK, 1, OSSENC_OK},
    {"ossenc_stream_next", stream_next, OSSENC_OK, 0, OSSENC_E_FORKED},
    {"ossenc_seal_run, spent", run_again, OSSENC_E_USED, 1, OSSENC_E_FORKED},
    {"ossenc_open_extent, damaged", open_damaged, OSSENC_E_CHUNK, 1, OSSENC_E_FORKED},
};
enum { N_CALLS = sizeof CALLS / sizeof *CALLS };

/* --- Fork --------------------------------------------------------------------------------------------------------- */

/* Runs a test in a child, and gives its wait status. */
static int child(void (*test)(void *), void *argument)
{
    int status;
    pid_t pid;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        alarm(120);
        test(argument);
        fflush(stdout);
        _exit(0);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static struct handles H;
static struct scratch S;
static ossenc_ticket RESERVED;

static void be_forked(void *unused)
{
    byte room[OSSENC_STORED_CHUNK + OSSENC_HEAD];
    ossenc_iov src = {H.plain, OSSENC_CHUNK}, dst = {room, sizeof room};
    ossenc_out o = out(room, sizeof room), image = out(NULL, 0);
    ossenc_sealer *sealer;
    ossenc_opener *opener;
    ossenc_change change;
    (void)unused;
    memset(&S, 0xC5, sizeof S);
    memset(room, 0xC5, sizeof room);
    for (size_t i = 0; i < N_CALLS; i++)
        STATUS(CALLS[i].in_child, CALLS[i].call(&H, &S));
    for (size_t i = 0; i < sizeof S.sealed; i++)
        CHECK(S.sealed[i] == 0xC5);
    for (size_t i = 0; i < sizeof S.opened; i++)
        CHECK(S.opened[i] == 0xC5);
    CHECK(S.error.status == OSSENC_E_FORKED);
    /* A ticket that the parent reserved before; the ends of segments; what needs the data key or a master key. */
    STATUS(OSSENC_E_FORKED, ossenc_seal_run(H.tickets, &RESERVED, &src, 1, &dst, 1, NULL));
    STATUS(OSSENC_E_FORKED, ossenc_seal_finish(H.tickets, NULL, 0, &o, NULL, NULL));
    STATUS(OSSENC_E_FORKED, ossenc_seal_finish(H.sealer, NULL, 0, &o, NULL, NULL));
    STATUS(OSSENC_E_FORKED, ossenc_stream_finish(H.stream, in(H.body, 20), &o, NULL));
    STATUS(OSSENC_E_FORKED, ossenc_seal(H.object, 0, OSSENC_INLINE, in("x", 1), &o, NULL, NULL));
    STATUS(OSSENC_E_FORKED, ossenc_attr_seal(H.object, text("etag"), text("v"), &o));
    STATUS(OSSENC_E_FORKED, ossenc_sealer_new(H.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
    STATUS(OSSENC_E_FORKED, ossenc_opener_new(H.object, H.map, 0, &opener, NULL));
    CHECK(!sealer && !opener);
    for (size_t i = 0; i < sizeof room; i++)
        CHECK(room[i] == 0xC5);
    STATUS(OSSENC_E_FORKED, open_object(&H, NULL));
    SIZED(change);
    change.what = OSSENC_KS_STAGE;
    change.key_id = text("k1");
    STATUS(OSSENC_E_BUFFER, ossenc_keystore_apply(H.keystore, &change, &image, NULL));
    image.p = malloc(image.n);
    image.cap = image.n;
    STATUS(OSSENC_E_FORKED, ossenc_keystore_apply(H.keystore, &change, &image, NULL));
    free(image.p);
    free_all(&H);
    /* And it may begin anew. */
    set_up(&H, OSSENC_ISA_BEST);
    for (size_t i = 0; i < N_CALLS; i++)
        STATUS(CALLS[i].wanted, CALLS[i].call(&H, &S));
    free_all(&H);
}

static void test_fork(void *unused)
{
    static byte sealed[BODY];
    ossenc_out o;
    ossenc_receipt receipt;
    ossenc_iov tail = {H.plain + 2 * OSSENC_CHUNK, LEN - 2 * OSSENC_CHUNK};
    ossenc_stream *stream = NULL;
    size_t written, consumed;
    (void)unused;
    set_up(&H, OSSENC_ISA_BEST);
    OK(next_of(H.sealer, H.plain, OSSENC_CHUNK, sealed, BODY, &written));
    OK(ossenc_seal_reserve(H.tickets, &RESERVED));
    CHECK(child(be_forked, NULL) == 0);
    CHECK(child(be_forked, NULL) == 0);

    /* The parent goes on where it was: the next chunk, the next ticket. */
    OK(ossenc_seal_reserve(H.tickets, &S.ticket));
    CHECK(S.ticket.plain_off == OSSENC_CHUNK);
    OK(run(&H, &S));
    S.ticket = RESERVED;
    OK(run(&H, &S));
    STATUS(OSSENC_E_USED, run(&H, &S));
    OK(stream_next(&H, &S));
    CHECK(memcmp(S.opened, H.plain, OSSENC_CHUNK) == 0);
    consumed = written;
    OK(next_of(H.sealer, H.plain + OSSENC_CHUNK, OSSENC_CHUNK, sealed + consumed, BODY - consumed, &written));
    consumed += written;
    o = out(sealed + consumed, BODY - consumed);
    SIZED(receipt);
    OK(ossenc_seal_finish(H.sealer, &tail, 1, &o, NULL, &receipt));
    CHECK(receipt.plain == LEN && receipt.body == BODY && consumed + o.n == BODY);
    OK(ossenc_stream_new(H.object, 0, in(sealed, OSSENC_HEAD), &stream, NULL));
    memset(S.opened, 0, LEN);
    o = out(S.opened, LEN);
    OK(ossenc_stream_next(stream, in(sealed + OSSENC_HEAD, BODY - OSSENC_HEAD), &o, &consumed, NULL));
    CHECK(consumed == CHUNKS * OSSENC_STORED_CHUNK);
    o = out(S.opened + CHUNKS * OSSENC_CHUNK, LEN - CHUNKS * OSSENC_CHUNK);
    OK(ossenc_stream_finish(stream, in(sealed + OSSENC_HEAD + consumed, BODY - OSSENC_HEAD - consumed), &o, NULL));
    CHECK(memcmp(S.opened, H.plain, LEN) == 0);
    ossenc_stream_free(stream);
    free_all(&H);
}

/* --- System calls ------------------------------------------------------------------------------------------------- */

/* From here on, this thread gets `denied` for one system call; or, with -1, is killed with its process for any but
   write and exit_group. Cannot be undone. */
static void restrict_to(long call, uint32_t denied)
{
    struct sock_filter one[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, denied),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_filter all[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program;
    program.filter = call < 0 ? all : one;
    program.len = call < 0 ? sizeof all / sizeof *all : sizeof one / sizeof *one;
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

enum { THREADS = 4, ROUNDS = 500 };

enum plan_of_thread { CALLS_ALONE, AND_A_SYSTEM_CALL, AND_A_HANDLE, AND_A_LOCK };
static enum plan_of_thread PLANNED;
static int ready, done, wrong;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *restricted(void *number)
{
    int first = *(int *)number == 0;
    struct scratch *s = (struct scratch *)malloc(sizeof *s);
    ossenc_sealer *sealer;
    restrict_to(-1, 0);
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < THREADS)
        ;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < N_CALLS; i++)
            if (CALLS[i].shared || (first && (round == 0 || CALLS[i].call != stream_next)))
                if (CALLS[i].call(&H, s) != CALLS[i].wanted)
                    __atomic_store_n(&wrong, 1, __ATOMIC_SEQ_CST);
    if (PLANNED == AND_A_SYSTEM_CALL)
        syscall(SYS_getppid);
    if (PLANNED == AND_A_HANDLE)
        ossenc_sealer_new(H.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL);
    if (PLANNED == AND_A_LOCK)
        pthread_mutex_lock(&mutex); /* the second one waits */
    if (__atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST) == THREADS)
        _exit(wrong ? 2 : 0);
    for (;;)
        ;
}

static void run_restricted(void *planned)
{
    static int numbers[THREADS];
    pthread_t threads[THREADS];
    PLANNED = *(enum plan_of_thread *)planned;
    set_up(&H, OSSENC_ISA_BEST);
    /* Once before, for what the dynamic linker and the C library do at the first use. */
    for (size_t i = 0; i < N_CALLS; i++)
        STATUS(CALLS[i].wanted, CALLS[i].call(&H, &S));
    make_stream(&H);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, restricted, &numbers[i]) == 0);
    }
    for (;;)
        pause();
}

static void test_syscalls(void *unused)
{
    enum plan_of_thread planned = CALLS_ALONE;
    (void)unused;
    CHECK(child(run_restricted, &planned) == 0);
    for (planned = AND_A_SYSTEM_CALL; planned <= AND_A_LOCK; planned++) {
        int status = child(run_restricted, &planned);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    }
}

static void test_mlock(void *unused)
{
    ossenc_config config;
    ossenc_lib *lib;
    (void)unused;
    SIZED(config);
    config.require_mlock = 2;
    STATUS(OSSENC_E_ARG, ossenc_lib_new(&config, &lib, NULL));
    restrict_to(SYS_mlock, SECCOMP_RET_ERRNO | ENOMEM);
    config.require_mlock = 1;
    STATUS(OSSENC_E_MLOCK, ossenc_lib_new(&config, &lib, NULL));
    CHECK(lib == NULL);
    config.require_mlock = 0;
    OK(ossenc_lib_new(&config, &lib, NULL));
    ossenc_lib_free(lib);
}

/* --- Heap --------------------------------------------------------------------------------------------------------- */

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);
static long heap_calls;

/* These take the place of the C library's own, for the library under test as well. */
void *malloc(size_t n)
{
    heap_calls++;
    return __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    heap_calls++;
    return __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    heap_calls++;
    return __libc_realloc(p, n);
}

void free(void *p)
{
    heap_calls++;
    __libc_free(p);
}

void *aligned_alloc(size_t align, size_t n)
{
    heap_calls++;
    return __libc_memalign(align, n);
}

int posix_memalign(void **place, size_t align, size_t n)
{
    heap_calls++;
    *place = __libc_memalign(align, n);
    return *place ? 0 : ENOMEM;
}

static void test_heap(void *unused)
{
    ossenc_sealer *sealer;
    long before;
    (void)unused;
    set_up(&H, OSSENC_ISA_BEST);
    for (size_t i = 0; i < N_CALLS; i++) {
        make_stream(&H);
        before = heap_calls;
        STATUS(CALLS[i].wanted, CALLS[i].call(&H, &S));
        CHECK(heap_calls == before);
    }
    before = heap_calls;
    OK(ossenc_sealer_new(H.object, 0, OSSENC_INLINE, 0, 0, &sealer, NULL));
    CHECK(heap_calls > before);
    ossenc_sealer_free(sealer);
    free_all(&H);
}

/* --- Stack -------------------------------------------------------------------------------------------------------- */

enum { STACK_MAX = 8192, REACH = 64 << 10, NEAR = 512 };

static ossenc_status use_9000(struct handles *h, struct scratch *s)
{
    volatile byte used[9000];
    (void)h, (void)s;
    for (size_t i = 0; i < sizeof used; i++)
        used[i] = 1;
    return used[77] == 1 ? OSSENC_OK : OSSENC_E_PANIC;
}

/* The bytes of stack that a call takes: paints what lies below this frame, calls, looks how far the paint is gone. */
static __attribute__((noinline)) size_t depth(const struct call *call)
{
    volatile byte frame = 0, *volatile top = &frame;
    size_t below;
    for (below = NEAR; below < REACH; below++)
        top[-(ptrdiff_t)below] = 0xC5;
    STATUS(call->wanted, call->call(&H, &S));
    for (below = REACH - 1; below > NEAR; below--)
        if (top[-(ptrdiff_t)below] != 0xC5)
            break;
    return below;
}

static void test_stack(void *unused)
{
    static const uint32_t isas[] = {OSSENC_ISA_BEST, OSSENC_ISA_AVX2, OSSENC_ISA_AESNI, OSSENC_ISA_PORTABLE};
    const struct call control = {"control", use_9000, OSSENC_OK, 0, 0};
    (void)unused;
    CHECK(depth(&control) >= 9000 && depth(&control) < 12000);
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
        size_t worst = 0, of = 0;
        set_up(&H, isas[i]);
        for (size_t c = 0; c < N_CALLS; c++) {
            size_t used;
            STATUS(CALLS[c].wanted, CALLS[c].call(&H, &S)); /* for what is done only once */
            make_stream(&H);
            used = depth(&CALLS[c]);
            if (used > worst)
                worst = used, of = c;
        }
        printf("  stack, isa_cap %u: at most %zu bytes (%s)\n", (unsigned)isas[i], worst, CALLS[of].name);
        CHECK(worst <= STACK_MAX);
        free_all(&H);
    }
}

/* --- Many objects ------------------------------------------------------------------------------------------------- */

static double resident(void)
{
    long pages = 0, whole;
    FILE *f = fopen("/proc/self/statm", "r");
    CHECK(f && fscanf(f, "%ld %ld", &whole, &pages) == 2);
    fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void test_objects(void *unused)
{
    enum { OBJECTS = 100000 };
    static const ossenc_object *objects[OBJECTS];
    double before, taken, left;
    (void)unused;
    set_up(&H, OSSENC_ISA_BEST);
    before = resident();
    for (size_t i = 0; i < OBJECTS; i++)
        OK(open_object(&H, &objects[i]));
    taken = resident() - before;
    for (size_t i = 0; i < OBJECTS; i++)
        ossenc_object_free(objects[i]);
    left = resident() - before;
    printf("  100,000 open objects take %.1f MB, %.1f MB after they were freed\n", taken, left);
    CHECK(taken < 200 && taken > 100000 * 32 / 1e6);
    free_all(&H);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void *);
    } tests[] = {{"fork", test_fork}, {"mlock", test_mlock}, {"heap", test_heap},
                 {"syscalls", test_syscalls}, {"stack", test_stack}, {"objects", test_objects}};
    int passed = 0, failed = 0;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        int status = child(tests[i].run, NULL);
        if (status)
            printf("FAIL %s (wait status 0x%x)\n", tests[i].name, (unsigned)status);
        *(status ? &failed : &passed) += 1;
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

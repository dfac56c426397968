/*
 * An event loop of one thread that opens 10,000 objects while its key service answers late, throttles and fails.
 *
 *   event_loop              starts a key service of its own, as a child process on a socket, and runs
 *
 * What it shows, by counting: an opening whose key is at hand ends in its first step, also while other keys are being
 * waited for; a cold one asks once for each key, whatever number of objects needs it; no call of the library waits. It
 * exits with 0 if the counts are as they should be.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kms.h"
#include "ossenc.h"

enum { KEYS = 20, OBJECTS = 10000, PER_KEY = OBJECTS / KEYS };

struct job {
    ossenc_op *op;
    struct job *next;  /* in the ready list */
    int is_ready, is_done, key;
    uint64_t retry_at; /* in milliseconds; the service was away */
};

static struct job jobs[OBJECTS];
static struct job *ready; /* to be stepped */
static struct job *asking[KEYS * 4]; /* whose call is under way, by its number on the wire */
static unsigned calls, answered_well, in_first_step, waited, retried, refused, done, warm, asked;
static unsigned char envelopes[KEYS][1024];
static size_t envelope_n[KEYS];
static ossenc_keyring *keyring;
static int service = -1, epoll = -1;

static void die(const char *what)
{
    fprintf(stderr, "event_loop: %s\n", what);
    exit(1);
}

static void must(ossenc_status status, const char *what)
{
    if (status != OSSENC_OK) {
        fprintf(stderr, "event_loop: %s: %s\n", what, ossenc_strerror(status));
        exit(1);
    }
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static ossenc_in in(const void *p, size_t n)
{
    ossenc_in i;
    i.p = p;
    i.n = n;
    return i;
}

static ossenc_in text(const char *s)
{
    return in(s, strlen(s));
}

/* The library calls this inside a step of another operation: it only puts the job where the loop finds it. */
static void wake(void *user, void *waiter)
{
    struct job *job = (struct job *)waiter;
    (void)user;
    if (job && !job->is_ready && !job->is_done) {
        job->is_ready = 1;
        job->next = ready;
        ready = job;
    }
}

/* --- Calls: a number and the blob go over the socket, the number and the answer come back --------------------------- */

static void send_call(struct job *job, const ossenc_ask *ask)
{
    struct kms_call call;
    unsigned slot;
    memset(&call, 0, sizeof call);
    if (ask->verb != OSSENC_VERB_UNWRAP || ask->blob.n != sizeof call.blob)
        die("an ask that was not expected");
    for (slot = 0; slot < sizeof asking / sizeof *asking && asking[slot]; slot++)
        ;
    if (slot == sizeof asking / sizeof *asking)
        die("more calls under way than keys: somebody asks twice");
    asking[slot] = job;
    call.slot = slot;
    call.id = ask->id;
    memcpy(call.blob, ask->blob.p, sizeof call.blob);
    if (send(service, &call, sizeof call, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof call)
        die("the service's socket is full or gone");
    asked++;
}

static void step(struct job *job, const ossenc_answer *answer, int is_first)
{
    ossenc_ask ask;
    ossenc_error error;
    const ossenc_object *object = NULL;
    memset(&ask, 0, sizeof ask);
    ask.size = sizeof ask;
    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    switch (ossenc_op_step(job->op, answer, &ask, &error)) {
    case OSSENC_OK:
        must(ossenc_op_object(job->op, &object), "the object"); /* here a daemon would read the body */
        ossenc_object_free(object);
        job->is_done = 1;
        ossenc_op_free(job->op);
        job->op = NULL;
        done++;
        in_first_step += (unsigned)is_first;
        break;
    case OSSENC_ASK:
        send_call(job, &ask);
        break;
    case OSSENC_WAIT:
        waited += (unsigned)is_first;
        break;
    case OSSENC_E_KMS_RETRY: /* later, as the library says: whoever has this key's turn then finds out */
        retried++;
        job->retry_at = now_ms() + error.offset;
        ossenc_op_free(job->op);
        job->op = NULL;
        break;
    case OSSENC_E_KMS: /* kept for negative_ms: again after it */
        refused++;
        job->retry_at = now_ms() + 25;
        ossenc_op_free(job->op);
        job->op = NULL;
        break;
    default:
        die(error.text);
    }
}

static void open_object(struct job *job)
{
    ossenc_in key_id = text("cmk");
    ossenc_context context;
    ossenc_expect expect;
    memset(&context, 0, sizeof context);
    context.size = sizeof context;
    context.tenant = text("acme");
    context.object = text("object");
    memset(&expect, 0, sizeof expect);
    expect.size = sizeof expect;
    expect.methods = OSSENC_ALLOW_SSE_KMS;
    expect.key_ids = &key_id;
    expect.n = 1;
    job->retry_at = 0;
    must(ossenc_object_open(keyring, in(envelopes[job->key], envelope_n[job->key]), &context, &expect, job, &job->op),
         "open");
    step(job, NULL, 1);
}

static void answer_came(void)
{
    struct kms_answer got;
    ossenc_answer answer;
    struct job *job;
    if (recv(service, &got, sizeof got, MSG_WAITALL) != (ssize_t)sizeof got)
        die("the service is gone");
    if (got.slot >= sizeof asking / sizeof *asking || !asking[got.slot])
        die("an answer that nobody asked for");
    job = asking[got.slot];
    asking[got.slot] = NULL;
    memset(&answer, 0, sizeof answer);
    answer.size = sizeof answer;
    answer.id = got.id;
    calls++;
    if (got.what == KMS_WELL) {
        answer.secret = in(got.secret, sizeof got.secret);
        answered_well++;
    } else
        answer.status = got.what == KMS_THROTTLES ? OSSENC_E_KMS_RETRY : OSSENC_E_KMS;
    answer.retry_after_ms = 20;
    step(job, &answer, 0);
    memset(&got, 0, sizeof got); /* a daemon uses explicit_bzero */
}

/* One turn: whoever was woken, whoever's time has come, then the socket. */
static void turn(int timeout_ms)
{
    struct epoll_event happened;
    uint64_t now = now_ms();
    int i;
    while (ready) {
        struct job *job = ready;
        ready = job->next;
        job->is_ready = 0;
        if (job->op)
            step(job, NULL, 0);
    }
    for (i = 0; i < OBJECTS; i++)
        if (jobs[i].retry_at && jobs[i].retry_at <= now)
            open_object(&jobs[i]);
    if (epoll_wait(epoll, &happened, 1, ready ? 0 : timeout_ms) == 1)
        answer_came();
}

/* --- The objects: one for each key, as if stored long ago ----------------------------------------------------------- */

static ossenc_status generate(void *user, const ossenc_ask *ask, ossenc_reply reply, void *reply_to)
{
    unsigned char blob[KMS_BLOB], secret[32];
    ossenc_answer answer;
    (void)user;
    kms_make(blob, secret);
    memset(&answer, 0, sizeof answer);
    answer.size = sizeof answer;
    answer.secret = in(secret, sizeof secret);
    answer.blob = in(blob, sizeof blob);
    answer.key_id = ask->key_id;
    reply(reply_to, &answer);
    return OSSENC_OK;
}

static void make_objects(void)
{
    ossenc_provider provider;
    ossenc_choice choice;
    ossenc_context context;
    int i;
    memset(&provider, 0, sizeof provider);
    provider.size = sizeof provider;
    provider.call = generate;
    memset(&choice, 0, sizeof choice);
    choice.size = sizeof choice;
    choice.method = OSSENC_METHOD_SSE_KMS;
    choice.provider = text("loopback");
    choice.key_id = text("cmk");
    memset(&context, 0, sizeof context);
    context.size = sizeof context;
    context.tenant = text("acme");
    context.object = text("object");
    for (i = 0; i < KEYS; i++) {
        ossenc_op *op = NULL;
        ossenc_out out;
        out.p = envelopes[i];
        out.cap = sizeof envelopes[i];
        out.n = 0;
        must(ossenc_object_create(keyring, &choice, &context, 0, NULL, &op), "create");
        must(ossenc_op_run(op, &provider, NULL, 0, NULL), "create");
        must(ossenc_op_envelope(op, &out), "the envelope");
        envelope_n[i] = out.n;
        ossenc_op_free(op);
    }
}

static ossenc_lib *begin(void)
{
    static const unsigned char root_key[32] = {1}; /* an example: a daemon's comes from a file, an HSM, a callback */
    unsigned char image[4096];
    const ossenc_keystore *keystore = NULL;
    ossenc_config config;
    ossenc_limits limits;
    ossenc_lib *lib = NULL;
    ossenc_out out;
    memset(&config, 0, sizeof config);
    config.size = sizeof config;
    config.wake = wake;
    memset(&limits, 0, sizeof limits);
    limits.size = sizeof limits;
    limits.negative_ms = 20;
    must(ossenc_lib_new(&config, &lib, NULL), "the library");
    out.p = image;
    out.cap = sizeof image;
    out.n = 0;
    must(ossenc_keystore_init(lib, text("root"), in(root_key, 32), &out, NULL), "the keystore");
    must(ossenc_keystore_load(lib, in(image, out.n), in(root_key, 32), 1, &keystore, NULL), "the keystore");
    must(ossenc_keyring_new(lib, &limits, &keyring), "the keyring");
    must(ossenc_keyring_publish(keyring, keystore), "the keyring");
    ossenc_keystore_free(keystore);
    return lib;
}

int main(void)
{
    int sockets[2], i, status = 0;
    struct epoll_event wanted;
    struct job again;
    ossenc_lib *lib;
    pid_t child;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0 || (child = fork()) < 0)
        die("no socket or no process");
    if (child == 0) {
        close(sockets[0]);
        kms_serve(sockets[1]);
        _exit(0);
    }
    close(sockets[1]);
    service = sockets[0];
    epoll = epoll_create1(0);
    memset(&wanted, 0, sizeof wanted);
    wanted.events = EPOLLIN;
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, service, &wanted) != 0)
        die("no epoll");
    lib = begin();
    make_objects();

    /* All 10,000 arrive at once, all cold. */
    for (i = 0; i < OBJECTS; i++) {
        jobs[i].key = i % KEYS;
        open_object(&jobs[i]);
    }
    if (in_first_step != 0 || asked != KEYS || waited != OBJECTS - KEYS)
        die("cold openings: one asks for each key, and the others wait for it");
    /* Between the turns come requests for keys that are warm by now: none of them waits for the others. */
    while (done < OBJECTS) {
        turn(5);
        for (i = 0; i < KEYS; i++) {
            if (!jobs[i].is_done)
                continue;
            memset(&again, 0, sizeof again);
            again.key = i;
            open_object(&again);
            if (!again.is_done)
                die("a warm opening did not end in its first step");
            done--; /* not one of the 10,000 */
            warm++;
        }
    }
    printf("%d openings of %d keys: %u calls, %u of them well; %u warm openings meanwhile, each in its first step\n",
           OBJECTS, KEYS, calls, answered_well, warm);
    printf("throttled or backing off %u times, refused %u times\n", retried, refused);
    if (answered_well != KEYS || warm == 0 || retried == 0 || refused == 0)
        status = 1;
    ossenc_keyring_free(keyring);
    ossenc_lib_free(lib);
    close(epoll);
    close(service); /* the service ends with it */
    waitpid(child, NULL, 0);
    puts(status ? "event_loop: the counts are not as they should be" : "event_loop: ok");
    return status;
}

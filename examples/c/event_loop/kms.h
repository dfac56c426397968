/* A key service for the example, in a process of its own: slow, and now and then throttling or failing. */
#ifndef EXAMPLE_KMS_H
#define EXAMPLE_KMS_H

#include <stdint.h>

enum { KMS_BLOB = 32, KMS_WELL = 0, KMS_THROTTLES = 1, KMS_FAILS = 2 };

struct kms_call {
    uint64_t id;
    uint32_t slot, reserved;
    unsigned char blob[KMS_BLOB];
};

struct kms_answer {
    uint64_t id;
    uint32_t slot, what;
    unsigned char secret[32];
};

/* Makes a key and its blob. A mask is no wrapping: an example. */
void kms_make(unsigned char blob[KMS_BLOB], unsigned char secret[32]);

/* Answers calls until the socket is closed: each late, the sixth throttled, every fifth failing. */
void kms_serve(int socket);

#endif

/* The example's key service. */
#define _POSIX_C_SOURCE 200809L
#include "kms.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { MASK = 0x5a };

void kms_make(unsigned char blob[KMS_BLOB], unsigned char secret[32])
{
    static unsigned char made;
    int i;
    made++;
    for (i = 0; i < 32; i++) {
        secret[i] = (unsigned char)(made * 7 + i);
        blob[i] = secret[i] ^ MASK;
    }
}

void kms_serve(int socket)
{
    struct kms_call call;
    unsigned n;
    for (n = 1; recv(socket, &call, sizeof call, MSG_WAITALL) == (ssize_t)sizeof call; n++) {
        struct kms_answer answer;
        struct timespec late = {0, 5000000};
        int i;
        memset(&answer, 0, sizeof answer);
        answer.id = call.id;
        answer.slot = call.slot;
        answer.what = n == 6 ? KMS_THROTTLES : n % 5 == 3 ? KMS_FAILS : KMS_WELL;
        for (i = 0; i < 32; i++)
            answer.secret[i] = call.blob[i] ^ MASK;
        nanosleep(&late, NULL);
        if (send(socket, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer)
            return;
    }
}

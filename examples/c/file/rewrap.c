/* Rewrapping: after a rotation of the master key, without touching the data. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "commands.h"

#include <stdio.h>
#include <unistd.h>

#include "report.h"

/* The same object, wrapped under the primary version of the key: for a file of any length, two writes of 4 KiB. */
int command_rewrap(const struct keys *keys, const struct settings *settings, const char *path)
{
    unsigned char room[OSSENC_ENVELOPE_MAX];
    ossenc_out envelope = {room, sizeof room, 0};
    ossenc_in fresh;
    struct header header;
    struct allowed allowed;
    ossenc_op *op = NULL;
    ossenc_error error = new_error();
    ossenc_status status;
    uint32_t reasons = 0;
    int fd, code = header_lock(path, &fd);
    if (code != RC_OK)
        return code;
    code = header_read(fd, path, &header);
    if (code != RC_OK) {
        close(fd);
        return code;
    }
    status = ossenc_needs_rewrap(keys->keyring, header.envelope, &reasons);
    if (status == OSSENC_OK && reasons == 0 && header_is_settled(&header)) {
        printf("%s: nothing to do\n", path);
        close(fd);
        return RC_OK;
    }
    /* Also when only a copy is to be repaired: a fresh envelope shows that key and context are the right ones. */
    if (status == OSSENC_OK)
        status = ossenc_rewrap(keys->keyring, header.envelope, &settings->context, allow(&allowed, settings), NULL,
                               NULL, 0, NULL, &op);
    if (status == OSSENC_OK)
        status = ossenc_op_run(op, NULL, NULL, 0, &error);
    if (status == OSSENC_OK)
        status = ossenc_op_envelope(op, &envelope);
    ossenc_op_free(op);
    fresh.p = envelope.p;
    fresh.n = envelope.n;
    code = status == OSSENC_OK ? header_replace(fd, path, &header, fresh) : fail_status(path, status, &error);
    if (close(fd) != 0 && code == RC_OK)
        code = fail_io(path, "close");
    if (code == RC_OK)
        printf("%s: rewrapped\n", path);
    return code;
}

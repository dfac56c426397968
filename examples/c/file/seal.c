/* Sealing a file: a stream of any length, through a buffer of fixed length. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "commands.h"

#include <fcntl.h>
#include <unistd.h>

#include "files.h"
#include "report.h"

/* A new object: its envelope, and the object itself, whose data key is open. */
static int create_object(const struct keys *keys, const struct settings *settings, ossenc_out *envelope,
                         const ossenc_object **object)
{
    ossenc_choice choice = {0};
    ossenc_op *op = NULL;
    ossenc_error error = new_error();
    ossenc_status status;
    choice.size = sizeof choice;
    choice.method = OSSENC_METHOD_SSE_OSS;
    choice.key_id = text(settings->key_id);
    status = ossenc_object_create(keys->keyring, &choice, &settings->context, 0, NULL, &op);
    if (status == OSSENC_OK)
        status = ossenc_op_run(op, NULL, NULL, 0, &error);
    if (status == OSSENC_OK)
        status = ossenc_op_envelope(op, envelope);
    if (status == OSSENC_OK)
        status = ossenc_op_object(op, object);
    ossenc_op_free(op);
    return status == OSSENC_OK ? RC_OK : fail_status(settings->key_id, status, &error);
}

/* From `in` to the current position of `out`, window by window. */
static int seal_stream(ossenc_sealer *sealer, int in, const char *in_path, int out, const char *out_path)
{
    for (;;) {
        ossenc_iov source = {plain_window, 0}, target = {stored_window, sizeof stored_window};
        ssize_t got = read_full(in, plain_window, sizeof plain_window);
        size_t consumed, written;
        ossenc_status status;
        if (got < 0)
            return fail_io(in_path, "read");
        source.n = (size_t)got;
        if (source.n == sizeof plain_window) {
            /* Whole chunks, and room for all of them: nothing is left over. */
            status = ossenc_seal_next(sealer, &source, 1, &target, 1, NULL, &consumed, &written);
            if (status == OSSENC_OK && consumed != source.n)
                return fail(RC_DEFECT, in_path, "the library took less than there was");
        } else {
            /* The end of the file: whatever is left, and be it nothing. */
            ossenc_out body = {stored_window, sizeof stored_window, 0};
            status = ossenc_seal_finish(sealer, &source, 1, &body, NULL, NULL);
            written = body.n;
        }
        if (status != OSSENC_OK)
            return fail_status(in_path, status, NULL);
        if (write_full(out, stored_window, written) != 0)
            return fail_io(out_path, "write");
        if (source.n < sizeof plain_window)
            return RC_OK;
    }
}

int command_seal(const struct keys *keys, const struct settings *settings, const char *in_path, const char *path)
{
    unsigned char room[OSSENC_ENVELOPE_MAX];
    ossenc_out envelope = {room, sizeof room, 0};
    const ossenc_object *object = NULL;
    ossenc_sealer *sealer = NULL;
    struct new_file file = {-1, NULL, NULL};
    int in = open(in_path, O_RDONLY | O_CLOEXEC);
    int code = in >= 0 ? RC_OK : fail_io(in_path, "open");
    if (code == RC_OK)
        code = create_object(keys, settings, &envelope, &object);
    if (code == RC_OK) {
        ossenc_error error = new_error();
        ossenc_status status = ossenc_sealer_new(object, 0, OSSENC_INLINE, 0, 0, &sealer, &error);
        if (status != OSSENC_OK)
            code = fail_status(path, status, &error);
    }
    if (code == RC_OK)
        code = new_file_begin(&file, path);
    if (code == RC_OK) {
        ossenc_in filed = {envelope.p, envelope.n};
        code = header_write_new(file.fd, path, filed);
    }
    if (code == RC_OK && lseek(file.fd, BODY_AT, SEEK_SET) != BODY_AT)
        code = fail_io(path, "seek");
    if (code == RC_OK)
        code = seal_stream(sealer, in, in_path, file.fd, path);
    if (code == RC_OK)
        code = new_file_commit(&file, 0, NULL);
    else
        new_file_abandon(&file);
    ossenc_sealer_free(sealer);
    ossenc_object_free(object);
    if (in >= 0)
        close(in);
    return code;
}

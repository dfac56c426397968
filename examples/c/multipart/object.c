/* Keys, and the object that an upload makes. A daemon does the upper half once, at its start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multipart.h"

static ossenc_in text(const char *string)
{
    ossenc_in in = {string, strlen(string)};
    return in;
}

/* Where the object belongs: from the daemon's own index, never from what is stored with the object. */
static ossenc_context place(void)
{
    ossenc_context context = {0};
    context.size = sizeof context;
    context.tenant = text("acme");
    context.bucket_id = text("bucket-17");
    context.object = text("video.mp4");
    return context;
}

/* A root key of 32 bytes, which a real system keeps elsewhere; and a keystore under it with the master key "oss". */
void make_keys(const char *folder)
{
    struct bytes root_key = allocate(32);
    unsigned char image[1024];
    ossenc_out out = {image, sizeof image, 0};
    ossenc_in made = {image, 0};
    ossenc_change change = {0};
    ossenc_lib *lib;
    const ossenc_keystore *keystore;
    ossenc_error error = {0};
    error.size = sizeof error;
    read_at("/dev/urandom", 0, root_key.p, root_key.n);
    save(folder, "rootkey", root_key.p, root_key.n);
    must(ossenc_lib_new(NULL, &lib, &error), "the library", &error);
    must(ossenc_keystore_init(lib, text("root-1"), input(&root_key), &out, &error), "a keystore", &error);
    made.n = out.n;
    must(ossenc_keystore_load(lib, made, input(&root_key), 1, &keystore, &error), "the keystore", &error);
    change.size = sizeof change;
    change.what = OSSENC_KS_CREATE;
    change.key_id = text("oss");
    must(ossenc_keystore_apply(keystore, &change, &out, &error), "a master key", &error);
    save(folder, "keystore", image, out.n);
    ossenc_keystore_free(keystore);
    ossenc_lib_free(lib);
    free(root_key.p);
}

void session_open(struct session *session, const char *folder)
{
    struct bytes root_key = load(folder, "rootkey"), image = load(folder, "keystore");
    const ossenc_keystore *keystore;
    ossenc_error error = {0};
    error.size = sizeof error;
    memset(session, 0, sizeof *session);
    session->folder = folder;
    must(ossenc_lib_new(NULL, &session->lib, &error), "the library", &error);
    must(ossenc_keyring_new(session->lib, NULL, &session->keyring), "a keyring", NULL);
    must(ossenc_keystore_load(session->lib, input(&image), input(&root_key), 2, &keystore, &error), "the keystore",
         &error);
    must(ossenc_keyring_publish(session->keyring, keystore), "publish", NULL);
    ossenc_keystore_free(keystore); /* the keyring keeps what it needs */
    free(root_key.p);
    free(image.p);
}

void session_close(struct session *session)
{
    ossenc_object_free(session->object);
    ossenc_keyring_free(session->keyring);
    ossenc_lib_free(session->lib);
}

void begin_upload(struct session *session)
{
    ossenc_choice choice = {0};
    ossenc_context context = place();
    ossenc_op *op;
    ossenc_error error = {0};
    unsigned char envelope[OSSENC_ENVELOPE_MAX], record[128];
    ossenc_out out = {envelope, sizeof envelope, 0}, record_out = {record, sizeof record, 0};
    error.size = sizeof error;
    choice.size = sizeof choice;
    choice.method = OSSENC_METHOD_SSE_OSS;
    choice.key_id = text("oss");
    must(ossenc_object_create(session->keyring, &choice, &context, 1 /* segmented */, NULL, &op), "create", NULL);
    must(ossenc_op_run(op, NULL, NULL, 0, &error), "create", &error);
    must(ossenc_op_envelope(op, &out), "the envelope", NULL);
    must(ossenc_op_object(op, &session->object), "the object", NULL);
    ossenc_op_free(op);
    save(session->folder, "envelope", envelope, out.n); /* in a store: the object's metadata */
    must(ossenc_upload_begin(session->object, &record_out), "the upload's record", NULL);
    save(session->folder, "upload", record, record_out.n);
}

void join_upload(struct session *session)
{
    struct bytes envelope = load(session->folder, "envelope"), record = load(session->folder, "upload");
    ossenc_context context = place();
    ossenc_in key_id = text("oss");
    ossenc_expect expect = {0}; /* what the caller allows: nothing, unless it is said here */
    ossenc_op *op;
    ossenc_error error = {0};
    error.size = sizeof error;
    expect.size = sizeof expect;
    expect.methods = OSSENC_ALLOW_SSE_OSS;
    expect.key_ids = &key_id;
    expect.n = 1;
    must(ossenc_object_open(session->keyring, input(&envelope), &context, &expect, NULL, &op), "open", NULL);
    must(ossenc_op_run(op, NULL, NULL, 0, &error), "open", &error);
    must(ossenc_op_object(op, &session->object), "the object", NULL);
    ossenc_op_free(op);
    /* Is this the envelope that the upload began with? Sealing under another one would lose the part. */
    must(ossenc_upload_check(session->object, input(&record), NULL), "the envelope was swapped", NULL);
    free(envelope.p);
    free(record.p);
}

/* Server-side encryption, as a daemon in C uses it: every export of its chapter of the header. */
#include "harness.h"

static void check_text(const void *got, size_t n, const char *wanted, const char *what, int line)
{
    if (n != strlen(wanted) || (n && memcmp(got, wanted, n) != 0)) {
        printf("  sse.c:%d: %s is \"%.*s\", not \"%s\"\n", line, what, (int)n, (const char *)got, wanted);
        failures++;
    }
}

#define TEXT(wanted, in) check_text((in).p, (in).n, wanted, #in, __LINE__)

static ossenc_pair pair(const char *key, const char *value)
{
    ossenc_pair p;
    p.key = text(key);
    p.value = text(value);
    return p;
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

#define OSS "x-oss-server-side-encryption"
#define S3 "x-amz-server-side-encryption"
#define OPEN "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>"
#define CLOSE "</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
static const char AES256[] = OPEN "<SSEAlgorithm>AES256</SSEAlgorithm>" CLOSE;
static const char KMS[] = OPEN "<SSEAlgorithm>KMS</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>" CLOSE;

static ossenc_sse_request request(uint32_t dialect, uint32_t operation, ossenc_pair *headers, size_t n)
{
    ossenc_sse_request r;
    SIZED(r);
    r.dialect = dialect;
    r.operation = operation;
    r.headers = headers;
    r.n = n;
    return r;
}

/* Resolves and reads; the caller frees what it reads from. */
static ossenc_sse_decision resolved(const ossenc_sse_request *request, const ossenc_sse_resolved **handle)
{
    ossenc_sse_decision d;
    ossenc_sse_error error;
    SIZED(d);
    SIZED(error);
    error.http = 77;
    OK(ossenc_sse_resolve(request, handle, &error));
    CHECK(error.http == 0 && error.code[0] == 0);
    OK(ossenc_sse_resolved_read(*handle, &d));
    return d;
}

static void refused(const ossenc_sse_request *request, uint32_t http, const char *code)
{
    const ossenc_sse_resolved *handle = (const ossenc_sse_resolved *)request;
    ossenc_sse_error error;
    SIZED(error);
    STATUS(OSSENC_E_EXPECT, ossenc_sse_resolve(request, &handle, &error));
    CHECK(handle == NULL);
    CHECK(error.http == http);
    CHECK(strcmp(error.code, code) == 0);
    CHECK(error.message[0] != 0 && memchr(error.message, 0, sizeof error.message) != NULL);
    STATUS(OSSENC_E_EXPECT, ossenc_sse_resolve(request, &handle, NULL));
}

static void test_header_before_rule_before_none(void)
{
    const ossenc_sse_resolved *handle;
    ossenc_pair headers[2];
    ossenc_sse_request r = request(OSSENC_SSE_OSS, OSSENC_SSE_PUT_OBJECT, headers, 1);
    ossenc_sse_decision d;
    headers[0] = pair("Content-Type", "text/plain");
    headers[1] = pair("X-OSS-Server-Side-Encryption", " AES256 ");
    d = resolved(&r, &handle);
    CHECK(d.what == OSSENC_SSE_BEGIN && d.method == OSSENC_METHOD_NONE);
    TEXT("", d.key_id);
    ossenc_sse_resolved_free(handle);

    r.rule = text(KMS);
    d = resolved(&r, &handle);
    CHECK(d.method == OSSENC_METHOD_SSE_KMS && d.default_key == 0 && d.bucket_key == 0);
    TEXT("key-1", d.key_id);
    TEXT("", d.context_json);
    CHECK(d.contexts == 0);
    ossenc_sse_resolved_free(handle);

    r.n = 2;
    d = resolved(&r, &handle);
    CHECK(d.method == OSSENC_METHOD_SSE_OSS);
    TEXT("", d.key_id);
    ossenc_sse_resolved_free(handle);

    headers[1] = pair(OSS, "KMS");
    d = resolved(&r, &handle);
    CHECK(d.method == OSSENC_METHOD_SSE_KMS && d.default_key == 1);
    TEXT("alias/acs/oss", d.key_id);
    ossenc_sse_resolved_free(handle);
}

static void test_context(void)
{
    const ossenc_sse_resolved *handle;
    ossenc_pair headers[3];
    ossenc_sse_request r = request(OSSENC_SSE_OSS, OSSENC_SSE_COPY_OBJECT, headers, 3);
    ossenc_sse_decision d;
    headers[0] = pair(OSS, "KMS");
    headers[1] = pair(OSS "-key-id", "key-2");
    headers[2] = pair(OSS "-context", "{\"b\": \"2\", \"a\": \"1\"}");
    d = resolved(&r, &handle);
    /* What it points to does not lie in the request. */
    headers[1] = pair("", "");
    CHECK(d.contexts == 2);
    TEXT("a", d.context[0].key);
    TEXT("2", d.context[1].value);
    TEXT("{\"a\":\"1\",\"b\":\"2\"}", d.context_json);
    TEXT("key-2", d.key_id);
    ossenc_sse_resolved_free(handle);
}

static void test_refusals(void)
{
    ossenc_pair headers[2];
    ossenc_sse_request r = request(OSSENC_SSE_OSS, OSSENC_SSE_PUT_OBJECT, headers, 1);
    headers[0] = pair(OSS, "SM4");
    refused(&r, 400, "InvalidEncryptionAlgorithmError");
    headers[0] = pair(OSS, "KMS");
    headers[1] = pair("x-oss-server-side-data-encryption", "SM4");
    r.n = 2;
    refused(&r, 400, "InvalidDataEncryptionAlgorithmError");
    headers[1] = pair(OSS "-key-id", "a b");
    refused(&r, 400, "InvalidParameter");
    r.operation = OSSENC_SSE_GET_OBJECT;
    refused(&r, 400, "InvalidArgument");
    headers[1] = pair(OSS "\xff", "\xff");
    headers[0] = pair(OSS, "\xff");
    refused(&r, 400, "InvalidArgument");
    r = request(OSSENC_SSE_OSS, OSSENC_SSE_GET_BUCKET_ENCRYPTION, NULL, 0);
    refused(&r, 404, "NoSuchServerSideEncryptionRule");
    r.dialect = OSSENC_SSE_S3;
    refused(&r, 404, "ServerSideEncryptionConfigurationNotFoundError");
}

/* A rule that cannot be read keeps nobody from what was encrypted before. */
static void test_where_the_rule_counts(void)
{
    uint32_t operation;
    ossenc_sse_request r = request(OSSENC_SSE_OSS, 0, NULL, 0);
    r.rule = text("<a");
    for (operation = OSSENC_SSE_PUT_OBJECT; operation <= OSSENC_SSE_OTHER; operation++) {
        const ossenc_sse_resolved *handle;
        r.operation = operation;
        if (operation <= OSSENC_SSE_INITIATE_UPLOAD || operation == OSSENC_SSE_APPEND_FIRST ||
            operation == OSSENC_SSE_GET_BUCKET_ENCRYPTION) {
            refused(&r, 500, "InternalError");
        } else {
            resolved(&r, &handle);
            ossenc_sse_resolved_free(handle);
        }
    }
}

/* A rule that cannot be read is the service's own trouble, and none for a request that goes before it. */
static void test_a_header_goes_before_a_rule_that_cannot_be_read(void)
{
    const ossenc_sse_resolved *handle;
    ossenc_pair header = pair(OSS, "AES256");
    ossenc_sse_request r = request(OSSENC_SSE_OSS, OSSENC_SSE_PUT_OBJECT, &header, 1);
    r.rule = text("<a");
    CHECK(resolved(&r, &handle).method == OSSENC_METHOD_SSE_OSS);
    ossenc_sse_resolved_free(handle);
    header = pair(OSS "-key-id", "key-1");
    refused(&r, 500, "InternalError");
    header = pair(OSS, "FOO");
    refused(&r, 400, "InvalidEncryptionAlgorithmError");
}

static void test_operations(void)
{
    const ossenc_sse_resolved *handle;
    uint32_t operation;
    ossenc_sse_request r = request(OSSENC_SSE_OSS, 0, NULL, 0);
    r.rule = text(AES256);
    for (operation = OSSENC_SSE_PUT_OBJECT; operation <= OSSENC_SSE_OTHER; operation++) {
        uint32_t what = operation <= OSSENC_SSE_INITIATE_UPLOAD || operation == OSSENC_SSE_APPEND_FIRST ? OSSENC_SSE_BEGIN
                        : operation <= OSSENC_SSE_HEAD_OBJECT                                           ? OSSENC_SSE_GO_ON
                        : operation == OSSENC_SSE_PUT_BUCKET                                            ? OSSENC_SSE_MAKE_BUCKET
                                                                                                        : OSSENC_SSE_NOTHING;
        ossenc_sse_decision d;
        r.operation = operation;
        d = resolved(&r, &handle);
        CHECK(d.what == what);
        CHECK(d.method == (what == OSSENC_SSE_BEGIN ? OSSENC_METHOD_SSE_OSS : OSSENC_METHOD_NONE));
        ossenc_sse_resolved_free(handle);
    }
}

static void test_a_new_bucket(void)
{
    const ossenc_sse_resolved *handle;
    ossenc_pair header = pair(OSS, "AES256");
    ossenc_sse_request r = request(OSSENC_SSE_OSS, OSSENC_SSE_PUT_BUCKET, &header, 1);
    ossenc_sse_decision d = resolved(&r, &handle);
    CHECK(d.what == OSSENC_SSE_MAKE_BUCKET);
    check_text(d.rule.p, d.rule.n, DECLARATION OPEN "<SSEAlgorithm>AES256</SSEAlgorithm>" CLOSE, "the rule", __LINE__);
    ossenc_sse_resolved_free(handle);
    r.n = 0;
    d = resolved(&r, &handle);
    CHECK(d.what == OSSENC_SSE_MAKE_BUCKET);
    TEXT("", d.rule);
    ossenc_sse_resolved_free(handle);
}

/* The three headers of a customer's key. */
static void customer_key(ossenc_pair *headers)
{
    headers[0] = pair(S3 "-customer-algorithm", "AES256");
    headers[1] = pair(S3 "-customer-key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=");
    headers[2] = pair(S3 "-customer-key-MD5", "V5euSAsQOO0sIBHETfEa4w==");
}

static void test_customer_keys(void)
{
    const ossenc_sse_resolved *handle;
    ossenc_pair headers[6];
    ossenc_sse_request r = request(OSSENC_SSE_S3, OSSENC_SSE_COPY_OBJECT, headers, 6);
    ossenc_sse_decision d;
    customer_key(headers);
    headers[3] = pair("x-amz-copy-source-server-side-encryption-customer-algorithm", "AES256");
    headers[4] = pair("x-amz-copy-source-server-side-encryption-customer-key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=");
    headers[5] = pair("x-amz-copy-source-server-side-encryption-customer-key-md5", "V5euSAsQOO0sIBHETfEa4w==");
    r.source = OSSENC_METHOD_SSE_C;
    d = resolved(&r, &handle);
    CHECK(d.what == OSSENC_SSE_BEGIN && d.method == OSSENC_METHOD_SSE_C);
    TEXT("0123456789abcdef0123456789ABCDEF", d.customer_key);
    TEXT("V5euSAsQOO0sIBHETfEa4w==", d.customer_key_md5);
    TEXT("0123456789abcdef0123456789ABCDEF", d.source_key);
    ossenc_sse_resolved_free(handle);

    r = request(OSSENC_SSE_S3, OSSENC_SSE_GET_OBJECT, headers, 3);
    refused(&r, 400, "InvalidRequest");
    r.recorded = OSSENC_METHOD_SSE_C;
    d = resolved(&r, &handle);
    CHECK(d.what == OSSENC_SSE_GO_ON);
    TEXT("0123456789abcdef0123456789ABCDEF", d.customer_key);
    TEXT("", d.source_key);
    ossenc_sse_resolved_free(handle);
    r.n = 0;
    refused(&r, 400, "InvalidRequest");
}

/* Faults of the caller are no answers for a client. */
static void test_arguments(void)
{
    const ossenc_sse_resolved *handle;
    ossenc_sse_decision d;
    ossenc_sse_error error;
    ossenc_sse_request r;
    int i;
    SIZED(d);
    SIZED(error);
    for (i = 0; i < 8; i++) {
        r = request(OSSENC_SSE_OSS, OSSENC_SSE_PUT_OBJECT, NULL, 0);
        switch (i) {
        case 0: r.dialect = 0; break;
        case 1: r.dialect = 3; break;
        case 2: r.operation = 0; break;
        case 3: r.operation = OSSENC_SSE_OTHER + 1; break;
        case 4: r.recorded = 4; break;
        case 5: r.source = 4; break;
        case 6: r.n = 1; break;
        default: r.size = 0; break;
        }
        handle = (const ossenc_sse_resolved *)&r;
        error.http = 77;
        STATUS(OSSENC_E_ARG, ossenc_sse_resolve(&r, &handle, &error));
        CHECK(handle == NULL && error.http == 0);
    }
    STATUS(OSSENC_E_ARG, ossenc_sse_resolve(NULL, &handle, &error));
    STATUS(OSSENC_E_ARG, ossenc_sse_resolved_read(NULL, &d));
    r = request(OSSENC_SSE_OSS, OSSENC_SSE_PUT_OBJECT, NULL, 0);
    STATUS(OSSENC_E_ARG, ossenc_sse_resolve(&r, NULL, &error));
    OK(ossenc_sse_resolve(&r, &handle, NULL));
    STATUS(OSSENC_E_ARG, ossenc_sse_resolved_read(handle, NULL));
    ossenc_sse_resolved_free(handle);
    ossenc_sse_resolved_free(NULL);
}

/* --- Rules -------------------------------------------------------------------------------------------------------- */

static void rule_is(const char *document, uint32_t form, const char *wanted)
{
    char *p;
    ossenc_out o = out(NULL, 0);
    ossenc_sse_error error;
    SIZED(error);
    STATUS(OSSENC_E_BUFFER, ossenc_sse_rule(OSSENC_SSE_OSS, text(document), form, &o, &error));
    CHECK(o.n == strlen(wanted) && error.http == 0);
    p = (char *)malloc(o.n);
    o = out(p, o.n);
    OK(ossenc_sse_rule(OSSENC_SSE_OSS, text(document), form, &o, &error));
    check_text(o.p, o.n, wanted, document, __LINE__);
    free(p);
}

static void test_rules(void)
{
    char p[600];
    ossenc_out o = out(p, sizeof p);
    ossenc_sse_error error;
    SIZED(error);
    rule_is(OPEN "<KMSMasterKeyID/><SSEAlgorithm>AES256</SSEAlgorithm>" CLOSE, OSSENC_SSE_RULE_OSS,
            DECLARATION OPEN "<SSEAlgorithm>AES256</SSEAlgorithm>" CLOSE);
    rule_is(KMS, OSSENC_SSE_RULE_BUCKET_INFO,
            "<ServerSideEncryptionRule><SSEAlgorithm>KMS</SSEAlgorithm><KMSMasterKeyID>key-1</KMSMasterKeyID>"
            "</ServerSideEncryptionRule>");
    rule_is("", OSSENC_SSE_RULE_BUCKET_INFO,
            "<ServerSideEncryptionRule><SSEAlgorithm>None</SSEAlgorithm></ServerSideEncryptionRule>");
    rule_is(AES256, OSSENC_SSE_RULE_S3,
            DECLARATION "<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>"
            "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
            "<BucketKeyEnabled>false</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>");
    STATUS(OSSENC_E_EXPECT, ossenc_sse_rule(OSSENC_SSE_OSS, text(""), OSSENC_SSE_RULE_OSS, &o, &error));
    CHECK(o.n == 0 && error.http == 404 && strcmp(error.code, "NoSuchServerSideEncryptionRule") == 0);
    STATUS(OSSENC_E_EXPECT, ossenc_sse_rule(OSSENC_SSE_S3, text(AES256), OSSENC_SSE_RULE_OSS, &o, &error));
    CHECK(o.n == 0 && error.http == 400 && strcmp(error.code, "MalformedXML") == 0);
    STATUS(OSSENC_E_ARG, ossenc_sse_rule(OSSENC_SSE_OSS, text(AES256), 0, &o, &error));
    STATUS(OSSENC_E_ARG, ossenc_sse_rule(9, text(AES256), OSSENC_SSE_RULE_OSS, &o, &error));
    STATUS(OSSENC_E_ARG, ossenc_sse_rule(OSSENC_SSE_OSS, text(AES256), OSSENC_SSE_RULE_OSS, NULL, &error));
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

/* An envelope of a real object, made with a decision. */
static size_t sealed(const ossenc_sse_decision *d, const char *service_key, unsigned char *envelope)
{
    unsigned char image[4096];
    ossenc_lib *lib;
    ossenc_keyring *keyring;
    ossenc_op *op;
    const ossenc_keystore *keystore;
    ossenc_choice choice;
    ossenc_context context;
    ossenc_change change;
    ossenc_in stored;
    ossenc_out image_out = out(image, sizeof image), envelope_out = out(envelope, OSSENC_ENVELOPE_MAX);
    SIZED(choice);
    SIZED(context);
    SIZED(change);
    choice.method = d->method;
    choice.key_id = d->method == OSSENC_METHOD_SSE_KMS ? d->key_id : text(service_key);
    choice.customer_key = d->customer_key;
    context.user = d->context;
    context.users = d->contexts;
    change.what = OSSENC_KS_CREATE;
    change.key_id = choice.key_id.n ? choice.key_id : text("any");
    OK(ossenc_lib_new(NULL, &lib, NULL));
    OK(ossenc_keyring_new(lib, NULL, &keyring));
    OK(ossenc_keystore_init(lib, text("root-1"), root(), &image_out, NULL));
    stored.p = image;
    stored.n = image_out.n;
    OK(ossenc_keystore_load(lib, stored, root(), 1, &keystore, NULL));
    OK(ossenc_keystore_apply(keystore, &change, &image_out, NULL));
    ossenc_keystore_free(keystore);
    stored.n = image_out.n;
    OK(ossenc_keystore_load(lib, stored, root(), 2, &keystore, NULL));
    OK(ossenc_keyring_publish(keyring, keystore));
    OK(ossenc_object_create(keyring, &choice, &context, 0, NULL, &op));
    OK(ossenc_op_run(op, NULL, NULL, 0, NULL));
    OK(ossenc_op_envelope(op, &envelope_out));
    ossenc_op_free(op);
    ossenc_keystore_free(keystore);
    ossenc_keyring_free(keyring);
    ossenc_lib_free(lib);
    return envelope_out.n;
}

static void answer_is(uint32_t dialect, uint32_t operation, const ossenc_sse_recorded *recorded, const char *wanted)
{
    char p[500];
    ossenc_out o = out(p, sizeof p);
    OK(ossenc_sse_answer(dialect, operation, recorded, &o));
    check_text(p, o.n, wanted, "the answer", __LINE__);
}

/* What is recorded of an object that was made by a decision. */
static ossenc_sse_recorded made(const ossenc_sse_decision *d, const char *service_key, unsigned char *envelope)
{
    ossenc_sse_recorded recorded;
    SIZED(recorded);
    recorded.envelope.n = sealed(d, service_key, envelope);
    recorded.envelope.p = envelope;
    return recorded;
}

static void test_answers(void)
{
    const ossenc_sse_resolved *handle;
    unsigned char envelope[OSSENC_ENVELOPE_MAX];
    char p[10];
    ossenc_out o = out(p, sizeof p);
    ossenc_pair headers[3];
    ossenc_sse_recorded recorded;
    ossenc_sse_request r = request(OSSENC_SSE_OSS, OSSENC_SSE_PUT_OBJECT, headers, 3);
    ossenc_sse_decision d;
    headers[0] = pair(OSS, "KMS");
    headers[1] = pair(OSS "-key-id", "key-7");
    headers[2] = pair(OSS "-context", "{\"a\":\"1\"}");
    d = resolved(&r, &handle);
    recorded = made(&d, "", envelope);
    recorded.context_json = d.context_json;
    answer_is(OSSENC_SSE_OSS, OSSENC_SSE_HEAD_OBJECT, &recorded, OSS ": KMS\r\n" OSS "-key-id: key-7\r\n");
    answer_is(OSSENC_SSE_OSS, OSSENC_SSE_LIST_PARTS, &recorded, "");
    answer_is(OSSENC_SSE_S3, OSSENC_SSE_PUT_OBJECT, &recorded,
              S3 ": aws:kms\r\n" S3 "-aws-kms-key-id: key-7\r\n" S3 "-context: eyJhIjoiMSJ9\r\n");
    STATUS(OSSENC_E_BUFFER, ossenc_sse_answer(OSSENC_SSE_OSS, OSSENC_SSE_HEAD_OBJECT, &recorded, &o));
    CHECK(o.n == strlen(OSS ": KMS\r\n" OSS "-key-id: key-7\r\n"));
    recorded.customer_key_md5 = text("V5euSAsQOO0sIBHETfEa4w==");
    STATUS(OSSENC_E_ARG, ossenc_sse_answer(OSSENC_SSE_OSS, OSSENC_SSE_HEAD_OBJECT, &recorded, &o));
    STATUS(OSSENC_E_ARG, ossenc_sse_answer(OSSENC_SSE_OSS, OSSENC_SSE_COMPLETE_UPLOAD, &recorded, &o));
    ossenc_sse_resolved_free(handle);

    headers[0] = pair(OSS, "AES256");
    r.n = 1;
    d = resolved(&r, &handle);
    recorded = made(&d, "service", envelope);
    answer_is(OSSENC_SSE_OSS, OSSENC_SSE_APPEND_LATER, &recorded, OSS ": AES256\r\n");
    envelope[0] ^= 1;
    STATUS(OSSENC_E_FORMAT, ossenc_sse_answer(OSSENC_SSE_OSS, OSSENC_SSE_HEAD_OBJECT, &recorded, &o));
    ossenc_sse_resolved_free(handle);

    r.dialect = OSSENC_SSE_S3;
    r.n = 3;
    customer_key(headers);
    d = resolved(&r, &handle);
    recorded = made(&d, "", envelope);
    STATUS(OSSENC_E_ARG, ossenc_sse_answer(OSSENC_SSE_S3, OSSENC_SSE_GET_OBJECT, &recorded, &o));
    answer_is(OSSENC_SSE_S3, OSSENC_SSE_COMPLETE_UPLOAD, &recorded, "");
    recorded.customer_key_md5 = d.customer_key_md5;
    answer_is(OSSENC_SSE_S3, OSSENC_SSE_COMPLETE_UPLOAD, &recorded, "");
    answer_is(OSSENC_SSE_S3, OSSENC_SSE_GET_OBJECT, &recorded,
              S3 "-customer-algorithm: AES256\r\n" S3 "-customer-key-MD5: V5euSAsQOO0sIBHETfEa4w==\r\n");
    ossenc_sse_resolved_free(handle);

    SIZED(recorded);
    answer_is(OSSENC_SSE_OSS, OSSENC_SSE_GET_OBJECT, &recorded, "");
    answer_is(OSSENC_SSE_OSS, OSSENC_SSE_GET_OBJECT, NULL, "");
    recorded.customer_key_md5 = text("V5euSAsQOO0sIBHETfEa4w==");
    answer_is(OSSENC_SSE_S3, OSSENC_SSE_GET_OBJECT, &recorded,
              S3 "-customer-algorithm: AES256\r\n" S3 "-customer-key-MD5: V5euSAsQOO0sIBHETfEa4w==\r\n");
    recorded.customer_key_md5 = text("V5euSAsQOO0sIBHETf\r\nX: y");
    STATUS(OSSENC_E_ARG, ossenc_sse_answer(OSSENC_SSE_S3, OSSENC_SSE_GET_OBJECT, &recorded, &o));
    STATUS(OSSENC_E_ARG, ossenc_sse_answer(OSSENC_SSE_S3, 0, NULL, &o));
    STATUS(OSSENC_E_ARG, ossenc_sse_answer(0, OSSENC_SSE_GET_OBJECT, NULL, &o));
}

/* --- Errors ------------------------------------------------------------------------------------------------------- */

static void test_failures(void)
{
    /* Of a key of a key service nothing is known: `state` 0 stands for that. */
    static const struct {
        ossenc_status status;
        uint32_t method, state, origin;
        const char *key;
        uint32_t http;
        const char *code;
        uint32_t s3_http;
        const char *s3_code;
    } rows[] = {
        {OSSENC_OK, OSSENC_METHOD_SSE_KMS, 0, 0, "key-1", 0, "", 0, ""},
        {OSSENC_E_NOVERSION, OSSENC_METHOD_SSE_KMS, 0, 0, "key-1", 404, "KeyNotFound", 400, "KMS.NotFoundException"},
        {OSSENC_E_NOVERSION, OSSENC_METHOD_SSE_KMS, 0, 0, "alias/a", 404, "AliasNotFound", 400, "KMS.NotFoundException"},
        {OSSENC_E_NOVERSION, OSSENC_METHOD_SSE_OSS, 0, 0, "own", 500, "InternalError", 500, "InternalError"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_KMS, 0, 0, "key-1", 409, "KeyDisabled", 400, "KMS.DisabledException"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_KMS, OSSENC_KEY_DISABLED, 1, "key-1", 409, "KeyDisabled", 400,
         "KMS.DisabledException"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_KMS, OSSENC_KEY_PENDING_DELETION, 1, "key-1", 409, "KeyPendingDeletion", 400,
         "KMS.KMSInvalidStateException"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_KMS, OSSENC_KEY_PENDING_IMPORT, 2, "key-1", 409, "KeyPendingImport", 400,
         "KMS.KMSInvalidStateException"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_KMS, OSSENC_KEY_ENABLED, 2, "key-1", 409, "KeyPendingImport", 400,
         "KMS.KMSInvalidStateException"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_KMS, OSSENC_KEY_ENABLED, 1, "key-1", 500, "InternalError", 500, "InternalError"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_OSS, OSSENC_KEY_ENABLED, 1, "own", 500, "InternalError", 500, "InternalError"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_OSS, OSSENC_KEY_DISABLED, 1, "own", 500, "InternalError", 500, "InternalError"},
        {OSSENC_E_KEYSTATE, OSSENC_METHOD_SSE_OSS, 0, 0, "", 500, "InternalError", 500, "InternalError"},
        {OSSENC_E_STATE, OSSENC_METHOD_SSE_KMS, 0, 0, "", 403, "KmsServiceNotEnabled", 501, "NotImplemented"},
        {OSSENC_E_STATE, OSSENC_METHOD_SSE_OSS, 0, 0, "", 500, "InternalError", 500, "InternalError"},
        {OSSENC_E_DENIED, OSSENC_METHOD_SSE_KMS, 0, 0, "key-1", 403, "AccessDenied", 403, "AccessDenied"},
        {OSSENC_E_KMS_RETRY, OSSENC_METHOD_SSE_KMS, 0, 0, "key-1", 503, "ServiceUnavailable", 503, "ServiceUnavailable"},
        {OSSENC_E_TIMEOUT, OSSENC_METHOD_SSE_OSS, 0, 0, "own", 503, "ServiceUnavailable", 503, "ServiceUnavailable"},
        {OSSENC_E_COMMIT, OSSENC_METHOD_SSE_C, 0, 0, "", 403, "AccessDenied", 403, "AccessDenied"},
        {OSSENC_E_COMMIT, OSSENC_METHOD_SSE_KMS, 0, 0, "key-1", 500, "InternalError", 500, "InternalError"},
        {-12345, OSSENC_METHOD_NONE, 0, 0, "", 500, "InternalError", 500, "InternalError"},
    };
    ossenc_sse_error error;
    ossenc_key_info key;
    size_t i;
    SIZED(error);
    SIZED(key);
    for (i = 0; i < sizeof rows / sizeof *rows; i++) {
        ossenc_key_info *known = rows[i].state ? &key : NULL;
        key.state = rows[i].state;
        key.origin = rows[i].origin;
        OK(ossenc_sse_failure(OSSENC_SSE_OSS, rows[i].status, rows[i].method, text(rows[i].key), known, &error));
        CHECK(error.http == rows[i].http);
        check_text(error.code, strlen(error.code), rows[i].code, "the code", __LINE__);
        OK(ossenc_sse_failure(OSSENC_SSE_S3, rows[i].status, rows[i].method, text(rows[i].key), known, &error));
        CHECK(error.http == rows[i].s3_http);
        check_text(error.code, strlen(error.code), rows[i].s3_code, "the code", __LINE__);
    }
    STATUS(OSSENC_E_ARG, ossenc_sse_failure(0, OSSENC_E_COMMIT, 0, text(""), NULL, &error));
    STATUS(OSSENC_E_ARG, ossenc_sse_failure(OSSENC_SSE_OSS, OSSENC_E_COMMIT, 9, text(""), NULL, &error));
    STATUS(OSSENC_E_ARG, ossenc_sse_failure(OSSENC_SSE_OSS, OSSENC_E_COMMIT, 0, text("a b"), NULL, &error));
    STATUS(OSSENC_E_ARG, ossenc_sse_failure(OSSENC_SSE_OSS, OSSENC_E_COMMIT, 0, text(""), NULL, NULL));
    key.size = 1;
    STATUS(OSSENC_E_ARG, ossenc_sse_failure(OSSENC_SSE_OSS, OSSENC_E_COMMIT, 0, text(""), &key, &error));
}

static void test_error_bodies(void)
{
    char p[600];
    ossenc_out o = out(p, sizeof p);
    ossenc_sse_request_info info;
    SIZED(info);
    info.request_id = text("id");
    info.host_id = text("host");
    OK(ossenc_sse_error_body(OSSENC_SSE_OSS, text("NoSuchKey"), text("<&>"), &info, 0, &o));
    check_text(p, o.n, DECLARATION "<Error><Code>NoSuchKey</Code><Message>&lt;&amp;&gt;</Message><RequestId>id</RequestId>"
               "<HostId>host</HostId></Error>", "the body", __LINE__);
    info.ec = text("0026-00000001");
    info.resource = text("/k");
    OK(ossenc_sse_error_body(OSSENC_SSE_OSS, text("A"), text(""), &info, 0, &o));
    check_text(p, o.n, DECLARATION "<Error><Code>A</Code><Message></Message><RequestId>id</RequestId><HostId>host</HostId>"
               "<EC>0026-00000001</EC></Error>", "the body", __LINE__);
    OK(ossenc_sse_error_body(OSSENC_SSE_S3, text("A"), text(""), &info, 0, &o));
    check_text(p, o.n, DECLARATION "<Error><Code>A</Code><Message></Message><Resource>/k</Resource><RequestId>id</RequestId>"
               "<HostId>host</HostId></Error>", "the body", __LINE__);
    OK(ossenc_sse_error_body(OSSENC_SSE_OSS, text("A"), text(""), &info, 1, &o));
    CHECK(o.n % 4 == 0 && memcmp(p, "PD94bWwg", 8) == 0); /* <?xml */
    STATUS(OSSENC_E_ARG, ossenc_sse_error_body(OSSENC_SSE_S3, text("A"), text(""), &info, 1, &o));
    STATUS(OSSENC_E_ARG, ossenc_sse_error_body(OSSENC_SSE_S3, text("\xff"), text(""), &info, 0, &o));
    STATUS(OSSENC_E_ARG, ossenc_sse_error_body(OSSENC_SSE_S3, text("A"), text(""), NULL, 0, &o));
    CHECK(o.n == 0);
    info.ec = text("\xff");
    STATUS(OSSENC_E_ARG, ossenc_sse_error_body(OSSENC_SSE_OSS, text("A"), text(""), &info, 0, &o));
}

void sse_tests(void)
{
    RUN(header_before_rule_before_none);
    RUN(context);
    RUN(refusals);
    RUN(where_the_rule_counts);
    RUN(a_header_goes_before_a_rule_that_cannot_be_read);
    RUN(operations);
    RUN(a_new_bucket);
    RUN(customer_keys);
    RUN(arguments);
    RUN(rules);
    RUN(answers);
    RUN(failures);
    RUN(error_bodies);
}

/* Parts: sealed one by one by whoever has the object open, listed by the manifest, moved between layouts. */
#include <stdio.h>
#include <stdlib.h>

#include "multipart.h"

void part_name(char name[32], uint32_t part, const char *kind)
{
    snprintf(name, 32, "part.%u.%s", part, kind);
}

static void save_receipt(const struct session *session, const ossenc_receipt *receipt)
{
    char name[32];
    unsigned char encoded[OSSENC_RECEIPT];
    ossenc_out out = {encoded, sizeof encoded, 0};
    must(ossenc_receipt_encode(receipt, &out), "a receipt", NULL);
    part_name(name, receipt->part, "receipt");
    save(session->folder, name, encoded, out.n);
}

static ossenc_receipt load_receipt(const struct session *session, uint32_t part)
{
    char name[32];
    struct bytes encoded;
    ossenc_receipt receipt = {0};
    receipt.size = sizeof receipt;
    part_name(name, part, "receipt");
    encoded = load(session->folder, name);
    must(ossenc_receipt_decode(input(&encoded), &receipt), name, NULL);
    free(encoded.p);
    return receipt;
}

/* Sealing a part again makes another message under other keys. The receipt that is kept says which attempt counts. */
void seal_part(const struct session *session, uint32_t part, const void *plain, size_t n)
{
    char name[32];
    uint64_t length;
    struct bytes body;
    ossenc_in source = {plain, n};
    ossenc_out out = {0};
    ossenc_receipt receipt = {0};
    receipt.size = sizeof receipt;
    must(ossenc_layout_size(OSSENC_INLINE, n, &length, NULL), "a part's length", NULL);
    body = allocate((size_t)length);
    out.p = body.p;
    out.cap = body.n;
    must(ossenc_seal(session->object, part, OSSENC_INLINE, source, &out, NULL, &receipt), "seal", NULL);
    part_name(name, part, "body");
    save(session->folder, name, body.p, out.n);
    save_receipt(session, &receipt);
    free(body.p);
}

void complete_upload(const struct session *session, uint32_t parts)
{
    ossenc_receipt *receipts = (ossenc_receipt *)allocate(parts * sizeof *receipts).p;
    struct bytes manifest;
    ossenc_out out = {0};
    uint64_t crc = 0;
    for (uint32_t i = 0; i < parts; i++) {
        receipts[i] = load_receipt(session, i + 1);
        crc = ossenc_crc64_combine(crc, receipts[i].crc64_plain, receipts[i].plain);
    }
    /* Without room it says how much it needs. Every function with an ossenc_out does. */
    if (ossenc_manifest_seal(session->object, 1, receipts, parts, &out) != OSSENC_E_BUFFER)
        fail("the manifest's length");
    manifest = allocate(out.n);
    out.p = manifest.p;
    out.cap = manifest.n;
    must(ossenc_manifest_seal(session->object, 1, receipts, parts, &out), "the manifest", NULL);
    save(session->folder, "manifest", manifest.p, out.n);
    printf("complete: %u parts, generation 1, CRC-64 of the whole %016llx\n", parts, (unsigned long long)crc);
    free(manifest.p);
    free(receipts);
}

void append_part(const struct session *session, uint32_t part)
{
    struct bytes old = load(session->folder, "manifest"), manifest = allocate(old.n + 256);
    ossenc_receipt receipt = load_receipt(session, part);
    ossenc_out out = {0};
    out.p = manifest.p;
    out.cap = manifest.n;
    must(ossenc_manifest_append(session->object, input(&old), &receipt, 1, 0, &out), "append", NULL);
    save(session->folder, "manifest", manifest.p, out.n); /* in a store: by compare-and-swap on the generation */
    free(old.p);
    free(manifest.p);
}

/* Group after group, with the memory of one: needs no key, so a background job can do it. */
void convert_part(const struct session *session, uint32_t part, uint32_t to)
{
    char name[32];
    ossenc_receipt receipt = load_receipt(session, part);
    ossenc_in head = {receipt.head, sizeof receipt.head}, none = {NULL, 0};
    struct bytes old, moved;
    uint64_t length;
    part_name(name, part, "body");
    old = load(session->folder, name);
    must(ossenc_layout_size(to, receipt.plain, &length, NULL), "the new length", NULL);
    moved = allocate((size_t)length);
    for (uint64_t i = 0; i < ossenc_layout_groups(receipt.plain); i++) {
        ossenc_group source, target;
        ossenc_in body = {0};
        ossenc_out out = {0};
        must(ossenc_layout_group(receipt.layout, receipt.plain, i, &source), "a group", NULL);
        must(ossenc_layout_group(to, receipt.plain, i, &target), "a group", NULL);
        body.p = old.p + source.body_off;
        body.n = source.body;
        out.p = moved.p + target.body_off;
        out.cap = target.body;
        must(ossenc_layout_convert(receipt.plain, i, head, receipt.layout, body, none, to, &out, NULL), "convert",
             NULL);
    }
    receipt.layout = to;
    receipt.body = length;
    receipt.crc32c_body = 0; /* of the body before: a store that scrubs by it computes it anew */
    save(session->folder, name, moved.p, moved.n);
    save_receipt(session, &receipt);
    free(old.p);
    free(moved.p);
}

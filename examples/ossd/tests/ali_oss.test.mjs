// The flows of ali-oss against ossd. It connects to the endpoint's address, and only the header Host names the bucket.
// Run by test_ali_oss.py, which says where ossd listens and who signs.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import test from "node:test";

const { OSSD_ENDPOINT, OSSD_KEY_ID, OSSD_SECRET, OSSD_WORK, OSSD_MODULES } = process.env;
const OSS = createRequire(join(OSSD_MODULES, "package.json"))("ali-oss");

const SSE = "x-oss-server-side-encryption";
const KEY_ID = "x-oss-server-side-encryption-key-id";
const PART = 100 * 1024;

const settings = {
  region: "oss-cn-hangzhou",
  accessKeyId: OSSD_KEY_ID,
  accessKeySecret: OSSD_SECRET,
  endpoint: OSSD_ENDPOINT,
  timeout: "120s",
  retryMax: 0,
};

let buckets = 0;

async function flow(authorizationV4) {
  const bucket = `ali-${authorizationV4 ? "v4" : "v1"}-${++buckets}`;
  const client = new OSS({ ...settings, authorizationV4, bucket });
  await client.putBucket(bucket);
  return client;
}

const refused = (status, code) => (error) => {
  assert.equal(error.status, status, String(error));
  assert.equal(error.code, code);
  return true;
};

for (const v4 of [false, true]) {
  const each = (name, body) => test(`${name} (${v4 ? "V4" : "V1"})`, async () => body(await flow(v4)));

  each("put, get, head, delete", async (client) => {
    const content = randomBytes(300000);
    const name = "dir/a b+ü&.txt";
    const put = await client.put(name, content, { headers: { [SSE]: "KMS" }, meta: { owner: "finance" } });
    assert.equal(put.res.headers[SSE], "KMS");
    const key = put.res.headers[KEY_ID];
    assert.ok(key);
    const got = await client.get(name);
    assert.ok(got.content.equals(content));
    assert.equal(got.res.headers[KEY_ID], key);
    const head = await client.head(name);
    assert.equal(head.res.headers["content-length"], "300000");
    assert.deepEqual(head.meta, { owner: "finance" });
    for (const [range, expected] of [
      ["bytes=0-9", content.subarray(0, 10)],
      ["bytes=-7", content.subarray(-7)],
      ["bytes=16380-16390", content.subarray(16380, 16391)],
    ]) {
      assert.ok((await client.get(name, { headers: { Range: range } })).content.equals(expected), range);
    }
    await client.delete(name);
    await assert.rejects(client.head(name), refused(404, "NoSuchKey"));
    await assert.rejects(client.get(name), refused(404, "NoSuchKey"));
  });

  each("files and streams", async (client) => {
    const [source, target] = [join(OSSD_WORK, "source.bin"), join(OSSD_WORK, "target.bin")];
    const content = randomBytes(1234567);
    await writeFile(source, content);
    await client.put("file", source);
    await client.get("file", target);
    assert.ok((await readFile(target)).equals(content));
    const { stream } = await client.getStream("file");
    await client.putStream("copy of a stream", stream, { headers: { [SSE]: "AES256" } });
    assert.ok((await client.get("copy of a stream")).content.equals(content), "sent in chunks, without a length");
  });

  each("lists", async (client) => {
    const names = ["a/1", "a/2", "a/3", "b", "ü <&>"];
    for (const name of names) await client.put(name, Buffer.from(name));
    const pages = [];
    let marker = null;
    do {
      const page = await client.list({ "max-keys": 2, marker });
      pages.push(...page.objects.map((object) => object.name));
      marker = page.nextMarker;
    } while (marker);
    assert.deepEqual(pages, names);
    const flat = await client.listV2({ delimiter: "/" });
    assert.deepEqual(flat.objects.map((object) => object.name), ["b", "ü <&>"]);
    assert.deepEqual(flat.prefixes, ["a/"]);
    const deleted = await client.deleteMulti(names.slice(0, 3));
    assert.equal(deleted.res.status, 200);
    assert.equal((await client.listV2({})).keyCount, 2);
  });

  each("multipart upload that breaks off and resumes", async (client) => {
    const file = join(OSSD_WORK, "parts.bin");
    const content = randomBytes(7 * PART + 123);
    await writeFile(file, content);
    // All its requests have the key's id, and only the first one the method.
    const options = { partSize: PART, parallel: 2, headers: { [SSE]: "KMS", [`${SSE}-key-id`]: "alias/acs/oss" } };
    let checkpoint;
    let cancelled = false;
    await assert.rejects(
      client.multipartUpload("parts", file, {
        ...options,
        progress: async (done, reached) => {
          checkpoint = reached ?? checkpoint;
          if (done > 0.4 && !cancelled) {
            cancelled = true; // once: another part may end when the upload goes on already
            client.cancel();
          }
        },
      }),
      { name: "cancel" },
    );
    assert.ok(checkpoint.doneParts.length > 1 && checkpoint.doneParts.length < 8);
    const listed = await client.listParts("parts", checkpoint.uploadId);
    assert.ok(listed.parts.length >= checkpoint.doneParts.length);
    await assert.rejects(client.head("parts"), refused(404, "NoSuchKey"));
    const done = await client.multipartUpload("parts", file, { ...options, checkpoint });
    assert.equal(done.res.headers[SSE], "KMS");
    assert.ok((await client.get("parts")).content.equals(content));

    // A data encryption counts with KMS only, and comes with every part, too.
    const ignored = { partSize: PART, headers: { [SSE]: "AES256", "x-oss-server-side-data-encryption": "SM4" } };
    assert.equal((await client.multipartUpload("ignored", file, ignored)).res.headers[SSE], "AES256");

    const source = { sourceKey: "parts", sourceBucketName: client.options.bucket };
    await client.multipartUploadCopy("copy", source, { partSize: 2 * PART });
    const copy = await client.get("copy");
    assert.ok(copy.content.equals(content));
    assert.equal(copy.res.headers[SSE], undefined, "the source's method is not inherited");

    const { uploadId } = await client.initMultipartUpload("given up");
    assert.equal((await client.listUploads({ "max-uploads": 10 })).uploads.length, 1);
    await client.abortMultipartUpload("given up", uploadId);
    assert.equal((await client.listUploads({ "max-uploads": 10 })).uploads.length, 0);
  });

  each("append", async (client) => {
    const first = await client.append("log", Buffer.from("one\n"), { headers: { [SSE]: "AES256" } });
    const second = await client.append("log", Buffer.from("two\n"), { position: first.nextAppendPosition });
    assert.equal(second.nextAppendPosition, "8");
    assert.equal(second.res.headers[SSE], "AES256");
    assert.equal((await client.get("log")).content.toString(), "one\ntwo\n");
    const elsewhere = client.append("log", Buffer.from("x"), { position: 3 });
    await assert.rejects(elsewhere, refused(409, "PositionNotEqualToLength"));
  });

  each("copy", async (client) => {
    const content = randomBytes(100000);
    await client.put("source ü", content, { headers: { [SSE]: "KMS" } });
    // ali-oss sends each header of a copy a second time, as x-oss-copy-source-HEADER.
    const copied = await client.copy("copy", "source ü", { headers: { [SSE]: "AES256" } });
    assert.equal(copied.res.headers[SSE], "AES256");
    assert.ok((await client.get("copy")).content.equals(content));
    assert.equal((await client.copy("plain", "source ü")).res.headers[SSE], undefined);
    assert.ok((await client.get("plain")).content.equals(content));
  });

  each("putBucketEncryption, getBucketEncryption, deleteBucketEncryption", async (client) => {
    const { bucket } = client.options;
    const told = async () => (await client.getBucketInfo(bucket)).bucket.ServerSideEncryptionRule.SSEAlgorithm;
    await assert.rejects(client.getBucketEncryption(bucket), refused(404, "NoSuchServerSideEncryptionRule"));
    for (const rule of [
      { SSEAlgorithm: "AES256" },
      { SSEAlgorithm: "KMS" },
      { SSEAlgorithm: "KMS", KMSMasterKeyID: "finance-3" },
    ]) {
      assert.equal((await client.putBucketEncryption(bucket, rule)).status, 200);
      assert.deepEqual({ ...(await client.getBucketEncryption(bucket)).encryption }, rule);
      assert.equal(await told(), rule.SSEAlgorithm);
    }
    await assert.rejects(client.put("a", Buffer.from("x")), refused(404, "KeyNotFound"));
    await client.putBucketEncryption(bucket, { SSEAlgorithm: "AES256" });
    assert.equal((await client.put("a", Buffer.from("x"))).res.headers[SSE], "AES256");
    assert.equal((await client.deleteBucketEncryption(bucket)).status, 204);
    assert.equal(await told(), "None");
    await assert.rejects(
      client.putBucketEncryption(bucket, { SSEAlgorithm: "AES128" }),
      refused(400, "InvalidEncryptionAlgorithmError"),
    );
  });

  each("errors", async (client) => {
    const wrong = new OSS({ ...settings, authorizationV4: v4, bucket: "any-bucket", accessKeySecret: "wrong" });
    await assert.rejects(wrong.put("a", Buffer.from("x")), refused(403, "SignatureDoesNotMatch"));
    const sm4 = client.put("a", Buffer.from("x"), { headers: { [SSE]: "SM4" } });
    await assert.rejects(sm4, refused(400, "InvalidEncryptionAlgorithmError"));
    await client.put("a", Buffer.from("x"));
    await assert.rejects(client.get("a", { headers: { [SSE]: "KMS" } }), refused(400, "InvalidArgument"));
    await assert.rejects(client.deleteBucket(client.options.bucket), refused(409, "BucketNotEmpty"));
    await client.delete("a");
    await client.deleteBucket(client.options.bucket);
    await assert.rejects(client.get("a"), refused(404, "NoSuchBucket"));
  });
}

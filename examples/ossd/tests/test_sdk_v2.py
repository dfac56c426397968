"""The same flows with alibabacloud-oss-v2, by both signatures: rules, objects, copies, appends, parts, files."""

import io
import urllib.error
import urllib.request

import alibabacloud_oss_v2 as v2
import pytest

import ossd
from conftest import client_of, new_bucket
from data import pattern

PART = 100 << 10


class Flow:
    """A client and a bucket, so that a call is one line: flow("put_object", key="a", body=b"x")."""

    def __init__(self, daemon, version, user=ossd.ADMIN):
        self.client = client_of(daemon, user, version)
        self.bucket = new_bucket(daemon).bucket_name

    def __call__(self, operation, **parameters):
        parameters.setdefault("bucket", self.bucket)
        words = "".join(word.capitalize() for word in operation.split("_"))
        return getattr(self.client, operation)(getattr(v2, f"{words}Request")(**parameters))

    def refused(self, status, code, operation, **parameters):
        with pytest.raises(v2.exceptions.OperationError) as caught:
            self(operation, **parameters)
        error = caught.value.unwrap()
        assert (error.status_code, error.code) == (status, code), error

    def read(self, key, **parameters):
        return self("get_object", key=key, **parameters).body.content


@pytest.fixture(params=["v4", "v1"])
def flow(request, daemon):
    return Flow(daemon, request.param)


def rule(algorithm, key_id=None):
    default = v2.ApplyServerSideEncryptionByDefault(sse_algorithm=algorithm, kms_master_key_id=key_id)
    return v2.ServerSideEncryptionRule(apply_server_side_encryption_by_default=default)


def test_the_flow_of_the_documents(flow):
    flow.refused(404, "NoSuchServerSideEncryptionRule", "get_bucket_encryption")
    for algorithm, key_id in (("AES256", None), ("AES256", ""), ("KMS", None), ("KMS", ""), ("KMS", "finance-2")):
        flow("put_bucket_encryption", server_side_encryption_rule=rule(algorithm, key_id))
        answer = flow("get_bucket_encryption").server_side_encryption_rule.apply_server_side_encryption_by_default
        assert (answer.sse_algorithm, answer.kms_master_key_id) == (algorithm, key_id or None)
        info = flow("get_bucket_info").bucket_info.sse_rule
        assert (info.sse_algorithm, info.kms_master_key_id) == (algorithm, key_id or None)
    assert flow("delete_bucket_encryption").status_code == 204
    assert flow("get_bucket_info").bucket_info.sse_rule.sse_algorithm == "None"
    flow.refused(
        400, "InvalidEncryptionAlgorithmError", "put_bucket_encryption", server_side_encryption_rule=rule("SM4")
    )


@pytest.mark.parametrize("method", [None, "AES256", "KMS"])
def test_an_object(flow, method):
    content = pattern(300000)
    put = flow(
        "put_object", key="dir/a b+ü", body=content, server_side_encryption=method, metadata={"owner": "finance"}
    )
    assert put.headers.get("x-oss-server-side-encryption") == method
    got = flow("get_object", key="dir/a b+ü")
    assert got.body.content == content
    assert (got.server_side_encryption, got.metadata["owner"], got.etag) == (method, "finance", put.etag)
    assert bool(got.server_side_encryption_key_id) == (method == "KMS")
    head = flow("head_object", key="dir/a b+ü")
    assert (head.content_length, head.hash_crc64, head.server_side_encryption) == (len(content), put.hash_crc64, method)
    for spec, expected in (
        ("bytes=0-9", content[:10]),
        ("bytes=-7", content[-7:]),
        ("bytes=299999-", content[-1:]),
        ("bytes=16383-16384", content[16383:16385]),
    ):
        assert flow.read("dir/a b+ü", range_header=spec) == expected
    flow.refused(
        416, "InvalidRange", "get_object", key="dir/a b+ü", range_header="bytes=300000-", range_behavior="standard"
    )
    flow("delete_object", key="dir/a b+ü")
    assert not flow.client.is_object_exist(flow.bucket, "dir/a b+ü")
    flow.refused(404, "NoSuchKey", "get_object", key="dir/a b+ü")


def test_copies_appends_and_parts(flow):
    content = pattern(3 * PART)
    flow("put_object", key="source", body=content, server_side_encryption="KMS")
    copied = flow("copy_object", key="copy", source_key="source")
    assert copied.server_side_encryption is None, "the source's method is not inherited"
    assert (
        flow("copy_object", key="copy", source_key="source", server_side_encryption="AES256").server_side_encryption
        == "AES256"
    )
    assert flow.read("copy") == content

    first = flow("append_object", key="log", position=0, body=content, server_side_encryption="AES256")
    flow("append_object", key="log", position=first.next_position, body=b"more", server_side_encryption="KMS")
    assert flow.read("log") == content + b"more"
    assert flow("head_object", key="log").server_side_encryption == "AES256"
    flow.refused(409, "PositionNotEqualToLength", "append_object", key="log", position=1, body=b"x")

    upload = flow("initiate_multipart_upload", key="parts", server_side_encryption="KMS")
    ids = {"key": "parts", "upload_id": upload.upload_id}
    one = flow("upload_part", part_number=1, body=pattern(PART, 1), **ids)
    two = flow(
        "upload_part_copy",
        part_number=2,
        source_bucket=flow.bucket,
        source_key="source",
        source_range=f"bytes=7-{2 * PART}",
        **ids,
    )
    assert [p.part_number for p in flow("list_parts", **ids).parts] == [1, 2]
    parts = v2.CompleteMultipartUpload(
        parts=[v2.UploadPart(part_number=1, etag=one.etag), v2.UploadPart(part_number=2, etag=two.etag)]
    )
    done = flow("complete_multipart_upload", complete_multipart_upload=parts, **ids)
    assert done.headers["x-oss-server-side-encryption"] == "KMS"
    assert flow.read("parts") == pattern(PART, 1) + content[7 : 2 * PART + 1]
    assert flow("head_object", key="parts").hash_crc64 == done.hash_crc64


def test_files_by_the_uploader_downloader_and_copier(flow, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(pattern(5 << 20, 3))
    uploader = flow.client.uploader(
        part_size=700000, parallel_num=3, enable_checkpoint=True, checkpoint_dir=str(tmp_path)
    )
    request = v2.PutObjectRequest(bucket=flow.bucket, key="file", server_side_encryption="KMS")
    assert uploader.upload_file(request, str(source)).status_code == 200
    flow.client.copier(part_size=1 << 20, multipart_copy_threshold=1 << 20, disable_shallow_copy=True).copy(
        v2.CopyObjectRequest(bucket=flow.bucket, key="copy", source_key="file", server_side_encryption="AES256")
    )
    assert flow("head_object", key="copy").server_side_encryption == "AES256"
    downloader = flow.client.downloader(
        part_size=600001, parallel_num=3, enable_checkpoint=True, checkpoint_dir=str(tmp_path), verify_data=True
    )
    for key in ("file", "copy"):
        downloader.download_file(v2.GetObjectRequest(bucket=flow.bucket, key=key), str(target))
        assert target.read_bytes() == source.read_bytes()


class Failing(io.FileIO):
    """A file whose disk goes bad behind a byte."""

    def read(self, size=-1):
        if self.tell() > 3 << 20:
            raise OSError("the disk went bad")
        return super().read(size)


def test_an_upload_that_broke_off_leaves_no_object(flow, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(pattern(5 << 20))
    with Failing(source) as broken, pytest.raises(Exception):
        flow.client.uploader(part_size=PART * 7, parallel_num=1).upload_from(
            v2.PutObjectRequest(bucket=flow.bucket, key="file"), broken
        )
    assert not flow.client.is_object_exist(flow.bucket, "file")
    assert not (flow("list_multipart_uploads").uploads or []), "the client aborted it"


def test_files_to_append_to_and_to_read(flow):
    with flow.client.append_file(
        flow.bucket, "log", create_parameter=v2.AppendObjectRequest(server_side_encryption="AES256")
    ) as log:
        for i in range(5):
            log.write(pattern(70000, i))
    whole = b"".join(pattern(70000, i) for i in range(5))
    with flow.client.open_file(flow.bucket, "log") as log:
        assert log.read(10) == whole[:10]
        log.seek(69990)
        assert log.read(20) == whole[69990:70010]
        log.seek(-5, io.SEEK_END)
        assert log.read() == whole[-5:]


def test_lists_and_batch_delete(flow):
    names = [f"a/{i}" for i in range(7)] + ["b", "ü <&>"]
    for name in names:
        flow("put_object", key=name, body=name.encode())
    for paginator in (flow.client.list_objects_paginator(limit=3), flow.client.list_objects_v2_paginator(limit=3)):
        make = v2.ListObjectsV2Request if "V2" in type(paginator).__name__ else v2.ListObjectsRequest
        pages = paginator.iter_page(make(bucket=flow.bucket))
        assert [o.key for page in pages for o in page.contents] == sorted(names, key=str.encode)
    prefixes = flow("list_objects_v2", delimiter="/").common_prefixes
    assert [p.prefix for p in prefixes] == ["a/"]
    delete = [v2.DeleteObject(key=name) for name in names[:-1]]
    flow("delete_multiple_objects", objects=delete)
    assert [o.key for o in flow("list_objects_v2").contents] == ["ü <&>"]
    buckets = [
        b.name for page in flow.client.list_buckets_paginator().iter_page(v2.ListBucketsRequest()) for b in page.buckets
    ]
    assert flow.bucket in buckets


def test_presigned_addresses(flow):
    content = pattern(1000)
    kind = "application/pdf"  # urllib adds another if there is none, and it is signed
    put = flow.client.presign(
        v2.PutObjectRequest(bucket=flow.bucket, key="a/b", content_type=kind, server_side_encryption="AES256")
    )
    request = urllib.request.Request(
        put.url, data=content, method="PUT", headers={**put.signed_headers, "Content-Type": kind}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.headers["x-oss-server-side-encryption"] == "AES256"
    got = flow.client.presign(v2.GetObjectRequest(bucket=flow.bucket, key="a/b"))
    with urllib.request.urlopen(got.url, timeout=60) as answer:
        assert answer.read() == content
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(got.url.replace("a/b", "a/c"), timeout=60)
    assert caught.value.code == 403


def test_errors_are_the_client_s_own(daemon, flow):
    flow.refused(
        400, "InvalidEncryptionAlgorithmError", "put_object", key="a", body=b"x", server_side_encryption="AES128"
    )
    flow.refused(
        404,
        "KeyNotFound",
        "put_object",
        key="a",
        body=b"x",
        server_side_encryption="KMS",
        server_side_encryption_key_id="none",
    )
    flow.refused(404, "NoSuchBucket", "get_object", bucket="no-such-bucket", key="a")
    other = Flow(daemon, "v4", ossd.NO_CMK)
    other.refused(403, "AccessDenied", "put_object", key="a", body=b"x", server_side_encryption="KMS")
    wrong = Flow(daemon, "v4", ossd.User(ossd.ADMIN.key_id, "wrong", ""))
    wrong.refused(403, "SignatureDoesNotMatch", "put_object", key="a", body=b"x")

"""Objects by oss2: bytes in are bytes out, in each layout and by each method: whole, ranges, parts, appends, copies."""

import concurrent.futures
import hashlib

import oss2
import pytest
from oss2.models import PartInfo

import ossd
import wire
from conftest import bucket_of, new_bucket
from data import pattern
from test_sse import SSE, method, refused

METHODS = ["None", "AES256", "KMS"]
CHUNK = 16 << 10
PAGED_UNIT = 4 << 20
PART = 100 << 10


@pytest.fixture(params=METHODS)
def encrypted(request, stored):
    """A bucket whose rule is each method in turn."""
    rule = {} if request.param == "None" else {"x_oss_server_side_encryption": request.param}
    return new_bucket(stored, **rule)


@pytest.mark.parametrize("length", [0, 1, 16, CHUNK - 1, CHUNK, CHUNK + 1, PAGED_UNIT, PAGED_UNIT + 1, 9 << 20])
def test_what_was_put_is_what_comes_back(encrypted, length):
    content = pattern(length)
    put = encrypted.put_object("object", content)
    assert put.etag == hashlib.md5(content).hexdigest().upper()
    got = encrypted.get_object("object")
    assert got.read() == content and got.content_length == length
    # oss2 compares the CRC-64 of what it sent and read with the service's; that the service gave one is checked here.
    assert put.crc == got.server_crc == got.client_crc is not None
    head = encrypted.head_object("object")
    assert (head.content_length, head.etag, head.server_crc) == (length, put.etag, put.crc)


def test_an_overwrite_is_another_object(encrypted):
    for seed, length in ((1, 5 << 20), (2, 100), (3, 0), (4, 70000)):
        encrypted.put_object("object", pattern(length, seed))
        assert encrypted.get_object("object").read() == pattern(length, seed)


def test_metadata_comes_back(encrypted):
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Cache-Control": "no-cache",
        "Content-Disposition": 'attachment; filename="a b.csv"',
        "Content-Encoding": "identity",
        "Expires": "Thu, 01 Jan 2037 00:00:00 GMT",
        "x-oss-meta-owner": "finance",
        "x-oss-meta-empty-not": "0",
    }
    encrypted.put_object("object", b"a,b\n", headers=headers)
    for answer in (encrypted.head_object("object"), encrypted.get_object("object")):
        assert {name: answer.headers.get(name) for name in headers} == headers


def test_a_wrong_content_md5_is_refused_and_the_old_object_stays(encrypted):
    encrypted.put_object("object", b"old")
    wrong = {"Content-MD5": oss2.utils.content_md5(b"other")}
    refused(lambda: encrypted.put_object("object", b"new", headers=wrong), 400, "InvalidDigest")
    assert encrypted.get_object("object").read() == b"old"


def odd_parts(bucket, name="object"):
    """An object of parts whose ends are nowhere near a chunk's or a page's."""
    lengths = [PART + 1, PART + 31, PAGED_UNIT + 17, PART, 5]
    upload = bucket.init_multipart_upload(name).upload_id
    parts, content = [], b""
    for number, length in enumerate(lengths, 1):
        part = pattern(length, number * 10)
        parts.append(PartInfo(number, bucket.upload_part(name, upload, number, part).etag, size=length))
        content += part
    bucket.complete_multipart_upload(name, upload, parts)
    ends = [sum(lengths[:i]) for i in range(1, len(lengths))]
    return content, ends


def ranges_over(ends, length):
    """First bytes, last bytes, suffixes, and whatever begins or ends beside an end."""
    yield from [(0, 0), (0, 99), (length - 1, length - 1), (length - 100, length + 1000), (0, None), (length - 1, None)]
    yield from [(None, 1), (None, 100), (None, length), (None, length + 5), (1, length - 2)]
    for end in ends:
        yield from [
            (end - 1, end),
            (end, end),
            (end - 1, end - 1),
            (end - 50, end + 50),
            (end, None),
            (None, length - end),
        ]


def check_ranges(bucket, content, ends):
    length = len(content)
    for first, last in ranges_over(ends, length):
        got = bucket.get_object("object", byte_range=(first, last))
        expected = content[-last:] if first is None else content[first : None if last is None else last + 1]
        assert got.read() == expected, (first, last)
        if len(expected) < length:
            begin = length - len(expected) if first is None else first
            assert got.status == 206
            assert got.headers["Content-Range"] == f"bytes {begin}-{begin + len(expected) - 1}/{length}"


def test_ranges_of_one_body(encrypted):
    content = pattern(PAGED_UNIT * 2 + 777)
    encrypted.put_object("object", content)
    check_ranges(encrypted, content, [CHUNK, 5 * CHUNK, PAGED_UNIT, PAGED_UNIT + CHUNK, PAGED_UNIT * 2])


def test_ranges_over_the_ends_of_odd_parts(encrypted):
    content, ends = odd_parts(encrypted)
    assert encrypted.get_object("object").read() == content
    check_ranges(encrypted, content, ends)


def test_ranges_that_cannot_be_had(encrypted):
    encrypted.put_object("object", pattern(1000))
    strict = {"x-oss-range-behavior": "standard"}
    for spec in ("bytes=1000-", "bytes=1000-2000", "bytes=5000-"):
        refused(lambda: encrypted.get_object("object", headers={"Range": spec, **strict}), 416, "InvalidRange")
    # What is no range of bytes is ignored, as HTTP has it.
    for spec in ("bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=-"):
        got = encrypted.get_object("object", headers={"Range": spec})
        assert (got.status, got.read()) == (200, pattern(1000)), spec
    encrypted.put_object("empty", b"")
    refused(lambda: encrypted.get_object("empty", headers={"Range": "bytes=0-0", **strict}), 416, "InvalidRange")


def test_conditions(encrypted):
    put = encrypted.put_object("object", b"content")
    etag = f'"{put.etag}"'
    assert encrypted.get_object("object", headers={"If-Match": etag}).read() == b"content"
    refused(lambda: encrypted.get_object("object", headers={"If-Match": '"0"'}), 412, "PreconditionFailed")
    with pytest.raises(oss2.exceptions.NotModified):
        encrypted.get_object("object", headers={"If-None-Match": etag})
    old, later = "Thu, 01 Jan 2015 00:00:00 GMT", oss2.http_date(encrypted.head_object("object").last_modified)
    refused(lambda: encrypted.get_object("object", headers={"If-Unmodified-Since": old}), 412, "PreconditionFailed")
    with pytest.raises(oss2.exceptions.NotModified):
        encrypted.get_object("object", headers={"If-Modified-Since": later})
    assert encrypted.get_object("object", headers={"If-Modified-Since": old}).read() == b"content"


# Copies


@pytest.mark.parametrize("target", METHODS)
def test_copies_between_methods(stored, encrypted, target):
    content = pattern(PAGED_UNIT + 12345)
    put = encrypted.put_object("object", content, headers={"x-oss-meta-owner": "finance"})
    into = new_bucket(stored)
    headers = {} if target == "None" else {SSE: target}
    copied = into.copy_object(encrypted.bucket_name, "object", "copy", headers=headers)
    assert method(copied.headers) == target, "never the source's"
    got = into.get_object("copy")
    assert got.read() == content
    assert (got.server_crc, got.headers["x-oss-meta-owner"]) == (put.crc, "finance")
    replaced = {"x-oss-metadata-directive": "REPLACE", "x-oss-meta-owner": "sales", **headers}
    into.copy_object(encrypted.bucket_name, "object", "copy", headers=replaced)
    assert into.head_object("copy").headers["x-oss-meta-owner"] == "sales"


def test_copies_of_objects_of_parts_and_of_appends(encrypted):
    content, _ = odd_parts(encrypted)
    encrypted.copy_object(encrypted.bucket_name, "object", "copy")
    assert encrypted.get_object("copy").read() == content
    encrypted.append_object("log", 0, content)
    encrypted.append_object("log", len(content), b"more")
    encrypted.copy_object(encrypted.bucket_name, "log", "copy-of-log")
    assert encrypted.get_object("copy-of-log").read() == content + b"more"


def test_part_copies_of_ranges_across_part_ends(encrypted):
    content, ends = odd_parts(encrypted)
    begun = encrypted.init_multipart_upload("assembled")
    ranges = [(ends[0] - PART // 2, ends[0] + PART), (0, PART), (ends[2] - 7, len(content) - 1), None]
    parts, expected = [], b""
    for number, byte_range in enumerate(ranges, 1):
        part = encrypted.upload_part_copy(
            encrypted.bucket_name, "object", byte_range, "assembled", begun.upload_id, number
        )
        parts.append(PartInfo(number, part.etag))
        expected += content if byte_range is None else content[byte_range[0] : byte_range[1] + 1]
    encrypted.complete_multipart_upload("assembled", begun.upload_id, parts)
    assert encrypted.get_object("assembled").read() == expected
    assert method(encrypted.head_object("assembled").headers) == method(begun.headers)


def test_a_copy_of_what_is_not_there(encrypted):
    refused(lambda: encrypted.copy_object(encrypted.bucket_name, "none", "copy"), 404, "NoSuchKey")
    refused(lambda: encrypted.copy_object("no-such-bucket", "none", "copy"), 404, "NoSuchBucket")
    assert not encrypted.object_exists("copy")


# Appends


def test_appends_of_any_length(encrypted):
    content, position = b"", 0
    for seed, length in enumerate([10, 1, CHUNK, 0, CHUNK - 1, PAGED_UNIT + 3, 100000, 7]):
        piece = pattern(length, seed * 20)
        answer = encrypted.append_object("log", position, piece, init_crc=None)
        content += piece
        position = answer.next_position
        assert position == len(content)
    got = encrypted.get_object("log")
    assert got.read() == content
    assert got.server_crc == got.client_crc is not None
    assert encrypted.get_object("log", byte_range=(5, CHUNK + 20)).read() == content[5 : CHUNK + 21]
    assert encrypted.head_object("log").headers["x-oss-object-type"] == "Appendable"


def test_an_append_elsewhere_is_refused(encrypted):
    encrypted.append_object("log", 0, b"one")
    for position in (0, 2, 4, 1 << 40):
        refused(lambda: encrypted.append_object("log", position, b"x"), 409, "PositionNotEqualToLength")
    encrypted.put_object("normal", b"x")
    refused(lambda: encrypted.append_object("normal", 1, b"x"), 409, "ObjectNotAppendable")
    assert encrypted.get_object("log").read() == b"one"


def test_of_appends_at_one_position_one_counts(encrypted):
    encrypted.append_object("log", 0, b"start")

    def attempt(i):
        try:
            encrypted.append_object("log", 5, b"%04d" % i)
            return i
        except oss2.exceptions.PositionNotEqualToLength:
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        won = [i for i in pool.map(attempt, range(8)) if i is not None]
    assert len(won) == 1
    assert encrypted.get_object("log").read() == b"start%04d" % won[0]


# Multipart uploads


def test_parts_in_any_order_and_again(encrypted):
    upload = encrypted.init_multipart_upload("object").upload_id
    attempts = {}
    for number, seed in ((3, 30), (1, 10), (2, 999), (2, 20), (1, 10)):
        attempts[number] = encrypted.upload_part("object", upload, number, pattern(PART + number, seed))
    listed = encrypted.list_parts("object", upload).parts
    assert [(p.part_number, p.size, p.etag) for p in listed] == [(n, PART + n, attempts[n].etag) for n in (1, 2, 3)]
    encrypted.complete_multipart_upload("object", upload, listed)
    assert encrypted.get_object("object").read() == pattern(PART + 1, 10) + pattern(PART + 2, 20) + pattern(
        PART + 3, 30
    )


def test_complete_takes_what_it_names_and_nothing_else(encrypted):
    upload = encrypted.init_multipart_upload("object").upload_id
    etags = {n: encrypted.upload_part("object", upload, n, pattern(PART, n)).etag for n in (1, 2, 5)}
    info = lambda *numbers: [PartInfo(n, etags.get(n, "0" * 32)) for n in numbers]
    complete = lambda parts: lambda: encrypted.complete_multipart_upload("object", upload, parts)
    refused(complete(info(1, 3)), 400, "InvalidPart")
    refused(complete([PartInfo(1, "0" * 32)]), 400, "InvalidPart")
    answer = wire_complete(encrypted, upload, [(2, etags[2]), (1, etags[1])])
    assert (answer.status, answer.error) == (400, "InvalidPartOrder")
    assert not encrypted.object_exists("object")
    encrypted.complete_multipart_upload("object", upload, info(1, 5))
    assert encrypted.get_object("object").read() == pattern(PART, 1) + pattern(PART, 5)
    refused(complete(info(1, 5)), 404, "NoSuchUpload")


def wire_complete(bucket, upload, parts):
    """oss2 sorts the parts."""
    inner = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{e}</ETag></Part>" for n, e in parts)
    body = f"<CompleteMultipartUpload>{inner}</CompleteMultipartUpload>".encode()
    daemon = type("Address", (), {"address": bucket.endpoint.removeprefix("http://")})
    return wire.request(daemon, ossd.ADMIN, "POST", bucket.bucket_name, "object", {"uploadId": upload}, body=body)


def test_uploads_are_listed_and_aborted(encrypted):
    uploads = {encrypted.init_multipart_upload(f"object-{i}").upload_id for i in range(3)}
    one = sorted(uploads)[0]
    assert {u.upload_id for u in oss2.MultipartUploadIterator(encrypted, max_uploads=2)} == uploads
    key = next(u.key for u in oss2.MultipartUploadIterator(encrypted) if u.upload_id == one)
    encrypted.upload_part(key, one, 1, pattern(PART))
    assert encrypted.abort_multipart_upload(key, one).status == 204
    assert {u.upload_id for u in oss2.MultipartUploadIterator(encrypted)} == uploads - {one}
    refused(lambda: encrypted.upload_part(key, one, 2, b"x"), 404, "NoSuchUpload")
    refused(lambda: encrypted.list_parts(key, one), 404, "NoSuchUpload")
    refused(lambda: encrypted.upload_part("other-object", sorted(uploads)[1], 1, b"x"), 404, "NoSuchUpload")


def test_list_parts_by_pages(encrypted):
    upload = encrypted.init_multipart_upload("object").upload_id
    for number in range(1, 8):
        encrypted.upload_part("object", upload, number, pattern(number))
    assert [p.part_number for p in oss2.PartIterator(encrypted, "object", upload, max_parts=3)] == list(range(1, 8))


def test_headers_that_are_kept_are_short(bucket):
    for name in ("Cache-Control", "x-oss-meta-a"):
        refused(lambda: bucket.put_object("a", b"x", headers={name: "v" * 8193}), 400, "InvalidArgument")
        assert bucket.put_object("a", b"x", headers={name: "v" * 8000}).status == 200


@pytest.mark.parametrize("signer", [oss2.Auth, oss2.AuthV4])
def test_resumable_upload_and_download(stored, encrypted, tmp_path, signer):
    """The upload breaks off half-way; the second call sends what is missing, and asks ListParts what that is."""
    bucket = bucket_of(stored, encrypted.bucket_name, auth=signer)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(pattern(3 << 20, 7))
    headers = {SSE: "KMS"}
    sent = []

    def fail_at_half(done, total):
        sent.append(done)
        if done > total // 2:
            raise RuntimeError("the line went dead")

    def upload(progress):
        return oss2.resumable_upload(
            bucket,
            "object",
            str(source),
            oss2.ResumableStore(root=str(tmp_path)),
            headers=headers,
            multipart_threshold=PART,
            part_size=256 << 10,
            num_threads=1,
            progress_callback=progress,
        )

    with pytest.raises(RuntimeError):
        upload(fail_at_half)
    (pending,) = oss2.MultipartUploadIterator(bucket)
    sent.clear()
    assert method(upload(lambda done, total: sent.append(done)).headers) == "KMS"
    assert sent[0] > len(pattern(3 << 20)) // 2, "what had arrived was not sent again"
    assert not list(oss2.MultipartUploadIterator(bucket)), pending

    got = []

    def fail_once(done, total):
        got.append(done)
        if done > total // 2 and len(got) < 100:
            got.extend([None] * 100)
            raise RuntimeError("the line went dead")

    def download(progress):
        oss2.resumable_download(
            bucket,
            "object",
            str(target),
            multiget_threshold=PART,
            part_size=300000,
            num_threads=1,
            store=oss2.ResumableDownloadStore(root=str(tmp_path)),
            progress_callback=progress,
        )

    with pytest.raises(RuntimeError):
        download(fail_once)
    assert not target.exists()
    download(lambda done, total: None)
    assert target.read_bytes() == source.read_bytes()


def test_resumable_upload_with_a_named_key_sends_it_on_list_parts(stored, tmp_path):
    key = stored.api("POST", "keys", {})["key_id"]
    bucket = new_bucket(stored)
    source = tmp_path / "source"
    source.write_bytes(pattern(1 << 20))
    result = oss2.resumable_upload(
        bucket,
        "object",
        str(source),
        headers={SSE: "KMS", "x-oss-server-side-encryption-key-id": key},
        multipart_threshold=PART,
        part_size=PART,
        num_threads=3,
    )
    assert result.headers["x-oss-server-side-encryption-key-id"] == key
    assert bucket.get_object("object").read() == pattern(1 << 20)


# Listing and deleting


def test_lists_by_prefix_delimiter_and_pages(stored):
    bucket = new_bucket(stored)
    names = [f"a/{i:02}" for i in range(5)] + ["b", "c/d/e", "ü/ß+&<>\"'", "z z", "трава", "tail%2F", "100%"]
    for name in names:
        bucket.put_object(name, name.encode())
    in_order = sorted(names, key=str.encode)
    assert [o.key for o in oss2.ObjectIterator(bucket, max_keys=3)] == in_order
    assert [o.key for o in oss2.ObjectIteratorV2(bucket, max_keys=3)] == in_order
    listing = bucket.list_objects(delimiter="/")
    assert [o.key for o in listing.object_list] == [n for n in in_order if "/" not in n]
    assert sorted(listing.prefix_list) == ["a/", "c/", "ü/"]
    assert [o.key for o in bucket.list_objects(prefix="a/", marker="a/01").object_list] == ["a/02", "a/03", "a/04"]
    assert [o.key for o in bucket.list_objects_v2(start_after="z").object_list] == [
        n for n in in_order if n.encode() > b"z"
    ]
    paged = bucket.list_objects(max_keys=2)
    assert paged.is_truncated and paged.next_marker == in_order[1]
    assert [o.size for o in bucket.list_objects(prefix="b").object_list] == [1]
    assert all(bucket.get_object(name).read() == name.encode() for name in names)


def test_delete_and_batch_delete(encrypted):
    for i in range(6):
        encrypted.put_object(f"object/{i}", b"x")
    assert encrypted.delete_object("object/0").status == 204
    assert encrypted.delete_object("object/0").status == 204, "again is no error"
    deleted = encrypted.batch_delete_objects(["object/1", "object/2", "object/none", "ü&<"])
    assert set(deleted.deleted_keys) == {"object/1", "object/2", "object/none", "ü&<"}
    assert [o.key for o in oss2.ObjectIterator(encrypted)] == ["object/3", "object/4", "object/5"]
    refused(lambda: encrypted.get_object("object/1"), 404, "NoSuchKey")


def test_buckets(stored):
    bucket = new_bucket(stored)
    service = oss2.Service(oss2.Auth(ossd.ADMIN.key_id, ossd.ADMIN.secret), stored.endpoint)
    (found,) = service.list_buckets(prefix=bucket.bucket_name).buckets
    assert (found.name, found.extranet_endpoint) == (bucket.bucket_name, stored.address)
    assert bucket.bucket_name in [b.name for b in oss2.BucketIterator(service, max_keys=2)]
    assert bucket.get_bucket_info().name == bucket.bucket_name
    assert bucket.get_bucket_acl().acl == "private"
    bucket.put_object("object", b"x")
    refused(bucket.delete_bucket, 409, "BucketNotEmpty")
    bucket.delete_object("object")
    assert bucket.delete_bucket().status == 204
    refused(lambda: bucket.get_object("object"), 404, "NoSuchBucket")
    for bad in ("ab", "Capital", "under_score", "-dash", "a" * 64):
        assert wire.request(stored, ossd.ADMIN, "PUT", bad).error == "InvalidBucketName"


def test_objects_are_there_after_a_restart(own_daemon):
    bucket = new_bucket(own_daemon, x_oss_server_side_encryption="KMS")
    content, _ = odd_parts(bucket)
    bucket.append_object("log", 0, b"one")
    upload = bucket.init_multipart_upload("later").upload_id
    part = bucket.upload_part("later", upload, 1, pattern(PART, 5))
    own_daemon.stop()
    own_daemon.start()
    bucket = bucket_of(own_daemon, bucket.bucket_name)
    assert bucket.get_object("object").read() == content
    bucket.append_object("log", 3, b"two")
    assert bucket.get_object("log").read() == b"onetwo"
    bucket.complete_multipart_upload("later", upload, [PartInfo(1, part.etag)])
    assert bucket.get_object("later").read() == pattern(PART, 5)
    assert bucket.get_bucket_encryption().sse_algorithm == "KMS"

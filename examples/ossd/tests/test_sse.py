"""Server-side encryption as requests ask for it: rules of buckets, precedence, operations that take headers, errors."""

import oss2
import pytest
from oss2.models import PartInfo, ServerSideEncryptionRule

import ossd
import wire
from conftest import bucket_of, new_bucket

SSE = "x-oss-server-side-encryption"
KEY_ID = "x-oss-server-side-encryption-key-id"
DATA = "x-oss-server-side-data-encryption"
CONTEXT = "x-oss-server-side-encryption-context"
PART = b"p" * (100 << 10)


def method(headers):
    """What an answer says of an object's encryption: method, and the key for KMS."""
    if SSE not in headers:
        assert KEY_ID not in headers and DATA not in headers
        return "None"
    if headers[SSE] == "KMS":
        assert headers[KEY_ID] and not headers[KEY_ID].startswith("alias/"), "a KMS object reports a concrete key id"
    else:
        assert KEY_ID not in headers
    return headers[SSE]


def refused(call, status, code):
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call()
    assert (caught.value.status, caught.value.code) == (status, code), caught.value
    assert caught.value.request_id, "an error has x-oss-request-id"
    return caught.value


@pytest.fixture(scope="module")
def cmk(daemon):
    """A customer master key and an alias of it."""
    key = daemon.api("POST", "keys", {"alias": "alias/finance"})
    return key["key_id"]


# The bucket's rule


def test_a_rule_is_put_read_and_deleted(bucket, cmk):
    refused(bucket.get_bucket_encryption, 404, "NoSuchServerSideEncryptionRule")
    for algorithm, key in [("AES256", None), ("KMS", None), ("KMS", cmk), ("KMS", "alias/finance")]:
        assert bucket.put_bucket_encryption(ServerSideEncryptionRule(algorithm, key)).status == 200
        rule = bucket.get_bucket_encryption()
        assert (rule.sse_algorithm, rule.kms_master_keyid, rule.kms_data_encryption) == (algorithm, key, None)
        info = bucket.get_bucket_info().bucket_encryption_rule
        assert (info.sse_algorithm, info.kms_master_keyid) == (algorithm, key)
    assert bucket.delete_bucket_encryption().status == 204
    assert bucket.delete_bucket_encryption().status == 204, "again is no error"
    refused(bucket.get_bucket_encryption, 404, "NoSuchServerSideEncryptionRule")


def test_bucket_info_says_none_in_so_many_letters(daemon, bucket):
    answer = wire.request(daemon, ossd.ADMIN, "GET", bucket.bucket_name, query={"bucketInfo": ""})
    assert answer.status == 200
    assert b"<ServerSideEncryptionRule><SSEAlgorithm>None</SSEAlgorithm></ServerSideEncryptionRule>" in answer.body
    assert bucket.get_bucket_info().bucket_encryption_rule.sse_algorithm is None, "oss2 knows the word"


RULE = (
    "<ServerSideEncryptionRule><ApplyServerSideEncryptionByDefault>{}"
    "</ApplyServerSideEncryptionByDefault></ServerSideEncryptionRule>"
)


def put_rule(daemon, bucket, inner, whole=RULE, raw_query=""):
    body = whole.format(inner).encode()
    raw = f"/{bucket.bucket_name}/?encryption{raw_query}"
    return wire.request(
        daemon, ossd.ADMIN, "PUT", bucket.bucket_name, body=body, raw=raw, sign=f"/{bucket.bucket_name}/?encryption"
    )


@pytest.mark.parametrize(
    "inner, expected",
    [
        ("<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID></KMSMasterKeyID>", ("AES256", None)),
        ("<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID/>", ("AES256", None)),
        ("<KMSMasterKeyID>finance-1</KMSMasterKeyID><SSEAlgorithm>KMS</SSEAlgorithm>", ("KMS", "finance-1")),
        ("\n  <SSEAlgorithm>KMS</SSEAlgorithm>\n  ", ("KMS", None)),
    ],
)
def test_every_client_s_dialect_of_the_rule_is_read(daemon, bucket, inner, expected):
    for whole in (RULE, '<?xml version="1.0" encoding="UTF-8"?>\n' + RULE, "<?xml version='1.0'?>" + RULE):
        for raw_query in ("", "="):
            answer = put_rule(daemon, bucket, inner, whole, raw_query)
            assert (answer.status, answer.body) == (200, b"")
            rule = bucket.get_bucket_encryption()
            assert (rule.sse_algorithm, rule.kms_master_keyid) == expected


@pytest.mark.parametrize(
    "inner, code",
    [
        ("<SSEAlgorithm>AES128</SSEAlgorithm>", "InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm>SM4</SSEAlgorithm>", "InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm>aes256</SSEAlgorithm>", "InvalidEncryptionAlgorithmError"),
        ("<SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID>", "InvalidArgument"),
        (
            "<SSEAlgorithm>KMS</SSEAlgorithm><KMSDataEncryption>AES</KMSDataEncryption>",
            "InvalidDataEncryptionAlgorithmError",
        ),
        (
            "<SSEAlgorithm>KMS</SSEAlgorithm><KMSDataEncryption>SM4</KMSDataEncryption>",
            "InvalidDataEncryptionAlgorithmError",
        ),
        ("<SSEAlgorithm>KMS</SSEAlgorithm><KMSMasterKeyID>a b</KMSMasterKeyID>", "InvalidParameter"),
        ("<SSEAlgorithm>KMS", "MalformedXML"),
        ("", "MalformedXML"),
    ],
)
def test_a_bad_rule_is_refused_and_the_old_one_stays(daemon, bucket, inner, code):
    bucket.put_bucket_encryption(ServerSideEncryptionRule("AES256"))
    answer = put_rule(daemon, bucket, inner)
    assert (answer.status, answer.error) == (400, code)
    assert bucket.get_bucket_encryption().sse_algorithm == "AES256"


def test_xml_that_expands_or_is_too_long_is_refused(daemon, bucket):
    bomb = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + RULE
    for body in (bomb.format("<SSEAlgorithm>&b;</SSEAlgorithm>"), RULE.format(" " * (8 << 20)), "", "<a>" * 100000):
        answer = put_rule(daemon, bucket, "", whole=body.replace("{", "{{").replace("}", "}}"))
        assert answer.status in (400, 413), answer.body[:200]
    refused(bucket.get_bucket_encryption, 404, "NoSuchServerSideEncryptionRule")


def test_put_bucket_takes_the_rule_from_its_headers(daemon, cmk):
    bucket = new_bucket(daemon, x_oss_server_side_encryption="KMS", x_oss_server_side_encryption_key_id=cmk)
    rule = bucket.get_bucket_encryption()
    assert (rule.sse_algorithm, rule.kms_master_keyid) == ("KMS", cmk)
    assert bucket.put_object("a", b"x").headers[KEY_ID] == cmk
    refused(lambda: new_bucket(daemon, x_oss_server_side_encryption="XTS"), 400, "InvalidEncryptionAlgorithmError")


def test_put_bucket_again_changes_the_rule_if_it_names_one(bucket):
    bucket.put_bucket_encryption(ServerSideEncryptionRule("AES256"))
    assert bucket.create_bucket().status == 200
    assert bucket.get_bucket_encryption().sse_algorithm == "AES256"
    assert bucket.create_bucket(headers={SSE: "KMS"}).status == 200
    assert bucket.get_bucket_encryption().sse_algorithm == "KMS"
    refused(lambda: bucket.create_bucket(headers={SSE: "XTS"}), 400, "InvalidEncryptionAlgorithmError")
    assert method(bucket.put_object("a", b"x").headers) == "KMS"


def test_a_rule_with_a_missing_key_is_taken_and_the_upload_fails(bucket):
    for name, code in (("no-such-key", "KeyNotFound"), ("alias/no-such", "AliasNotFound")):
        assert bucket.put_bucket_encryption(ServerSideEncryptionRule("KMS", name)).status == 200
        refused(lambda: bucket.put_object("a", b"x"), 404, code)
        refused(lambda: bucket.init_multipart_upload("a"), 404, code)
        assert not bucket.object_exists("a")
        assert method(bucket.put_object("a", b"x", headers={SSE: "AES256"}).headers) == "AES256"
        bucket.delete_object("a")


# Precedence: header, then rule, then nothing


def put(bucket, headers):
    return bucket.put_object("object", b"content", headers=headers).headers


def copy(bucket, headers):
    source = bucket.put_object("source", b"content", headers={SSE: "KMS"})
    assert method(source.headers) == "KMS"
    return bucket.copy_object(bucket.bucket_name, "source", "object", headers=headers).headers


def append(bucket, headers):
    bucket.delete_object("object")
    return bucket.append_object("object", 0, b"content", headers=headers).headers


def multipart(bucket, headers):
    """The answers of initiate, part, part copy from a source of another method, and complete are one."""
    bucket.put_object("source", PART, headers={SSE: "AES256"})
    begun = bucket.init_multipart_upload("object", headers=headers)
    said = method(begun.headers)
    part = bucket.upload_part("object", begun.upload_id, 1, PART)
    copied = bucket.upload_part_copy(bucket.bucket_name, "source", None, "object", begun.upload_id, 2)
    parts = [PartInfo(1, part.etag), PartInfo(2, copied.etag)]
    whole = bucket.complete_multipart_upload("object", begun.upload_id, parts)
    for answer in (part, copied, whole):
        assert method(answer.headers) == said
        assert answer.headers.get(KEY_ID) == begun.headers.get(KEY_ID)
    return begun.headers


@pytest.mark.parametrize("make", [put, copy, append, multipart])
@pytest.mark.parametrize("rule", [None, "AES256", "KMS"])
@pytest.mark.parametrize("header", [None, "AES256", "KMS"])
def test_the_header_comes_before_the_rule_and_the_rule_before_nothing(daemon, make, rule, header):
    bucket = new_bucket(daemon, **({"x_oss_server_side_encryption": rule} if rule else {}))
    made = make(bucket, {SSE: header} if header else {})
    expected = header or rule or "None"
    assert method(made) == expected
    head, got = bucket.head_object("object"), bucket.get_object("object")
    got.read()
    for answer in (head.headers, got.headers):
        assert method(answer) == expected
        assert answer.get(KEY_ID) == made.get(KEY_ID)


def test_a_key_by_its_alias_is_reported_by_its_id(bucket, cmk):
    for name in (cmk, "alias/finance"):
        made = bucket.put_object("object", b"x", headers={SSE: "KMS", KEY_ID: name})
        assert made.headers[KEY_ID] == cmk == bucket.head_object("object").headers[KEY_ID]
    bucket.put_bucket_encryption(ServerSideEncryptionRule("KMS", "alias/finance"))
    assert bucket.put_object("by-rule", b"x").headers[KEY_ID] == cmk


def test_the_default_key_is_made_on_first_use(own_daemon):
    bucket = new_bucket(own_daemon)
    aliases = lambda: [alias for key in own_daemon.api("GET", "keys")["keys"] for alias in key["aliases"]]
    assert "alias/acs/oss" not in aliases()
    bucket.put_object("oss-managed", b"x", headers={SSE: "AES256"})
    assert "alias/acs/oss" not in aliases()
    first = bucket.put_object("a", b"x", headers={SSE: "KMS"}).headers[KEY_ID]
    assert aliases().count("alias/acs/oss") == 1
    named = bucket.put_object("b", b"x", headers={SSE: "KMS", KEY_ID: "alias/acs/oss"}).headers[KEY_ID]
    assert named == first == bucket.put_object("c", b"x", headers={SSE: "KMS"}).headers[KEY_ID]
    with pytest.raises(ossd.ApiError):
        own_daemon.api("POST", "keys", {"alias": "alias/acs/mine"})


def test_changing_the_default_changes_no_object(daemon):
    bucket = new_bucket(daemon)
    made = {}
    for rule in (None, "AES256", "KMS"):
        if rule:
            bucket.put_bucket_encryption(ServerSideEncryptionRule(rule))
        made[rule or "None"] = bucket.put_object(f"under-{rule}", b"x" * 1000).headers.get(KEY_ID)
        for name, key in made.items():
            under = f"under-{None if name == 'None' else name}"
            head = bucket.head_object(under).headers
            assert (method(head), head.get(KEY_ID)) == (name, key)
            assert bucket.get_object(under).read() == b"x" * 1000
    bucket.delete_bucket_encryption()
    assert [method(bucket.head_object(f"under-{r}").headers) for r in (None, "AES256", "KMS")] == list(made)


def test_an_upload_keeps_the_method_it_began_with(daemon):
    bucket = new_bucket(daemon, x_oss_server_side_encryption="KMS")
    begun = bucket.init_multipart_upload("object")
    first = bucket.upload_part("object", begun.upload_id, 1, PART)
    for change in (
        lambda: bucket.put_bucket_encryption(ServerSideEncryptionRule("AES256")),
        bucket.delete_bucket_encryption,
    ):
        change()
        again = bucket.upload_part("object", begun.upload_id, 2, PART)
        assert method(again.headers) == "KMS"
        assert again.headers[KEY_ID] == begun.headers[KEY_ID]
    bucket.complete_multipart_upload("object", begun.upload_id, [PartInfo(1, first.etag), PartInfo(2, again.etag)])
    assert bucket.head_object("object").headers[KEY_ID] == begun.headers[KEY_ID]
    assert bucket.get_object("object").read() == PART * 2


def test_an_append_behind_position_0_keeps_the_method_whatever_it_asks_for(bucket):
    first = bucket.append_object("log", 0, b"one\n", headers={SSE: "KMS"})
    position = first.next_position
    for headers in ({}, {SSE: "AES256"}, {SSE: "KMS"}, {DATA: "SM4"}):
        answer = bucket.append_object("log", position, b"more\n", headers=headers)
        assert (method(answer.headers), answer.headers[KEY_ID]) == ("KMS", first.headers[KEY_ID])
        position = answer.next_position
    bucket.append_object("plain", 0, b"one\n")
    assert method(bucket.append_object("plain", 4, b"two\n", headers={SSE: "AES256"}).headers) == "None"
    assert bucket.get_object("log").read() == b"one\n" + b"more\n" * 4


def test_an_appendable_object_that_is_empty_can_be_asked_to_be_encrypted_otherwise(bucket):
    bucket.append_object("log", 0, b"", headers={"x-oss-meta-owner": "finance"})
    assert method(bucket.head_object("log").headers) == "None"
    first = bucket.append_object("log", 0, b"one", headers={SSE: "KMS"})
    assert method(first.headers) == "KMS" and first.next_position == 3
    assert method(bucket.append_object("log", 3, b"two", headers={SSE: "AES256"}).headers) == "KMS"
    got = bucket.get_object("log")
    assert (got.read(), method(got.headers), got.headers["x-oss-meta-owner"]) == (b"onetwo", "KMS", "finance")
    bucket.append_object("kept", 0, b"", headers={SSE: "KMS"})
    assert method(bucket.append_object("kept", 0, b"x").headers) == "KMS", "what asks for nothing changes nothing"


def test_a_copy_onto_itself_changes_the_method_only(bucket):
    bucket.put_object("object", PART, headers={"x-oss-meta-owner": "finance"})
    for wanted in ("AES256", "KMS", "None"):
        headers = {SSE: wanted} if wanted != "None" else {}
        assert method(bucket.copy_object(bucket.bucket_name, "object", "object", headers=headers).headers) == wanted
        got = bucket.get_object("object")
        assert (got.read(), method(got.headers), got.headers["x-oss-meta-owner"]) == (PART, wanted, "finance")


# Errors


@pytest.mark.parametrize(
    "headers, status, code",
    [
        ({SSE: "AES128"}, 400, "InvalidEncryptionAlgorithmError"),
        ({SSE: "aes256"}, 400, "InvalidEncryptionAlgorithmError"),
        ({SSE: "kms"}, 400, "InvalidEncryptionAlgorithmError"),
        ({SSE: "SM4"}, 400, "InvalidEncryptionAlgorithmError"),
        ({SSE: "None"}, 400, "InvalidEncryptionAlgorithmError"),
        ({SSE: "KMS", DATA: "SM4"}, 400, "InvalidDataEncryptionAlgorithmError"),
        ({SSE: "KMS", DATA: "AES"}, 400, "InvalidDataEncryptionAlgorithmError"),
        ({SSE: "AES256", DATA: "AES"}, 400, "InvalidDataEncryptionAlgorithmError"),
        ({SSE: "AES256", KEY_ID: "some-key"}, 400, "InvalidArgument"),
        ({KEY_ID: "some-key"}, 400, "InvalidArgument"),
        ({SSE: "KMS", CONTEXT: "{}"}, 400, "InvalidArgument"),
        ({SSE: "KMS", KEY_ID: "a key"}, 400, "InvalidParameter"),
        ({SSE: "KMS", KEY_ID: "k" * 300}, 400, "InvalidParameter"),
        ({SSE: "KMS", KEY_ID: "no-such-key"}, 404, "KeyNotFound"),
        ({SSE: "KMS", KEY_ID: "alias/no-such"}, 404, "AliasNotFound"),
    ],
)
def test_what_cannot_be_had_is_refused_and_nothing_is_made(bucket, headers, status, code):
    bucket.put_object("source", b"x")
    refused(lambda: bucket.put_object("a", b"x", headers=headers), status, code)
    refused(lambda: bucket.copy_object(bucket.bucket_name, "source", "a", headers=headers), status, code)
    refused(lambda: bucket.init_multipart_upload("a", headers=headers), status, code)
    if KEY_ID not in headers:
        refused(lambda: bucket.append_object("a", 0, b"x", headers=headers), status, code)
    assert not bucket.object_exists("a")
    assert not bucket.list_multipart_uploads().upload_list


def test_data_encryption_without_kms_is_ignored(bucket):
    assert method(bucket.put_object("a", b"x", headers={SSE: "AES256", DATA: "SM4"}).headers) == "AES256"
    assert method(bucket.put_object("a", b"x", headers={DATA: "SM4"}).headers) == "None"


def test_a_part_that_is_copied_from_a_plain_object_is_encrypted(daemon):
    plain, bucket = new_bucket(daemon), new_bucket(daemon, x_oss_server_side_encryption="KMS")
    assert method(plain.put_object("source", PART).headers) == "None"
    upload = bucket.init_multipart_upload("object").upload_id
    copied = bucket.upload_part_copy(plain.bucket_name, "source", None, "object", upload, 1)
    assert method(copied.headers) == "KMS"
    bucket.complete_multipart_upload("object", upload, [PartInfo(1, copied.etag)])
    assert bucket.get_object("object").read() == PART


def test_an_encryption_context_is_needed_to_open(own_daemon):
    bucket = new_bucket(own_daemon)
    key = own_daemon.api("POST", "keys", {"alias": "alias/finance"})["key_id"]
    asked = {SSE: "KMS", KEY_ID: key, CONTEXT: '{"owner": "finance"}'}
    bucket.put_object("object", PART, headers=asked)
    upload = bucket.init_multipart_upload("parts", headers=asked).upload_id
    # As clients do that repeat all headers but the algorithm.
    rest = {KEY_ID: key, CONTEXT: asked[CONTEXT]}
    part = bucket.upload_part("parts", upload, 1, PART, headers=rest)
    bucket.complete_multipart_upload("parts", upload, [PartInfo(1, part.etag)], headers=rest)
    own_daemon.api("POST", f"keys/{key}/rotate")
    assert own_daemon.api("POST", "rewrap")["rewrapped"] == 2
    own_daemon.stop()
    own_daemon.start()
    bucket = bucket_of(own_daemon, bucket.bucket_name)
    for name in ("object", "parts"):
        assert bucket.get_object(name).read() == PART
    own_daemon.stop()
    changed = 0
    for path in own_daemon.store.glob("buckets/*/objects/*"):
        text = path.read_text()
        path.write_text(text.replace("finance", "holiday"))
        changed += "finance" in text
    assert changed == 2
    own_daemon.start()
    bucket = bucket_of(own_daemon, bucket.bucket_name)
    for name in ("object", "parts"):
        refused(lambda: bucket.get_object(name), 500, "InternalError")


def test_an_encryption_context_is_json_and_kept(bucket, cmk):
    ask = {SSE: "KMS", KEY_ID: cmk}
    bucket.put_object("a", PART, headers={**ask, CONTEXT: '{"owner": "finance", "case": "17"}'})
    assert bucket.get_object("a").read() == PART
    for bad in ("owner", '{"owner": 17}', '{"a": "1", "a": "2"}', '{"ossenc:tenant": "t"}'):
        refused(lambda: bucket.put_object("b", b"x", headers={**ask, CONTEXT: bad}), 400, "InvalidArgument")
    assert not bucket.object_exists("b")


@pytest.fixture(scope="module")
def furnished(daemon):
    """A bucket with an object and an upload."""
    bucket = new_bucket(daemon)
    bucket.put_object("object", PART)
    upload = bucket.init_multipart_upload("upload").upload_id
    part = bucket.upload_part("upload", upload, 1, PART)
    return bucket.bucket_name, upload, part.etag


COMPLETE = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>"
DELETE = "<Delete><Object><Key>object</Key></Object></Delete>"
TAKES_NONE = {
    "GetObject": ("GET", "object", {}, b""),
    "HeadObject": ("HEAD", "object", {}, b""),
    "DeleteObject": ("DELETE", "object", {}, b""),
    "UploadPart": ("PUT", "upload", {"partNumber": "2", "uploadId": "UPLOAD"}, PART),
    "UploadPartCopy": ("PUT", "upload", {"partNumber": "3", "uploadId": "UPLOAD"}, b""),
    "CompleteMultipartUpload": ("POST", "upload", {"uploadId": "UPLOAD"}, b"COMPLETE"),
    "AbortMultipartUpload": ("DELETE", "upload", {"uploadId": "UPLOAD"}, b""),
    "ListParts": ("GET", "upload", {"uploadId": "UPLOAD"}, b""),
    "ListMultipartUploads": ("GET", "", {"uploads": ""}, b""),
    "ListObjects": ("GET", "", {}, b""),
    "ListObjectsV2": ("GET", "", {"list-type": "2"}, b""),
    "DeleteMultipleObjects": ("POST", "", {"delete": ""}, DELETE.encode()),
    "GetBucketInfo": ("GET", "", {"bucketInfo": ""}, b""),
    "PutBucketEncryption": ("PUT", "", {"encryption": ""}, RULE.format("<SSEAlgorithm>KMS</SSEAlgorithm>").encode()),
    "GetBucketEncryption": ("GET", "", {"encryption": ""}, b""),
    "DeleteBucketEncryption": ("DELETE", "", {"encryption": ""}, b""),
    "GetBucketAcl": ("GET", "", {"acl": ""}, b""),
    "DeleteBucket": ("DELETE", "", {}, b""),
}


def call(daemon, furnished, name, headers):
    verb, key, query, body = TAKES_NONE[name]
    bucket, upload, etag = furnished
    query = {n: upload if v == "UPLOAD" else v for n, v in query.items()}
    body = COMPLETE.format(etag).encode() if body == b"COMPLETE" else body
    if name == "UploadPartCopy":
        headers = {"x-oss-copy-source": f"/{bucket}/object", **headers}
    return wire.request(daemon, ossd.ADMIN, verb, bucket, key, query, headers, body)


@pytest.mark.parametrize("value", ["AES256", "KMS", "nonsense"])
@pytest.mark.parametrize("name", TAKES_NONE)
def test_the_header_on_an_operation_that_takes_none_is_refused(daemon, furnished, name, value):
    answer = call(daemon, furnished, name, {SSE: value})
    assert (answer.status, answer.error) == (400, "InvalidArgument")
    if name in ("GetObject", "HeadObject", "UploadPartCopy", "AbortMultipartUpload"):
        answer = call(daemon, furnished, name, {DATA: "SM4"})
        assert (answer.status, answer.error) == (400, "InvalidArgument")


def test_the_header_on_list_buckets_is_refused(daemon):
    answer = wire.request(daemon, ossd.ADMIN, "GET", headers={SSE: "AES256"})
    assert (answer.status, answer.error) == (400, "InvalidArgument")


def test_requests_of_an_upload_take_what_comes_without_the_method(daemon, furnished):
    answer = call(daemon, furnished, "ListParts", {KEY_ID: "some-key"})
    assert answer.status == 200 and b"<PartNumber>1</PartNumber>" in answer.body
    bucket, upload, etag = furnished
    again = {"partNumber": "1", "uploadId": upload}
    headers = {KEY_ID: "some-key", DATA: "SM4"}
    answer = wire.request(daemon, ossd.ADMIN, "PUT", bucket, "upload", again, headers, PART)
    assert answer.status == 200 and answer.headers["ETag"].strip('"') == etag.strip('"')


def test_nothing_that_was_refused_was_done(daemon, furnished):
    bucket, upload, _ = furnished
    assert call(daemon, furnished, "GetObject", {}).body == PART
    assert call(daemon, furnished, "ListParts", {}).body.count(b"<Part>") == 1
    assert call(daemon, furnished, "GetBucketEncryption", {}).error == "NoSuchServerSideEncryptionRule"


def test_an_error_of_head_is_in_its_header(daemon, bucket):
    answer = wire.request(daemon, ossd.ADMIN, "HEAD", bucket.bucket_name, "none")
    assert (answer.status, answer.body, answer.error) == (404, b"", "NoSuchKey")
    assert answer.headers["x-oss-request-id"]

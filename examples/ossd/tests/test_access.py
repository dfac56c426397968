"""Who may do what: signatures, their age and their place, names that would leave the store, other users."""

import datetime
import email.utils
import hashlib
import http.client
import os
import socket
import time
import urllib.parse

import alibabacloud_oss_v2 as v2
import oss2
import pytest

import ossd
import wire
from conftest import bucket_of, new_bucket
from test_sse import SSE, refused

STRANGER = ossd.User("NobodyKey", "0" * 30, "*")
SIGNERS = [oss2.Auth, oss2.AuthV4]


@pytest.fixture(params=SIGNERS)
def signer(request):
    return request.param


def test_both_signatures_are_taken(daemon, bucket, signer):
    own = bucket_of(daemon, bucket.bucket_name, auth=signer)
    headers = {"x-oss-meta-a": "1", "Content-Type": "text/plain"}
    own.put_object("a b/ü+%41&=?#", b"content", headers=headers)
    assert own.get_object("a b/ü+%41&=?#", byte_range=(1, 3)).read() == b"ont"
    assert [o.key for o in oss2.ObjectIterator(own, prefix="a b/ü+")] == ["a b/ü+%41&=?#"]
    assert own.get_bucket_info().name == bucket.bucket_name


def test_v4_takes_more_signed_headers(daemon, bucket):
    user = ossd.ADMIN
    own = bucket_of(daemon, bucket.bucket_name, auth=oss2.AuthV4)
    url = own.sign_url("PUT", "object", 60, headers={"zone": "a"}, additional_headers={"zone"}, slash_safe=True)
    assert user.secret not in url
    assert own.put_object_with_url(url, b"content", headers={"zone": "a"}).status == 200
    refused(lambda: own.put_object_with_url(url, b"content", headers={"zone": "b"}), 403, "SignatureDoesNotMatch")


def test_presigned_addresses(daemon, bucket, signer):
    own = bucket_of(daemon, bucket.bucket_name, auth=signer)
    own.put_object("dir/object", b"content")
    url = own.sign_url("GET", "dir/object", 60, slash_safe=True)
    assert own.get_object_with_url(url).read() == b"content"
    other = url.replace("dir/object", "dir/other")
    refused(lambda: own.get_object_with_url(other), 403, "SignatureDoesNotMatch")
    refused(lambda: own.put_object_with_url(url, b"x"), 403, "SignatureDoesNotMatch")
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        own.get_object_with_url(own.sign_url("GET", "dir/object", -5, slash_safe=True))
    assert caught.value.status in (400, 403)


@pytest.mark.parametrize(
    "verb, key, query",
    [
        ("GET", "", {}),
        ("PUT", "", {}),
        ("GET", "object", {}),
        ("HEAD", "object", {}),
        ("PUT", "object", {}),
        ("DELETE", "object", {}),
        ("PUT", "", {"encryption": ""}),
        ("GET", "", {"bucketInfo": ""}),
        ("POST", "object", {"uploads": ""}),
        ("POST", "object", {"append": "", "position": "0"}),
        ("POST", "", {"delete": ""}),
    ],
)
def test_unsigned_wrongly_signed_and_strangers_are_refused(daemon, bucket, verb, key, query):
    bucket.put_object("object", b"content")
    name = bucket.bucket_name
    ask = lambda user, **more: wire.request(daemon, user, verb, name, key, query, **more)
    answer = ask(None)
    assert (answer.status, answer.error) == (403, "AccessDenied")
    answer = ask(STRANGER)
    assert (answer.status, answer.error) == (403, "InvalidAccessKeyId")
    answer = ask(ossd.User(ossd.ADMIN.key_id, ossd.ALICE.secret, "*"))
    assert (answer.status, answer.error) == (403, "SignatureDoesNotMatch")
    for age in (20 * 60, -20 * 60, 10 * 365 * 86400):
        answer = ask(ossd.ADMIN, age=age)
        assert (answer.status, answer.error) == (403, "RequestTimeTooSkewed")
    answer = ask(ossd.ADMIN, sign=f"/{name}/another")
    assert (answer.status, answer.error) == (403, "SignatureDoesNotMatch")
    assert bucket.get_object("object").read() == b"content"


def test_nobody_lists_buckets_unsigned(daemon):
    assert wire.request(daemon, None, "GET").status == 403


def replay(daemon, change):
    """A request that oss2 signed, sent again with a change. Returns the answers to both."""
    bucket = new_bucket(daemon)
    bucket.put_object("object", b"content")
    bucket.put_object("other", b"other")
    user, name = ossd.ADMIN, bucket.bucket_name
    request = {
        "method": "GET",
        "target": f"/{name}/object",
        "body": b"",
        "headers": {"Date": email.utils.formatdate(time.time(), usegmt=True), "x-oss-meta-a": "1"},
    }
    signature = wire.v1_signature(user, "GET", f"/{name}/object", request["headers"], {})
    request["headers"]["Authorization"] = f"OSS {user.key_id}:{signature}"
    first = wire.send(daemon.address, *(request[part] for part in ("method", "target", "headers", "body")))
    change(request, name)
    return first, wire.send(daemon.address, *(request[part] for part in ("method", "target", "headers", "body")))


@pytest.mark.parametrize(
    "change",
    [
        lambda r, name: r.update(target=f"/{name}/other"),
        lambda r, name: r.update(target=f"/{name}/object?acl"),
        lambda r, name: r.update(target=f"/{name}/object?uploadId=1"),
        lambda r, name: r.update(target="/another-bucket/object"),
        lambda r, name: r.update(target="/"),
        lambda r, name: r.update(method="DELETE"),
        lambda r, name: r.update(method="PUT", body=b"mine"),
        lambda r, name: r["headers"].update({"x-oss-meta-a": "2"}),
        lambda r, name: r["headers"].update({"x-oss-meta-b": "2"}),
        lambda r, name: r["headers"].update({SSE: "AES256"}),
        lambda r, name: r["headers"].update({"Content-Type": "text/html"}),
        lambda r, name: r["headers"].update({"Date": email.utils.formatdate(time.time() + 1, usegmt=True)}),
        lambda r, name: r["headers"].update({"Authorization": r["headers"]["Authorization"][:-4] + "AAA="}),
        lambda r, name: r["headers"].update({"Authorization": r["headers"]["Authorization"].rpartition(":")[0] + ":"}),
        lambda r, name: r["headers"].update({"Authorization": "OSS"}),
        lambda r, name: r["headers"].update({"Authorization": "OSS4-HMAC-SHA256 Credential=////,Signature="}),
        lambda r, name: r["headers"].update({"Authorization": "Basic YTpi"}),
        lambda r, name: r["headers"].update({"Authorization": "OSS :" * 1000}),
    ],
)
def test_a_signature_is_for_one_request_only(daemon, change):
    first, second = replay(daemon, change)
    assert (first.status, first.body) == (200, b"content"), "unchanged it is taken"
    assert second.status == 403 or (second.status == 400 and b"InvalidArgument" in second.body), second.body


def v4_headers(daemon, bucket, key, signed_at=None):
    """The headers of a GET as alibabacloud-oss-v2 signs it."""
    context = v2.types.SigningContext(
        product="oss",
        region="cn-hangzhou",
        bucket=bucket,
        key=key,
        request=v2.types.HttpRequest("GET", f"{daemon.endpoint}/{bucket}/{key}"),
        credentials=v2.credentials.Credentials(ossd.ADMIN.key_id, ossd.ADMIN.secret),
        signing_time=signed_at,
    )
    v2.signer.SignerV4().sign(context)
    return dict(context.request.headers)


def test_a_v4_signature_is_for_one_request_only(daemon, bucket):
    bucket.put_object("object", b"content")
    bucket.put_object("other", b"other")
    headers = v4_headers(daemon, bucket.bucket_name, "object")
    path, signed = f"/{bucket.bucket_name}/object", headers["Authorization"]
    send = lambda target=path, **more: wire.send(daemon.address, "GET", target, {**headers, **more})
    assert send().body == b"content"
    for answer in (
        send(f"/{bucket.bucket_name}/other"),
        send(path + "?acl"),
        send(path + "?anything=1"),
        send(**{"x-oss-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + 5))}),
        send(**{"x-oss-extra": "1"}),
        send(Authorization=signed.replace("cn-hangzhou", "cn-beijing")),
        send(Authorization=signed.replace(ossd.ADMIN.key_id, ossd.ALICE.key_id)),
        send(Authorization=signed[:-1] + ("0" if signed[-1] != "0" else "1")),
        send(Authorization=signed.rpartition("=")[0] + "="),
    ):
        assert (answer.status, answer.error) == (403, "SignatureDoesNotMatch"), answer.body


@pytest.mark.parametrize("minutes", [-20, 20, -60 * 24 * 400])
def test_a_v4_signature_does_not_last(daemon, bucket, minutes):
    bucket.put_object("object", b"content")
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    path = f"/{bucket.bucket_name}/object"
    answer = wire.send(daemon.address, "GET", path, v4_headers(daemon, bucket.bucket_name, "object", at))
    assert (answer.status, answer.error) == (403, "RequestTimeTooSkewed")


# Names


HOSTILE = [
    "../../etc/passwd",
    "../../../../../../../../tmp/escape",
    "..",
    ".",
    "./a",
    "a/../../b",
    "a/..",
    "a//b",
    "//a",
    "/etc/passwd",
    "a/",
    "/",
    "%2e%2e/%2e%2e/x",
    "..%2f..%2fx",
    "%00",
    "a%00b",
    "nul\\..\\x",
    "..\\..\\x",
    "C:\\x",
    "a\tb",
    "line\nbreak",
    "\x7f",
    "records",
    "objects",
    "bucket.json",
    "upload.json",
    "root.key",
    "keystore",
    ".tmp",
    "~",
    "-rf",
    "*",
    "$(id)",
    "`id`",
    ";id",
    "x" * 1023,
    "ü" * 511,
    "日本語/ключ/🔑",
    "\u202e",
    "a" * 255 + "/" + "b" * 255,
    "<script>alert(1)</script>",
    "\"';--",
]


def tree(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            found[path] = os.lstat(path).st_mtime_ns
    return found


@pytest.fixture(scope="module")
def fenced(tmp_path_factory):
    """A daemon beside files of which nobody may hear."""
    daemon = ossd.Daemon(tmp_path_factory.mktemp("fenced") / "daemon")
    outside = daemon.folder.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"not for clients")
    try:
        yield daemon.start()
        daemon.stop()
    finally:
        daemon.remove()


def test_names_of_objects_do_not_leave_the_store(fenced):
    bucket = new_bucket(fenced, x_oss_server_side_encryption="AES256")
    top = fenced.folder.parent
    before = {
        path: at for path, at in tree(top).items() if not path.startswith(str(fenced.store)) and "ossd.log" not in path
    }
    kept = {}
    for i, name in enumerate(HOSTILE):
        content = b"%d" % i
        answer = wire.request(fenced, ossd.ADMIN, "PUT", bucket.bucket_name, name, body=content)
        assert answer.status in (200, 400), (name, answer.body)
        if answer.status == 200:
            kept[name] = content
    assert len(kept) > len(HOSTILE) * 3 // 4
    for name, content in kept.items():
        got = wire.request(fenced, ossd.ADMIN, "GET", bucket.bucket_name, name)
        assert (got.status, got.body) == (200, content), name
    listed = [o.key for o in oss2.ObjectIterator(bucket, max_keys=5)]
    assert listed == sorted(kept, key=str.encode)
    after = {
        path: at for path, at in tree(top).items() if not path.startswith(str(fenced.store)) and "ossd.log" not in path
    }
    assert after == before, "nothing outside the store was made or changed"
    assert set(bucket.batch_delete_objects(list(kept)).deleted_keys) == set(kept)
    assert not list(oss2.ObjectIterator(bucket))


@pytest.mark.parametrize(
    "path",
    [
        "/{b}/../../outside/secret",
        "/{b}/%2e%2e/%2e%2e/outside/secret",
        "/{b}/..%2f..%2foutside%2fsecret",
        "/{b}/%2e%2e%2f%2e%2e%2foutside%2fsecret",
        "/../outside/secret",
        "/%2e%2e/outside/secret",
        "/..%2foutside%2fsecret",
        "//outside/secret",
        "/{b}/..\\..\\outside\\secret",
        "/{b}/../../root.key",
        "/{b}/../../../store/root.key",
        "/{b}/../bucket.json",
        "/../root.key",
        "/root.key",
        "/keystore",
        "/.",
        "/..",
        "/%00",
    ],
)
def test_paths_reach_nothing_but_objects(fenced, path):
    bucket = new_bucket(fenced)
    raw = path.format(b=bucket.bucket_name)
    decoded = urllib.parse.unquote(raw)
    first, _, key = decoded.removeprefix("/").partition("/")
    key_bytes = (fenced.store / "root.key").read_bytes()
    for sign in (decoded, f"/{first}/{key}", f"/{bucket.bucket_name}/"):
        answer = wire.request(fenced, ossd.ADMIN, "GET", raw=raw, sign=sign)
        assert answer.status in (400, 403, 404), (raw, answer.body)
        assert b"not for clients" not in answer.body and key_bytes not in answer.body


@pytest.mark.parametrize("name", ["..", ".", "../x", "a/../b", "%2e%2e", "a\\b", "nul\0", "", "-", "a" * 500])
def test_names_of_buckets_do_not_leave_the_store(fenced, name):
    before = tree(fenced.store)
    raw = "/" + urllib.parse.quote(name, safe="%")
    for sign in (f"/{name}/", f"/{urllib.parse.unquote(name)}/", "/"):
        answer = wire.request(fenced, ossd.ADMIN, "PUT", raw=raw, sign=sign)
        assert answer.status in (400, 403, 404, 405), answer.body
    address = fenced.address
    host = {"Host": f"{name}.{address}" if name and "\0" not in name else address}
    answer = wire.request(fenced, ossd.ADMIN, "PUT", raw="/", sign=f"/{name}/", headers=host)
    assert answer.status in (400, 403, 404, 405), answer.body
    assert tree(fenced.store).keys() == before.keys()


def test_names_that_are_too_long_are_refused(daemon, bucket):
    for length, status in ((1023, 200), (1024, 400), (3000, 400)):
        answer = wire.request(daemon, ossd.ADMIN, "PUT", bucket.bucket_name, "n" * length, body=b"x")
        assert answer.status == status
    answer = wire.request(daemon, ossd.ADMIN, "PUT", bucket.bucket_name, "n" * 100000, body=b"x")
    assert answer.status in (400, 414, 431)
    assert bucket.get_object("n" * 1023).read() == b"x", "and it goes on"


def test_the_bucket_comes_from_host_before_the_path(daemon, bucket):
    """As ali-oss sends it, and as a browser would with a name that resolves."""
    name = bucket.bucket_name
    bucket.put_object("dir/object", b"content")
    for host in (f"{name}.oss-cn-hangzhou.aliyuncs.com", f"{name}.{daemon.address}", f"{name}.localhost"):
        answer = wire.request(
            daemon, ossd.ADMIN, "GET", raw="/dir/object", sign=f"/{name}/dir/object", headers={"Host": host}
        )
        assert (answer.status, answer.body) == (200, b"content"), host


# HTTP that is not well


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"\0" * 64,
        b"GET " + b"/a" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PUT /b/o HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"PUT /b/o HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"PUT /b/o HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"HEAD /b/o HTTP/1.1\r\nHost: \xc3\r\n\r\n",
        b"PUT /b/\xff HTTP/1.1\r\nHost: \xff\r\nAuthorization: \xff\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_malformed_requests_are_answered_or_dropped(daemon, start):
    connection = http.client.HTTPConnection(daemon.address, timeout=30)
    connection.connect()
    try:
        connection.sock.sendall(start)
        connection.sock.shutdown(socket.SHUT_WR)
        first = connection.sock.recv(64)
        assert first == b"" or first.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), first
    except (ConnectionResetError, BrokenPipeError):
        pass
    finally:
        connection.close()
    assert wire.request(daemon, ossd.ADMIN, "GET").status == 200, "it goes on"


# The console's token


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 100000])
@pytest.mark.parametrize("method, path", [("GET", "buckets"), ("GET", "keys"), ("POST", "rewrap"), ("POST", "buckets")])
def test_the_console_s_api_needs_its_token(daemon, method, path, token):
    with pytest.raises(ossd.ApiError) as caught:
        daemon.api(method, path, {} if method == "POST" else None, token=token)
    assert caught.value.status in (403, 431)


def test_a_signature_is_no_token(daemon):
    assert wire.request(daemon, ossd.ADMIN, "GET", raw="/-/api/keys", sign="/-/api/keys").status == 403


def test_nothing_of_the_secrets_is_in_the_log(daemon, bucket):
    bucket.put_object("object", b"content", headers={SSE: "KMS"})
    log = daemon.log_text()
    root = (daemon.store / "root.key").read_bytes()
    for secret in (
        ossd.ADMIN.secret,
        daemon.console.partition("token=")[2],
        root.hex(),
        hashlib.sha256(root).hexdigest(),
    ):
        assert secret not in log
    assert root not in daemon.log.read_bytes()
    assert (daemon.store / "root.key").stat().st_mode & 0o777 == 0o600

"""The embedded key service: who may use a key, keys that are not enabled, no key service, rotation under load."""

import concurrent.futures
import email.utils
import http.client
import itertools
import socket
import threading
import time

import pytest
from oss2.models import PartInfo, ServerSideEncryptionRule

import ossd
import wire
from conftest import bucket_of, new_bucket
from data import pattern
from test_sse import KEY_ID, SSE, method, refused

PART = 100 << 10


def new_key(daemon, alias=""):
    return daemon.api("POST", "keys", {"alias": alias})["key_id"]


def test_users_may_use_the_keys_they_were_given_and_no_others(daemon):
    bucket = new_bucket(daemon)
    key = new_key(daemon)
    default, named = {SSE: "KMS"}, {SSE: "KMS", KEY_ID: key}
    bucket.put_object("default", b"under the default key", headers=default)
    bucket.put_object("named", b"under a named key", headers=named)
    bucket.put_object("managed", b"under the service's key", headers={SSE: "AES256"})
    for user, may_default, may_named in (
        (ossd.ALICE, True, True),
        (ossd.NO_CMK, False, False),
        (ossd.DEFAULT_CMK, True, False),
    ):
        own = bucket_of(daemon, bucket.bucket_name, user)
        for name, headers, may in (("default", default, may_default), ("named", named, may_named)):
            if may:
                own.put_object(f"by-{user.key_id}", b"x", headers=headers)
                assert own.get_object(name).read().startswith(b"under")
                own.copy_object(bucket.bucket_name, name, "copy")
                continue
            refused(lambda: own.put_object("denied", b"x", headers=headers), 403, "AccessDenied")
            refused(lambda: own.init_multipart_upload("denied", headers=headers), 403, "AccessDenied")
            refused(lambda: own.get_object(name), 403, "AccessDenied")
            refused(lambda: own.get_object(name, byte_range=(0, 1)), 403, "AccessDenied")
            refused(lambda: own.copy_object(bucket.bucket_name, name, "denied"), 403, "AccessDenied")
        assert own.get_object("managed").read() == b"under the service's key", "SSE-OSS needs no permission"
        own.put_object("managed-too", b"x", headers={SSE: "AES256"})
    assert not bucket.object_exists("denied")


def test_a_user_without_permission_cannot_use_the_rule_of_a_bucket(daemon):
    bucket = new_bucket(daemon, x_oss_server_side_encryption="KMS")
    own = bucket_of(daemon, bucket.bucket_name, ossd.NO_CMK)
    refused(lambda: own.put_object("a", b"x"), 403, "AccessDenied")
    refused(lambda: own.append_object("a", 0, b"x"), 403, "AccessDenied")
    assert method(own.put_object("a", b"x", headers={SSE: "AES256"}).headers) == "AES256"


def test_an_upload_of_another_s_needs_the_permission_for_its_parts(daemon):
    bucket = new_bucket(daemon, x_oss_server_side_encryption="KMS")
    upload = bucket.init_multipart_upload("object").upload_id
    own = bucket_of(daemon, bucket.bucket_name, ossd.NO_CMK)
    refused(lambda: own.upload_part("object", upload, 1, b"x" * PART), 403, "AccessDenied")
    bucket.append_object("log", 0, b"one")
    refused(lambda: own.append_object("log", 3, b"two"), 403, "AccessDenied")


@pytest.mark.parametrize(
    "stop, start, code",
    [
        (("disable", None), ("enable",), "KeyDisabled"),
        (("schedule-deletion", {"days": 7}), ("cancel-deletion", "enable"), "KeyPendingDeletion"),
    ],
)
def test_a_key_that_is_not_enabled_stops_writes_and_reads(daemon, stop, start, code):
    bucket = new_bucket(daemon)
    key = new_key(daemon)
    headers = {SSE: "KMS", KEY_ID: key}
    content = pattern(300000)
    bucket.put_object("object", content, headers=headers)
    bucket.append_object("log", 0, b"x", headers={})
    upload = bucket.init_multipart_upload("upload", headers=headers).upload_id
    part = bucket.upload_part("upload", upload, 1, content)
    bucket.put_bucket_encryption(ServerSideEncryptionRule("KMS", key))
    daemon.api("POST", f"keys/{key}/{stop[0]}", stop[1])
    for call in (
        lambda: bucket.put_object("new", b"x"),
        lambda: bucket.put_object("new", b"x", headers=headers),
        lambda: bucket.append_object("new", 0, b"x"),
        lambda: bucket.init_multipart_upload("new"),
        lambda: bucket.upload_part("upload", upload, 2, b"x"),
        lambda: bucket.get_object("object"),
        lambda: bucket.get_object("object", byte_range=(0, 9)),
        lambda: bucket.copy_object(bucket.bucket_name, "object", "new", headers={SSE: "AES256"}),
    ):
        refused(call, 409, code)
    told = wire.request(daemon, ossd.ADMIN, "HEAD", bucket.bucket_name, "object")
    assert (told.status, told.error) == (409, code)
    assert not bucket.object_exists("new")
    assert bucket.put_object("other", b"x", headers={SSE: "KMS"}).status == 200, "other keys go on"
    for step in start:
        daemon.api("POST", f"keys/{key}/{step}")
    assert bucket.get_object("object").read() == content
    bucket.complete_multipart_upload("upload", upload, [PartInfo(1, part.etag)])
    assert bucket.get_object("upload").read() == content


def test_a_key_that_waits_for_its_material_stops_writes(daemon):
    bucket = new_bucket(daemon)
    key = daemon.api("POST", "keys", {"origin": "imported"})
    assert (key["state"], key["origin"]) == ("PendingImport", "imported")
    headers = {SSE: "KMS", KEY_ID: key["key_id"]}
    refused(lambda: bucket.put_object("a", b"x", headers=headers), 409, "KeyPendingImport")
    refused(lambda: bucket.init_multipart_upload("a", headers=headers), 409, "KeyPendingImport")


def test_of_the_service_s_own_key_clients_are_told_nothing(own_daemon):
    bucket = new_bucket(own_daemon)
    bucket.put_object("object", b"content", headers={SSE: "AES256"})
    key = service_key(own_daemon)["key_id"]
    own_daemon.api("POST", f"keys/{key}/disable")
    refused(lambda: bucket.put_object("new", b"x", headers={SSE: "AES256"}), 500, "InternalError")
    refused(lambda: bucket.get_object("object"), 500, "InternalError")
    own_daemon.api("POST", f"keys/{key}/enable")
    assert bucket.get_object("object").read() == b"content"


def test_without_a_key_service_sse_kms_is_refused_and_sse_oss_goes_on(without_kms):
    bucket = new_bucket(without_kms)
    for headers in ({SSE: "KMS"}, {SSE: "KMS", KEY_ID: "some-key"}, {SSE: "KMS", KEY_ID: "alias/acs/oss"}):
        refused(lambda: bucket.put_object("a", b"x", headers=headers), 403, "KmsServiceNotEnabled")
        refused(lambda: bucket.init_multipart_upload("a", headers=headers), 403, "KmsServiceNotEnabled")
    bucket.put_bucket_encryption(ServerSideEncryptionRule("KMS"))
    refused(lambda: bucket.put_object("a", b"x"), 403, "KmsServiceNotEnabled")
    assert method(bucket.put_object("a", pattern(PART), headers={SSE: "AES256"}).headers) == "AES256"
    assert bucket.get_object("a").read() == pattern(PART)
    assert not without_kms.api("GET", "keys")["kms"]


def test_without_a_key_service_what_it_encrypted_cannot_be_read(own_daemon):
    bucket = new_bucket(own_daemon)
    bucket.put_object("customers", b"x", headers={SSE: "KMS"})
    bucket.put_object("services", b"x", headers={SSE: "AES256"})
    own_daemon.stop()
    own_daemon.options = ("--no-kms",)
    own_daemon.start()
    bucket = bucket_of(own_daemon, bucket.bucket_name)
    refused(lambda: bucket.get_object("customers"), 403, "KmsServiceNotEnabled")
    assert bucket.get_object("services").read() == b"x"


def test_the_default_key_is_made_for_who_may_use_it(own_daemon):
    name = new_bucket(own_daemon).bucket_name
    bucket_of(own_daemon, name).put_bucket_encryption(ServerSideEncryptionRule("KMS", "alias/acs/oss"))

    def keys():
        return [key["aliases"] for key in own_daemon.api("GET", "keys")["keys"] if not key["service"]]

    refused(lambda: bucket_of(own_daemon, name, ossd.NO_CMK).put_object("a", b"x"), 403, "AccessDenied")
    assert keys() == []
    assert method(bucket_of(own_daemon, name, ossd.DEFAULT_CMK).put_object("a", b"x").headers) == "KMS"
    assert keys() == [["alias/acs/oss"]]


def test_an_upload_under_way_keeps_the_version_that_it_began_with_from_retirement(own_daemon):
    bucket = new_bucket(own_daemon)
    key = new_key(own_daemon)
    content = pattern(PART)
    headers = {
        SSE: "KMS",
        KEY_ID: key,
        "Date": email.utils.formatdate(usegmt=True),
        "Content-Type": "text/plain",
    }
    path = f"/{bucket.bucket_name}/slow"
    signature = wire.v1_signature(ossd.ADMIN, "PUT", path, headers, {})
    headers |= {"Authorization": f"OSS {ossd.ADMIN.key_id}:{signature}", "Content-Length": str(PART)}
    connection = http.client.HTTPConnection(own_daemon.address)

    def wait_for(envelopes):
        deadline = time.monotonic() + 30
        while own_daemon.api("GET", "census")["envelopes"] != envelopes:
            assert time.monotonic() < deadline, f"there are never {envelopes}"

    def begin():
        connection.putrequest("PUT", path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(content[: PART // 2])

    begin()
    wait_for(1)
    own_daemon.api("POST", f"keys/{key}/rotate")
    assert own_daemon.api("POST", "rewrap") == {"rewrapped": 0, "current": 0, "failed": 0}
    with pytest.raises(ossd.ApiError) as caught:
        own_daemon.api("POST", f"keys/{key}/retire", {"version": "1"})
    assert caught.value.status == 409
    connection.send(content[PART // 2 :])
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    assert own_daemon.api("POST", "rewrap")["rewrapped"] == 1
    own_daemon.api("POST", f"keys/{key}/retire", {"version": "1"})
    assert bucket.get_object("slow").read() == content
    # One that was given up is not counted for ever.
    begin()
    wait_for(2)
    connection.close()
    wait_for(1)


@pytest.mark.parametrize("asked", ["", "KMS"])
def test_an_append_goes_on_over_a_rewrap(own_daemon, asked):
    """Of an object that is empty still, with the method that it has, and with one that the append asks for."""
    bucket = new_bucket(own_daemon)
    bucket.append_object("log", 0, b"", headers={SSE: "AES256"})
    headers = {"Date": email.utils.formatdate(usegmt=True), "Content-Type": "text/plain"}
    headers |= {SSE: asked} if asked else {}
    path, query = f"/{bucket.bucket_name}/log", {"append": "", "position": "0"}
    signature = wire.v1_signature(ossd.ADMIN, "POST", path, headers, query)
    headers |= {"Authorization": f"OSS {ossd.ADMIN.key_id}:{signature}", "Host": own_daemon.address}
    headers |= {"Content-Length": "3", "Expect": "100-continue"}
    lines = [f"POST {path}?append&position=0 HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    host, port = own_daemon.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 "), "it has begun, and waits for the body"
        own_daemon.api("POST", f"keys/{service_key(own_daemon)['key_id']}/rotate")
        assert own_daemon.api("POST", "rewrap")["rewrapped"] == 1
        connection.sendall(b"one")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    got = bucket.get_object("log")
    assert (got.read(), method(got.headers)) == (b"one", asked or "AES256")


def test_a_keystore_that_is_missing_is_not_made_anew(own_daemon):
    new_bucket(own_daemon).put_object("a", b"x", headers={SSE: "AES256"})
    own_daemon.stop()
    keystore = own_daemon.store / "keystore"
    image = keystore.read_bytes()
    previous = (own_daemon.store / "keystore.previous").read_bytes()
    keystore.unlink()
    with pytest.raises(RuntimeError, match="is missing"):
        own_daemon.start()
    assert (own_daemon.store / "keystore.previous").read_bytes() == previous
    keystore.write_bytes(image)
    own_daemon.start()


def service_key(daemon):
    (key,) = [key for key in daemon.api("GET", "keys")["keys"] if key["service"]]
    return key


def census(daemon):
    """How many envelopes are under each version of each key."""
    answer = daemon.api("GET", "census")
    return {(e["key_id"], e["key_version"]): e["count"] for e in answer["entries"]}


def test_rotation_of_the_service_s_key_under_load_and_rewrap(own_daemon):
    """Threads put, get, append and upload while the key is rotated; afterwards a rewrap, also under load."""
    bucket = new_bucket(own_daemon, x_oss_server_side_encryption="AES256")
    name = bucket.bucket_name
    objects, lock, done = {}, threading.Lock(), threading.Event()
    numbers = itertools.count()

    def load():
        own = bucket_of(own_daemon, name)  # oss2's sessions are not for many threads
        while not done.is_set():
            i = next(numbers)
            content = pattern(1000 + i * 977 % 200000, i % 4000)
            if i % 7 == 0:
                upload = own.init_multipart_upload(f"object-{i}").upload_id
                part = own.upload_part(f"object-{i}", upload, 1, content)
                own.complete_multipart_upload(f"object-{i}", upload, [PartInfo(1, part.etag)])
            elif i % 7 == 1:
                own.append_object(f"object-{i}", 0, content[:500])
                own.append_object(f"object-{i}", 500, content[500:])
            else:
                own.put_object(f"object-{i}", content)
            with lock:
                objects[f"object-{i}"] = content
                known = list(objects)[i % len(objects)]
            assert own.get_object(known).read() == objects[known], known

    waiting = bucket.init_multipart_upload("waiting").upload_id
    early = bucket.upload_part("waiting", waiting, 1, pattern(PART, 1))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        loads = [pool.submit(load) for _ in range(4)]
        try:
            for turn in range(3):
                wanted = len(objects) + 20
                while len(objects) < wanted and not any(f.done() for f in loads):
                    bucket.list_objects(max_keys=1)
                key = own_daemon.api("POST", f"keys/{service_key(own_daemon)['key_id']}/rotate")
                assert int(key["primary"]) == turn + 2
                assert own_daemon.api("POST", "rewrap")["failed"] == 0
        finally:
            done.set()
        for future in loads:
            future.result()
    assert len(objects) > 60
    rewrapped = own_daemon.api("POST", "rewrap")
    assert rewrapped["failed"] == 0
    key = service_key(own_daemon)
    counted = census(own_daemon)
    assert set(counted) == {(key["key_id"], key["primary"])}, "only the new version is in use"
    assert sum(counted.values()) == len(objects) + 1
    again = own_daemon.api("POST", "rewrap")
    assert (again["rewrapped"], again["current"]) == (0, len(objects) + 1)

    def check(own):
        for known, content in objects.items():
            assert own.get_object(known).read() == content, known

    check(bucket)
    bucket.complete_multipart_upload("waiting", waiting, [PartInfo(1, early.etag)])
    assert bucket.get_object("waiting").read() == pattern(PART, 1)
    # The old versions may go now, and nobody misses them.
    for version in key["versions"]:
        if version["version"] != key["primary"]:
            own_daemon.api("POST", f"keys/{key['key_id']}/retire", {"version": version["version"]})
    check(bucket)
    own_daemon.stop()
    check(bucket_of(own_daemon.start(), name))


def test_a_version_that_is_still_used_is_not_retired(own_daemon):
    bucket = new_bucket(own_daemon, x_oss_server_side_encryption="AES256")
    bucket.put_object("object", b"content")
    key = own_daemon.api("POST", f"keys/{service_key(own_daemon)['key_id']}/rotate")
    for version in ("1", key["primary"]):
        with pytest.raises(ossd.ApiError) as caught:
            own_daemon.api("POST", f"keys/{key['key_id']}/retire", {"version": version})
        assert caught.value.status == 409
    (listed,) = own_daemon.api("GET", f"buckets/{bucket.bucket_name}/objects")["objects"]
    assert (listed["method"], listed["key_version"], listed["lags"]) == ("OSS-Managed", "1", True)
    own_daemon.api("POST", "rewrap")
    (listed,) = own_daemon.api("GET", f"buckets/{bucket.bucket_name}/objects")["objects"]
    assert (listed["key_version"], listed["lags"]) == ("2", False)
    assert bucket.get_object("object").read() == b"content"


def test_a_customer_s_key_rotates_and_the_objects_stay(daemon):
    bucket = new_bucket(daemon)
    key = new_key(daemon, "alias/rotating")
    bucket.put_object("old", b"old", headers={SSE: "KMS", KEY_ID: "alias/rotating"})
    daemon.api("POST", f"keys/{key}/rotate")
    new = bucket.put_object("new", b"new", headers={SSE: "KMS", KEY_ID: "alias/rotating"})
    assert new.headers[KEY_ID] == key, "the id stays, the version is the service's own affair"
    assert bucket.get_object("old").read() == b"old" and bucket.get_object("new").read() == b"new"
    counted = census(daemon)
    assert counted[(key, "1")] == counted[(key, "2")] == 1


def test_rewrap_says_what_it_could_not_do(own_daemon):
    bucket = new_bucket(own_daemon)
    key = new_key(own_daemon)
    bucket.put_object("object", b"content", headers={SSE: "KMS", KEY_ID: key})
    own_daemon.api("POST", f"keys/{key}/rotate")
    own_daemon.api("POST", f"keys/{key}/disable")
    assert own_daemon.api("POST", "rewrap")["failed"] == 1
    own_daemon.api("POST", f"keys/{key}/enable")
    answer = own_daemon.api("POST", "rewrap")
    assert (answer["rewrapped"], answer["failed"]) == (1, 0)
    assert bucket.get_object("object").read() == b"content"

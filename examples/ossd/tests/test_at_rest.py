"""What lies on the disk is ciphertext; and the same search finds an object that is not encrypted."""

import pytest
from oss2.models import PartInfo

from conftest import new_bucket, serve
from data import BLOCK, MARK, entropy, files, holds, pattern
from test_sse import SSE

PART = 300 << 10
META = "meta" + MARK.decode()


def fill(bucket):
    """An object of each kind, every byte of which says what it is."""
    meta = {"x-oss-meta-owner": META, "Content-Type": f"text/{META}"}
    bucket.put_object("whole", pattern(3 * BLOCK), headers=meta)
    bucket.put_object("small", pattern(32))
    upload = bucket.init_multipart_upload("parts").upload_id
    parts = [PartInfo(n, bucket.upload_part("parts", upload, n, pattern(PART, n)).etag) for n in (1, 2, 3)]
    bucket.complete_multipart_upload("parts", upload, parts)
    bucket.append_object("log", 0, pattern(PART, 4))
    bucket.append_object("log", PART, pattern(PART, 5))
    bucket.copy_object(bucket.bucket_name, "whole", "copy")
    pending = bucket.init_multipart_upload("pending").upload_id
    bucket.upload_part("pending", pending, 1, pattern(PART, 6))


@pytest.mark.parametrize("rule", ["AES256", "KMS"])
def test_nothing_of_the_plaintext_is_on_the_disk(own_daemon, rule):
    bucket = new_bucket(own_daemon, x_oss_server_side_encryption=rule)
    fill(bucket)
    assert holds(own_daemon.store) == []
    assert holds(own_daemon.folder, META.encode()) == [], "nor in the log"
    bodies = [path.read_bytes() for path in files(own_daemon.store) if path.stat().st_size >= PART]
    assert len(bodies) >= 8
    for body in bodies:
        assert entropy(body[:PART]) > 7.99, "but for what pads the last page"
    # The control: a search that finds nothing has to find what is there.
    bucket.delete_bucket_encryption()
    bucket.put_object("plain", pattern(BLOCK))
    (plain,) = holds(own_daemon.store)
    assert entropy(plain.read_bytes()) < 5


def test_the_paged_layout_is_ciphertext_too(tmp_path_factory):
    for daemon in serve(tmp_path_factory, "paged-at-rest", "--layout", "paged"):
        fill(new_bucket(daemon, x_oss_server_side_encryption="AES256"))
        assert holds(daemon.store) == []


def test_the_same_content_twice_has_nothing_in_common(own_daemon):
    bucket = new_bucket(own_daemon)
    content = pattern(BLOCK)
    for name in ("one", "two", "one"):
        bucket.put_object(name, content, headers={SSE: "AES256"})
    bodies = [path.read_bytes() for path in files(own_daemon.store) if path.stat().st_size > BLOCK]
    assert len(bodies) == 2, "the overwritten one is gone"
    same = sum(a == b for a, b in zip(*bodies))
    assert same < len(content) // 128, "as many equal bytes as chance gives, one in 256"


def test_large_objects_lie_paged(own_daemon):
    bucket = new_bucket(own_daemon, x_oss_server_side_encryption="AES256")
    for name, size in (("small", BLOCK - 1), ("large", BLOCK)):
        bucket.put_object(name, pattern(size))
    upload = bucket.init_multipart_upload("parts").upload_id
    part = PartInfo(1, bucket.upload_part("parts", upload, 1, pattern(PART)).etag)
    bucket.complete_multipart_upload("parts", upload, [part])
    bucket.append_object("log", 0, pattern(PART))
    sizes = sorted(path.stat().st_size for path in files(own_daemon.store) if path.stat().st_size >= PART)
    inline = [PART + 56 + 19 * 16, BLOCK - 1 + 56 + 64 * 16]
    paged = [PART + 4096, BLOCK + 4096]
    assert sizes == sorted(inline + paged)


@pytest.mark.parametrize("layout", ["inline", "paged"])
def test_damage_on_the_disk_is_an_error_and_never_other_bytes(tmp_path_factory, layout):
    for daemon in serve(tmp_path_factory, f"{layout}-damaged", "--layout", layout):
        damage(daemon)


def damage(daemon):
    bucket = new_bucket(daemon, x_oss_server_side_encryption="AES256")
    content = pattern(BLOCK)
    bucket.put_object("object", content)
    (body,) = [path for path in files(daemon.store) if path.stat().st_size > BLOCK]
    whole = body.read_bytes()
    for damaged in (
        whole[:500000] + bytes([whole[500000] ^ 1]) + whole[500001:],
        whole[:100] + bytes([whole[100] ^ 128]) + whole[101:],
        whole[:-1],
        whole[: BLOCK // 2],
        whole + b"\0",
        b"",
    ):
        body.write_bytes(damaged)
        got = b""
        try:
            answer = bucket.get_object("object")
            while piece := answer.read(1 << 16):
                got += piece
        except Exception:
            assert len(got) < len(content)
        else:
            raise AssertionError("the damage was not told")
        assert content.startswith(got), "what came before the damage is right"
    body.write_bytes(whole)
    assert bucket.get_object("object").read() == content

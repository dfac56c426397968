"""The Python samples of OSS's documents, as they are printed there, run against ossd.

documents/ has the code of each section of "Server-side encryption" of the Python SDK, to the letter. Filled in is what
the documents ask the reader to fill in: keys, endpoint and bucket.
"""

import pathlib
import subprocess
import sys

import oss2
from oss2.models import ServerSideEncryptionRule

import ossd

DOCUMENTS = pathlib.Path(__file__).parent / "documents"


def run_sample(name, daemon, bucket):
    """What the sample prints."""
    code = (DOCUMENTS / f"{name}.py").read_text()
    for blank, value in {
        "<yourAccessKeyId>": ossd.ADMIN.key_id,
        "<yourAccessKeySecret>": ossd.ADMIN.secret,
        "http://oss-cn-hangzhou.aliyuncs.com": daemon.endpoint,
        "<yourBucketName>": bucket.bucket_name,
    }.items():
        assert blank in code, f"{name} has no {blank}"
        code = code.replace(blank, value)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_configure_obtain_and_delete_the_encryption_of_a_bucket(daemon, bucket):
    assert run_sample("put_bucket_encryption", daemon, bucket) == ["http response code: 200"]
    put = bucket.put_object("after", b"encrypted by the rule of the sample")
    assert put.headers["x-oss-server-side-encryption"] == "AES256"
    assert run_sample("get_bucket_encryption", daemon, bucket) == ["sse_algorithm: AES256", "kms_master_keyid: None"]
    assert run_sample("delete_bucket_encryption", daemon, bucket) == ["http status: 204"]
    assert "x-oss-server-side-encryption" not in bucket.put_object("plain", b"no rule any more").headers


def test_an_obtained_rule_under_kms_without_a_key_has_none(daemon, bucket):
    bucket.put_bucket_encryption(ServerSideEncryptionRule(oss2.SERVER_SIDE_ENCRYPTION_KMS, ""))
    assert run_sample("get_bucket_encryption", daemon, bucket) == ["sse_algorithm: KMS", "kms_master_keyid: None"]

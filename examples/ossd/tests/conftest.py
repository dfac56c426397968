"""Daemons and clients that the tests share."""

import itertools
import pathlib

import alibabacloud_oss_v2 as v2
import oss2
import pytest

import ossd

numbers = itertools.count(1)


def serve(tmp_path_factory, name, *options):
    daemon = ossd.Daemon(tmp_path_factory.mktemp(name), *options)
    try:
        yield daemon.start()
        daemon.stop()
    finally:
        daemon.remove()


@pytest.fixture(scope="session")
def daemon(tmp_path_factory):
    yield from serve(tmp_path_factory, "ossd")


@pytest.fixture(scope="session", params=["inline", "paged"])
def stored(request, tmp_path_factory):
    """A daemon in each layout, for tests in which bodies and ranges matter."""
    yield from serve(tmp_path_factory, request.param, "--layout", request.param)


@pytest.fixture(scope="session")
def without_kms(tmp_path_factory):
    yield from serve(tmp_path_factory, "without-kms", "--no-kms")


@pytest.fixture
def own_daemon(tmp_path_factory):
    """A daemon of one test's own, which may stop, kill and start it."""
    yield from serve(tmp_path_factory, "own")


def bucket_of(daemon, name, user=ossd.ADMIN, auth=oss2.Auth):
    """oss2's handle of a bucket, which need not exist."""
    signer = auth(user.key_id, user.secret)
    return oss2.Bucket(signer, daemon.endpoint, name, region="cn-hangzhou", connect_timeout=120)


def new_bucket(daemon, **headers):
    """A new bucket; headers by their names with _ for -."""
    bucket = bucket_of(daemon, f"bucket-{next(numbers)}")
    bucket.create_bucket(headers={name.replace("_", "-"): value for name, value in headers.items()})
    return bucket


def client_of(daemon, user=ossd.ADMIN, version="v4"):
    """alibabacloud-oss-v2's client."""
    config = v2.config.load_default()
    config.credentials_provider = v2.credentials.StaticCredentialsProvider(user.key_id, user.secret)
    config.region = "cn-hangzhou"
    config.endpoint = daemon.endpoint
    config.signature_version = version
    config.retry_max_attempts = 1
    config.readwrite_timeout = 120
    return v2.Client(config)


@pytest.fixture
def bucket(daemon):
    return new_bucket(daemon)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Clients keep their checkpoints in the home folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return pathlib.Path(folder)

"""ossd under kill -9: no acknowledged object is lost, none is torn.

usage: kills.py [TIMES] [SEED]     TIMES: 50, or OSSD_KILLS

Five threads put, upload in parts, append, copy, and rotate with rewraps, each without a pause, until the daemon is
killed at a random moment. It is started again, and whatever was acknowledged has to be there byte by byte; of a
request that was in flight the object is as it was before or as it would be after, and nothing else. At the end
everything is deleted, and nothing remains.
"""

import collections
import hashlib
import http.client
import itertools
import os
import pathlib
import random
import sys
import tempfile
import threading

import oss2
from oss2.models import PartInfo

import ossd
from conftest import bucket_of

BUCKET = "kills"
NAMES = 12  # of each thread's objects; they are overwritten over and over
LENGTHS = (0, 1, 100, 4096, 16384, 70000, 300000, 1200000)
PART = 100 << 10
APPENDED_MAX = 1 << 20
METHODS = ("", "AES256", "KMS")
DOWN = (oss2.exceptions.RequestError, OSError, http.client.HTTPException)  # no connection, or one that broke
SAMPLE = 40


class Model:
    """What each object may hold: what was acknowledged last, and what a request in flight would make of it."""

    def __init__(self):
        self.objects = {}  # name: digest of the content, None if there is none
        self.pending = {}  # name: the digest that a request in flight leads to
        self.touched = set()

    def begin(self, name, content):
        self.touched.add(name)
        self.pending[name] = None if content is None else digest(content)

    def acknowledged(self, name):
        self.objects[name] = self.pending.pop(name)

    def settle(self, name, found):
        """After a restart: `found` is what is there now."""
        allowed = {self.objects.get(name), self.pending.pop(name, self.objects.get(name))}
        assert found in allowed, f"{name} was lost, or torn"
        self.objects[name] = found


def digest(content):
    return hashlib.sha256(content).digest()


class Load(threading.Thread):
    """A thread of one kind of work. It ends when the daemon does."""

    def __init__(self, run, kind):
        super().__init__(daemon=True)
        self.run_, self.kind, self.model = run, kind, run.models[kind]
        self.random = random.Random(run.random.random())
        self.doing, self.failure = None, None

    def run(self):
        bucket = self.run_.bucket()
        work = getattr(self, self.kind)
        try:
            while not self.run_.dead.is_set():
                work(bucket)
                self.run_.progress.release()
        except DOWN as error:
            if not self.run_.dead.is_set():
                self.failure = error  # the daemon may be away only once it was killed
        except BaseException as error:
            self.failure = error

    def name(self):
        return f"{self.kind}-{self.random.randrange(NAMES)}"

    def content(self):
        return self.random.randbytes(self.random.choice(LENGTHS))

    def headers(self):
        method = self.random.choice(METHODS)
        return {"x-oss-server-side-encryption": method} if method else {}

    def put(self, bucket):
        name, content = self.name(), self.content()
        self.model.begin(name, content)
        self.doing = "put"
        bucket.put_object(name, content, headers=self.headers())
        self.doing = None
        self.model.acknowledged(name)

    def complete(self, bucket):
        """A few uploads are made ready, so that most of the time goes into completing."""
        ready = []
        for _ in range(6):
            name, contents = self.name(), [
                self.random.randbytes(PART),
                self.random.randbytes(self.random.randrange(1, PART)),
            ]
            self.doing = "initiate"
            upload = bucket.init_multipart_upload(name, headers=self.headers()).upload_id
            self.doing = "part"
            parts = [PartInfo(n, bucket.upload_part(name, upload, n, c).etag) for n, c in enumerate(contents, 1)]
            ready.append((name, upload, parts, b"".join(contents)))
        for name, upload, parts, content in ready:
            self.model.begin(name, content)
            self.doing = "complete"
            bucket.complete_multipart_upload(name, upload, parts)
            self.doing = None
            self.model.acknowledged(name)

    def append(self, bucket):
        """The contents of its objects are kept whole, since each is the last one and more."""
        kept = self.run_.appended
        name = self.name()
        if len(kept.get(name, b"")) > APPENDED_MAX:
            self.model.begin(name, None)
            self.doing = "delete"
            bucket.delete_object(name)
            self.doing = None
            self.model.acknowledged(name)
            del kept[name]
        before = kept.get(name, b"")
        whole = before + self.content()
        self.model.begin(name, whole)
        self.doing = "append"
        bucket.append_object(name, len(before), whole[len(before) :], headers=self.headers() if not before else {})
        self.doing = None
        self.model.acknowledged(name)
        kept[name] = whole

    def copy(self, bucket):
        name, other, content = self.name(), self.name(), self.content()
        self.model.begin(name, content)
        self.doing = "put"
        bucket.put_object(name, content, headers=self.headers())
        self.model.acknowledged(name)
        for target in (other, name):
            self.model.begin(target, content)
            self.doing = "copy"
            bucket.copy_object(BUCKET, name, target, headers=self.headers())
            self.doing = None
            self.model.acknowledged(target)

    def rewrap(self, _bucket):
        daemon = self.run_.daemon
        if self.random.random() < 0.3:
            self.doing = "rotate"
            keys = daemon.api("GET", "keys")["keys"]
            daemon.api("POST", f"keys/{self.random.choice(keys)['key_id']}/rotate")
        self.doing = "rewrap"
        answer = daemon.api("POST", "rewrap")
        assert answer["failed"] == 0, answer
        self.doing = None


class Run:
    KINDS = ("put", "complete", "append", "copy", "rewrap")

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.daemon = ossd.Daemon(folder).start()
        self.models = {kind: Model() for kind in self.KINDS}
        self.appended = {}
        self.interrupted = collections.Counter()
        self.turns = itertools.cycle(self.KINDS)  # which of them a kill is aimed at
        self.bucket().create_bucket()

    def bucket(self):
        return bucket_of(self.daemon, BUCKET)

    def once(self):
        """One life of the daemon."""
        self.dead, self.progress = threading.Event(), threading.Semaphore(0)
        loads = [Load(self, kind) for kind in self.KINDS]
        for load in loads:
            load.start()
        for _ in range(self.random.randrange(1, 40)):
            assert self.progress.acquire(timeout=60) or any(
                load.failure for load in loads
            ), "no progress within a minute"
        kind = next(self.turns)
        victim = next(load for load in loads if load.kind == kind)
        while victim.doing != kind and victim.is_alive():
            self.dead.wait(0.0002)
        self.dead.wait(self.random.random() * 0.004)  # no more than where in the operation it strikes
        doing = [load.doing for load in loads]
        self.dead.set()  # before the kill: a thread that finds the daemon away has to find a reason
        self.daemon.kill()
        for load in loads:
            load.join(120)
            assert not load.is_alive(), f"{load.kind} hangs"
            if load.failure is not None:
                raise load.failure
        self.interrupted.update(what for what in doing if what)
        self.daemon.start()
        self.check(everything=False)

    def check(self, everything):
        """Objects of this life, and a sample of the older ones; or all of them."""
        bucket = self.bucket()
        for model in self.models.values():
            names = set(model.objects) | set(model.pending)
            if not everything:
                older = sorted(names - model.touched)
                names = model.touched | set(self.random.sample(older, min(SAMPLE, len(older))))
            for name in names:
                try:
                    found = bucket.get_object(name).read()
                except oss2.exceptions.NoSuchKey:
                    found = None
                model.settle(name, None if found is None else digest(found))
                if model is self.models["append"]:
                    self.settle_append(name, found)
            model.touched.clear()
        for upload in oss2.MultipartUploadIterator(bucket):
            bucket.abort_multipart_upload(upload.key, upload.upload_id)

    def settle_append(self, name, found):
        if found is None:
            self.appended.pop(name, None)
        else:
            self.appended[name] = found

    def end(self):
        """Everything is deleted; a start later nothing of it may lie on the disk."""
        self.check(everything=True)
        bucket = self.bucket()
        count = 0
        for found in oss2.ObjectIterator(bucket):
            bucket.delete_object(found.key)
            count += 1
        self.daemon.stop()
        self.daemon.start()
        left = [
            path
            for path in (self.daemon.store / "buckets" / BUCKET).rglob("*")
            if path.is_file() and path.name != "bucket.json"
        ]
        assert not left, f"left behind: {left[:5]}"
        self.bucket().delete_bucket()
        self.daemon.stop()
        return count


def main():
    times = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("OSSD_KILLS", "50"))
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"kills: {times} times, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ossd-kills-", dir=os.environ.get("OSSD_WORK")) as folder:
        run = Run(pathlib.Path(folder), seed)
        try:
            for i in range(times):
                run.once()
                if (i + 1) % 50 == 0:
                    print(f"kills: {i + 1}, interrupted {dict(run.interrupted)}", flush=True)
            objects = run.end()
        finally:
            run.daemon.kill()
    if times >= 50:
        missed = set(Run.KINDS) - set(run.interrupted)
        assert not missed, f"never killed during {missed}"
    print(f"kills: ok, {objects} objects at the end, interrupted {dict(run.interrupted)}")


if __name__ == "__main__":
    main()

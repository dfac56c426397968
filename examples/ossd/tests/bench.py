"""What encryption costs a daemon: ossd beside ossd --no-encryption, in one run, turn by turn.

Each turn measures both over one connection of the loopback, in alternating order. Stores lie in /dev/shm where there is
room, so that a disk hides nothing; OSSD_BENCH_DIR names another folder. Exits with 1 when a goal is missed.
"""

import email.utils
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import ossd
import wire
from conftest import bucket_of

LARGE, SMALL = 8 << 20, 4 << 10
TURNS = int(os.environ.get("OSSD_BENCH_TURNS", "15"))
RATIO_GOAL, P99_GOAL = 0.9, 20.0
NEEDED = 1 << 30


def folder():
    named = os.environ.get("OSSD_BENCH_DIR")
    if named:
        return named
    shared = pathlib.Path("/dev/shm")
    return shared if shared.is_dir() and shutil.disk_usage(shared).free > NEEDED else os.environ["OSSD_WORK"]


def compiled(work):
    binary = work / "bench"
    source = pathlib.Path(__file__).with_name("bench.cpp")
    subprocess.run(["g++", "-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-o", binary, source], check=True)
    return binary


class Side:
    """One daemon and its requests."""

    def __init__(self, work, name, binary, *options):
        self.work, self.binary = work / name, binary
        self.daemon = ossd.Daemon(self.work, *options)

    def start(self):
        self.daemon.start()
        bucket = bucket_of(self.daemon, "bench")
        bucket.create_bucket(headers={"x-oss-server-side-encryption": "AES256"})
        bucket.put_object("small", b"x" * SMALL)
        bucket.put_object("large", b"x" * LARGE)
        self.encrypted = "x-oss-server-side-encryption" in bucket.head_object("large").headers

    def request(self, method, name, body, times):
        """The seconds of each of so many requests."""
        headers = {"Date": email.utils.formatdate(usegmt=True), "Content-Type": "application/octet-stream"}
        signature = wire.v1_signature(ossd.ADMIN, method, f"/bench/{name}", headers, {})
        headers |= {"Host": self.daemon.address, "Authorization": f"OSS {ossd.ADMIN.key_id}:{signature}"}
        if method == "PUT":
            headers["Content-Length"] = str(body)
        lines = [f"{method} /bench/{name} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items()), "", ""]
        head = self.work / "head"
        head.write_bytes("\r\n".join(lines).encode())
        port = self.daemon.address.rpartition(":")[2]
        done = subprocess.run(
            [self.binary, port, head, str(body), str(times)], check=True, capture_output=True, text=True
        )
        length, *each = map(int, done.stdout.split())
        assert method == "PUT" or length == {"small": SMALL, "large": LARGE}[name]
        return [nanoseconds / 1e9 for nanoseconds in each]


MEASURES = {
    "8 MiB PUT": ("PUT", "large", LARGE, 8),
    "8 MiB GET": ("GET", "large", 0, 16),
    "4 KiB GET": ("GET", "small", 0, 1000),
}


def measure(plain, encrypted):
    """For each measure the turns of both sides, each a list of seconds."""
    turns = {name: [] for name in MEASURES}
    for turn in range(TURNS + 1):
        order = (plain, encrypted) if turn % 2 else (encrypted, plain)
        for name, how in MEASURES.items():
            got = {side: side.request(*how) for side in order}
            if turn > 0:  # the first one warms up
                turns[name].append((got[plain], got[encrypted]))
    return turns


def p99(seconds):
    return sorted(seconds)[len(seconds) * 99 // 100] * 1e6


def main():
    with tempfile.TemporaryDirectory(prefix="ossd-bench-", dir=folder()) as work:
        work = pathlib.Path(work)
        binary = compiled(work)
        plain, encrypted = Side(work, "plain", binary, "--no-encryption"), Side(work, "encrypted", binary)
        try:
            for side in (plain, encrypted):
                side.start()
            assert encrypted.encrypted
            turns = measure(plain, encrypted)
        finally:
            for side in (plain, encrypted):
                side.daemon.kill()
        where = work.parent
    met = True
    print(f"One connection, {TURNS} turns each, medians of the turns; stores in {where}.\n")
    print(f"{'':14}{'not encrypted':>16}{'encrypted':>16}{'':>4}")
    for name in ("8 MiB PUT", "8 MiB GET"):
        rates = [[LARGE * len(side) / sum(side) / 1e6 for side in turn] for turn in turns[name]]
        ratio = statistics.median(e / p for p, e in rates)
        met &= ratio >= RATIO_GOAL
        p, e = (statistics.median(side) for side in zip(*rates))
        print(f"{name:14}{p:11,.0f} MB/s{e:11,.0f} MB/s    {ratio:.2f} x (goal: at least {RATIO_GOAL})")
    for what, of in (("p50", lambda s: statistics.median(s) * 1e6), ("p99", p99)):
        each = [[of(side) for side in turn] for turn in turns["4 KiB GET"]]
        more = statistics.median(e - p for p, e in each)
        p, e = (statistics.median(side) for side in zip(*each))
        goal = ""
        if what == "p99":
            met &= more <= P99_GOAL
            goal = f" (goal: at most {P99_GOAL:.0f})"
        print(f"4 KiB GET {what:4}{p:13,.1f} us{e:13,.1f} us    {more:+.1f} us{goal}")
    print("\nossd-bench: " + ("ok" if met else "a goal was missed"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

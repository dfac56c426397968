"""What encryption costs a daemon: ossd beside ossd --no-encryption, in one run, turn by turn.

Each turn measures both over the loopback, in alternating order; every few turns both start anew, on new stores, since
where a process and its files happen to lie in memory makes a difference of its own. Throughput is that of four
connections, which keep the machine busy. Latency is that of one to each of both, whose requests take turns: what else
happens to the machine happens to both. Its client waits awake: what a virtual machine takes to wake a sleeper varies by
more than what is measured here. OSSD_BENCH_WAIT=asleep lets it sleep.

Stores lie in /dev/shm where there is room, so that a disk hides nothing; OSSD_BENCH_DIR names another folder. Exits
with 1 when a goal is missed.
"""

import email.utils
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
from typing import NamedTuple

import ossd
import wire
from conftest import bucket_of

LARGE, SMALL = 8 << 20, 4 << 10
STARTS = 3
TURNS = int(os.environ.get("OSSD_BENCH_TURNS", "7"))  # of each start
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
    flags = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
    subprocess.run(["g++", *flags, "-o", binary, source], check=True)
    return binary


class Load(NamedTuple):
    """What is asked for, how often by each of how many connections, and how they wait for it."""

    method: str
    name: str
    connections: int
    times: int
    wait: str = "asleep"

    @property
    def size(self):
        return {"small": SMALL, "large": LARGE}[self.name]

    @property
    def body(self):
        return self.size if self.method == "PUT" else 0


class Took(NamedTuple):
    """Seconds: of all, and of each request."""

    whole: float
    each: list[float]


class Side:
    """One daemon and its requests."""

    def __init__(self, work, name, *options):
        self.work = work / name
        self.daemon = ossd.Daemon(self.work, *options)

    def start(self):
        self.daemon.start()
        bucket = bucket_of(self.daemon, "bench")
        bucket.create_bucket(headers={"x-oss-server-side-encryption": "AES256"})
        bucket.put_object("small", b"x" * SMALL)
        bucket.put_object("large", b"x" * LARGE)
        self.encrypted = "x-oss-server-side-encryption" in bucket.head_object("large").headers

    def target(self, load: Load):
        """The daemon's port, and a file with the signed request."""
        headers = {"Date": email.utils.formatdate(usegmt=True), "Content-Type": "application/octet-stream"}
        path = f"/bench/{load.name}"
        signature = wire.v1_signature(ossd.ADMIN, load.method, path, headers, {})
        headers |= {"Host": self.daemon.address, "Authorization": f"OSS {ossd.ADMIN.key_id}:{signature}"}
        if load.body:
            headers["Content-Length"] = str(load.body)
        lines = [f"{load.method} {path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items()), "", ""]
        head = self.work / "head"
        head.write_bytes("\r\n".join(lines).encode())
        return [self.daemon.address.rpartition(":")[2], str(head)]


def request(binary, load: Load, *sides):
    """What it took each of them. Requests to several take turns."""
    numbers = [str(number) for number in (load.body, load.connections, load.times)]
    targets = [word for side in sides for word in side.target(load)]
    command = [binary, *numbers, load.wait, *targets]
    whole, *answers = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    took = []
    for answer in answers:
        length, *each = map(int, answer.split())
        assert length == load.size - load.body
        took.append(Took(int(whole) / 1e9, [nanoseconds / 1e9 for nanoseconds in each]))
    return took


THROUGHPUT = {
    "8 MiB PUT": Load("PUT", "large", 4, 4),
    "8 MiB GET": Load("GET", "large", 4, 16),
    "  one connection": Load("GET", "large", 1, 16),
}
LATENCY = {"4 KiB GET": Load("GET", "small", 1, 1000, os.environ.get("OSSD_BENCH_WAIT", "awake"))}


def measure(work, binary, turns):
    """Adds to the turns of each load what both sides took: not encrypted, encrypted."""
    plain, encrypted = Side(work, "plain", "--no-encryption"), Side(work, "encrypted")
    try:
        for side in (plain, encrypted):
            side.start()
        assert encrypted.encrypted and not plain.encrypted
        for turn in range(TURNS + 1):
            order = (plain, encrypted) if turn % 2 else (encrypted, plain)
            took = {name: [request(binary, load, side)[0] for side in order] for name, load in THROUGHPUT.items()}
            took |= {name: request(binary, load, *order) for name, load in LATENCY.items()}
            for name, of in took.items() if turn > 0 else ():  # the first one warms up
                turns[name].append(of if order[0] is plain else of[::-1])
    finally:
        for side in (plain, encrypted):
            side.daemon.kill()


def p99(seconds):
    return sorted(seconds)[len(seconds) * 99 // 100] * 1e6


def main():
    turns = {name: [] for name in THROUGHPUT | LATENCY}
    with tempfile.TemporaryDirectory(prefix="ossd-bench-", dir=folder()) as work:
        binary = compiled(pathlib.Path(work))
        for start in range(STARTS):
            store = pathlib.Path(work) / str(start)
            measure(store, binary, turns)
            shutil.rmtree(store)
    met = True
    print(f"Medians of {STARTS} x {TURNS} turns; stores in {folder()}.\n")
    print(f"{'':18}{'not encrypted':>16}{'encrypted':>16}")
    for name, load in THROUGHPUT.items():
        sent = load.size * load.connections * load.times / 1e6
        rates = [[sent / side.whole for side in turn] for turn in turns[name]]
        ratio = statistics.median(e / p for p, e in rates)
        p, e = (statistics.median(side) for side in zip(*rates))
        goal = ""
        if load.connections > 1:
            met &= ratio >= RATIO_GOAL
            goal = f" (goal: at least {RATIO_GOAL})"
        print(f"{name:18}{p:11,.0f} MB/s{e:11,.0f} MB/s    {ratio:.2f} x{goal}")
    for what, of in (("p50", lambda s: statistics.median(s) * 1e6), ("p99", p99)):
        for name in LATENCY:
            each = [[of(side.each) for side in turn] for turn in turns[name]]
            more = statistics.median(e - p for p, e in each)
            p, e = (statistics.median(side) for side in zip(*each))
            goal = ""
            if what == "p99":
                met &= more <= P99_GOAL
                goal = f" (goal: at most {P99_GOAL:.0f})"
            print(f"{name + ' ' + what:18}{p:13,.1f} us{e:13,.1f} us    {more:+.1f} us{goal}")
    print("\nossd-bench: " + ("ok" if met else "a goal was missed"))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())

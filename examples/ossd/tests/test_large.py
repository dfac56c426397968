"""A real file of 1 GiB (under sanitizers 128 MiB), by an upload of parts, ranges, a copy and a download of parts."""

import os
import pathlib
import re
import shutil

import oss2
import pytest

import ossd
from conftest import new_bucket
from data import BLOCK, block, holds, same_pattern, write_pattern

LENGTH = (1 << (27 if ossd.SANITIZED else 30)) + 12345
PART = LENGTH // 16
NEEDED = 4 * LENGTH


def test_a_large_file(own_daemon):
    free = shutil.disk_usage(own_daemon.folder).free
    if free < NEEDED:
        pytest.skip(f"SKIPPED: {free >> 20} MIB FREE, A FILE OF {LENGTH >> 20} MIB NEEDS {NEEDED >> 20}")
    source, target = own_daemon.folder / "source", own_daemon.folder / "target"
    bucket = new_bucket(own_daemon, x_oss_server_side_encryption="KMS")
    write_pattern(source, LENGTH)
    oss2.resumable_upload(
        bucket,
        "large",
        str(source),
        multipart_threshold=PART,
        part_size=PART,
        num_threads=2,
        store=oss2.ResumableStore(root=str(own_daemon.folder)),
    )
    os.remove(source)
    assert holds(own_daemon.store) == []
    assert bucket.head_object("large").content_length == LENGTH
    for at in (PART - 1000, 5 * PART - BLOCK, LENGTH - 2 * BLOCK):
        number, into = divmod(at, BLOCK)
        expected = b"".join(block(number + i) for i in range(3))[into : into + 2 * BLOCK][: LENGTH - at]
        assert bucket.get_object("large", byte_range=(at, at + 2 * BLOCK - 1)).read() == expected
    assert same_pattern(iter(bucket.get_object("large")), LENGTH), "streamed, with oss2's own check of the CRC-64"
    bucket.copy_object(bucket.bucket_name, "large", "copy")
    bucket.delete_object("large")
    oss2.resumable_download(
        bucket,
        "copy",
        str(target),
        multiget_threshold=PART,
        part_size=PART,
        num_threads=2,
        store=oss2.ResumableDownloadStore(root=str(own_daemon.folder)),
    )
    with target.open("rb") as stream:
        assert same_pattern(iter(lambda: stream.read(BLOCK), b""), LENGTH)


def test_an_upload_of_one_piece_streams(own_daemon):
    """256 MiB in one PUT: the daemon's memory stays far below that."""
    length = 256 << 20
    bucket = new_bucket(own_daemon, x_oss_server_side_encryption="AES256")
    pieces = (block(i) for i in range(length // BLOCK))
    bucket.put_object("object", oss2.utils.SizedFileAdapter(Pieces(pieces), length))
    assert same_pattern(iter(bucket.get_object("object")), length)
    if not ossd.SANITIZED:
        status = pathlib.Path(f"/proc/{own_daemon.process.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])
        assert peak << 10 < length // 4, f"{peak} KiB"


class Pieces:
    """A file to read from, of pieces that are made when they are asked for."""

    def __init__(self, pieces):
        self.pieces, self.rest = pieces, b""

    def read(self, size=-1):
        while size < 0 or len(self.rest) < size:
            piece = next(self.pieces, None)
            if piece is None:
                size = len(self.rest)
                break
            self.rest += piece
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

"""Sections 6 and 7: where the bytes of a segment lie, and its receipt."""

from typing import Optional

from .crc import crc32c
from .wire import u32, u64, u8

INLINE, DETACHED, PAGED = 0, 1, 2
LAYOUT_NAMES = {INLINE: "INLINE", DETACHED: "DETACHED", PAGED: "PAGED"}
PAGE = 4096
GROUP = 256
FULL_GROUP = 16384 * GROUP + PAGE
TAG = 16


def to_pages(data: bytes, filler: int) -> bytes:
    return data + bytes([filler]) * (-len(data) % PAGE)


def lay_out(layout: int, head: bytes, chunks: list[bytes], filler: int = 0) -> tuple[bytes, bytes]:
    """Body and aside of a message. `filler` is what PAGED pads with."""
    if layout == INLINE:
        return head + b"".join(chunks), b""
    ciphertexts, tags = [chunk[:-TAG] for chunk in chunks], [chunk[-TAG:] for chunk in chunks]
    if layout == DETACHED:
        return b"".join(ciphertexts), head + b"".join(tags)
    body = bytearray()
    for first in range(0, len(chunks), GROUP):
        for column in (ciphertexts, tags):
            body += to_pages(b"".join(column[first : first + GROUP]), filler)
    return bytes(body), b""


def encode_receipt(
    part: int,
    layout: int,
    head: bytes,
    plain: int,
    body: int,
    crc64_plain: int,
    crc32c_body: int,
    *,
    magic: bytes = b"ossencR",
    version: int = 1,
    reserved: bytes = bytes(3),
    crc: Optional[int] = None,
) -> bytes:
    covered = magic + u8(version) + u32(part) + u8(layout) + reserved + head + u64(plain) + u64(body)
    covered += u64(crc64_plain) + u32(crc32c_body)
    return covered + u32(crc32c(covered) if crc is None else crc)

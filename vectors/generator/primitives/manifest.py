"""Section 8: the plaintext of a manifest, the context of an attribute, and the value of an upload record."""

from dataclasses import dataclass
from typing import Optional

from .envelope import ROLE_ATTRIBUTE, body_context
from .wire import lp, u32, u64, u8

UPLOAD = b"ossenc:upload"


@dataclass(frozen=True)
class Entry:
    """A segment as a manifest lists it."""

    part: int
    head: bytes
    length: int
    offset: int

    def encode(self) -> bytes:
        return u32(self.part) + self.head + u64(self.length) + u64(self.offset)

    def json(self) -> dict:
        return {"part": self.part, "head": self.head.hex(), "length": self.length, "offset": self.offset}


def entries_of(segments: list[tuple[int, bytes, int]]) -> list[Entry]:
    """The segments, of part, head and length, one behind the other."""
    entries, offset = [], 0
    for part, head, length in segments:
        entries.append(Entry(part, head, length, offset))
        offset += length
    return entries


def encode_manifest(
    generation: int, entries: list[Entry], *, version: int = 1, total: Optional[int] = None, n: Optional[int] = None
) -> bytes:
    sum_ = sum(entry.length for entry in entries) if total is None else total
    count = len(entries) if n is None else n
    return u8(version) + u64(generation) + u64(sum_) + u32(count) + b"".join(entry.encode() for entry in entries)


def attribute_context(envelope: bytes, name: bytes, role: int = ROLE_ATTRIBUTE) -> bytes:
    return body_context(envelope, role) + lp(name)


def upload_value(created_at: int, *, version: int = 1) -> bytes:
    return u8(version) + u64(created_at)

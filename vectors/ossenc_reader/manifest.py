"""Section 8: the manifest."""

from dataclasses import dataclass

from .layout import LONGEST_PLAINTEXT
from .message import HEAD_LENGTH, open_message
from .segment import OpenedObject, ROLE_MANIFEST
from .wire import Cursor, Refused, require

LONGEST_LIST = 2**20


@dataclass
class Entry:
    part: int
    head: bytes
    length: int
    offset: int


@dataclass
class Manifest:
    generation: int
    total: int
    entries: list[Entry]


def rule(condition: bool, why: str) -> None:
    require(condition, why, "MANIFEST")


def read_entry(cursor: Cursor) -> Entry:
    return Entry(part=cursor.u32(), head=cursor.take(HEAD_LENGTH), length=cursor.u64(), offset=cursor.u64())


def read_manifest(plaintext: bytes) -> Manifest:
    cursor = Cursor(plaintext, "MANIFEST")
    if cursor.u8() != 1:
        raise Refused("TOONEW", "version of a manifest")
    generation, total, count = cursor.u64(), cursor.u64(), cursor.u32()
    rule(generation >= 1, "generation zero")
    rule(count <= LONGEST_LIST, "too many segments")
    entries = [read_entry(cursor) for _ in range(count)]
    cursor.end()
    check_entries(entries, total)
    return Manifest(generation, total, entries)


def check_entries(entries: list[Entry], total: int) -> None:
    last_part = end = 0
    for entry in entries:
        rule(entry.part > last_part, "parts do not increase")
        rule(entry.length <= LONGEST_PLAINTEXT, "length of a segment")
        rule(entry.offset == end, "offset of a segment")
        last_part, end = entry.part, end + entry.length
    rule(total == end, "total")


def open_manifest(opened: OpenedObject, sealed: bytes, min_generation: int = 0) -> Manifest:
    require(opened.is_segmented, "the manifest of an object of one segment")
    manifest = read_manifest(open_message(opened.data_key, opened.message_context(ROLE_MANIFEST), sealed))
    if manifest.generation < min_generation:
        raise Refused("EXPECT", "generation")
    return manifest

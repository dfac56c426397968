"""Section 10: the header of a sealed file."""

from typing import Optional

from .crc import crc32c
from .wire import u16, u32, u64, u8

COPY_LENGTH = 4096
LONGEST_FILED_ENVELOPE = 4073


def header_copy(
    sequence: int,
    envelope: bytes,
    *,
    magic: bytes = b"ossencF",
    version: int = 1,
    layout: int = 0,
    length: Optional[int] = None,
    last_padding: bytes = b"",
) -> bytes:
    start = magic + u8(version) + u64(sequence) + u8(layout)
    start += u16(len(envelope) if length is None else length) + envelope
    covered = start + bytes(COPY_LENGTH - 4 - len(start) - len(last_padding)) + last_padding
    return covered + u32(crc32c(covered))

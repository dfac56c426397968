"""Section 8: the header of a sealed file."""

from typing import Optional

from .wire import u16, u32, u64, u8

COPY_LENGTH = 4096
LONGEST_FILED_ENVELOPE = 4073


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


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

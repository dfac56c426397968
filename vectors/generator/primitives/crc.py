"""Sections 7 and 10: the two CRCs."""

from typing import Callable


def reflected_crc(width: int, polynomial: int) -> Callable[[bytes], int]:
    """A CRC whose initial value and final XOR are all ones; `polynomial` is reflected. Takes two bytes at a time."""
    ones = (1 << width) - 1

    def remainder(value: int) -> int:
        for _ in range(16):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        return value

    table: list[int] = []

    def crc(data: bytes) -> int:
        if not table:
            table.extend(map(remainder, range(1 << 16)))
        value = ones
        even = len(data) & ~1
        for low, high in zip(data[0:even:2], data[1:even:2]):
            value = (value >> 16) ^ table[(value ^ (low | high << 8)) & 0xFFFF]
        for byte in data[even:]:
            value ^= byte
            for _ in range(8):
                value = (value >> 1) ^ (polynomial if value & 1 else 0)
        return value ^ ones

    return crc


crc32c = reflected_crc(32, 0x82F63B78)
crc64_xz = reflected_crc(64, 0xC96C5795D7870F42)

if (crc32c(b"123456789"), crc64_xz(b"123456789")) != (0xE3069283, 0x995DC9BBDF1939FA):
    raise RuntimeError("a CRC does not give its check value")

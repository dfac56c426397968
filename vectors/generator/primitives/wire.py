"""Section 1: integers and lengths."""

U64_MAX = 2**64 - 1


def u8(value: int) -> bytes:
    return value.to_bytes(1, "big")


def u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    return value.to_bytes(8, "big")


def lp8(data: bytes) -> bytes:
    return u8(len(data)) + data


def lp(data: bytes) -> bytes:
    return u16(len(data)) + data


def flip(data: bytes, position: int, mask: int = 1) -> bytes:
    changed = bytearray(data)
    changed[position] ^= mask
    return bytes(changed)

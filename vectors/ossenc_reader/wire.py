"""Section 1: conventions. A refusal is always a `Refused` with one of the statuses of FORMAT.md."""

from typing import Optional


class Refused(Exception):
    """The only way in which this reader refuses anything."""

    def __init__(self, status: str, why: str = "", chunk: Optional[int] = None):
        super().__init__(f"{status}: {why}" if why else status)
        self.status = status
        self.chunk = chunk


def require(condition: bool, why: str, status: str = "FORMAT") -> None:
    if not condition:
        raise Refused(status, why)


class Cursor:
    """Reads a structure from front to back; whatever would go past its end is FORMAT, or as the structure has it."""

    def __init__(self, data: bytes, status: str = "FORMAT"):
        self._data = data
        self._status = status
        self.position = 0

    def take(self, count: int) -> bytes:
        require(count <= len(self._data) - self.position, "a length goes past the end", self._status)
        start = self.position
        self.position += count
        return self._data[start : self.position]

    def rest(self) -> bytes:
        return self.take(len(self._data) - self.position)

    def end(self) -> None:
        require(self.position == len(self._data), "bytes are left over", self._status)

    def zeros(self, count: int) -> None:
        require(not any(self.take(count)), "a reserved byte is not zero", self._status)

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def lp8(self) -> bytes:
        return self.take(self.u8())

    def lp(self) -> bytes:
        return self.take(self.u16())


def lp8(data: bytes) -> bytes:
    return len(data).to_bytes(1, "big") + data


def lp(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


PROVIDER_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-")
VISIBLE_BYTES = frozenset(range(0x21, 0x7F))
U64_MAX = 2**64 - 1


def check_identifier(value: bytes, what: str, shortest: int, longest: int, allowed=VISIBLE_BYTES) -> None:
    require(shortest <= len(value) <= longest, f"length of {what}")
    require(allowed.issuperset(value), f"bytes of {what}")


def local_version(text: bytes) -> int:
    """The counter of a local master key's version: decimal, from 1, without leading zeros."""
    require(1 <= len(text) <= 20 and frozenset(b"0123456789").issuperset(text), "not a decimal counter")
    require(text[:1] != b"0", "a counter begins with zero")
    number = int(text)
    require(number <= U64_MAX, "a counter above u64")
    return number

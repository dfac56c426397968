"""Sections 4 and 9: keys and the keystore image."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Optional

from .message import expand_sha512, seal
from .wire import lp8, u16, u32, u64, u8

SERVICE, IMPORTED = 1, 2
ORIGIN_NAMES = {SERVICE: "service", IMPORTED: "imported"}


def purpose_key(origin: int, material: bytes, purpose: str, key_id: bytes, key_version: bytes) -> bytes:
    if origin == SERVICE:
        secret = material
    else:
        secret = hmac.new(b"ossenc/v1/import", material, hashlib.sha512).digest()  # HKDF-Extract
    info = b"ossenc/v1/" + purpose.encode("ascii") + b"\x00" + lp8(key_id) + lp8(key_version)
    return expand_sha512(secret, info, 32)


ENABLED, DISABLED, PENDING_DELETION, PENDING_IMPORT = 1, 2, 3, 4
STATE_NAMES = {
    ENABLED: "Enabled",
    DISABLED: "Disabled",
    PENDING_DELETION: "PendingDeletion",
    PENDING_IMPORT: "PendingImport",
}
STAGED, ACTIVE, RETIRED, DESTROYED = 1, 2, 3, 4
VERSION_STATE_NAMES = {STAGED: "staged", ACTIVE: "active", RETIRED: "retired", DESTROYED: "destroyed"}


@dataclass
class Version:
    number: int
    state: int
    material: bytes
    created_at: int = 0
    not_after: int = 0

    def encode(self) -> bytes:
        return u64(self.number) + u8(self.state) + u64(self.created_at) + u64(self.not_after) + lp8(self.material)

    def json(self) -> dict:
        return {
            "number": str(self.number),
            "state": VERSION_STATE_NAMES[self.state],
            "material": self.material.hex(),
        }


@dataclass
class Key:
    """A master key. Nothing here is checked: invalid cases are built with it as well."""

    key_id: bytes
    versions: list[Version]
    primary: int
    next_version: int
    origin: int = SERVICE
    state: int = ENABLED
    created_at: int = 0
    delete_at: int = 0
    period: int = 0
    last_rotated_at: int = 0
    check: bytes = b""
    aliases: list[bytes] = field(default_factory=list)
    alias_count: Optional[int] = None
    version_count: Optional[int] = None

    def encode(self) -> bytes:
        times = u64(self.created_at) + u64(self.delete_at) + u64(self.period) + u64(self.last_rotated_at)
        numbers = u64(self.primary) + u64(self.next_version)
        alias_count = len(self.aliases) if self.alias_count is None else self.alias_count
        version_count = len(self.versions) if self.version_count is None else self.version_count
        return b"".join(
            [
                lp8(self.key_id) + u8(self.origin) + u8(self.state) + times + numbers + lp8(self.check),
                u16(alias_count) + b"".join(map(lp8, self.aliases)),
                u32(version_count) + b"".join(version.encode() for version in self.versions),
            ]
        )

    def version(self, number: int) -> Version:
        return next(version for version in self.versions if version.number == number)

    def wrapping_key(self, number: int, purpose: str = "wrap-dek") -> bytes:
        material = self.version(number).material
        return purpose_key(self.origin, material, purpose, self.key_id, str(number).encode("ascii"))

    def json(self) -> dict:
        return {
            "key_id": self.key_id.decode("ascii"),
            "state": STATE_NAMES[self.state],
            "origin": ORIGIN_NAMES[self.origin],
            "primary": str(self.primary),
            "versions": [version.json() for version in self.versions],
            "aliases": [alias.decode("ascii") for alias in self.aliases],
        }


def encode_body(keys: list[Key], *, version: int = 1, n: Optional[int] = None) -> bytes:
    count = len(keys) if n is None else n
    return u8(version) + u32(count) + b"".join(key.encode() for key in keys)


@dataclass
class Keystore:
    root_key: bytes
    root_key_id: bytes
    keystore_id: bytes
    generation: int
    keys: list[Key]

    def header(self, *, magic: bytes = b"ossencK", version: int = 1, kdf: bytes = b"\x00") -> bytes:
        return magic + u8(version) + self.keystore_id + u64(self.generation) + lp8(self.root_key_id) + kdf

    def image(self, salt: bytes, *, header: Optional[bytes] = None, body: Optional[bytes] = None) -> bytes:
        header = self.header() if header is None else header
        body = encode_body(self.keys) if body is None else body
        return header + seal(self.root_key, b"ossenc/keystore" + b"\x00\x01" + header, salt, body)

    def key(self, key_id: str) -> Key:
        return next(key for key in self.keys if key.key_id == key_id.encode("ascii"))

    def json_keys(self) -> list[dict]:
        return [key.json() for key in self.keys]

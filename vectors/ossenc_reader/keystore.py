"""Section 9: the keystore image."""

from dataclasses import dataclass
from typing import Optional

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from .keys import IMPORTED, SERVICE
from .message import SALT_LENGTH, open_message
from .wire import Cursor, Refused, check_identifier, require

ORIGINS = {1: SERVICE, 2: IMPORTED}
KEY_STATES = {1: "Enabled", 2: "Disabled", 3: "PendingDeletion", 4: "PendingImport"}
VERSION_STATES = {1: "staged", 2: "active", 3: "retired", 4: "destroyed"}
KDF_NONE, KDF_ARGON2ID = 0, 1
MOST_KIB, MOST_PASSES, MOST_LANES = 2_097_152, 32, 32


@dataclass
class Version:
    number: int
    state: str
    created_at: int
    not_after: int
    material: bytes


@dataclass
class MasterKey:
    key_id: bytes
    origin: str
    state: str
    created_at: int
    delete_at: int
    period: int
    last_rotated_at: int
    primary: int
    next_version: int
    check: bytes
    aliases: list[bytes]
    versions: dict[int, Version]


@dataclass
class Keystore:
    keystore_id: bytes
    generation: int
    root_key_id: bytes
    salt: bytes
    keys: dict[bytes, MasterKey]


def one_of(names: dict[int, str], value: int, what: str) -> str:
    require(value in names, f"unknown {what}")
    return names[value]


def strictly_increasing(values: list) -> bool:
    return all(left < right for left, right in zip(values, values[1:]))


def read_version(cursor: Cursor) -> Version:
    return Version(
        number=cursor.u64(),
        state=one_of(VERSION_STATES, cursor.u8(), "version_state"),
        created_at=cursor.u64(),
        not_after=cursor.u64(),
        material=cursor.lp8(),
    )


def read_key(cursor: Cursor) -> MasterKey:
    key = MasterKey(
        key_id=cursor.lp8(),
        origin=one_of(ORIGINS, cursor.u8(), "origin"),
        state=one_of(KEY_STATES, cursor.u8(), "state"),
        created_at=cursor.u64(),
        delete_at=cursor.u64(),
        period=cursor.u64(),
        last_rotated_at=cursor.u64(),
        primary=cursor.u64(),
        next_version=cursor.u64(),
        check=cursor.lp8(),
        aliases=[cursor.lp8() for _ in range(cursor.u16())],
        versions={},
    )
    versions = [read_version(cursor) for _ in range(cursor.u32())]
    require(strictly_increasing([version.number for version in versions]), "order of the versions")
    key.versions = {version.number: version for version in versions}
    check_key(key)
    return key


def check_key(key: MasterKey) -> None:
    check_identifier(key.key_id, "key_id", 1, 255)
    require(key.state != "PendingImport" or key.origin == IMPORTED, "a service key that awaits an import")
    require((key.delete_at != 0) == (key.state == "PendingDeletion"), "delete_at does not go with the state")
    require(len(key.check) in (0, 32), "length of check")
    require(key.origin == IMPORTED or not key.check, "a check of a service key")
    for alias in key.aliases:
        check_identifier(alias, "alias", 7, 255)
        require(alias.startswith(b"alias/"), "beginning of an alias")
    require(strictly_increasing(key.aliases), "order of the aliases")
    require(key.next_version >= 1, "next_version is not a version")
    for version in key.versions.values():
        require(1 <= version.number < key.next_version, "number of a version")
        check_material(key, version)
    check_primary(key)


def check_material(key: MasterKey, version: Version) -> None:
    if version.state == "destroyed":
        require(not version.material, "material of a destroyed version")
    else:
        may_be_empty = key.state == "PendingImport"
        require(len(version.material) == 32 or (may_be_empty and not version.material), "length of material")


def check_primary(key: MasterKey) -> None:
    if key.primary == 0:
        require(key.state == "PendingImport", "no primary")
    else:
        primary = key.versions.get(key.primary)
        require(primary is not None and primary.state == "active", "primary is not an active version")


def read_body(body: bytes) -> dict[bytes, MasterKey]:
    cursor = Cursor(body)
    if cursor.u8() != 1:
        raise Refused("TOONEW", "version of the body")
    keys = [read_key(cursor) for _ in range(cursor.u32())]
    cursor.end()
    require(strictly_increasing([key.key_id for key in keys]), "order of the keys")
    aliases = [alias for key in keys for alias in key.aliases]
    require(len(set(aliases)) == len(aliases), "an alias is there twice")
    return {key.key_id: key for key in keys}


def read_argon2id(cursor: Cursor) -> dict:
    kib, passes, lanes, salt = cursor.u32(), cursor.u32(), cursor.u32(), cursor.take(16)
    if kib > MOST_KIB or passes > MOST_PASSES or lanes > MOST_LANES:
        raise Refused("TOONEW", "cost of the passphrase")
    require(passes >= 1 and lanes >= 1 and kib >= 8 * lanes, "cost of the passphrase")
    return {"salt": salt, "length": 32, "iterations": passes, "lanes": lanes, "memory_cost": kib}


def derived_root_key(parameters: dict, passphrase: bytes) -> bytes:
    require(len(passphrase) > 0, "an empty passphrase", "ARGUMENT")
    return Argon2id(**parameters).derive(passphrase)


def load_keystore(
    image: bytes, root_key: bytes, min_generation: int = 0, passphrase: Optional[bytes] = None
) -> Keystore:
    cursor = Cursor(image)
    require(cursor.take(7) == b"ossencK", "magic of a keystore image")
    if cursor.u8() != 1:
        raise Refused("TOONEW", "version of the keystore image")
    keystore_id, generation, root_key_id = cursor.take(16), cursor.u64(), cursor.lp8()
    require(generation >= 1, "generation zero")
    check_identifier(root_key_id, "root_key_id", 1, 255)
    kdf = cursor.u8()
    if kdf not in (KDF_NONE, KDF_ARGON2ID):
        raise Refused("TOONEW", "KDF")
    parameters = read_argon2id(cursor) if kdf == KDF_ARGON2ID else None
    if generation < min_generation:
        raise Refused("EXPECT", "generation")
    if parameters is not None and passphrase is not None:
        root_key = derived_root_key(parameters, passphrase)
    header = image[: cursor.position]
    message = cursor.rest()
    body = open_message(root_key, b"ossenc/keystore" + b"\x00\x01" + header, message)
    return Keystore(keystore_id, generation, root_key_id, message[:SALT_LENGTH], read_body(body))


def unwrapping_version(keystore: Keystore, key_id: bytes, number: int, now: int) -> tuple[MasterKey, Version]:
    """The key and version, unless the keystore does not hold them or a state forbids unwrapping."""
    key = keystore.keys.get(key_id)
    version = key.versions.get(number) if key is not None else None
    if key is None or version is None:
        raise Refused("NOVERSION", "the keystore has no such key or version")
    if key.state != "Enabled" or version.state not in ("staged", "active"):
        raise Refused("KEYSTATE", f"{key.state}, {version.state}")
    if version.not_after != 0 and version.not_after <= now:
        raise Refused("KEYSTATE", "expired")
    return key, version

"""keystores.json: single images."""

from .cases import valid
from .keystores_chains import NamedKeystore
from .primitives.keystore import (
    ACTIVE,
    DESTROYED,
    DISABLED,
    IMPORTED,
    Key,
    Keystore,
    PENDING_DELETION,
    PENDING_IMPORT,
    RETIRED,
    STAGED,
    Version,
    encode_body,
)
from .primitives.message import CHUNK
from .primitives.randomness import Randomness, fixed
from .primitives.wire import U64_MAX
from .samples import EXPIRES_AT, START


def image_fields(keystore: Keystore, image: bytes, **other) -> dict:
    return {"root_key": keystore.root_key.hex(), **other, "image": image.hex()}


def valid_image(name: str, comment: str, keystore: Keystore, **other) -> dict:
    image = keystore.image(fixed(f"keystores/{name}/salt").draw(24))
    root_key_id = keystore.root_key_id.decode("ascii")
    fields = image_fields(keystore, image, root_key_id=root_key_id, **other)
    return valid(name, comment, **fields, generation=keystore.generation, keys=keystore.json_keys())


def new_keystore(label: str, keys: list[Key], generation: int = 7, root_key_id: bytes = b"root-1") -> Keystore:
    rng = fixed(f"keystores/{label}")
    return Keystore(rng.draw(32), root_key_id, rng.draw(16), generation, keys)


def one_version_key(rng: Randomness, key_id: str, **other) -> Key:
    version = Version(1, ACTIVE, rng.draw(32), created_at=START)
    defaults = {"primary": 1, "next_version": 2, "created_at": START, "last_rotated_at": START}
    return Key(key_id.encode("ascii"), [version], **{**defaults, **other})


def all_states() -> Keystore:
    """Every valid value of origin, state and version_state."""
    rng = fixed("keystores/states/keys")
    awaited = Key(b"awaited", [], 0, 1, origin=IMPORTED, state=PENDING_IMPORT, created_at=START)
    disabled = one_version_key(rng, "disabled", state=DISABLED)
    expired_import = one_version_key(rng, "expired-import", origin=IMPORTED, state=PENDING_IMPORT, check=rng.draw(32))
    expired_import.versions[0] = Version(1, ACTIVE, b"", created_at=START, not_after=EXPIRES_AT)
    expiring = one_version_key(rng, "expiring", origin=IMPORTED, check=rng.draw(32))
    expiring.versions[0].not_after = EXPIRES_AT
    history = Key(b"history", [], 3, 7, created_at=START, period=7_776_000, last_rotated_at=START + 3)
    history.aliases = [b"alias/Z", b"alias/a", b"alias/a/b"]
    history.versions = [
        Version(1, DESTROYED, b"", created_at=START),
        Version(2, RETIRED, rng.draw(32), created_at=START + 1),
        Version(3, ACTIVE, rng.draw(32), created_at=START + 2),
        Version(4, ACTIVE, rng.draw(32), created_at=START + 3, not_after=EXPIRES_AT),
        Version(6, STAGED, rng.draw(32), created_at=START + 4),
    ]
    imported = one_version_key(rng, "imported", origin=IMPORTED, check=rng.draw(32), aliases=[b"alias/Y"])
    leaving = one_version_key(rng, "leaving", state=PENDING_DELETION, delete_at=START + 2_592_000)
    return new_keystore("states", [awaited, disabled, expired_import, expiring, history, imported, leaving])


def awaiting_import() -> Keystore:
    """In state PendingImport a version may have its material or lack it; a destroyed one lacks it as always."""
    rng = fixed("keystores/awaiting-import/keys")
    mixed = Key(b"mixed", [], 3, 5, origin=IMPORTED, state=PENDING_IMPORT, created_at=START, check=rng.draw(32))
    mixed.versions = [
        Version(1, DESTROYED, b"", created_at=START),
        Version(2, RETIRED, b"", created_at=START),
        Version(3, ACTIVE, rng.draw(32), created_at=START),
        Version(4, STAGED, b"", created_at=START),
    ]
    new = Key(b"new", [], 0, 1, origin=IMPORTED, state=PENDING_IMPORT, created_at=START)
    no_primary = one_version_key(rng, "no-primary", origin=IMPORTED, state=PENDING_IMPORT, primary=0)
    return new_keystore("awaiting-import", [mixed, new, no_primary])


def extreme_numbers() -> Keystore:
    material = fixed("keystores/extremes/key").draw(32)
    version = Version(U64_MAX - 1, ACTIVE, material, created_at=U64_MAX, not_after=U64_MAX)
    key = Key(b"!~", [version], U64_MAX - 1, U64_MAX, created_at=U64_MAX, last_rotated_at=U64_MAX, period=U64_MAX)
    key.aliases = [b"alias/!", b"alias/" + b"~" * 249]
    return new_keystore("extremes", [key], generation=U64_MAX)


def full_chunk_body() -> Keystore:
    """A body of exactly 16,384 bytes; long aliases fill it up."""
    rng = fixed("keystores/full-chunk/keys")
    keys = [one_version_key(rng, f"key-{number:03}") for number in range(100)]
    missing = CHUNK - len(encode_body(keys))
    for index, key in enumerate(keys):
        length = min(missing - 1, 255)
        if length < 7:
            break
        if 0 < missing - 1 - length < 8:
            length -= 8  # leaves enough for one more alias
        key.aliases = [b"alias/%03d" % index + b"x" * (length - 9)]
        missing -= length + 1
    if missing:
        raise RuntimeError("the body does not fill the chunk")
    return new_keystore("full-chunk", keys)


def valid_images() -> tuple[list[dict], dict[str, NamedKeystore]]:
    states = all_states()
    rng = fixed("keystores/many-keys/keys")
    many = new_keystore("many-keys", [one_version_key(rng, f"key-{number:03}") for number in range(150)])
    crossed = [
        one_version_key(rng, "a", aliases=[b"alias/y", b"alias/z"]),
        one_version_key(rng, "b", aliases=[b"alias/a", b"alias/x"]),
    ]
    cases = [
        valid_image("states", "every valid value of origin, state and version_state", states),
        valid_image("extremes", "the largest numbers, the shortest and the longest alias", extreme_numbers()),
        valid_image("many-keys", "a body of two chunks", many),
        valid_image("full-chunk", "a body of exactly one full chunk", full_chunk_body()),
        valid_image("crossed-aliases", "aliases are sorted within their key only", new_keystore("crossed", crossed)),
        valid_image("awaiting-import", "keys whose material has not come or has expired", awaiting_import()),
        valid_image(
            "minimum-generation", "the generation is the minimum", new_keystore("minimum", []), min_generation=7
        ),
        valid_image(
            "above-minimum", "the generation is above the minimum", new_keystore("minimum", []), min_generation=6
        ),
    ]
    return cases, {"states": NamedKeystore("states", states)}

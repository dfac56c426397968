"""keys.json."""

from .cases import valid
from .primitives.keystore import IMPORTED, ORIGIN_NAMES, SERVICE, purpose_key
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX

PURPOSES = ("wrap-dek", "wrap-bucket-key", "direct", "check")


def key_cases() -> list[dict]:
    cases = []
    for origin in (SERVICE, IMPORTED):
        for purpose in PURPOSES:
            key_version = "" if purpose == "check" else "1"
            cases.append(key_case(f"{ORIGIN_NAMES[origin]}-{purpose}", purpose, origin, purpose, "key-1", key_version))
    others = [
        ("large-version", "the largest counter", SERVICE, "wrap-dek", "key-1", str(U64_MAX)),
        ("boundary-left", "key ab, version 12", SERVICE, "wrap-dek", "ab", "12"),
        (
            "boundary-right",
            "key ab1, version 2: the lengths tell it from the one before",
            SERVICE,
            "wrap-dek",
            "ab1",
            "2",
        ),
        ("long-key-id", "a key id of 255 bytes", SERVICE, "wrap-dek", "k" * 255, "1"),
        ("customer", "a customer key: origin imported, empty names", IMPORTED, "wrap-dek", "", ""),
    ]
    return cases + [key_case(*other) for other in others]


def key_case(name: str, comment: str, origin: int, purpose: str, key_id: str, key_version: str) -> dict:
    material = fixed("keys/material").draw(32)
    key = purpose_key(origin, material, purpose, key_id.encode("ascii"), key_version.encode("ascii"))
    return valid(
        name,
        comment,
        origin=ORIGIN_NAMES[origin],
        material=material.hex(),
        purpose=purpose,
        key_id=key_id,
        key_version=key_version,
        key=key.hex(),
    )

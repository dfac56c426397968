"""keystores.json: images under a passphrase (KDF 1)."""

from dataclasses import replace

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from .cases import invalid, valid
from .keystores_images import image_fields, new_keystore, one_version_key
from .primitives.keystore import Keystore
from .primitives.randomness import fixed
from .primitives.wire import u32

PASSPHRASE = b"correct horse battery staple"
SALT = fixed("keystores/passphrase/kdf").draw(16)
IMAGE_SALT = fixed("keystores/passphrase/image").draw(24)


def kdf(kib: int, passes: int, lanes: int) -> bytes:
    return b"\x01" + u32(kib) + u32(passes) + u32(lanes) + SALT


def under(kib: int, passes: int, lanes: int, passphrase: bytes = PASSPHRASE) -> tuple[Keystore, bytes]:
    keys = [one_version_key(fixed("keystores/passphrase/keys"), "key-1")]
    derived = Argon2id(salt=SALT, length=32, iterations=passes, lanes=lanes, memory_cost=kib).derive(passphrase)
    store = replace(new_keystore("passphrase", keys), root_key=derived)
    return store, store.image(IMAGE_SALT, header=store.header(kdf=kdf(kib, passes, lanes)))


def passphrase_cases() -> list[dict]:
    def given(store: Keystore, image: bytes, passphrase: bytes = PASSPHRASE, **other) -> dict:
        return image_fields(store, image, passphrase=passphrase.hex(), **other)

    cases = []
    for name, comment, cost in [
        ("passphrase", "KDF 1 with four lanes", (32, 1, 4)),
        ("passphrase-passes", "KDF 1 with three passes, and memory that is no multiple of the lanes", (67, 3, 2)),
        ("passphrase-longest", "KDF 1 with the most passes and lanes", (256, 32, 32)),
    ]:
        store, image = under(*cost)
        shown = {"root_key_id": "root-1", "generation": store.generation, "keys": store.json_keys()}
        cases.append(valid(name, comment, **given(store, image, **shown)))
    store, image = under(32, 1, 4)
    kdf_at = len(store.header()) - 1
    cases += [
        invalid("passphrase-wrong", "another passphrase", "COMMIT", **given(store, image, PASSPHRASE + b".")),
        invalid("passphrase-empty", "an empty passphrase", "ARGUMENT", **given(store, image, b"")),
        invalid("passphrase-below-minimum", "the minimum", "EXPECT", **given(store, image, min_generation=8)),
        invalid("kdf-1-alone", "KDF 1, and nothing follows", "FORMAT", **given(store, store.header(kdf=b"\x01"))),
        invalid("kdf-1-cut", "KDF 1 lacks a byte of its salt", "FORMAT", **given(store, image[: kdf_at + 28])),
    ]
    limits = [
        ("kib-above", 2_097_153, 3, 4, "TOONEW"),
        ("kib-huge", 2**32 - 1, 3, 4, "TOONEW"),
        ("passes-above", 64, 33, 4, "TOONEW"),
        ("lanes-above", 1024, 3, 33, "TOONEW"),
        ("kib-below", 31, 3, 4, "FORMAT"),
        ("passes-0", 64, 0, 4, "FORMAT"),
        ("lanes-0", 64, 3, 0, "FORMAT"),
    ]
    for name, kib, passes, lanes, error in limits:
        changed = image[:kdf_at] + kdf(kib, passes, lanes) + image[kdf_at + 29 :]
        cases.append(invalid(f"kdf-1-{name}", f"{kib} KiB, {passes} passes, {lanes} lanes", error, **given(store, changed)))
    return cases

"""keystores.json: images that are refused."""

from dataclasses import replace
from typing import Callable, Optional

from .cases import invalid
from .keystores_images import image_fields, new_keystore, one_version_key
from .primitives.keystore import (
    ACTIVE,
    DESTROYED,
    DISABLED,
    IMPORTED,
    Keystore,
    PENDING_DELETION,
    PENDING_IMPORT,
    RETIRED,
    STAGED,
    Version,
    encode_body,
)
from .primitives.message import HEAD, SEALED_CHUNK
from .primitives.randomness import fixed
from .primitives.wire import flip
from .samples import START


def sample_keystore() -> Keystore:
    """Two keys of several versions; each broken body is this one with one change."""
    rng = fixed("keystores/sample/keys")
    alpha = one_version_key(rng, "alpha", primary=2, next_version=6, aliases=[b"alias/a", b"alias/b"])
    alpha.versions += [
        Version(2, ACTIVE, rng.draw(32), created_at=START),
        Version(3, STAGED, rng.draw(32), created_at=START),
        Version(4, RETIRED, rng.draw(32), created_at=START),
        Version(5, DESTROYED, b"", created_at=START),
    ]
    beta = one_version_key(rng, "beta", origin=IMPORTED, check=rng.draw(32), aliases=[b"alias/c"])
    return new_keystore("sample", [alpha, beta])


SAMPLE_SALT = fixed("keystores/sample/salt").draw(24)


def invalid_images() -> list[dict]:
    return broken_bodies() + broken_body_counts() + broken_headers() + damaged_images()


ALPHA, BETA = 0, 1


def change(key: int, version: Optional[int] = None, **values) -> Callable[[Keystore], None]:
    """Gives fields of a key of the sample, or of one of its versions, other values."""

    def apply(store: Keystore) -> None:
        target = store.keys[key] if version is None else store.keys[key].versions[version]
        for name, value in values.items():
            setattr(target, name, value)

    return apply


# Each change breaks one rule of section 9 for the body.
BODY_CHANGES: list[tuple[str, str, Callable[[Keystore], None]]] = [
    ("keys-unsorted", "the keys are not sorted", lambda store: store.keys.reverse()),
    ("key-twice", "two keys have one id", change(BETA, key_id=b"alpha")),
    ("key-id-empty", "a key id is empty", change(ALPHA, key_id=b"")),
    ("key-id-space", "a key id has a space", change(ALPHA, key_id=b"al ha")),
    ("key-id-del", "a key id has a byte 0x7f", change(ALPHA, key_id=b"alpha\x7f")),
    ("key-id-utf-8", "a key id is not ASCII", change(ALPHA, key_id=b"a\xc3\xa9")),
    ("origin-0", "no such origin", change(ALPHA, origin=0)),
    ("origin-3", "no such origin", change(ALPHA, origin=3)),
    ("state-0", "no such state", change(ALPHA, state=0)),
    ("state-5", "no such state", change(ALPHA, state=5)),
    ("version-state-0", "no such version_state", change(ALPHA, 0, state=0)),
    ("version-state-5", "no such version_state", change(ALPHA, 0, state=5)),
    ("delete-at-enabled", "delete_at in state Enabled", change(ALPHA, delete_at=1)),
    ("delete-at-disabled", "delete_at in state Disabled", change(ALPHA, state=DISABLED, delete_at=1)),
    ("delete-at-pending-import", "delete_at in state PendingImport", change(BETA, state=PENDING_IMPORT, delete_at=1)),
    ("no-delete-at", "no delete_at in state PendingDeletion", change(ALPHA, state=PENDING_DELETION)),
    ("primary-0", "no primary in state Enabled", change(ALPHA, primary=0)),
    ("primary-0-disabled", "no primary in state Disabled", change(ALPHA, primary=0, state=DISABLED)),
    (
        "primary-0-pending-deletion",
        "no primary in state PendingDeletion",
        change(ALPHA, primary=0, state=PENDING_DELETION, delete_at=1),
    ),
    ("no-versions", "no version in state Enabled", change(BETA, primary=0, versions=[])),
    ("primary-missing", "the primary is no version of the key", change(BETA, primary=2)),
    ("primary-staged", "the primary is staged", change(ALPHA, primary=3)),
    ("primary-retired", "the primary is retired", change(ALPHA, primary=4)),
    ("primary-destroyed", "the primary is destroyed", change(ALPHA, primary=5)),
    (
        "primary-staged-pending-import",
        "the primary is staged, in state PendingImport",
        change(ALPHA, origin=IMPORTED, state=PENDING_IMPORT, primary=3),
    ),
    ("pending-import-service", "state PendingImport with origin service", change(ALPHA, state=PENDING_IMPORT)),
    (
        "pending-import-service-empty",
        "state PendingImport with origin service, and no versions",
        change(ALPHA, state=PENDING_IMPORT, primary=0, next_version=1, versions=[]),
    ),
    (
        "next-version-0",
        "next_version is 0",
        change(BETA, state=PENDING_IMPORT, primary=0, next_version=0, versions=[]),
    ),
    ("version-0", "a version has number 0", change(ALPHA, 0, number=0)),
    ("version-is-next", "a version has the number next_version", change(ALPHA, next_version=5)),
    ("version-above-next", "a version is above next_version", change(ALPHA, next_version=4)),
    ("versions-unsorted", "the versions are not sorted", lambda store: store.keys[ALPHA].versions.reverse()),
    ("version-twice", "two versions have one number", change(ALPHA, 3, number=3)),
    ("material-31", "material of 31 bytes", change(ALPHA, 0, material=bytes(31))),
    ("material-33", "material of 33 bytes", change(ALPHA, 0, material=bytes(33))),
    (
        "material-1-pending-import",
        "material of 1 byte, in state PendingImport",
        lambda store: (change(BETA, state=PENDING_IMPORT)(store), change(BETA, 0, material=b"x")(store)),
    ),
    ("no-material-active", "an active version without material", change(ALPHA, 0, material=b"")),
    ("no-material-staged", "a staged version without material", change(ALPHA, 2, material=b"")),
    ("no-material-retired", "a retired version without material", change(ALPHA, 3, material=b"")),
    (
        "no-material-disabled",
        "a version without material, in state Disabled",
        lambda store: (change(BETA, state=DISABLED)(store), change(BETA, 0, material=b"")(store)),
    ),
    ("material-destroyed", "a destroyed version with material", change(ALPHA, 4, material=bytes(32))),
    (
        "material-destroyed-pending-import",
        "a destroyed version with material, in state PendingImport",
        change(
            ALPHA,
            origin=IMPORTED,
            state=PENDING_IMPORT,
            versions=[Version(2, ACTIVE, b""), Version(3, DESTROYED, bytes(32))],
        ),
    ),
    ("check-31", "a check of 31 bytes", change(BETA, check=bytes(31))),
    ("check-service", "a check of a service key", change(ALPHA, check=bytes(32))),
    ("alias-prefix", "an alias without its prefix", change(BETA, aliases=[b"Alias/c"])),
    ("alias-short", "an alias of 6 bytes", change(BETA, aliases=[b"alias/"])),
    ("alias-empty", "an empty alias", change(BETA, aliases=[b""])),
    ("alias-space", "an alias with a space", change(BETA, aliases=[b"alias/a b"])),
    ("aliases-unsorted", "the aliases of a key are not sorted", lambda store: store.keys[ALPHA].aliases.reverse()),
    ("alias-twice", "an alias is there twice in a key", change(ALPHA, aliases=[b"alias/a", b"alias/a"])),
    ("alias-of-two-keys", "two keys have one alias", change(BETA, aliases=[b"alias/a"])),
]


def broken_bodies() -> list[dict]:
    cases = []
    for name, comment, apply in BODY_CHANGES:
        store = sample_keystore()
        apply(store)
        cases.append(invalid(name, comment, "FORMAT", **image_fields(store, store.image(SAMPLE_SALT))))
    return cases


def broken_body_counts() -> list[dict]:
    store = sample_keystore()
    alpha, beta = store.keys
    body = encode_body(store.keys)
    bodies = [
        ("body-version-0", "no such version of the body", flip(body, 0), "TOONEW"),
        ("body-version-2", "a later version of the body", encode_body(store.keys, version=2), "TOONEW"),
        ("body-version-2-alone", "a later version of the body, which may have any form", b"\x02", "TOONEW"),
        ("body-empty", "an empty body", b"", "FORMAT"),
        ("body-without-count", "the body ends in its count", body[:4], "FORMAT"),
        ("body-cut", "the body lacks its last byte", body[:-1], "FORMAT"),
        ("body-trailing-byte", "one byte after the last key", body + b"\x00", "FORMAT"),
        ("key-count-above", "one key more is promised", encode_body(store.keys, n=3), "FORMAT"),
        ("key-count-below", "one key less is promised", encode_body(store.keys, n=1), "FORMAT"),
        ("key-count-huge", "2^32 - 1 keys are promised", encode_body(store.keys, n=0xFFFFFFFF), "FORMAT"),
        ("key-count-huge-alone", "2^32 - 1 keys are promised, none follows", encode_body([], n=0xFFFFFFFF), "FORMAT"),
        (
            "alias-count-huge",
            "65,535 aliases are promised",
            encode_body([alpha, replace(beta, alias_count=0xFFFF)]),
            "FORMAT",
        ),
        (
            "version-count-huge",
            "2^32 - 1 versions are promised",
            encode_body([alpha, replace(beta, version_count=0xFFFFFFFF)]),
            "FORMAT",
        ),
        (
            "version-count-0",
            "no version is promised, one follows",
            encode_body([alpha, replace(beta, version_count=0)]),
            "FORMAT",
        ),
    ]
    return [
        invalid(name, comment, error, **image_fields(store, store.image(SAMPLE_SALT, body=changed)))
        for name, comment, changed, error in bodies
    ]


def broken_headers() -> list[dict]:
    """Headers that break a rule, each with a message that is sealed for it."""
    store = sample_keystore()
    headers = [
        ("header-magic", "another magic", store.header(magic=b"ossencJ"), "FORMAT"),
        ("header-version-0", "no such version", store.header(version=0), "TOONEW"),
        ("header-version-2", "a later version", store.header(version=2), "TOONEW"),
        ("kdf-2", "an unknown KDF", store.header(kdf=b"\x02"), "TOONEW"),
        ("kdf-255", "an unknown KDF", store.header(kdf=b"\xff"), "TOONEW"),
        ("root-key-id-space", "a root key id with a space", replace(store, root_key_id=b"root 1").header(), "FORMAT"),
        (
            "root-key-id-nul",
            "a root key id with a zero byte",
            replace(store, root_key_id=b"root\x00").header(),
            "FORMAT",
        ),
        ("no-root-key-id", "an empty root key id", replace(store, root_key_id=b"").header(), "FORMAT"),
        ("generation-0", "the generation counts from 1", replace(store, generation=0).header(), "FORMAT"),
        (
            "generation-0-kdf-2",
            "generation 0 comes before the unknown KDF",
            replace(store, generation=0).header(kdf=b"\x02"),
            "FORMAT",
        ),
        (
            "root-key-id-before-kdf",
            "a root key id with a space comes before the unknown KDF",
            replace(store, root_key_id=b"root 1").header(kdf=b"\x02"),
            "FORMAT",
        ),
    ]
    cases = [
        invalid(name, comment, error, **image_fields(store, store.image(SAMPLE_SALT, header=header)))
        for name, comment, header, error in headers
    ]
    image = store.image(SAMPLE_SALT)
    below = [
        ("generation-below-minimum", "the generation is below the minimum", image, 8, "EXPECT"),
        ("generation-far-below-minimum", "the generation is far below the minimum", image, 2**53 - 1, "EXPECT"),
        ("minimum-before-message", "the minimum is checked before the message", image[:60], 8, "EXPECT"),
        (
            "kdf-before-minimum",
            "an unknown KDF, and a generation below the minimum",
            store.image(SAMPLE_SALT, header=store.header(kdf=b"\x02")),
            8,
            "TOONEW",
        ),
    ]
    for name, comment, changed, minimum, error in below:
        cases.append(invalid(name, comment, error, **image_fields(store, changed, min_generation=minimum)))
    return cases


def damaged_images() -> list[dict]:
    store = sample_keystore()
    header_length, image = len(store.header()), store.image(SAMPLE_SALT)
    rng = fixed("keystores/many-keys/keys")
    many = new_keystore("many-keys", [one_version_key(rng, f"key-{number:03}") for number in range(150)])
    two_chunks = many.image(SAMPLE_SALT)
    many_boundary = len(many.header()) + HEAD + SEALED_CHUNK
    wrong_root = replace(store, root_key=fixed("keystores/wrong-root").draw(32))
    cases = [
        ("wrong-root-key", "another root key", wrong_root, image, "COMMIT"),
        ("keystore-id-flipped", "a bit of keystore_id", store, flip(image, 8), "COMMIT"),
        ("generation-flipped", "a bit of the generation", store, flip(image, 31, 2), "COMMIT"),
        ("root-key-id-flipped", "a bit of root_key_id, which stays well-formed", store, flip(image, 33), "COMMIT"),
        ("kdf-flipped", "the KDF becomes 4", store, flip(image, header_length - 1, 4), "TOONEW"),
        ("image-salt-flipped", "a bit of the salt", store, flip(image, header_length), "COMMIT"),
        ("image-commitment-flipped", "a bit of the commitment", store, flip(image, header_length + 55), "COMMIT"),
        ("image-body-flipped", "a bit of the body", store, flip(image, header_length + HEAD + 9), "CHUNK"),
        ("image-tag-flipped", "the last bit", store, flip(image, len(image) - 1), "CHUNK"),
        ("image-empty", "nothing is left", store, b"", "FORMAT"),
        ("image-cut-to-7", "the magic alone", store, image[:7], "FORMAT"),
        ("image-cut-to-8", "magic and version alone", store, image[:8], "FORMAT"),
        ("image-cut-in-header", "the header lacks the KDF", store, image[: header_length - 1], "FORMAT"),
        ("image-cut-to-header", "the header alone", store, image[:header_length], "TRUNCATED"),
        ("image-cut-in-head", "the message lacks its commitment", store, image[: header_length + 24], "TRUNCATED"),
        ("image-cut-to-71", "a message of 71 bytes", store, image[: header_length + 71], "TRUNCATED"),
        ("image-cut-last-byte", "the last byte is missing", store, image[:-1], "CHUNK"),
        ("image-trailing-byte", "one byte after the message", store, image + b"\x00", "CHUNK"),
        ("image-cut-after-chunk", "the second chunk is missing", many, two_chunks[:many_boundary], "TRUNCATED"),
        ("kdf-2-alone", "an unknown KDF, whatever follows: nothing", store, store.header(kdf=b"\x02"), "TOONEW"),
        ("image-of-an-envelope", "an envelope's magic", store, b"ossenc\x01" + image[7:], "FORMAT"),
    ]
    return [invalid(name, comment, error, **image_fields(s, changed)) for name, comment, s, changed, error in cases]

"""manifests.json: manifests that break a rule, are damaged, or belong elsewhere."""

from dataclasses import replace
from typing import Callable

from .cases import invalid
from .envelopes_bench import Bench, Created, create, wrap
from .keystores_chains import NamedKeystore
from .primitives.envelope import ROLE_ATTRIBUTE, ROLE_DATA, ROLE_MANIFEST, body_context
from .primitives.manifest import attribute_context, encode_manifest
from .primitives.message import HEAD, SEALED_CHUNK, seal
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX, flip
from .segmented import Manifest, create_segmented, object_fields, seal_manifest

Build = Callable[..., bytes]


def refused(
    name: str, comment: str, error: str, created: Created, salt: bytes, manifest: bytes, minimum: int = 0, **other
) -> dict:
    fields = {"salt": salt.hex(), "min_generation": minimum, "manifest": manifest.hex(), **other}
    return invalid(f"bad-{name}", comment, error, **object_fields(created), **fields)


def refused_manifests(good: Manifest, named: NamedKeystore) -> list[dict]:
    return broken_rules(good) + older_generations(good) + damaged_manifests(good) + misplaced_manifests(good, named)


def broken_rules(good: Manifest) -> list[dict]:
    """Each sealed as it should be."""
    entries = good.entries
    encoded = encode_manifest(good.generation, entries)

    def manifest(generation: int = good.generation, listed=entries, **other) -> bytes:
        return encode_manifest(generation, listed, **other)

    def with_entry(index: int, **changes) -> list:
        return [replace(entry, **changes) if at == index else entry for at, entry in enumerate(entries)]

    def entry_rule(index: int, **changes) -> bytes:
        total = sum(entry.length for entry in entries)
        return manifest(listed=with_entry(index, **changes), total=total)

    def lengths(*listed: int) -> bytes:
        """Offsets and total as sums that overflow."""
        offset, result = 0, []
        for entry, length in zip(entries, listed):
            result.append(replace(entry, length=length, offset=offset))
            offset = (offset + length) % 2**64
        return manifest(listed=result, total=offset)

    huge = replace(entries[0], length=2**46)
    cases = [
        ("no-bytes", "a manifest of no bytes", "MANIFEST", b""),
        ("version-alone", "nothing but the version", "MANIFEST", b"\x01"),
        ("cut-inside", "the plaintext lacks its last byte", "MANIFEST", encoded[:-1]),
        ("entry-missing", "the last entry is missing", "MANIFEST", encoded[:-76]),
        ("left-over", "a byte is left over", "MANIFEST", encoded + b"\x00"),
        ("entry-left-over", "an entry more than n", "MANIFEST", manifest(n=2)),
        ("n-greater", "n is 4, of 3 entries", "MANIFEST", manifest(n=4)),
        ("n-2-to-20", "n is 2^20, of 3 entries", "MANIFEST", manifest(n=2**20)),
        ("n-above-2-to-20", "n is 2^20 + 1, of 3 entries", "MANIFEST", manifest(n=2**20 + 1)),
        ("n-u32", "n is 2^32 - 1, of 3 entries", "MANIFEST", manifest(n=2**32 - 1)),
        ("n-0", "n is 0, of 3 entries", "MANIFEST", manifest(n=0)),
        ("version-0", "no such version", "TOONEW", manifest(version=0)),
        ("version-2", "a later version", "TOONEW", manifest(version=2)),
        ("version-2-any-form", "a later version may have any form", "TOONEW", b"\x02"),
        ("generation-0", "generations count from 1", "MANIFEST", manifest(0)),
        ("part-0", "a part 0", "MANIFEST", entry_rule(0, part=0)),
        ("part-twice", "a part is there twice", "MANIFEST", entry_rule(1, part=1)),
        ("part-decreasing", "the parts do not increase", "MANIFEST", entry_rule(0, part=9)),
        ("total-above", "the total is 1 more than the sum", "MANIFEST", manifest(total=10_485_838)),
        ("total-below", "the total is 1 less than the sum", "MANIFEST", manifest(total=10_485_836)),
        ("total-0", "the total is 0", "MANIFEST", manifest(total=0)),
        ("total-of-empty", "an empty object has a total", "MANIFEST", manifest(listed=[], total=1)),
        ("first-offset", "the first offset is not 0", "MANIFEST", entry_rule(0, offset=1)),
        ("offset-above", "an offset is 1 too high", "MANIFEST", entry_rule(1, offset=5_242_881)),
        ("offset-below", "an offset is 1 too low", "MANIFEST", entry_rule(2, offset=10_485_759)),
        ("offset-0", "the second offset is 0", "MANIFEST", entry_rule(1, offset=0)),
        ("length-differs", "a length does not go with the offset that follows", "MANIFEST", entry_rule(0, length=1)),
        ("last-length-differs", "the last length does not go with the total", "MANIFEST", entry_rule(2, length=78)),
        ("length-too-long", "a segment of 2^46 bytes", "MANIFEST", manifest(listed=[huge])),
        ("length-u64", "a segment of 2^64 - 1 bytes", "MANIFEST", lengths(U64_MAX)),
        ("sum-wraps", "lengths whose sum overflows to 0", "MANIFEST", lengths(2**63, 2**63)),
        ("sum-wraps-to-some", "an offset that is right only if the sum overflows", "MANIFEST", lengths(U64_MAX, 2, 77)),
    ]
    made = []
    for name, comment, error, plaintext in cases:
        salt = fixed(f"manifests/bad/{name}").draw(24)
        made.append(refused(name, comment, error, good.created, salt, seal_manifest(good.created, salt, plaintext)))
    return made


def older_generations(good: Manifest) -> list[dict]:
    salt, created = good.salt, good.created
    broken = seal_manifest(created, salt, encode_manifest(good.generation, good.entries, total=1))
    zero = seal_manifest(created, salt, encode_manifest(0, good.entries))
    later = seal_manifest(created, salt, encode_manifest(good.generation, good.entries, version=2))
    damaged = flip(good.sealed, len(good.sealed) - 1)
    cases = [
        ("older", "a generation below the caller's", "EXPECT", good.sealed, 3, {}),
        ("much-older", "the caller knows the last generation", "EXPECT", good.sealed, U64_MAX, {}),
        ("older-and-broken", "the rules come before the generation", "MANIFEST", broken, 3, {}),
        ("older-and-zero", "generation 0 breaks a rule, whatever the caller's", "MANIFEST", zero, 1, {}),
        ("older-and-later", "a later version has no generation", "TOONEW", later, 3, {}),
        ("older-and-damaged", "nothing is read of what does not verify", "CHUNK", damaged, 3, {"chunk": 0}),
    ]
    return [
        refused(name, comment, error, created, salt, manifest, minimum, **other)
        for name, comment, error, manifest, minimum, other in cases
    ]


def damaged_manifests(good: Manifest) -> list[dict]:
    sealed = good.sealed
    many = [replace(good.entries[0], part=part, offset=(part - 1) * good.entries[0].length) for part in range(1, 221)]
    two = replace(good, entries=many).sealed
    cases = [
        ("salt-flipped", "a bit of the salt", "COMMIT", flip(sealed, 0), {}),
        ("commitment-flipped", "a bit of the commitment", "COMMIT", flip(sealed, HEAD - 1), {}),
        ("version-flipped", "a bit of the version", "CHUNK", flip(sealed, HEAD), {"chunk": 0}),
        ("entry-flipped", "a bit of an entry", "CHUNK", flip(sealed, HEAD + 21 + 80), {"chunk": 0}),
        ("tag-flipped", "a bit of the tag", "CHUNK", flip(sealed, len(sealed) - 1), {"chunk": 0}),
        ("cut", "the last byte is missing", "CHUNK", sealed[:-1], {"chunk": 0}),
        ("extended", "a byte is behind it", "CHUNK", sealed + b"\x00", {"chunk": 0}),
        ("cut-to-0", "nothing is left", "TRUNCATED", b"", {}),
        ("cut-to-head", "the head alone", "TRUNCATED", sealed[:HEAD], {}),
        ("cut-to-71", "one byte less than the shortest message", "TRUNCATED", sealed[:71], {}),
        ("cut-at-chunk", "chunk 1 is missing", "TRUNCATED", two[: HEAD + SEALED_CHUNK], {}),
        ("cut-in-chunk-1", "chunk 1 lacks a byte", "CHUNK", two[:-1], {"chunk": 1}),
    ]
    return [
        refused(name, comment, error, good.created, good.salt, manifest, **other)
        for name, comment, error, manifest, other in cases
    ]


def misplaced_manifests(good: Manifest, named: NamedKeystore) -> list[dict]:
    created, salt = good.created, good.salt
    plaintext = encode_manifest(good.generation, good.entries)
    other = create_segmented("manifests/other", named)
    bench = Bench(fixed("manifests/twin"), named, created.context, other.envelope[:32], created.data_key)
    twin = wrap(bench, created)
    single = create(fixed("manifests/single"), named)

    def sealed_in(context: bytes) -> bytes:
        return seal(created.data_key, context, salt, plaintext)

    def in_role(role: int, part: int = 0) -> bytes:
        return sealed_in(body_context(created.envelope, role, part))

    as_attribute = sealed_in(attribute_context(created.envelope, b"manifest"))
    of_single = seal_manifest(single, salt, plaintext)
    cases = [
        ("role-data", "sealed as data of part 0", "COMMIT", created, in_role(ROLE_DATA)),
        ("role-data-part-1", "sealed as data of part 1", "COMMIT", created, in_role(ROLE_DATA, 1)),
        ("role-attribute", "sealed with the role of an attribute", "COMMIT", created, in_role(ROLE_ATTRIBUTE)),
        ("attribute", "sealed as an attribute", "COMMIT", created, as_attribute),
        ("part-1", "sealed as a manifest, of part 1", "COMMIT", created, in_role(ROLE_MANIFEST, 1)),
        ("of-another-object", "the manifest of another object", "COMMIT", other, good.sealed),
        ("other-prelude", "another prelude, of the same data key", "COMMIT", twin, good.sealed),
        ("single", "an object of shape 1 has no manifest, though this one opens", "FORMAT", single, of_single),
        ("single-empty", "an object of shape 1 has no manifest: nothing else is looked at", "FORMAT", single, b""),
        ("single-damaged", "an object of shape 1, and a damaged manifest", "FORMAT", single, flip(of_single, 0)),
    ]
    return [refused(name, comment, error, of, salt, manifest) for name, comment, error, of, manifest in cases]

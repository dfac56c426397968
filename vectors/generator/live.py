"""Live files: cases with fresh randomness."""

import pathlib
import secrets
from dataclasses import replace

from . import FORMAT_NAME
from .cases import valid
from .envelopes_bench import Created, create
from .keystores_chains import Chain, NamedKeystore
from .objects import SealedObject
from .output import render
from .primitives.context import Context
from .primitives.envelope import ROLE_DATA, ROLE_MANIFEST, SEGMENTED, SINGLE, SSE_KMS, SSE_OSS, body_context
from .primitives.manifest import encode_manifest
from .primitives.message import encrypt_with_own_salt, plain
from .primitives.randomness import Randomness, system_randomness
from .primitives.segment import LAYOUT_NAMES
from .samples import NOW
from .segmented import segment_of_message
from .whole_bench import Stored, Whole, manifest_of


def random_context(rng: Randomness) -> Context:
    def some_bytes() -> bytes:
        return rng.draw(secrets.randbelow(100))

    user = {rng.draw(4).hex(): rng.draw(secrets.randbelow(20)).hex() for _ in range(secrets.randbelow(5))}
    return Context(some_bytes(), some_bytes(), some_bytes(), some_bytes(), tuple(user.items()))


def live_chains() -> list[tuple[str, Chain]]:
    fresh = Chain(system_randomness(), "live-root").init().create("key-1").create("a-key")
    rotated = Chain(system_randomness(), "live-root").init().create("key-1").stage("key-1").promote("key-1", 2)
    return [("live-fresh", fresh), ("live-rotated", rotated.retire("key-1", 1))]


def live_envelope(named: NamedKeystore, shape: int = SINGLE) -> Created:
    rng = system_randomness()
    method = secrets.choice((SSE_OSS, SSE_KMS))
    return create(rng, named, "key-1", method, random_context(rng), NOW + secrets.randbelow(10**6), shape)


def live_object(name: str, named: NamedKeystore, size: int) -> dict:
    created = live_envelope(named)
    body = encrypt_with_own_salt(created.data_key, body_context(created.envelope), plain(size))
    return valid(name, f"{size} bytes", **SealedObject(created, body[:24], size, body).fields())


def live_segment(created: Created, part: int, start: int, size: int) -> Stored:
    context = body_context(created.envelope, ROLE_DATA, part)
    message = encrypt_with_own_salt(created.data_key, context, plain(size, start))
    return Stored(segment_of_message(message, part, start, size), secrets.choice(list(LAYOUT_NAMES)))


def live_whole(name: str, named: NamedKeystore, sizes: list[int]) -> dict:
    created = live_envelope(named, SEGMENTED)
    stored, part, start = [], 0, 0
    for size in sizes:
        part += 1 + secrets.randbelow(3)
        stored.append(live_segment(created, part, start, size))
        start += size
    generation = 1 + secrets.randbelow(10**6)
    whole = Whole(created, stored, manifest_of(created, b"", generation, stored))
    plaintext = encode_manifest(generation, whole.manifest.entries)
    sealed = encrypt_with_own_salt(created.data_key, body_context(created.envelope, ROLE_MANIFEST), plaintext)
    whole = replace(whole, manifest=replace(whole.manifest, salt=sealed[:24]))
    offsets = [secrets.randbelow(start + 1) for _ in range(4)]
    ranges = tuple((offset, secrets.randbelow(start - offset + 1)) for offset in offsets)
    return valid(name, f"segments of {sizes} bytes", **whole.fields(ranges, manifest=sealed.hex()))


def write_live(path: str) -> int:
    sizes = [0, 1, 16383, 16384, 16385, 40000] + [secrets.randbelow(300_001) for _ in range(4)]
    many = [[], [0], [16384, 1, 0, 5000], [secrets.randbelow(60_000) for _ in range(5)]]
    keystores, objects, wholes = [], [], []
    for name, chain in live_chains():
        keystores.append(chain.case(name, "drawn afresh"))
        named = NamedKeystore(name, chain.keystore)
        objects += [live_object(f"{name}-{number}", named, size) for number, size in enumerate(sizes)]
        wholes += [live_whole(f"{name}-{number}", named, sizes_) for number, sizes_ in enumerate(many)]
    document = {"format": FORMAT_NAME, "keystores": keystores, "objects": objects, "whole": wholes}
    pathlib.Path(path).write_bytes(render(document))
    print(f"{len(keystores)} keystores, {len(objects)} objects, {len(wholes)} segmented objects")
    return 0

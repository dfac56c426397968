"""Live files: cases with fresh randomness."""

import pathlib
import secrets

from . import FORMAT_NAME
from .cases import valid
from .envelopes_bench import create
from .keystores_chains import Chain, NamedKeystore
from .objects import SealedObject
from .output import render
from .primitives.context import Context
from .primitives.envelope import SSE_KMS, SSE_OSS, body_context
from .primitives.message import encrypt_with_own_salt, plain
from .primitives.randomness import Randomness, system_randomness
from .samples import NOW


def random_context(rng: Randomness) -> Context:
    def some_bytes() -> bytes:
        return rng.draw(secrets.randbelow(100))

    user = {rng.draw(4).hex(): rng.draw(secrets.randbelow(20)).hex() for _ in range(secrets.randbelow(5))}
    return Context(some_bytes(), some_bytes(), some_bytes(), some_bytes(), tuple(user.items()))


def live_chains() -> list[tuple[str, Chain]]:
    fresh = Chain(system_randomness(), "live-root").init().create("key-1").create("a-key")
    rotated = Chain(system_randomness(), "live-root").init().create("key-1").stage("key-1").promote("key-1", 2)
    return [("live-fresh", fresh), ("live-rotated", rotated.retire("key-1", 1))]


def live_object(name: str, named: NamedKeystore, size: int) -> dict:
    rng = system_randomness()
    method = secrets.choice((SSE_OSS, SSE_KMS))
    created = create(rng, named, "key-1", method, random_context(rng), NOW + secrets.randbelow(10**6))
    body = encrypt_with_own_salt(created.data_key, body_context(created.envelope), plain(size))
    return valid(name, f"{size} bytes", **SealedObject(created, body[:24], size, body).fields())


def write_live(path: str) -> int:
    sizes = [0, 1, 16383, 16384, 16385, 40000] + [secrets.randbelow(300_001) for _ in range(4)]
    keystores, objects = [], []
    for name, chain in live_chains():
        keystores.append(chain.case(name, "drawn afresh"))
        named = NamedKeystore(name, chain.keystore)
        objects += [live_object(f"{name}-{number}", named, size) for number, size in enumerate(sizes)]
    document = {"format": FORMAT_NAME, "keystores": keystores, "objects": objects}
    pathlib.Path(path).write_bytes(render(document))
    print(f"{len(keystores)} keystores, {len(objects)} objects")
    return 0

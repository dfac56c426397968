"""objects.json."""

from dataclasses import dataclass
from typing import Optional

from .cases import invalid, valid
from .envelopes_bench import Bench, Created, create, rewrap
from .keystores_chains import NamedKeystore
from .primitives.envelope import SEGMENTED, SSE_KMS, body_context
from .primitives.message import HEAD, SEALED_CHUNK, plain, seal
from .primitives.randomness import fixed
from .primitives.wire import flip
from .samples import RENAMED


@dataclass
class SealedObject:
    created: Created
    salt: bytes
    length: int
    body: bytes

    def fields(self, envelope_of: Optional[Created] = None, **other) -> dict:
        one = envelope_of or self.created
        return {
            "keystore": one.named.name,
            "context": one.context.json(),
            "allow": one.allow,
            "now": one.now,
            "envelope": one.envelope.hex(),
            "salt": self.salt.hex(),
            "plaintext_len": self.length,
            "body": self.body.hex(),
            **other,
        }


def seal_object(label: str, named: NamedKeystore, length: int) -> SealedObject:
    created = create(fixed(f"{label}/envelope"), named)
    salt = fixed(f"{label}/body").draw(24)
    body = seal(created.data_key, body_context(created.envelope), salt, plain(length))
    return SealedObject(created, salt, length, body)


def object_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    one_key, rotated = named["one-key"], named["rotated"]
    sizes = (0, 1, 16383, 16384, 16385, 33000)
    cases = [
        valid(f"size-{size}", f"{size} bytes", **seal_object(f"objects/size-{size}", one_key, size).fields())
        for size in sizes
    ]
    small = seal_object("objects/small", one_key, 1000)
    after_rotation = rewrap("objects/rotation", small.created, rotated)
    after_rename = rewrap("objects/rename", small.created, one_key, context=RENAMED)
    after_both = rewrap("objects/both", after_rename, rotated, method=SSE_KMS)
    rewraps = [
        ("before-rewrap", "the object that is rewrapped below", small.created),
        ("after-rotation", "the body stays, the envelope is under the new version", after_rotation),
        ("after-rename", "the body stays, the envelope is for the new name", after_rename),
        ("after-rename-and-rotation", "rewrapped twice, the second time to SSE-KMS", after_both),
    ]
    cases += [valid(name, comment, **small.fields(one)) for name, comment, one in rewraps]
    cases.append(valid("trusted-len", "the length is what the caller trusts", **small.fields(trusted_len=1000)))
    return cases + invalid_objects(one_key, small, after_rename)


def invalid_objects(one_key: NamedKeystore, small: SealedObject, renamed: Created) -> list[dict]:
    two = seal_object("objects/two-chunks", one_key, 16385)
    other = seal_object("objects/other", one_key, 1000)
    bench = Bench.new(fixed("objects/segmented"), one_key, shape=SEGMENTED)
    segmented = bench.envelope(bench.slot())
    as_single = seal(bench.data_key, body_context(segmented), small.salt, plain(1000))
    body = small.body

    def body_in(role: int, part: int) -> dict:
        context = body_context(small.created.envelope, role, part)
        return {"body": seal(small.created.data_key, context, small.salt, plain(1000)).hex()}

    changes = [
        (
            "body-of-another",
            "the body of another object",
            "COMMIT",
            small,
            {"body": other.body.hex(), "salt": other.salt.hex()},
        ),
        ("role-2", "sealed as a manifest", "COMMIT", small, body_in(2, 0)),
        ("role-0", "sealed with role 0", "COMMIT", small, body_in(0, 0)),
        ("part-1", "sealed as part 1", "COMMIT", small, body_in(1, 1)),
        ("body-head-flipped", "a bit of the salt", "COMMIT", small, {"body": flip(body, 3).hex()}),
        ("body-chunk-flipped", "a bit of chunk 0", "CHUNK", small, {"body": flip(body, 60).hex(), "chunk": 0}),
        (
            "body-last-chunk-flipped",
            "a bit of chunk 1",
            "CHUNK",
            two,
            {"body": flip(two.body, len(two.body) - 1).hex(), "chunk": 1},
        ),
        ("body-empty", "no body", "TRUNCATED", small, {"body": ""}),
        ("body-71", "71 bytes", "TRUNCATED", small, {"body": body[:71].hex()}),
        ("body-cut-at-chunk", "chunk 1 is missing", "TRUNCATED", two, {"body": two.body[: HEAD + SEALED_CHUNK].hex()}),
        ("body-cut", "the last byte is missing", "CHUNK", small, {"body": body[:-1].hex(), "chunk": 0}),
        (
            "body-cut-trusted",
            "the last byte is missing, and the length is known",
            "TRUNCATED",
            small,
            {"body": body[:-1].hex(), "trusted_len": 1000},
        ),
        ("body-extended", "a byte is appended", "CHUNK", small, {"body": body.hex() + "00", "chunk": 0}),
        ("trusted-len-differs", "the caller knows another length", "TRUNCATED", small, {"trusted_len": 999}),
        (
            "segmented",
            "an envelope of shape 2, which has no part 0, with a body as of shape 1",
            "FORMAT",
            small,
            {"envelope": segmented.hex(), "body": as_single.hex()},
        ),
        (
            "envelope-of-another",
            "the envelope of another object: it opens, the body does not",
            "COMMIT",
            small,
            {"envelope": other.created.envelope.hex()},
        ),
        (
            "opened-under-a-new-name",
            "the object was not rewrapped for its new name",
            "COMMIT",
            small,
            {"context": renamed.context.json()},
        ),
    ]
    return [invalid(name, comment, error, **one.fields(**changed)) for name, comment, error, one, changed in changes]

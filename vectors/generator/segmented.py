"""What the cases of segmented objects are made with."""

import hashlib
from dataclasses import dataclass

from .envelopes_bench import Created, create, envelope_fields
from .keystores_chains import NamedKeystore
from .primitives.crc import crc32c, crc64_xz
from .primitives.envelope import ROLE_DATA, ROLE_MANIFEST, SEGMENTED, body_context
from .primitives.manifest import Entry, encode_manifest
from .primitives.message import HEAD, SEALED_CHUNK, message_parts, plain, seal
from .primitives.randomness import fixed
from .primitives.segment import LAYOUT_NAMES, encode_receipt, lay_out


def create_segmented(label: str, named: NamedKeystore, **other) -> Created:
    return create(fixed(label), named, shape=SEGMENTED, **other)


def object_fields(created: Created) -> dict:
    """Where the envelope opens, and what comes of it."""
    fields = envelope_fields(created.named, created.envelope, created.context, created.allow, created.now)
    return {**fields, "data_key": created.data_key.hex(), "prelude": created.envelope[:32].hex()}


@dataclass(frozen=True)
class Segment:
    """A sealed segment; its layout is chosen when it is stored. `start` is where it begins in its object."""

    part: int
    salt: bytes
    start: int
    length: int
    head: bytes
    chunks: list[bytes]

    @property
    def message(self) -> bytes:
        return self.head + b"".join(self.chunks)

    def stored(self, layout: int, filler: int = 0) -> tuple[bytes, bytes]:
        return lay_out(layout, self.head, self.chunks, filler)

    def receipt(self, layout: int, body: bytes) -> bytes:
        plain_crc = crc64_xz(plain(self.length, self.start))
        return encode_receipt(self.part, layout, self.head, self.length, len(body), plain_crc, crc32c(body))


def body_fields(body: bytes, longest: int, member: str = "body") -> dict:
    """The body itself, or its hash if it takes more than `longest` bytes."""
    if len(body) <= longest:
        return {member: body.hex()}
    return {f"{member}_len": len(body), f"{member}_sha256": hashlib.sha256(body).hexdigest()}


def segment_fields(created: Created, segment: Segment, layout: int, **other) -> dict:
    return {
        **object_fields(created),
        "part": segment.part,
        "salt": segment.salt.hex(),
        "head": segment.head.hex(),
        "plaintext_len": segment.length,
        "layout": LAYOUT_NAMES[layout],
        **other,
    }


def seal_segment(
    created: Created, label: str, part: int, length: int, *, start: int = 0, role: int = ROLE_DATA
) -> Segment:
    salt = fixed(f"{label}/segment-{part}").draw(24)
    context = body_context(created.envelope, role, part)
    head, chunks = message_parts(created.data_key, context, salt, plain(length, start))
    return Segment(part, salt, start, length, head, chunks)


def segment_of_message(message: bytes, part: int, start: int, length: int) -> Segment:
    chunks = [message[at : at + SEALED_CHUNK] for at in range(HEAD, len(message), SEALED_CHUNK)]
    return Segment(part, message[:24], start, length, message[:HEAD], chunks)


def seal_manifest(created: Created, salt: bytes, plaintext: bytes) -> bytes:
    return seal(created.data_key, body_context(created.envelope, ROLE_MANIFEST), salt, plaintext)


@dataclass(frozen=True)
class Manifest:
    """A proper manifest."""

    created: Created
    salt: bytes
    generation: int
    entries: list[Entry]

    @property
    def sealed(self) -> bytes:
        return seal_manifest(self.created, self.salt, encode_manifest(self.generation, self.entries))

    def fields(self, **other) -> dict:
        return {
            **object_fields(self.created),
            "salt": self.salt.hex(),
            "generation": self.generation,
            "min_generation": 0,
            "total": sum(entry.length for entry in self.entries),
            "segments": [entry.json() for entry in self.entries],
            "manifest": self.sealed.hex(),
            **other,
        }

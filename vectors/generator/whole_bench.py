"""What the cases of whole objects are made with."""

import hashlib
from dataclasses import dataclass, replace
from typing import Optional

from .envelopes_bench import Created
from .primitives.manifest import entries_of
from .primitives.message import plain
from .primitives.randomness import fixed
from .primitives.segment import LAYOUT_NAMES
from .segmented import Manifest, Segment, body_fields, object_fields, seal_segment

LONGEST_IN_FULL = 100_000


@dataclass(frozen=True)
class Stored:
    """A segment and how it is kept. `body` and `aside` are given where a case is about them."""

    segment: Segment
    layout: int
    body: Optional[bytes] = None
    aside: Optional[bytes] = None

    def json(self) -> dict:
        proper_body, proper_aside = self.segment.stored(self.layout)
        body = proper_body if self.body is None else self.body
        aside = proper_aside if self.aside is None else self.aside
        return {
            "part": self.segment.part,
            "salt": self.segment.salt.hex(),
            "length": self.segment.length,
            "layout": LAYOUT_NAMES[self.layout],
            **body_fields(body, LONGEST_IN_FULL),
            "aside": aside.hex(),
        }


def manifest_of(created: Created, salt: bytes, generation: int, stored: list[Stored]) -> Manifest:
    segments = [(one.segment.part, one.segment.head, one.segment.length) for one in stored]
    return Manifest(created, salt, generation, entries_of(segments))


@dataclass(frozen=True)
class Whole:
    """An object: what its store has, and its manifest."""

    created: Created
    stored: list[Stored]
    manifest: Manifest

    @property
    def length(self) -> int:
        return sum(entry.length for entry in self.manifest.entries)

    def fields(self, ranges: Optional[tuple[tuple[int, int], ...]] = (), **other) -> dict:
        """`ranges`, besides some that all objects have; None for no ranges at all."""
        fields = {
            **object_fields(self.created),
            "generation": self.manifest.generation,
            "min_generation": 0,
            "salt": self.manifest.salt.hex(),
            "manifest": self.manifest.sealed.hex(),
            "segments": [one.json() for one in self.stored],
            "plaintext_len": self.length,
        }
        if ranges is not None:
            common = [(0, self.length), (0, 1), (self.length - 1, 1), (self.length, 0)] if self.length else []
            fields["ranges"] = [range_json(offset, length) for offset, length in [*common, *ranges]]
        return {**fields, **other}

    def renewed(self, label: str, stored: list[Stored]) -> "Whole":
        """The next generation."""
        salt = fixed(f"{label}/manifest").draw(24)
        manifest = manifest_of(self.created, salt, self.manifest.generation + 1, stored)
        return replace(self, stored=stored, manifest=manifest)

    def appended(self, label: str, parts: list[tuple[int, int, int]]) -> "Whole":
        return self.renewed(label, self.stored + store_parts(self.created, label, parts, self.length))

    def replaced_last(self, label: str, length: int) -> "Whole":
        last = self.stored[-1]
        start = self.length - last.segment.length
        made = store_parts(self.created, label, [(last.segment.part, length, last.layout)], start)
        return self.renewed(label, self.stored[:-1] + made)


def range_json(offset: int, length: int) -> dict:
    return {"offset": offset, "len": length, "sha256": hashlib.sha256(plain(length, offset)).hexdigest()}


def store_parts(created: Created, label: str, parts: list[tuple[int, int, int]], start: int) -> list[Stored]:
    """`parts` has part, length and layout."""
    stored = []
    for part, length, layout in parts:
        stored.append(Stored(seal_segment(created, label, part, length, start=start), layout))
        start += length
    return stored


def seal_whole(created: Created, label: str, parts: list[tuple[int, int, int]]) -> Whole:
    stored = store_parts(created, label, parts, 0)
    salt = fixed(f"{label}/manifest").draw(24)
    return Whole(created, stored, manifest_of(created, salt, 1, stored))

"""segments.json: segments that are damaged, or not where they belong."""

from dataclasses import replace

from .cases import invalid
from .envelopes_bench import Bench, Created, wrap
from .keystores_chains import NamedKeystore
from .primitives.envelope import ROLE_ATTRIBUTE, ROLE_MANIFEST
from .primitives.message import HEAD
from .primitives.randomness import fixed
from .primitives.segment import DETACHED, INLINE, LAYOUT_NAMES, PAGED
from .primitives.wire import flip
from .segmented import Segment, body_fields, create_segmented, object_fields, seal_segment, segment_fields

LONGEST_IN_FULL = 4096
OPENS = {"valid": True}
FIRST_CHUNK = {"error": "CHUNK", "chunk": 0}


class Refusals:
    """Cases of one stored segment, each with something changed."""

    def __init__(self, created: Created, segment: Segment):
        self._created, self._segment = created, segment

    def case(self, name: str, comment: str, error: str, layout: int, **changes) -> dict:
        """`body` and `aside` may be given otherwise, and members of the case, too."""
        body, aside = self._segment.stored(layout)
        # A hash can stand for the body if sealing with what the case has gives it.
        longest = LONGEST_IN_FULL if changes.keys() <= {"aside", "head", "chunk"} else 10**6
        stored = body_fields(changes.pop("body", body), longest)
        aside = changes.pop("aside", aside)
        fields = segment_fields(self._created, self._segment, layout, **stored, aside=aside.hex())
        return invalid(f"{LAYOUT_NAMES[layout].lower()}-{name}", comment, error, **{**fields, **changes})


def refused_segments(created: Created, named: NamedKeystore) -> list[dict]:
    small = seal_segment(created, "segments/refused", 7, 300)
    return (
        misplaced_segments(created, small, named)
        + of_other_roles(created)
        + flipped_bits(created, small)
        + of_other_attempts(created, small)
        + moved_tags(created)
        + wrong_lengths(created, small)
    )


def misplaced_segments(created: Created, small: Segment, named: NamedKeystore) -> list[dict]:
    refusals = Refusals(created, small)
    prelude = create_segmented("segments/twin-prelude", named).envelope[:32]
    twin = Bench(fixed("segments/twin"), named, created.context, prelude, created.data_key)
    of_twin = object_fields(wrap(twin, created))
    single = replace(twin, prelude=created.envelope[:8] + b"\x01" + created.envelope[9:32])
    of_single = object_fields(wrap(single, created))
    other = object_fields(create_segmented("segments/other", named))
    cases = []
    for layout in LAYOUT_NAMES:
        cases += [
            refusals.case("wrong-part", "sealed as part 7, read as part 8", "COMMIT", layout, part=8),
            refusals.case("wrong-prelude", "another prelude, of the same data key", "COMMIT", layout, **of_twin),
            refusals.case("wrong-object", "another object", "COMMIT", layout, **other),
        ]
    comment = "sealed for shape 2, read in an envelope of the same data key that differs in the shape alone"
    part_0 = Refusals(created, seal_segment(created, "segments/part-0", 0, 300))
    return cases + [part_0.case("wrong-shape", comment, "COMMIT", INLINE, **of_single)]


def of_other_roles(created: Created) -> list[dict]:
    cases = []
    for role, what in ((0, "role 0"), (ROLE_MANIFEST, "a manifest"), (ROLE_ATTRIBUTE, "an attribute")):
        segment = seal_segment(created, f"segments/role-{role}", 7, 300, role=role)
        cases.append(Refusals(created, segment).case(f"role-{role}", f"sealed as {what}", "COMMIT", INLINE))
    return cases


def flipped_bits(created: Created, small: Segment) -> list[dict]:
    two = seal_segment(created, "segments/two-chunks", 7, 16400)
    refusals, of_two = Refusals(created, small), Refusals(created, two)
    cases = []
    for layout, name in LAYOUT_NAMES.items():
        body, _ = small.stored(layout)
        begins = HEAD if layout == INLINE else 0
        damaged = {"body": flip(body, begins + 299, 0x80), "chunk": 0}
        cases.append(refusals.case("chunk-flipped", "the last byte of the chunk", "CHUNK", layout, **damaged))
        for at, what in ((0, "salt"), (HEAD - 1, "commitment")):
            head = flip(small.head, at).hex()
            comment = f"a bit of the {what} of the head that the manifest has"
            cases.append(refusals.case(f"known-{what}-flipped", comment, "COMMIT", layout, head=head))
    inline, aside, paged = small.message, small.stored(DETACHED)[1], small.stored(PAGED)[0]
    comment = "a bit of the stored head"
    cases += [
        refusals.case("tag-flipped", "the tag", "CHUNK", INLINE, body=flip(inline, len(inline) - 1), chunk=0),
        refusals.case("tag-flipped", "the tag", "CHUNK", DETACHED, aside=flip(aside, HEAD), chunk=0),
        refusals.case("tag-flipped", "the tag", "CHUNK", PAGED, body=flip(paged, 4096 + 15), chunk=0),
        refusals.case("head-flipped", comment, "COMMIT", INLINE, body=flip(inline, 3), head_unread=OPENS),
        refusals.case("head-flipped", comment, "COMMIT", DETACHED, aside=flip(aside, 55), head_unread=OPENS),
    ]
    body, aside = two.stored(DETACHED)
    second = {"body": flip(body, 16384), "chunk": 1}
    return cases + [
        of_two.case("second-chunk-flipped", "the first byte of chunk 1", "CHUNK", DETACHED, **second),
        of_two.case("second-tag-flipped", "the tag of chunk 1", "CHUNK", DETACHED, aside=flip(aside, 72), chunk=1),
    ]


def of_other_attempts(created: Created, small: Segment) -> list[dict]:
    """The same part of the same object, sealed twice."""
    refusals = Refusals(created, small)
    other = seal_segment(created, "segments/other-attempt", 7, 300)
    (body, aside), (paged, _) = other.stored(DETACHED), other.stored(PAGED)
    comment = "another attempt of the same part"
    return [
        refusals.case("other-attempt", comment, "COMMIT", INLINE, body=other.message, head_unread=FIRST_CHUNK),
        refusals.case("other-attempt", comment, "COMMIT", DETACHED, body=body, aside=aside, head_unread=FIRST_CHUNK),
        refusals.case("other-attempt", comment, "CHUNK", PAGED, body=paged, chunk=0),
        refusals.case("other-body", f"the body is of {comment}", "CHUNK", DETACHED, body=body, chunk=0),
        refusals.case(
            "other-aside", f"head and tags are of {comment}", "COMMIT", DETACHED, aside=aside, head_unread=FIRST_CHUNK
        ),
    ]


def moved_tags(created: Created) -> list[dict]:
    two = seal_segment(created, "segments/two-chunks", 7, 16400)
    refusals = Refusals(created, two)
    aside, (paged, _) = two.stored(DETACHED)[1], two.stored(PAGED)
    page = len(paged) - 4096
    first, second = paged[page : page + 16], paged[page + 16 : page + 32]
    rest = bytes(4096 - 32)
    shifted = paged[:page] + bytes(16) + first + second + rest[16:]
    swapped = {"aside": aside[:HEAD] + second + first, "chunk": 0}
    repeated = {"aside": aside[:HEAD] + first + first, "chunk": 1}
    in_page = {"body": paged[:page] + second + first + rest, "chunk": 0}
    return [
        refusals.case("tags-swapped", "the tags of chunks 0 and 1 are swapped", "CHUNK", DETACHED, **swapped),
        refusals.case(
            "tag-moved", "the tag of chunk 0 is in the place of that of chunk 1", "CHUNK", DETACHED, **repeated
        ),
        refusals.case("tags-swapped", "the tags of chunks 0 and 1 are swapped", "CHUNK", PAGED, **in_page),
        refusals.case("tags-moved", "the tags begin 16 bytes too late", "CHUNK", PAGED, body=shifted, chunk=0),
    ]


def wrong_lengths(created: Created, small: Segment) -> list[dict]:
    refusals = Refusals(created, small)
    cases = []
    for layout in LAYOUT_NAMES:
        body, aside = small.stored(layout)
        changes = [
            ("body-cut", "the last byte of the body is missing", {"body": body[:-1]}),
            ("body-extended", "a byte is behind the body", {"body": body + b"\x00"}),
            ("body-empty", "there is no body", {"body": b""}),
            ("aside-extended", "a byte more lies aside", {"aside": aside + b"\x00"}),
        ]
        if layout == PAGED:
            changes += [
                ("page-missing", "the page of tags is missing", {"body": body[:-4096]}),
                ("page-extended", "a page is behind the body", {"body": body + bytes(4096)}),
                ("head-aside", "head and tag lie aside, as in DETACHED", {"aside": small.stored(DETACHED)[1]}),
            ]
        if layout == DETACHED:
            changes += [
                ("aside-cut", "a byte of the tag is missing", {"aside": aside[:-1]}),
                ("aside-empty", "nothing lies aside", {"aside": b""}),
                ("aside-head-only", "no tag lies aside", {"aside": aside[:HEAD]}),
            ]
        cases += [refusals.case(name, comment, "TRUNCATED", layout, **change) for name, comment, change in changes]
    cut_head = {"body": small.message[:-1], "head": flip(small.head, 0).hex()}
    known = [("longer", "one byte more than there is", 301), ("shorter", "one byte less than there is", 299)]
    for name, comment, length in known:
        for layout in (INLINE, DETACHED):
            changes = {"plaintext_len": length}
            cases.append(refusals.case(f"known-{name}", f"the manifest has {comment}", "TRUNCATED", layout, **changes))
        fields = {"plaintext_len": length, "chunk": 0}
        paged = f"the manifest has {comment}: the body's length is the same"
        cases.append(refusals.case(f"known-{name}", paged, "CHUNK", PAGED, **fields))
    comment = "the body lacks a byte, and the manifest has another head"
    return cases + [refusals.case("length-before-head", comment, "TRUNCATED", INLINE, **cut_head)]

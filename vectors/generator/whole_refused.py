"""whole.json: objects whose segments are not those of the manifest."""

from dataclasses import replace

from .cases import invalid
from .keystores_chains import NamedKeystore
from .primitives.manifest import entries_of
from .primitives.segment import DETACHED, PAGED
from .primitives.wire import flip
from .samples import RENAMED
from .segmented import create_segmented, seal_segment
from .segments_refused import FIRST_CHUNK
from .whole_bench import Stored, Whole, seal_whole

UNREAD = {"head_unread": FIRST_CHUNK}
AT_0 = {"chunk": 0}


def exchanged(small: Whole, index: int, stored: Stored) -> Whole:
    """The bytes of `stored` lie where those of another segment should."""
    body, aside = stored.segment.stored(stored.layout)
    changed = list(small.stored)
    changed[index] = replace(changed[index], body=body, aside=aside)
    return replace(small, stored=changed)


def swapped(small: Whole, first: int, second: int) -> Whole:
    return exchanged(exchanged(small, first, small.stored[second]), second, small.stored[first])


def in_layout(whole: Whole, layout: int, indices: tuple[int, ...] = (0, 1, 2, 3)) -> Whole:
    """Some of the segments in this layout."""
    stored = [replace(one, layout=layout) if at in indices else one for at, one in enumerate(whole.stored)]
    return replace(whole, stored=stored)


def refused_wholes(small: Whole, named: NamedKeystore) -> list[dict]:
    created = small.created

    def other_attempt(index: int, of: Whole = small) -> Stored:
        one = of.stored[index]
        start, length = one.segment.start, one.segment.length
        return Stored(seal_segment(created, "whole/attempt", one.segment.part, length, start=start), one.layout)

    def one_changed(index: int, of: Whole = small, **changes) -> Whole:
        stored = list(of.stored)
        stored[index] = replace(stored[index], **changes)
        return replace(of, stored=stored)

    detached, paged = in_layout(small, DETACHED), in_layout(small, PAGED, (0, 1))
    last_paged = in_layout(small, PAGED, (3,))
    other_object = seal_whole(create_segmented("whole/other/envelope", named), "whole/other", [(1, 300, 0)])
    aside_of_other = other_attempt(2).segment.stored(DETACHED)[1]
    paged_body = small.stored[3].segment.stored(PAGED)[0]
    appended = small.appended("whole/appended", [(8, 50, 0)])
    replaced = small.replaced_last("whole/replaced", 500)
    cases = [
        ("swapped", "two INLINE segments of equal lengths are swapped", "COMMIT", swapped(small, 0, 1), UNREAD),
        ("swapped-detached", "two DETACHED segments are swapped", "COMMIT", swapped(detached, 0, 1), UNREAD),
        ("swapped-paged", "two PAGED segments are swapped", "CHUNK", swapped(paged, 0, 1), AT_0),
        ("swapped-lengths", "two segments of different lengths are swapped", "TRUNCATED", swapped(detached, 1, 2), {}),
        (
            "older-inline",
            "another attempt of the same part, INLINE",
            "COMMIT",
            exchanged(small, 1, other_attempt(1)),
            UNREAD,
        ),
        ("older-detached", "another attempt, DETACHED", "COMMIT", exchanged(small, 2, other_attempt(2)), UNREAD),
        (
            "older-paged",
            "another attempt, PAGED",
            "CHUNK",
            exchanged(last_paged, 3, other_attempt(3, last_paged)),
            AT_0,
        ),
        ("older-aside", "head and tags of another attempt", "COMMIT", one_changed(2, aside=aside_of_other), UNREAD),
        ("missing-inline", "a segment is missing, INLINE", "TRUNCATED", one_changed(0, body=b""), {}),
        ("missing-detached", "a segment is missing, DETACHED", "TRUNCATED", one_changed(2, body=b"", aside=b""), {}),
        ("missing-aside", "what lies aside is missing", "TRUNCATED", one_changed(2, aside=b""), {}),
        ("missing-paged", "the last segment is missing, PAGED", "TRUNCATED", one_changed(3, last_paged, body=b""), {}),
        ("damaged", "a bit of the last segment", "CHUNK", one_changed(3, last_paged, body=flip(paged_body, 399)), AT_0),
        ("of-another", "a segment of another object", "COMMIT", exchanged(small, 0, other_object.stored[0]), UNREAD),
        ("layout-told", "an INLINE segment that is said to be DETACHED", "TRUNCATED", told_as_detached(small), {}),
        ("relabelled", "the manifest lists a segment as another part", "COMMIT", relabelled(small), {}),
        (
            "manifest-before-replacing",
            "the last segment was replaced by a longer one, the manifest is from before",
            "TRUNCATED",
            replace(detached, stored=in_layout(replaced, DETACHED).stored),
            {},
        ),
        (
            "manifest-before-replacing-paged",
            "the same, where the body's length does not tell",
            "CHUNK",
            replace(small, stored=in_layout(replaced, PAGED, (3,)).stored),
            AT_0,
        ),
        (
            "manifest-of-another",
            "the manifest of another object",
            "COMMIT",
            replace(small, manifest=other_object.manifest),
            {},
        ),
    ]
    made = [
        invalid(f"bad-{name}", comment, error, **one.fields(None, **other))
        for name, comment, error, one, other in cases
    ]
    outdated = appended.fields(None, min_generation=appended.manifest.generation, manifest=small.manifest.sealed.hex())
    renamed = small.fields(None, context=RENAMED.json())
    return made + [
        invalid("bad-outdated", "the manifest from before an append", "EXPECT", **outdated),
        invalid("bad-name", "the object was not rewrapped for its new name", "COMMIT", **renamed),
    ]


def told_as_detached(small: Whole) -> Whole:
    body, aside = small.stored[0].segment.stored(small.stored[0].layout)
    told = replace(small.stored[0], layout=DETACHED, body=body, aside=aside)
    return replace(small, stored=[told, *small.stored[1:]])


def relabelled(small: Whole) -> Whole:
    """Properly sealed, as only a writer gone wrong would: the part 7 is listed as part 9."""
    segments = [(entry.part, entry.head, entry.length) for entry in small.manifest.entries]
    segments[-1] = (9, *segments[-1][1:])
    manifest = replace(small.manifest, entries=entries_of(segments))
    last = small.stored[-1]
    return replace(
        small, manifest=manifest, stored=[*small.stored[:-1], replace(last, segment=replace(last.segment, part=9))]
    )

"""whole.json: segmented objects from end to end."""

from dataclasses import replace

from .cases import valid
from .envelopes_bench import Created, rewrap
from .keystores_chains import NamedKeystore
from .primitives.envelope import SSE_KMS
from .primitives.segment import DETACHED, INLINE, PAGED
from .samples import RENAMED
from .segmented import create_segmented
from .whole_bench import Whole, seal_whole
from .whole_refused import refused_wholes

GROUP_PLAIN = 4194304


def whole_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    one_key, rotated = named["one-key"], named["rotated"]
    parts = [
        ("empty", "an empty object", [], ((0, 0),)),
        ("one-inline", "one segment, INLINE", [(1, 300, INLINE)], ()),
        ("one-detached", "one segment, DETACHED", [(1, 300, DETACHED)], ()),
        ("one-paged", "one segment, PAGED", [(1, 300, PAGED)], ()),
        (
            "mixed",
            "a segment in each layout, with gaps in the parts",
            [(2, 20_000, INLINE), (3, 16_384, DETACHED), (900, 17_000, PAGED)],
            ((16_383, 2), (19_999, 2), (36_383, 1), (36_384, 1), (30_000, 20_000), (52_767, 2)),
        ),
        (
            "many",
            "small segments, some of them empty",
            [(1, 100, DETACHED), (2, 0, INLINE), (3, 251, DETACHED), (4, 0, DETACHED), (5, 1, PAGED), (6, 77, INLINE)],
            ((99, 1), (100, 1), (99, 2), (350, 3), (351, 1), (352, 77)),
        ),
        (
            "groups",
            "a PAGED segment of two groups behind a small one",
            [(1, 100, INLINE), (2, GROUP_PLAIN + 20_000, PAGED)],
            (
                (90, 20),
                (100 + GROUP_PLAIN - 1, 2),
                (100 + GROUP_PLAIN - 20_000, 40_000),
                (100 + GROUP_PLAIN + 16_384, 1),
            ),
        ),
    ]
    cases = []
    for name, comment, stored, ranges in parts:
        created = create_segmented(f"whole/{name}/envelope", one_key)
        cases.append(valid(name, comment, **seal_whole(created, f"whole/{name}", stored).fields(ranges)))
    small = small_object(create_segmented("whole/small/envelope", one_key))
    return cases + changed_objects(small, rotated) + refused_wholes(small, one_key)


def small_object(created: Created) -> Whole:
    return seal_whole(
        created, "whole/small", [(1, 300, INLINE), (2, 300, INLINE), (3, 200, DETACHED), (7, 400, INLINE)]
    )


def changed_objects(small: Whole, rotated: NamedKeystore) -> list[dict]:
    """One object, at several points of its life."""
    moved = [replace(one, layout=layout) for one, layout in zip(small.stored, (DETACHED, PAGED, INLINE, DETACHED))]
    rewrapped = rewrap("whole", small.created, rotated, context=RENAMED, method=SSE_KMS)
    appended = small.appended("whole/appended", [(8, 50, INLINE)])
    replaced = small.replaced_last("whole/replaced", 500)
    changes = [
        ("small", "the object of which those below are made", small),
        ("converted", "the same messages in other layouts; the manifest stays", replace(small, stored=moved)),
        ("rewrapped", "another envelope; all else stays", replace(small, created=rewrapped)),
        ("appended", "a further segment", appended),
        ("last-replaced", "the last segment made anew with 100 bytes more", replaced),
    ]
    cases = [valid(name, comment, **one.fields(((250, 700), (599, 2)))) for name, comment, one in changes]
    fields = appended.fields(min_generation=appended.manifest.generation)
    return cases + [valid("minimum-generation", "exactly the generation that the caller wants at least", **fields)]

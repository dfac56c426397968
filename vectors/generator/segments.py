"""segments.json: segments as they are stored."""

from .cases import valid
from .envelopes_bench import Created, create
from .keystores_chains import NamedKeystore
from .primitives.randomness import fixed
from .primitives.segment import INLINE, LAYOUT_NAMES, PAGED
from .segmented import Segment, body_fields, create_segmented, seal_segment, segment_fields
from .segments_large import large_segments
from .segments_refused import refused_segments

LENGTHS = (0, 1, 16383, 16384, 33000)
LONGEST_IN_FULL = 25_000
PAGED_LENGTHS = (4096, 4097, 12288)


def stored_segment(created: Created, segment: Segment, layout: int, filler: int = 0) -> dict:
    body, aside = segment.stored(layout, filler)
    receipt = segment.receipt(layout, body).hex()
    return segment_fields(
        created, segment, layout, **body_fields(body, LONGEST_IN_FULL), aside=aside.hex(), receipt=receipt
    )


def segment_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    created = create_segmented("segments/object", named["one-key"])
    cases = []
    for length in LENGTHS:
        segment = seal_segment(created, f"segments/{length}", 1, length)
        for layout, name in LAYOUT_NAMES.items():
            comment = f"{length} bytes, {name}; the same message in each layout"
            cases.append(valid(f"{name.lower()}-{length}", comment, **stored_segment(created, segment, layout)))
    for length in PAGED_LENGTHS:
        segment = seal_segment(created, f"segments/{length}", 1, length)
        comment = f"{length} bytes, where pages begin and end"
        cases.append(valid(f"paged-{length}", comment, **stored_segment(created, segment, PAGED)))
    for part in (2, 10_000, 2**32 - 1):
        segment = seal_segment(created, f"segments/part-{part}", part, 100)
        cases.append(valid(f"part-{part}", f"part {part}", **stored_segment(created, segment, INLINE)))
    for length in (0, 100, 8191):
        segment = seal_segment(created, f"segments/padding-{length}", 1, length)
        fields = stored_segment(created, segment, PAGED, filler=0xAA)
        del fields["salt"]  # no writer makes this
        comment = f"{length} bytes; all padding is 0xaa, which is no harm"
        cases.append(valid(f"padding-{length}", comment, **fields))
    single = create(fixed("segments/single"), named["one-key"])
    segment = seal_segment(single, "segments/single", 0, 300)
    for layout, name in LAYOUT_NAMES.items():
        comment = f"the only segment of an object of shape 1, {name}"
        cases.append(valid(f"single-{name.lower()}", comment, **stored_segment(single, segment, layout)))
    return cases + large_segments(created) + refused_segments(created, named["one-key"])

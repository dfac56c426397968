"""segments.json: PAGED segments of more than one group, whose bodies are given by their hash."""

from .cases import invalid, valid
from .envelopes_bench import Created
from .primitives.segment import FULL_GROUP, PAGE, PAGED
from .primitives.wire import flip
from .segmented import Segment, body_fields, seal_segment, segment_fields

GROUP_PLAIN = FULL_GROUP - PAGE
TAGS_0 = GROUP_PLAIN


def large_fields(created: Created, segment: Segment, body: bytes, **other) -> dict:
    return segment_fields(created, segment, PAGED, **body_fields(body, 0), aside="", **other)


def changed(body: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    result = bytearray(body)
    for at, bytes_ in changes:
        result[at : at + len(bytes_)] = bytes_
    return bytes(result)


def large_segments(created: Created) -> list[dict]:
    lengths = [
        (GROUP_PLAIN - 1, "one full group"),
        (GROUP_PLAIN, "a full group, and a last one with the empty last chunk"),
        (GROUP_PLAIN + 20_000, "a full group and two chunks"),
    ]
    cases = []
    for length, comment in lengths:
        segment = seal_segment(created, f"segments/{length}", 1, length)
        body, _ = segment.stored(PAGED)
        receipt = segment.receipt(PAGED, body).hex()
        fields = large_fields(created, segment, body, receipt=receipt)
        cases.append(valid(f"paged-{length}", comment, **fields))
    return cases + damaged_groups(created, segment, body)


def damaged_groups(created: Created, segment: Segment, body: bytes) -> list[dict]:
    """Damage around the border of the groups. `segment` has 258 chunks, the last two in the last group."""
    tags_1 = len(body) - PAGE
    page_0, page_1 = body[TAGS_0:FULL_GROUP], body[tags_1:]

    def flipped(at: int) -> list[tuple[int, bytes]]:
        return [(at, flip(body[at : at + 1], 0))]

    damages = [
        ("tag-pages-swapped", "the pages of tags are swapped", [(TAGS_0, page_1), (tags_1, page_0)], 0),
        ("tag-page-repeated", "the last page of tags is that of the first group", [(tags_1, page_0)], 256),
        ("group-last-chunk", "the last byte of chunk 255", flipped(GROUP_PLAIN - 1), 255),
        ("group-last-tag", "the last byte of the tag of chunk 255", flipped(FULL_GROUP - 1), 255),
        ("group-next-chunk", "the first byte of chunk 256", flipped(FULL_GROUP), 256),
        ("group-next-tag", "the first byte of the tag of chunk 256", flipped(tags_1), 256),
        ("group-last-of-all", "the last byte of the tag of chunk 257", flipped(tags_1 + 31), 257),
    ]
    cases = []
    for name, comment, changes, chunk in damages:
        listed = [{"at": at, "bytes": bytes_.hex()} for at, bytes_ in changes]
        fields = large_fields(created, segment, changed(body, changes), changes=listed, chunk=chunk)
        cases.append(invalid(f"paged-{name}", comment, "CHUNK", **fields))
    behind_tags = [(tags_1 + 32, b"\x01"), (tags_1 - 1, b"\x01")]
    listed = [{"at": at, "bytes": bytes_.hex()} for at, bytes_ in behind_tags]
    fields = large_fields(created, segment, changed(body, behind_tags), changes=listed)
    cases.append(valid("paged-group-padding", "padding of the last group is not zero, which is no harm", **fields))
    return cases

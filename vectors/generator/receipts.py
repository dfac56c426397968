"""receipts.json."""

from .cases import invalid, valid
from .primitives.randomness import fixed
from .primitives.segment import DETACHED, INLINE, LAYOUT_NAMES, PAGED, encode_receipt
from .primitives.wire import U64_MAX, flip

LONGEST = 2**46 - 1
CHUNKS_OF_LONGEST = 2**32
PAGED_LONGEST = 2**24 * 4198400
CHECK_CRCS = {"crc64_plain": 0x995DC9BBDF1939FA, "crc32c_body": 0xE3069283}

# A good receipt: 300 bytes, INLINE.
GOOD = {
    "part": 3,
    "layout": INLINE,
    "head": fixed("receipts/head").draw(56),
    "plain": 300,
    "body": 56 + 300 + 16,
    "crc64_plain": 0x0123456789ABCDEF,
    "crc32c_body": 0x89ABCDEF,
}


def valid_receipt(name: str, comment: str, **changes) -> dict:
    fields = {**GOOD, **changes}
    readable = {
        "layout": LAYOUT_NAMES[fields["layout"]],
        "head": fields["head"].hex(),
        "crc64_plain": f"{fields['crc64_plain']:016x}",
        "crc32c_body": f"{fields['crc32c_body']:08x}",
    }
    return valid(name, comment, receipt=encode_receipt(**fields).hex(), **{**fields, **readable})


def receipt_cases() -> list[dict]:
    lengths = [
        (INLINE, "empty", 0, 72),
        (INLINE, "chunk", 16384, 56 + 16384 + 32),
        (INLINE, "longest", LONGEST, 56 + LONGEST + 16 * CHUNKS_OF_LONGEST),
        (DETACHED, "empty", 0, 0),
        (DETACHED, "chunk", 16384, 16384),
        (DETACHED, "longest", LONGEST, LONGEST),
        (PAGED, "empty", 0, 4096),
        (PAGED, "byte", 1, 8192),
        (PAGED, "page", 4096, 8192),
        (PAGED, "two-pages", 4097, 12288),
        (PAGED, "group-1", 4194303, 4198400),
        (PAGED, "group", 4194304, 4198400 + 4096),
        (PAGED, "group+1", 4194305, 4198400 + 8192),
        (PAGED, "two-groups+1", 8388609, 2 * 4198400 + 8192),
        (PAGED, "longest", LONGEST, PAGED_LONGEST),
    ]
    cases = [
        valid_receipt(f"{LAYOUT_NAMES[layout].lower()}-{name}", f"{plain} bytes", layout=layout, plain=plain, body=body)
        for layout, name, plain, body in lengths
    ]
    return cases + [
        valid_receipt("good", "the receipt of which the invalid ones are made"),
        valid_receipt("part-0", "part 0, as of an object of one segment", part=0),
        valid_receipt("part-last", "the highest part", part=2**32 - 1),
        valid_receipt("check-values", "the CRCs of the nine bytes 123456789", **CHECK_CRCS),
        valid_receipt("zero", "head and CRCs are zero", head=bytes(56), crc64_plain=0, crc32c_body=0),
        *refused_receipts(),
    ]


def refused_receipts() -> list[dict]:
    good = encode_receipt(**GOOD)

    def encoded(**changes) -> bytes:
        return encode_receipt(**{**GOOD, **changes})

    cases = [
        ("empty", "no bytes", "FORMAT", b""),
        ("cut", "the last byte is missing", "FORMAT", good[:-1]),
        ("cut-to-magic", "the magic and the version", "FORMAT", good[:8]),
        ("extended", "a byte is left over", "FORMAT", good + b"\x00"),
        ("twice", "two receipts", "FORMAT", good + good),
        ("magic", "another magic, under a right CRC", "FORMAT", encoded(magic=b"ossencF")),
        ("crc-flipped", "a bit of the CRC", "FORMAT", flip(good, 103)),
        ("crc-zero", "the CRC is zero", "FORMAT", encoded(crc=0)),
        ("crc-reversed", "the CRC is little-endian", "FORMAT", good[:100] + good[:99:-1]),
        ("part-flipped", "a bit of the part, under the old CRC", "FORMAT", flip(good, 11)),
        ("head-flipped", "a bit of the head, under the old CRC", "FORMAT", flip(good, 16)),
        ("version-flipped", "a bit of the version, under the old CRC", "FORMAT", flip(good, 7, 2)),
        ("layout-flipped", "a bit of the layout, under the old CRC", "FORMAT", flip(good, 12, 4)),
        ("version-0", "no such version", "TOONEW", encoded(version=0)),
        ("version-2", "a later version", "TOONEW", encoded(version=2)),
        ("layout-3", "an unknown layout", "TOONEW", encoded(layout=3)),
        ("layout-255", "an unknown layout", "TOONEW", encoded(layout=255)),
        (
            "version-2-any-form",
            "a later version may have other reserved bytes and lengths",
            "TOONEW",
            encoded(version=2, reserved=b"\x01\x00\x00", body=1),
        ),
        ("layout-3-any-length", "an unknown layout may have any length", "TOONEW", encoded(layout=3, body=1)),
        ("body-0", "no body", "FORMAT", encoded(body=0)),
        ("body-1-more", "a byte more than INLINE takes", "FORMAT", encoded(body=GOOD["body"] + 1)),
        ("body-1-less", "a byte less than INLINE takes", "FORMAT", encoded(body=GOOD["body"] - 1)),
        ("body-detached", "DETACHED, of the length of INLINE", "FORMAT", encoded(layout=DETACHED)),
        ("body-inline", "INLINE, of the length of DETACHED", "FORMAT", encoded(body=300)),
        ("body-paged", "PAGED, without the page of tags", "FORMAT", encoded(layout=PAGED, body=4096)),
        (
            "body-paged-group",
            "PAGED, without the page of the empty last chunk",
            "FORMAT",
            encoded(layout=PAGED, plain=4194304, body=4198400),
        ),
        ("plain-too-long", "2^46 bytes", "FORMAT", encoded(layout=DETACHED, plain=2**46, body=2**46)),
        ("plain-u64", "2^64 - 1 bytes", "FORMAT", encoded(layout=DETACHED, plain=U64_MAX, body=U64_MAX)),
        ("plain-wraps", "lengths that agree only if sums overflow", "FORMAT", encoded(plain=U64_MAX, body=55 + 2**54)),
        (
            "plain-wraps-paged",
            "PAGED, lengths that agree only if sums overflow",
            "FORMAT",
            encoded(layout=PAGED, plain=U64_MAX, body=2**42 * 4198400 % 2**64),
        ),
    ]
    for at in range(3):
        reserved = flip(bytes(3), at, 0x80)
        comment = f"reserved byte {at} is not zero, under a right CRC"
        cases.append((f"reserved-{at}", comment, "FORMAT", encoded(reserved=reserved)))
    return [invalid(f"bad-{name}", comment, error, receipt=bytes_.hex()) for name, comment, error, bytes_ in cases]

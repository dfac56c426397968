"""files.json."""

from dataclasses import replace
from typing import Optional

from .cases import invalid, valid
from .envelopes_bench import Bench, Created, rewrap
from .keystores_chains import NamedKeystore
from .objects import SealedObject, seal_object
from .primitives.envelope import REMOTE, SEGMENTED
from .primitives.file import COPY_LENGTH, LONGEST_FILED_ENVELOPE, header_copy
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX, flip
from .samples import PHOTO, RENAMED


def file_case_fields(sealed: SealedObject, file: bytes, of: Optional[Created] = None) -> dict:
    fields = sealed.fields(of)
    for name in ("envelope", "salt", "body"):
        del fields[name]
    return {**fields, "file": file.hex()}


def file_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    one_key = named["one-key"]
    small = seal_object("files/small", one_key, 100)
    old = small.created
    new = rewrap("files/change", old, one_key, context=RENAMED)
    newest = rewrap("files/second-change", new, one_key, context=PHOTO)
    cases = [file_of_size(one_key, size) for size in (0, 16384)] + valid_files(small, old, new, newest)
    return cases + invalid_files(small, old, new, one_key)


def file_of_size(named: NamedKeystore, size: int) -> dict:
    sealed = seal_object(f"files/size-{size}", named, size)
    envelope = sealed.created.envelope
    file = header_copy(1, envelope) + header_copy(2, envelope) + sealed.body
    return valid(f"new-{size}", f"a new file of {size} bytes", **file_case_fields(sealed, file))


def torn(copy_: bytes) -> bytes:
    """A write that stopped after the first sector."""
    return copy_[:512] + b"\xaa" * (COPY_LENGTH - 512)


def valid_files(small: SealedObject, old: Created, new: Created, newest: Created) -> list[dict]:
    garbage = fixed("files/garbage").draw(COPY_LENGTH)
    before, after = old.envelope, new.envelope
    good_a, good_b = header_copy(1, before), header_copy(2, before)
    longest = longest_filed(small)
    cases = [
        ("changed", "after one change", header_copy(3, after), header_copy(4, after), new),
        (
            "changed-twice",
            "after two changes",
            header_copy(5, newest.envelope),
            header_copy(6, newest.envelope),
            newest,
        ),
        ("crash-between", "a crash between the two writes: A is newer", header_copy(3, after), good_b, new),
        (
            "crash-between-b",
            "A was torn, so that the change began with B",
            header_copy(3, before),
            header_copy(4, after),
            new,
        ),
        ("crash-in-first", "a crash in the first write: A is torn", torn(header_copy(3, after)), good_b, old),
        (
            "crash-in-second",
            "a crash in the second write: B is torn",
            header_copy(3, after),
            torn(header_copy(4, after)),
            new,
        ),
        ("zero-b", "B is zero", good_a, bytes(COPY_LENGTH), old),
        ("equal-sequences", "of equal sequences A counts", header_copy(5, after), header_copy(5, before), new),
        (
            "largest-sequence",
            "sequences are unsigned",
            header_copy(U64_MAX, after),
            header_copy(2**63 - 1, before),
            new,
        ),
        ("sequence-0", "any sequence is valid", header_copy(0, after), garbage, new),
        ("later-a-lower", "A is of a later version and does not count", header_copy(1, after, version=2), good_b, old),
        (
            "later-b-equal",
            "B is of a later version; of equal sequences A counts",
            good_b,
            header_copy(2, after, version=2),
            old,
        ),
        (
            "later-layout-b-lower",
            "B is of a later layout and does not count",
            good_b,
            header_copy(1, after, layout=1),
            old,
        ),
        ("crc-a", "A has a wrong CRC and the higher sequence", flip(header_copy(3, after), 4095), good_b, old),
        (
            "padding-a-lower",
            "A has a byte in its padding and does not count",
            header_copy(1, after, last_padding=b"\x01"),
            good_b,
            old,
        ),
        (
            "envelope-too-long-b-lower",
            "B has an envelope that does not fit and does not count",
            good_b,
            header_copy(1, after, length=4074),
            old,
        ),
        (
            "later-a-crc",
            "A is of a later version and has a wrong CRC: it is not intact",
            flip(header_copy(9, after, version=2), 4095),
            good_b,
            old,
        ),
        (
            "longest-envelope",
            "an envelope of 4,073 bytes",
            header_copy(1, longest.envelope),
            header_copy(2, longest.envelope),
            longest,
        ),
    ]
    return [
        valid(name, comment, **file_case_fields(small, copy_a + copy_b + small.body, of))
        for name, comment, copy_a, copy_b, of in cases
    ]


def longest_filed(small: SealedObject) -> Created:
    """The envelope of `small` with a slot of a later kind that fills it to 4,073 bytes."""
    bench = Bench.again(fixed("files/longest"), small.created)
    names = {"kind": REMOTE, "provider": b"kms", "key_id": b"other", "key_version": b""}
    without_blob = len(bench.envelope(bench.slot(), bench.foreign_slot(**names, outer_blob=b"")))
    filler = bench.foreign_slot(**names, outer_blob=bytes(LONGEST_FILED_ENVELOPE - without_blob))
    return replace(small.created, envelope=bench.envelope(bench.slot(), filler))


def invalid_files(small: SealedObject, old: Created, new: Created, named: NamedKeystore) -> list[dict]:
    before, body = old.envelope, small.body
    good_a, good_b = header_copy(1, before), header_copy(2, before)
    good = good_a + good_b + body
    bench = Bench.new(fixed("files/segmented"), named, shape=SEGMENTED)
    segmented = bench.envelope(bench.slot())

    def both(envelope: bytes = before, **changes) -> bytes:
        return header_copy(1, envelope, **changes) + header_copy(2, envelope, **changes) + body

    later_a = header_copy(1, before, version=2)
    wrong_crc = flip(good_a, 4095) + flip(good_b, 4092, 0x80) + body
    cases = [
        ("both-torn", "both copies are torn", "FORMAT", torn(good_a) + torn(good_b) + body),
        ("both-crc", "both CRCs are wrong", "FORMAT", wrong_crc),
        ("both-magic", "another magic, under a right CRC", "FORMAT", both(magic=b"ossencE")),
        ("both-padding", "a byte in the padding, under a right CRC", "FORMAT", both(last_padding=b"\x01")),
        (
            "both-padding-early",
            "the envelope's length lacks a byte, so that the padding is not zero",
            "FORMAT",
            both(length=len(before) - 1),
        ),
        ("envelope-too-long", "a length of 4,074, under a right CRC", "FORMAT", both(length=4074)),
        ("envelope-huge", "a length of 65,535, under a right CRC", "FORMAT", both(length=65535)),
        ("later-version", "a later version", "TOONEW", both(version=2)),
        (
            "later-version-any-form",
            "a later version may have any form",
            "TOONEW",
            both(version=2, length=65535, last_padding=b"\x01"),
        ),
        (
            "later-layout-any-form",
            "a later layout may have any padding and any length of the envelope",
            "TOONEW",
            both(layout=1, length=4074, last_padding=b"\x01"),
        ),
        ("later-a", "A counts, and is of a later version", "TOONEW", header_copy(9, before, version=2) + good_b + body),
        (
            "later-a-equal",
            "of equal sequences A counts, and is of a later version",
            "TOONEW",
            header_copy(2, before, version=2) + good_b + body,
        ),
        (
            "later-layout-b",
            "B counts, and is of a later layout",
            "TOONEW",
            good_a + header_copy(2, before, layout=1) + body,
        ),
        (
            "padding-a",
            "A counts, and has a byte in its padding",
            "FORMAT",
            header_copy(3, before, last_padding=b"\x01") + good_b + body,
        ),
        (
            "envelope-too-long-b",
            "B counts, and has an envelope that does not fit",
            "FORMAT",
            good_a + header_copy(2, before, length=4074) + body,
        ),
        ("version-0", "no such version", "TOONEW", both(version=0)),
        ("layout-1", "a layout of later versions", "TOONEW", both(layout=1)),
        ("layout-255", "an unknown layout", "TOONEW", both(layout=255)),
        ("later-and-torn", "A is of a later version, B is torn", "TOONEW", later_a + torn(good_b) + body),
        (
            "torn-and-later",
            "A is torn, B is of a later layout",
            "TOONEW",
            torn(good_a) + header_copy(2, before, layout=1) + body,
        ),
        (
            "later-wrong-crc",
            "a later version with a wrong CRC is not intact",
            "FORMAT",
            flip(later_a, 4095) + torn(good_b) + body,
        ),
        ("file-empty", "an empty file", "FORMAT", b""),
        ("file-8191", "the header lacks a byte", "FORMAT", good[:8191]),
        ("file-4096", "copy A alone", "FORMAT", good[:4096]),
        ("file-8192", "no body", "TRUNCATED", good[:8192]),
        ("file-cut", "the last byte is missing", "CHUNK", good[:-1]),
        ("file-extended", "a byte is appended", "CHUNK", good + b"\x00"),
        ("no-envelope", "an envelope of no bytes in a valid copy", "FORMAT", both(b"")),
        ("envelope-malformed", "a malformed envelope in a valid copy", "FORMAT", both(before[:-1])),
        (
            "envelope-malformed-in-higher",
            "the copy that counts has a malformed envelope: the other is not asked",
            "FORMAT",
            header_copy(3, before[:-1]) + good_b + body,
        ),
        (
            "envelope-of-old-name",
            "the copy that counts was rewrapped for another name",
            "COMMIT",
            header_copy(3, new.envelope) + good_b + body,
        ),
        ("file-segmented", "a segmented object", "TOONEW", both(segmented)),
    ]
    return [invalid(name, comment, error, **file_case_fields(small, file)) for name, comment, error, file in cases]

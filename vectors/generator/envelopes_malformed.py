"""envelopes.json: envelopes that do not parse."""

from dataclasses import replace

from .envelopes_bench import Bench, refused_envelope
from .keystores_chains import NamedKeystore
from .primitives.envelope import prelude
from .primitives.message import INNER
from .primitives.randomness import fixed
from .primitives.wire import lp, u16


def malformed_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    bench = Bench.new(fixed("envelopes/malformed"), named["one-key"])
    object_id = bench.prelude[16:]
    slot = bench.slot()
    good = bench.envelope(slot)
    length = len(slot)

    def with_prelude(**changes) -> bytes:
        """The slot is sealed for the changed prelude."""
        changed = replace(bench, prelude=prelude(object_id, **changes))
        return changed.envelope(changed.slot())

    cut_inner = slot[:-1]
    long_head = u16(length) + slot[2:]
    cases = [
        ("envelope-empty", "nothing", "FORMAT", b""),
        ("envelope-35", "one byte less than the shortest start", "FORMAT", good[:35]),
        ("envelope-35-later", "too short, whatever its version", "FORMAT", with_prelude(version=2)[:35]),
        ("envelope-36", "the slots are missing", "FORMAT", good[:36]),
        ("envelope-magic", "another magic", "FORMAT", with_prelude(magic=b"Ossenc")),
        (
            "envelope-magic-later",
            "another magic and a later version",
            "FORMAT",
            with_prelude(magic=b"ossend", version=2),
        ),
        ("envelope-version-0", "no such version", "TOONEW", with_prelude(version=0)),
        ("envelope-version-2", "a later version", "TOONEW", with_prelude(version=2)),
        ("envelope-version-2-random", "a later version may have any form", "TOONEW", b"ossenc\x02" + b"\xff" * 29),
        ("suite-0", "no such suite", "TOONEW", with_prelude(suite=0)),
        ("suite-2", "an unknown suite", "TOONEW", with_prelude(suite=2)),
        ("shape-0", "no such shape", "TOONEW", with_prelude(shape=0)),
        ("shape-3", "an unknown shape", "TOONEW", with_prelude(shape=3)),
        (
            "suite-before-reserved",
            "an unknown suite and a reserved byte",
            "TOONEW",
            with_prelude(suite=2, reserved=b"\x01" * 7),
        ),
        ("shape-before-count", "an unknown shape and no slots", "TOONEW", prelude(object_id, shape=3) + bytes(4)),
        ("reserved-first", "the first reserved byte", "FORMAT", with_prelude(reserved=b"\x01" + bytes(6))),
        ("reserved-last", "the last reserved byte", "FORMAT", with_prelude(reserved=bytes(6) + b"\x80")),
        ("reserved-after-count", "the byte after the number of slots", "FORMAT", bench.envelope(slot, reserved=1)),
        ("no-slots", "no slots", "FORMAT", bench.envelope()),
        ("no-slots-but-one", "no slots promised, one follows", "FORMAT", bench.envelope(slot, n=0)),
        ("seventeen-slots", "seventeen slots", "FORMAT", bench.envelope(*[slot] * 17)),
        ("slot-count-above", "two slots promised, one follows", "FORMAT", bench.envelope(slot, n=2)),
        ("slot-count-below", "one slot promised, two follow", "FORMAT", bench.envelope(slot, slot, n=1)),
        (
            "slots-length-above",
            "the slots' length goes past the end",
            "FORMAT",
            bench.envelope(slot, length=length + 1),
        ),
        ("slots-length-below", "the slots' length ends in the slot", "FORMAT", bench.envelope(slot, length=length - 1)),
        (
            "slots-length-one-slot",
            "the slots' length covers one of two",
            "FORMAT",
            bench.envelope(slot, slot, length=length),
        ),
        ("slots-length-0", "the slots' length is zero", "FORMAT", bench.envelope(slot, length=0)),
        ("envelope-trailing-byte", "one byte after the slots", "FORMAT", good + b"\x00"),
        ("slots-trailing-byte", "one byte within the slots", "FORMAT", bench.envelope(slot + b"\x00", n=1)),
        ("envelope-cut", "the last byte is missing", "FORMAT", good[:-1]),
        ("inner-cut", "inner of 103 bytes, with the slots' length to match", "FORMAT", bench.envelope(cut_inner)),
        ("head-length-past-end", "slot_head goes past the slots", "FORMAT", bench.envelope(long_head)),
        ("head-length-huge", "slot_head of 65,535 bytes", "FORMAT", bench.envelope(b"\xff\xff" + slot[2:])),
        ("head-length-0", "an empty slot_head", "FORMAT", bench.envelope(lp(b"") + slot[-INNER:])),
    ]
    return [refused_envelope(name, comment, error, bench, data) for name, comment, error, data in cases]

"""envelopes.json: envelopes that open, but that no creator makes as they are."""

from typing import Optional

from .cases import valid
from .envelopes_bench import Bench, Created, REFERENCE_SLOT, REMOTE_SLOT, allow, envelope_fields
from .keystores_chains import NamedKeystore
from .primitives.envelope import SEGMENTED, SSE_C, SSE_KMS, SSE_OSS
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX, flip
from .samples import EXPIRES_AT, NOW


def presented(
    name: str,
    comment: str,
    bench: Bench,
    envelope: bytes,
    *,
    key_id: str = "key-1",
    number: int = 1,
    allowed: Optional[dict] = None,
    now: int = NOW,
    wrapped_at: int = NOW,
    rewrap: bool = False,
) -> dict:
    """A valid SSE-OSS envelope that no creator makes as it is: it has no "entropy"."""
    slot = Created(bench.named, key_id, SSE_OSS, bench.context, wrapped_at, envelope, bench.data_key)
    fields = envelope_fields(bench.named, envelope, bench.context, allowed or slot.allow, now)
    return valid(name, comment, **fields, **slot.opened(number, rewrap=rewrap))


def presented_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    rotated = Bench.new(fixed("envelopes/presented-rotated"), named["rotated"])
    staged = Bench.new(fixed("envelopes/presented-staged"), named["staged"])
    states = Bench.new(fixed("envelopes/presented-states"), named["states"])
    shaped = Bench.new(fixed("envelopes/presented-segmented"), named["one-key"], shape=SEGMENTED)
    maximal = Bench.new(fixed("envelopes/presented-maximal"), named["one-key"])
    late = maximal.slot(wrapped_at=U64_MAX)
    cases = [
        presented(
            "staged-version-opens",
            "a slot under a staged version, which another node promoted already",
            staged,
            staged.envelope(staged.slot(number=2)),
            number=2,
            rewrap=True,
        ),
        presented(
            "active-version-opens",
            "the version before the primary",
            rotated,
            rotated.envelope(rotated.slot(number=1)),
            number=1,
            rewrap=True,
        ),
        presented(
            "not-yet-expired",
            "one second before not_after",
            states,
            states.envelope(states.slot("expiring")),
            key_id="expiring",
            now=EXPIRES_AT - 1,
        ),
        presented(
            "version-not-yet-expired",
            "one second before not_after, and not the primary",
            states,
            states.envelope(states.slot("history", 4)),
            key_id="history",
            number=4,
            now=EXPIRES_AT - 1,
            rewrap=True,
        ),
        presented(
            "segmented-shape",
            "an envelope of shape 2 opens; its data is another matter",
            shaped,
            shaped.envelope(shaped.slot()),
        ),
        presented(
            "more-is-allowed",
            "the caller allows more than is needed",
            maximal,
            maximal.envelope(maximal.slot()),
            allowed=allow([SSE_C, SSE_KMS, SSE_OSS], ["", "other", "key-1", "key-2"]),
        ),
        presented(
            "wrapped-later",
            "wrapped_at is after the time of the call",
            maximal,
            maximal.envelope(late),
            wrapped_at=U64_MAX,
        ),
    ]
    return cases + envelopes_of_several_slots(named) + forbidden_beside(named)


def envelopes_of_several_slots(named: dict[str, NamedKeystore]) -> list[dict]:
    bench = Bench.new(fixed("envelopes/several"), named["two-keys"])
    states = Bench.new(fixed("envelopes/several-states"), named["states"])
    alpha, zeta = bench.slot("alpha", 2), bench.slot("zeta")
    old = bench.slot("alpha", 1)
    unknown = bench.unknown_key_slot()
    no_version = bench.foreign_slot(key_id=b"zeta", key_version=b"99")
    remote = bench.foreign_slot(**{**REMOTE_SLOT, "key_id": b"zeta"})
    by_reference = bench.foreign_slot(**{**REFERENCE_SLOT, "key_id": b"zeta"})
    as_zeta = {"key_id": "zeta", "allowed": allow([SSE_OSS], ["zeta", "alpha", "unknown"])}
    only_zeta = {"key_id": "zeta", "allowed": allow([SSE_OSS], ["zeta"])}
    refused = [
        states.slot("disabled"),
        states.slot("leaving"),
        states.slot("history", 2),
        states.foreign_slot(key_id=b"history", key_version=b"1"),
    ]
    cases = [
        presented(
            "two-slots-first",
            "both slots open: the first counts",
            bench,
            bench.envelope(alpha, zeta),
            key_id="alpha",
            number=2,
            allowed=allow([SSE_OSS], ["zeta", "alpha"]),
        ),
        presented(
            "two-slots-second", "only the second slot's key is allowed", bench, bench.envelope(alpha, zeta), **only_zeta
        ),
        presented(
            "two-slots-one-old",
            "the slot that opens is current, the other is not",
            bench,
            bench.envelope(zeta, old),
            rewrap=True,
            **as_zeta,
        ),
        presented(
            "sixteen-slots",
            "fifteen slots of an unknown version, and one that opens",
            bench,
            bench.envelope(*[no_version] * 15, zeta),
            rewrap=True,
            **only_zeta,
        ),
        presented(
            "after-unknown-key",
            "the first slot is of a key that the keystore lacks",
            bench,
            bench.envelope(unknown, zeta),
            rewrap=True,
            **as_zeta,
        ),
        presented(
            "after-unknown-version",
            "the first slot is of a version that the keystore lacks",
            bench,
            bench.envelope(no_version, zeta),
            rewrap=True,
            **as_zeta,
        ),
        presented(
            "after-damaged",
            "the first slot is damaged",
            bench,
            bench.envelope(flip(zeta, len(zeta) - 1), zeta),
            **as_zeta,
        ),
        presented(
            "after-damaged-disallowed",
            "the first slot is damaged and its key not allowed",
            bench,
            bench.envelope(flip(alpha, len(alpha) - 40), zeta),
            **only_zeta,
        ),
        presented(
            "after-remote",
            "the first slots are of keys that are not at hand",
            bench,
            bench.envelope(remote, by_reference, zeta),
            **as_zeta,
        ),
        presented(
            "after-every-refusal",
            "one slot of each status comes first",
            bench,
            bench.envelope(remote, unknown, flip(zeta, 100), zeta),
            rewrap=True,
            **as_zeta,
        ),
        presented(
            "after-forbidden-states",
            "slots that states forbid come first",
            states,
            states.envelope(*refused, states.slot("imported")),
            key_id="imported",
            rewrap=True,
            allowed=allow([SSE_OSS], ["disabled", "leaving", "history", "imported"]),
        ),
    ]
    return cases


def forbidden_beside(named: dict[str, NamedKeystore]) -> list[dict]:
    """A slot under the primary of a key that does not unwrap, beside one that opens: whether that asks for a rewrap."""
    bench = Bench.new(fixed("envelopes/forbidden-beside"), named["states"])
    current = bench.slot("imported")
    lost_import = bench.foreign_slot(key_id=b"expired-import", key_version=b"1")
    beside = [
        ("beside-disabled", "a slot of a disabled key's primary", bench.slot("disabled"), NOW, True),
        ("beside-leaving", "a slot of the primary of a key pending deletion", bench.slot("leaving"), NOW, True),
        ("beside-lost-import", "a slot of the primary of a key pending import", lost_import, NOW, True),
        (
            "beside-expired",
            "a slot of a primary that has expired: not_after is no state",
            bench.slot("expiring"),
            EXPIRES_AT,
            False,
        ),
    ]
    return [
        presented(name, comment, bench, bench.envelope(current, slot), key_id="imported", now=now, rewrap=needed)
        for name, comment, slot, now, needed in beside
    ]

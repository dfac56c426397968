"""envelopes.json: envelopes that parse and are refused."""

from dataclasses import replace

from .envelopes_bench import Bench, REMOTE_SLOT, VALUE_SLOT, allow, refused_envelope
from .keystores_chains import NamedKeystore
from .primitives.context import Context
from .primitives.envelope import LOCAL, SSE_KMS, SSE_OSS, slot_head
from .primitives.message import INNER
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX, flip, lp
from .samples import EXPIRES_AT, NOW, PHOTO, RENAMED


def misplaced_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    """Slots that are in order, but in another place than they were made for."""
    bench = Bench.new(fixed("envelopes/misplaced"), named["rotated"])
    other = Bench.new(fixed("envelopes/misplaced-other"), named["rotated"])
    good = bench.envelope(bench.slot(number=1))
    head_length = len(slot_head(SSE_OSS, LOCAL, NOW, key_id=b"key-1", key_version=b"1"))
    method_at, wrapped_at_at, version_at = 38, 47, 36 + 2 + head_length - 4
    inner_at = 36 + 2 + head_length
    zeta_head = lp(slot_head(SSE_OSS, LOCAL, NOW, key_id=b"zeta", key_version=b"1"))
    forged_key = zeta_head + bench.slot("key-1", 1)[-INNER:]
    two_keys = Bench.new(fixed("envelopes/misplaced-keys"), named["two-keys"])
    moved_key = zeta_head + two_keys.slot("alpha", 1)[-INNER:]
    changes = [
        ("object-id-flipped", "a bit of object_id", flip(good, 31), {}),
        ("shape-flipped", "the shape becomes 2", flip(good, 8, 3), {}),
        (
            "slot-of-another-object",
            "the slot is from another object's envelope",
            bench.envelope(other.slot(number=1)),
            {},
        ),
        ("method-changed", "SSE-OSS becomes SSE-KMS", flip(good, method_at, 3), {"allow": allow([SSE_KMS], ["key-1"])}),
        ("wrapped-at-forged", "a bit of wrapped_at", flip(good, wrapped_at_at), {}),
        ("version-forged", "another version that the key has", flip(good, version_at, 3), {}),
        ("inner-salt-flipped", "a bit of the inner salt", flip(good, inner_at), {}),
        ("inner-commitment-flipped", "a bit of the inner commitment", flip(good, inner_at + 30), {}),
        ("inner-chunk-flipped", "a bit of the wrapped data key: not CHUNK", flip(good, inner_at + 60), {}),
        ("inner-tag-flipped", "a bit of the inner tag: not CHUNK", flip(good, len(good) - 1), {}),
        ("inner-zero", "inner is all zero", good[:inner_at] + bytes(104), {}),
        ("other-tenant", "another tenant", good, {"context": replace(PHOTO, tenant=b"tenant-2")}),
        ("other-bucket", "another bucket", good, {"context": replace(PHOTO, bucket_id=b"bucket-8")}),
        ("other-object", "another object name", good, {"context": RENAMED}),
        ("other-version", "another object version", good, {"context": replace(PHOTO, version_id=b"v2")}),
        (
            "other-user-value",
            "another value in the user map",
            good,
            {"context": replace(PHOTO, user=(("purpose", "archive"), ("department", "x")))},
        ),
        (
            "other-user-pairs",
            "a pair of the user map is missing",
            good,
            {"context": replace(PHOTO, user=PHOTO.user[:1])},
        ),
        (
            "shifted-context",
            "the same bytes, cut otherwise",
            good,
            {"context": replace(PHOTO, tenant=b"tenant-1b", bucket_id=b"ucket-7")},
        ),
        ("no-context", "no context at all", good, {"context": Context()}),
    ]
    cases = [refused_envelope(name, comment, "COMMIT", bench, data, **other) for name, comment, data, other in changes]
    zeta = allow([SSE_OSS], ["zeta"])
    cases.append(
        refused_envelope(
            "key-id-forged",
            "another key that the keystore has",
            "COMMIT",
            two_keys,
            two_keys.envelope(moved_key),
            allow=zeta,
        )
    )
    cases.append(
        refused_envelope(
            "key-id-forged-unknown",
            "another key that the keystore lacks",
            "NOVERSION",
            bench,
            bench.envelope(forged_key),
            allow=zeta,
        )
    )
    return cases


def forbidden_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    """What the keystore's states and the caller's expectations refuse."""
    one = Bench.new(fixed("envelopes/forbidden"), named["one-key"])
    retired = Bench.new(fixed("envelopes/retired"), named["retired"])
    states = Bench.new(fixed("envelopes/forbidden-states"), named["states"])
    empty = Bench.new(fixed("envelopes/forbidden-empty"), named["empty"])
    good = one.envelope(one.slot())

    def of_state(name: str, comment: str, error: str, slot: bytes, key_id: str, now: int = NOW) -> dict:
        allowed = allow([SSE_OSS], [key_id])
        return refused_envelope(name, comment, error, states, states.envelope(slot), allow=allowed, now=now)

    def foreign(key_id: bytes, number: bytes) -> bytes:
        return states.foreign_slot(key_id=key_id, key_version=number)

    cases = [
        refused_envelope("version-retired", "a retired version", "KEYSTATE", retired, retired.envelope(retired.slot())),
        of_state("key-disabled", "a disabled key", "KEYSTATE", states.slot("disabled"), "disabled"),
        of_state("key-pending-deletion", "a key pending deletion", "KEYSTATE", states.slot("leaving"), "leaving"),
        of_state(
            "key-pending-import",
            "a key whose material has expired",
            "KEYSTATE",
            foreign(b"expired-import", b"1"),
            "expired-import",
        ),
        of_state("version-destroyed", "a destroyed version", "KEYSTATE", foreign(b"history", b"1"), "history"),
        of_state("version-expired", "not_after is now", "KEYSTATE", states.slot("history", 4), "history", EXPIRES_AT),
        of_state(
            "version-long-expired",
            "not_after is past",
            "KEYSTATE",
            states.slot("history", 4),
            "history",
            EXPIRES_AT + 1,
        ),
        of_state(
            "primary-expired",
            "a primary whose not_after is now",
            "KEYSTATE",
            states.slot("expiring"),
            "expiring",
            EXPIRES_AT,
        ),
        of_state(
            "version-never-was",
            "a number below next_version that is not there",
            "NOVERSION",
            foreign(b"history", b"5"),
            "history",
        ),
        of_state("version-next", "the number next_version", "NOVERSION", foreign(b"history", b"7"), "history"),
        of_state(
            "version-largest",
            "the largest number",
            "NOVERSION",
            foreign(b"history", str(U64_MAX).encode("ascii")),
            "history",
        ),
        of_state("key-awaited", "a key that has no version yet", "NOVERSION", foreign(b"awaited", b"1"), "awaited"),
        of_state(
            "disabled-unknown-version",
            "a disabled key, of a version that is not there",
            "NOVERSION",
            foreign(b"disabled", b"2"),
            "disabled",
        ),
        of_state(
            "leaving-unknown-version",
            "a key pending deletion, of a version that is not there",
            "NOVERSION",
            foreign(b"leaving", b"2"),
            "leaving",
        ),
        of_state(
            "import-unknown-version",
            "a key whose material has expired, of a version that is not there",
            "NOVERSION",
            foreign(b"expired-import", b"2"),
            "expired-import",
        ),
        of_state("alias-is-no-key-id", "a slot that names an alias", "NOVERSION", foreign(b"alias/Y", b"1"), "alias/Y"),
        refused_envelope(
            "keystore-empty",
            "an empty keystore",
            "NOVERSION",
            empty,
            empty.envelope(empty.foreign_slot(key_id=b"key-1", key_version=b"1")),
        ),
        refused_envelope(
            "method-disallowed", "only SSE-KMS is allowed", "EXPECT", one, good, allow=allow([SSE_KMS], ["key-1"])
        ),
        refused_envelope(
            "key-disallowed", "only another key is allowed", "EXPECT", one, good, allow=allow([SSE_OSS], ["key-2"])
        ),
        refused_envelope(
            "key-prefix-disallowed", "a prefix is not the key id", "EXPECT", one, good, allow=allow([SSE_OSS], ["key-"])
        ),
        refused_envelope("no-methods", "no method is allowed", "EXPECT", one, good, allow=allow([], ["key-1"])),
        refused_envelope("no-keys", "no key is allowed", "EXPECT", one, good, allow=allow([SSE_OSS], [])),
        refused_envelope("nothing-allowed", "nothing is allowed", "EXPECT", one, good, allow=allow([], [])),
        refused_envelope(
            "disallowed-unknown-key",
            "allowance comes before the keystore",
            "EXPECT",
            one,
            one.envelope(one.unknown_key_slot()),
        ),
        refused_envelope(
            "parse-before-allowance", "malformed, and nothing is allowed", "FORMAT", one, good[:-1], allow=allow([], [])
        ),
    ]
    return cases


def mixed_refusals(named: dict[str, NamedKeystore]) -> list[dict]:
    """Step 4 of opening: which of several refusals is told."""
    bench = Bench.new(fixed("envelopes/mixed"), named["retired"])
    commit = flip(bench.slot("key-1", 2), 100)
    state, version, absent, later = (
        bench.slot("key-1", 1),
        bench.foreign_slot(key_id=b"key-1", key_version=b"99"),
        bench.foreign_slot(**REMOTE_SLOT),
        bench.foreign_slot(**{**VALUE_SLOT, "outer_blob": b"ossencB\x02"}),
    )
    disallowed_damaged = flip(bench.foreign_slot(key_id=b"other", key_version=b"1"), 100)
    orders = [
        ("mixed-later-version", "TOONEW, NOVERSION", "NOVERSION", [later, version]),
        ("mixed-version-later", "NOVERSION, TOONEW", "NOVERSION", [version, later]),
        ("mixed-version-state", "NOVERSION, KEYSTATE", "KEYSTATE", [version, state]),
        ("mixed-state-version", "KEYSTATE, NOVERSION", "KEYSTATE", [state, version]),
        ("mixed-later-state", "TOONEW, KEYSTATE", "KEYSTATE", [later, state]),
        ("mixed-state-commit", "KEYSTATE, COMMIT", "COMMIT", [state, commit]),
        ("mixed-commit-state", "COMMIT, KEYSTATE", "COMMIT", [commit, state]),
        ("mixed-later-commit", "TOONEW, COMMIT", "COMMIT", [later, commit]),
        ("mixed-later-absent", "TOONEW, KEYABSENT", "KEYABSENT", [later, absent]),
        ("mixed-absent-later", "KEYABSENT, TOONEW", "KEYABSENT", [absent, later]),
        ("mixed-absent-version", "KEYABSENT, NOVERSION", "NOVERSION", [absent, version]),
        ("mixed-version-absent", "NOVERSION, KEYABSENT", "NOVERSION", [version, absent]),
        ("mixed-all-rising", "all five, the first to be told last", "COMMIT", [later, absent, version, state, commit]),
        ("mixed-all-falling", "all five, the first to be told first", "COMMIT", [commit, state, version, absent, later]),
        ("mixed-three", "TOONEW, NOVERSION, KEYSTATE", "KEYSTATE", [later, version, state]),
        (
            "mixed-disallowed",
            "a damaged slot whose key is not allowed does not count",
            "NOVERSION",
            [disallowed_damaged, version],
        ),
        ("all-disallowed", "no slot's key is allowed", "EXPECT", [disallowed_damaged, bench.unknown_key_slot()]),
    ]
    return [
        refused_envelope(name, comment, error, bench, bench.envelope(*slots)) for name, comment, error, slots in orders
    ]

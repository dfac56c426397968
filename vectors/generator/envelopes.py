"""envelopes.json: what creators and rewraps make."""

from dataclasses import replace

from .cases import valid
from .envelopes_bench import Bench, Created, create, envelope_fields, rewrap
from .envelopes_keys import key_envelopes
from .envelopes_malformed import malformed_envelopes
from .envelopes_presented import presented, presented_envelopes
from .envelopes_refused import forbidden_envelopes, misplaced_envelopes, mixed_refusals
from .envelopes_slots import absent_keys, malformed_slots
from .keystores_chains import KEY_255, KEY_36, NamedKeystore
from .primitives.context import Context
from .primitives.envelope import METHOD_NAMES, SSE_KMS
from .primitives.message import plain
from .primitives.randomness import fixed
from .samples import RENAMED, longest_user_map


def created_envelopes(named: dict[str, NamedKeystore]) -> dict[str, tuple[str, Created]]:
    """By name: comment and envelope."""
    one_key, long_ids = named["one-key"], named["long-ids"]
    many_pairs = tuple((f"key {number:02}", f"value {number}") for number in range(20, 0, -1))
    big = Context(b"t" * 255, b"b" * 255, plain(1024), plain(255), longest_user_map())
    created = {
        "created-oss": ("SSE-OSS under a key of one version", create(fixed("envelopes/oss"), one_key)),
        "created-kms": ("SSE-KMS under the same key", create(fixed("envelopes/kms"), one_key, method=SSE_KMS)),
        "created-rotated": (
            "a rotated key wraps under its new version",
            create(fixed("envelopes/rotated"), named["rotated"]),
        ),
        "created-staged": ("a staged version does not wrap yet", create(fixed("envelopes/staged"), named["staged"])),
        "created-alpha": ("a keystore of two keys", create(fixed("envelopes/alpha"), named["two-keys"], "alpha")),
        "created-zeta": ("the other key of the two", create(fixed("envelopes/zeta"), named["two-keys"], "zeta")),
        "created-imported": ("an imported key", create(fixed("envelopes/imported"), named["states"], "imported")),
        "created-history": (
            "a key with versions in every state",
            create(fixed("envelopes/history"), named["states"], "history"),
        ),
        "created-36": ("an id of 36 bytes: 195 bytes", create(fixed("envelopes/ids-36"), long_ids, KEY_36)),
        "created-255": ("an id of 255 bytes", create(fixed("envelopes/ids-255"), long_ids, KEY_255)),
        "created-empty-context": ("an empty context", create(fixed("envelopes/empty"), one_key, context=Context())),
        "created-user-pairs": (
            "many user pairs, given unsorted",
            create(fixed("envelopes/pairs"), one_key, context=Context(user=many_pairs)),
        ),
        "created-big-context": (
            "long fields and the longest user map",
            create(fixed("envelopes/big"), one_key, context=big),
        ),
    }
    for name, (_, one) in created.items():
        if len(one.envelope) != 158 + len(one.key_id) + len(str(one.number)):
            raise RuntimeError(f"{name}: not the length that section 5 states")
    return created


def rewrap_case(name: str, comment: str, source_name: str, source: Created, named: NamedKeystore, **changes) -> dict:
    target = rewrap(name, source, named, **changes)
    how = {
        "from": source_name,
        "method": METHOD_NAMES[target.method],
        "key_id": target.key_id,
        "context": target.context.json(),
        "now": target.now,
        "entropy": target.entropy,
    }
    fields = envelope_fields(named, target.envelope, target.context, target.allow, target.now)
    return valid(name, comment, **fields, rewrap=how, **target.opened(target.number))


def rewrapped_envelopes(named: dict[str, NamedKeystore], created: dict[str, tuple[str, Created]]) -> list[dict]:
    oss, alpha = created["created-oss"][1], created["created-alpha"][1]
    bench = Bench.new(fixed("envelopes/before-rewrap"), named["two-keys"])
    two_slots = bench.envelope(bench.slot("alpha", 1), bench.slot("zeta"))
    several = replace(alpha, envelope=two_slots, data_key=bench.data_key)
    before = presented(
        "before-rewrap",
        "two slots, the first under an old version",
        bench,
        several.envelope,
        key_id="alpha",
        number=1,
        rewrap=True,
    )
    return [
        after_rotation(oss, named["rotated"]),
        rewrap_case(
            "rewrapped-rotated", "under the new version of a rotated key", "created-oss", oss, named["rotated"]
        ),
        rewrap_case(
            "rewrapped-renamed", "the object has a new name", "created-oss", oss, named["one-key"], context=RENAMED
        ),
        rewrap_case(
            "rewrapped-moved",
            "another bucket, no user map",
            "created-oss",
            oss,
            named["one-key"],
            context=Context(b"tenant-1", b"bucket-8", b"cat.jpg"),
        ),
        rewrap_case(
            "rewrapped-other-method", "from SSE-OSS to SSE-KMS", "created-oss", oss, named["one-key"], method=SSE_KMS
        ),
        rewrap_case(
            "rewrapped-other-key", "from alpha to zeta", "created-alpha", alpha, named["two-keys"], key_id="zeta"
        ),
        rewrap_case(
            "rewrapped-same",
            "same key, version and context: only salt and time change",
            "created-oss",
            oss,
            named["one-key"],
        ),
        before,
        rewrap_case("rewrapped-to-one-slot", "two slots become one", "before-rewrap", several, named["two-keys"]),
    ]


def after_rotation(source: Created, named: NamedKeystore) -> dict:
    """The envelope of an early keystore, in a later one of the same life."""
    fields = envelope_fields(named, source.envelope, source.context, source.allow, source.now)
    comment = "the envelope of created-oss after the rotation of its key"
    return valid("old-version-opens", comment, **fields, **source.opened(source.number, rewrap=True))


def envelope_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    created = created_envelopes(named)
    return (
        [one.case(name, comment) for name, (comment, one) in created.items()]
        + rewrapped_envelopes(named, created)
        + presented_envelopes(named)
        + malformed_envelopes(named)
        + malformed_slots(named)
        + absent_keys(named)
        + misplaced_envelopes(named)
        + forbidden_envelopes(named)
        + mixed_refusals(named)
        + key_envelopes(named)
    )

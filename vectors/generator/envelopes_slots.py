"""envelopes.json: slots that do not parse, and those whose keys are not at hand."""

from .envelopes_bench import (
    Bench,
    CUSTOMER_SLOT,
    LOCAL_SLOT,
    REFERENCE_SLOT,
    REMOTE_SLOT,
    VALUE_SLOT,
    allow,
    refused_envelope,
)
from .keystores_chains import NamedKeystore
from .primitives.envelope import SSE_C, SSE_KMS, SSE_OSS, slot_head
from .primitives.message import INNER
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX, lp, u8
from .samples import NOW

ANY_METHOD = allow([SSE_OSS, SSE_KMS, SSE_C], ["", "key-1"])


def malformed_slots(named: dict[str, NamedKeystore]) -> list[dict]:
    bench = Bench.new(fixed("envelopes/malformed-slots"), named["one-key"])
    good = bench.slot()
    head = slot_head(SSE_OSS, wrapped_at=NOW, **LOCAL_SLOT)
    wrapping_key = named["one-key"].keystore.key("key-1").wrapping_key(1)
    cut_head, long_head = lp(head[:-1]) + good[-INNER:], lp(head + b"\x00") + good[-INNER:]
    heads = [
        ("head-cut", "slot_head lacks its last byte", cut_head),
        ("head-trailing-byte", "a byte after outer_blob", long_head),
        ("local-no-key-id", "kind 1 without key_id", {**LOCAL_SLOT, "key_id": b""}),
        ("local-key-id-space", "a space in key_id", {**LOCAL_SLOT, "key_id": b"key 1"}),
        ("local-key-id-del", "0x7f in key_id", {**LOCAL_SLOT, "key_id": b"key-1\x7f"}),
        ("local-key-id-nul", "a zero byte in key_id", {**LOCAL_SLOT, "key_id": b"key-1\x00"}),
        ("local-key-id-utf-8", "key_id is not ASCII", {**LOCAL_SLOT, "key_id": "clé".encode()}),
        ("local-provider", "kind 1 with a provider", {**LOCAL_SLOT, "provider": b"kms"}),
        ("local-no-version", "kind 1 without key_version", {**LOCAL_SLOT, "key_version": b""}),
        ("local-version-0", "the counter is from 1", {**LOCAL_SLOT, "key_version": b"0"}),
        ("local-version-01", "a leading zero", {**LOCAL_SLOT, "key_version": b"01"}),
        ("local-version-sign", "a sign", {**LOCAL_SLOT, "key_version": b"+1"}),
        ("local-version-hex", "not decimal", {**LOCAL_SLOT, "key_version": b"1a"}),
        ("local-version-above", "2^64", {**LOCAL_SLOT, "key_version": b"18446744073709551616"}),
        ("local-version-21-digits", "21 digits", {**LOCAL_SLOT, "key_version": b"100000000000000000000"}),
        ("local-bucket-key-id", "kind 1 with bucket_key_id", {**LOCAL_SLOT, "bucket_key_id": bytes(16)}),
        ("local-blob", "kind 1 with outer_blob", {**LOCAL_SLOT, "outer_blob": b"blob"}),
        ("remote-no-provider", "kind 2 without provider", {**REMOTE_SLOT, "provider": b""}),
        ("remote-provider-upper", "upper case in provider", {**REMOTE_SLOT, "provider": b"KMS"}),
        ("remote-provider-dot", "a dot in provider", {**REMOTE_SLOT, "provider": b"k.ms"}),
        ("remote-provider-17", "a provider of 17 bytes", {**REMOTE_SLOT, "provider": b"k" * 17}),
        ("remote-no-key-id", "kind 2 without key_id", {**REMOTE_SLOT, "key_id": b""}),
        ("remote-version-65", "a key_version of 65 bytes", {**REMOTE_SLOT, "key_version": b"v" * 65}),
        ("remote-version-space", "a space in key_version", {**REMOTE_SLOT, "key_version": b"v 1"}),
        ("remote-bucket-key-id", "kind 2 with bucket_key_id", {**REMOTE_SLOT, "bucket_key_id": bytes(16)}),
        ("remote-no-blob", "kind 2 without outer_blob", {**REMOTE_SLOT, "outer_blob": b""}),
        ("remote-blob-8193", "an outer_blob of 8,193 bytes", {**REMOTE_SLOT, "outer_blob": bytes(8193)}),
        ("value-no-key-id", "kind 3 without key_id", {**VALUE_SLOT, "key_id": b""}),
        ("value-no-bucket-key-id", "kind 3 without bucket_key_id", {**VALUE_SLOT, "bucket_key_id": b""}),
        ("value-bucket-key-id-15", "a bucket_key_id of 15 bytes", {**VALUE_SLOT, "bucket_key_id": bytes(15)}),
        ("value-bucket-key-id-17", "a bucket_key_id of 17 bytes", {**VALUE_SLOT, "bucket_key_id": bytes(17)}),
        ("value-no-blob", "kind 3 without outer_blob", {**VALUE_SLOT, "outer_blob": b""}),
        ("value-blob-8193", "an outer_blob of 8,193 bytes", {**VALUE_SLOT, "outer_blob": bytes(8193)}),
        ("value-version-word", "no provider, so the version is a counter", {**VALUE_SLOT, "key_version": b"v1"}),
        ("value-no-version", "no provider, so the version is a counter", {**VALUE_SLOT, "key_version": b""}),
        ("reference-no-bucket-key-id", "kind 4 without bucket_key_id", {**REFERENCE_SLOT, "bucket_key_id": b""}),
        ("reference-no-key-id", "kind 4 without key_id", {**REFERENCE_SLOT, "key_id": b""}),
        ("reference-blob", "kind 4 with outer_blob", {**REFERENCE_SLOT, "outer_blob": b"blob"}),
        ("reference-version-01", "no provider, so the version is a counter", {**REFERENCE_SLOT, "key_version": b"01"}),
        ("customer-provider", "kind 5 with a provider", {**CUSTOMER_SLOT, "provider": b"kms"}),
        ("customer-key-id", "kind 5 with key_id", {**CUSTOMER_SLOT, "key_id": b"key-1"}),
        ("customer-version", "kind 5 with key_version", {**CUSTOMER_SLOT, "key_version": b"1"}),
        ("customer-bucket-key-id", "kind 5 with bucket_key_id", {**CUSTOMER_SLOT, "bucket_key_id": bytes(16)}),
        ("customer-blob", "kind 5 with outer_blob", {**CUSTOMER_SLOT, "outer_blob": b"blob"}),
        ("customer-as-oss", "kind 5 with method 1", {**CUSTOMER_SLOT, "method": SSE_OSS}),
        ("customer-as-kms", "kind 5 with method 2", {**CUSTOMER_SLOT, "method": SSE_KMS}),
        ("local-as-customer", "kind 1 with method 3", {**LOCAL_SLOT, "method": SSE_C}),
        ("remote-as-customer", "kind 2 with method 3", {**REMOTE_SLOT, "method": SSE_C}),
    ]
    cases = []
    for name, comment, slot in heads:
        if not isinstance(slot, bytes):
            slot = bench.slot_under(wrapping_key, **slot)
        cases.append(refused_envelope(name, comment, "FORMAT", bench, bench.envelope(slot), allow=ANY_METHOD))
    return cases + order_of_slots(bench, good)


def order_of_slots(bench: Bench, good: bytes) -> list[dict]:
    unknown_kind = bench.foreign_slot(**{**LOCAL_SLOT, "kind": 6})
    unknown_method = bench.foreign_slot(method=4, **LOCAL_SLOT)
    malformed = bench.foreign_slot(**{**LOCAL_SLOT, "key_version": b"01"})
    other_method = bench.slot(method=SSE_KMS)
    inner = good[-INNER:]
    cases = [
        ("kind-0", "no such kind", "TOONEW", [bench.foreign_slot(**{**LOCAL_SLOT, "kind": 0})]),
        ("kind-6", "an unknown kind", "TOONEW", [unknown_kind]),
        ("method-0", "no such method", "TOONEW", [bench.foreign_slot(method=0, **LOCAL_SLOT)]),
        ("method-4", "an unknown method", "TOONEW", [unknown_method]),
        (
            "kind-6-any-form",
            "a slot of an unknown kind may have any form",
            "TOONEW",
            [bench.slot_with_head(bytes(32), u8(SSE_OSS) + u8(6) + b"\xff\xff")],
        ),
        ("method-4-any-form", "a slot of an unknown method may have any form", "TOONEW", [lp(b"\x04\x01") + inner]),
        ("method-4-cut", "an unknown method, with an inner of 103 bytes", "FORMAT", [unknown_method[:-1]]),
        ("kind-6-cut", "an unknown kind, with an inner of 103 bytes", "FORMAT", [unknown_kind[:-1]]),
        ("head-1", "a slot_head of one byte", "FORMAT", [lp(b"\x01") + inner]),
        ("head-1-method-4", "a slot_head of one byte, an unknown method", "FORMAT", [lp(b"\x04") + inner]),
        ("head-2", "a slot_head of method and kind alone", "FORMAT", [lp(b"\x01\x01") + inner]),
        ("cut-after-too-new", "an unknown kind, then a slot that is cut", "TOONEW", [unknown_kind, good[:-1]]),
        ("trailing-after-too-new", "an unknown kind, then a byte left over", "TOONEW", [unknown_kind + b"\x00"]),
        ("methods-last", "two methods, then an unknown kind", "TOONEW", [good, other_method, unknown_kind]),
        ("methods-last-unknown", "two methods, of which one is unknown", "TOONEW", [good, unknown_method]),
        ("second-slot-unknown-kind", "every slot is parsed before any opens", "TOONEW", [good, unknown_kind]),
        ("second-slot-malformed", "every slot is parsed before any opens", "FORMAT", [good, malformed]),
        ("slots-in-order-too-new", "an unknown kind, then a malformed slot", "TOONEW", [unknown_kind, malformed]),
        ("slots-in-order-malformed", "a malformed slot, then an unknown kind", "FORMAT", [malformed, unknown_kind]),
        ("two-methods", "SSE-OSS and SSE-KMS", "FORMAT", [good, other_method]),
        (
            "two-methods-customer",
            "SSE-OSS and SSE-C",
            "FORMAT",
            [good, bench.foreign_slot(**CUSTOMER_SLOT)],
        ),
    ]
    return [
        refused_envelope(name, comment, error, bench, bench.envelope(*slots), allow=ANY_METHOD)
        for name, comment, error, slots in cases
    ]


def absent_keys(named: dict[str, NamedKeystore]) -> list[dict]:
    """Well-formed slots of every other kind, without their keys."""
    bench = Bench.new(fixed("envelopes/later-kinds"), named["one-key"])
    largest = {"provider": b"abcdefghij-01234", "key_version": b"~" * 64, "outer_blob": bytes(8192)}
    kinds = [
        ("kind-2", "remote", "KEYABSENT", REMOTE_SLOT),
        (
            "kind-2-smallest",
            "remote, of the shortest lengths",
            "KEYABSENT",
            {**REMOTE_SLOT, "provider": b"k", "key_version": b"", "outer_blob": b"b"},
        ),
        ("kind-2-largest", "remote, of the longest lengths", "KEYABSENT", {**REMOTE_SLOT, **largest}),
        ("kind-3-local", "bucket key by value, whose record is none", "COMMIT", VALUE_SLOT),
        (
            "kind-3-remote",
            "bucket key by value, of a remote key; its record is none",
            "COMMIT",
            {**VALUE_SLOT, "provider": b"kms", "key_version": b""},
        ),
        (
            "kind-4-local",
            "bucket key by reference, of a local key whose version is not there",
            "NOVERSION",
            {**REFERENCE_SLOT, "key_version": str(U64_MAX).encode()},
        ),
        (
            "kind-4-remote",
            "bucket key by reference, of a remote key",
            "KEYABSENT",
            {**REFERENCE_SLOT, "provider": b"kms", "key_version": b"v1"},
        ),
        ("kind-5", "customer key; its empty key id is among the allowed ones", "KEYABSENT", CUSTOMER_SLOT),
    ]
    return [
        refused_envelope(
            name,
            comment,
            error,
            bench,
            bench.envelope(bench.foreign_slot(**slot)),
            allow=allow([slot.get("method", SSE_OSS)], [slot.get("key_id", b"").decode("ascii")]),
        )
        for name, comment, error, slot in kinds
    ]

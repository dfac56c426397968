"""envelopes.json: slots of remote keys, bucket keys and customer keys."""

from dataclasses import replace
from typing import Optional

from .bucket_keys_bench import BucketKey, NOT_AFTER, local_bucket_key, remote_bucket_key
from .cases import invalid, valid
from .envelopes_bench import Bench, CUSTOMER_SLOT, allow, envelope_fields
from .keystores_chains import NamedKeystore
from .primitives.context import Context
from .primitives.envelope import METHOD_NAMES, SSE_C, SSE_KMS, SSE_OSS
from .primitives.keystore import IMPORTED, purpose_key
from .primitives.randomness import fixed
from .primitives.wire import flip
from .samples import NOW, PHOTO, RENAMED, STEP_SECONDS

SECRET, OTHER_SECRET = bytes(range(1, 33)), bytes(range(2, 34))
REMOTE = {"kind": 2, "provider": b"kms", "key_id": b"cmk-1", "key_version": b"v1", "outer_blob": b"wrapped by the KMS"}


def customer_wrapping_key(material: bytes) -> bytes:
    return purpose_key(IMPORTED, material, "wrap-dek", b"", b"")


def for_slot(slot: int, secret: bytes) -> dict:
    return {"slot": slot, "secret": secret.hex()}


class Opens:
    """An envelope that opens, and the keys with which it does."""

    def __init__(self, bench: Bench, slot: dict, wrapping_key: bytes, keys: dict, *, now: int = NOW):
        self.bench, self.slot, self.wrapping_key, self.keys, self.now = bench, slot, wrapping_key, keys, now
        self.method = slot.get("method", SSE_KMS)
        self.key_id = slot.get("key_id", b"").decode("ascii")
        self.sealed = bench.slot_under(wrapping_key, **{"method": self.method, **slot}, wrapped_at=now)
        self.entropy = bench.rng.entropy()

    def case(self, name: str, comment: str, envelope: Optional[bytes] = None, **other) -> dict:
        settings = {"context": self.bench.context, "keys": self.keys, "rewrap": False, "now": self.now, **other}
        allowed = allow([self.method], [self.key_id])
        envelope = envelope or self.bench.envelope(self.sealed)
        return valid(
            name,
            comment,
            **envelope_fields(self.bench.named, envelope, settings["context"], allowed, settings["now"]),
            **({"keys": settings["keys"]} if settings["keys"] else {}),
            **settings.get("made", {}),
            method=METHOD_NAMES[self.method],
            key_id=self.key_id,
            key_version=self.slot.get("key_version", b"").decode("ascii"),
            wrapped_at=self.now,
            data_key=self.bench.data_key.hex(),
            needs_rewrap=settings["rewrap"],
        )

    def created(self, name: str, comment: str, recipient: str, **other) -> dict:
        return self.case(name, comment, made={"entropy": self.entropy, "recipient": recipient}, **other)

    def renamed(self, name: str, comment: str, source: str) -> dict:
        """What a rewrap makes that names no recipient: the same key, in another place of the same bucket."""
        rng = fixed(f"envelopes/{name}")
        bench = replace(self.bench, rng=rng, context=RENAMED)
        moved = Opens(bench, self.slot, self.wrapping_key, self.keys, now=self.now + STEP_SECONDS)
        how = {"from": source, "context": RENAMED.json(), "now": moved.now, "entropy": moved.entropy}
        return moved.case(name, comment, made={"rewrap": how})

    def refused(self, name: str, comment: str, error: str, envelope: Optional[bytes] = None, **other) -> dict:
        settings = {"context": self.bench.context, "keys": self.keys, "now": self.now, "named": self.bench.named, **other}
        allowed = settings.get("allow", allow([self.method], [self.key_id]))
        envelope = envelope or self.bench.envelope(self.sealed)
        fields = envelope_fields(settings["named"], envelope, settings["context"], allowed, settings["now"])
        return invalid(name, comment, error, **fields, **({"keys": settings["keys"]} if settings["keys"] else {}))


def remote_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    bench = Bench.new(fixed("envelopes/remote"), named["one-key"])
    remote = Opens(bench, REMOTE, SECRET, {"slots": [for_slot(0, SECRET)]})
    other = Bench.new(fixed("envelopes/remote-other"), named["one-key"])
    moved = other.envelope(remote.sealed)
    inner_at = 36 + len(remote.sealed) - 104
    local = bench.slot("key-1", method=SSE_KMS)
    two = bench.envelope(remote.sealed, local)
    both = allow([SSE_KMS], ["cmk-1", "key-1"])
    unknown = bench.foreign_slot(method=SSE_KMS, key_id=b"unknown", key_version=b"1")
    secrets = {"slots": [for_slot(0, OTHER_SECRET)]}
    no_utf_8 = Bench.new(fixed("envelopes/remote-bytes"), named["one-key"], Context(b"\xff", b"\xfe"))
    longest = {
        **REMOTE, "provider": b"abcdefghij-01234", "key_id": b"c" * 255, "key_version": b"~" * 64,
        "outer_blob": bytes(8192),
    }
    large = Bench.new(fixed("envelopes/remote-large"), named["empty"])
    return [
        remote.created("remote", "a remote key", "remote"),
        remote.renamed("remote-renamed", "another name, the same blob: the KMS is not asked", "remote"),
        Opens(large, longest, SECRET, {"slots": [for_slot(0, SECRET)]}).created(
            "remote-largest", "the longest names and blob, and no local key", "remote"
        ),
        Opens(no_utf_8, REMOTE, SECRET, {"slots": [for_slot(0, SECRET)]}).case(
            "remote-bytes", "in a place that has no KMS context: nobody should have made it, but it opens"
        ),
        remote.refused("remote-absent", "the KMS was not asked", "KEYABSENT", keys={}),
        remote.refused("remote-wrong-secret", "the KMS gave other bytes", "COMMIT", keys=secrets),
        remote.refused(
            "remote-zeros", "the KMS gave zeros", "ARGUMENT", keys={"slots": [for_slot(0, bytes(32))]}
        ),
        remote.refused("remote-other-name", "another object name", "COMMIT", context=RENAMED),
        remote.refused("remote-other-tenant", "another tenant", "COMMIT", context=replace(PHOTO, tenant=b"t")),
        remote.refused("remote-moved", "the slot is from another object's envelope", "COMMIT", moved),
        remote.refused("remote-blob-flipped", "a bit of the blob", "COMMIT", flip(two, inner_at - 1)),
        remote.refused("remote-tag-flipped", "a bit of the inner tag", "COMMIT", flip(bench.envelope(remote.sealed), inner_at + 103)),
        remote.refused("remote-disallowed", "another key is allowed", "EXPECT", allow=allow([SSE_KMS], ["cmk-2"])),
        remote.refused(
            "remote-before-unknown", "KEYABSENT, NOVERSION", "NOVERSION",
            bench.envelope(remote.sealed, unknown), keys={}, allow=allow([SSE_KMS], ["cmk-1", "unknown"]),
        ),
        remote.refused("remote-before-damaged", "KEYABSENT, COMMIT", "COMMIT", flip(two, len(two) - 1), keys={}, allow=both),
    ]


def bucket_key_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    one_key, rotated, states = named["one-key"], named["rotated"], named["states"]
    bench = Bench.new(fixed("envelopes/bucket-key"), one_key)
    key = local_bucket_key(fixed("envelopes/bucket-key-of"), one_key)
    by_value = Opens(bench, key.slot(), key.key, {})
    bench = Bench.new(fixed("envelopes/bucket-key-reference"), one_key)
    by_reference = Opens(bench, key.reference(), key.key, {"bucket_keys": [key.at_hand()]})
    remote_key = remote_bucket_key(fixed("envelopes/bucket-key-remote-of"))
    bench = Bench.new(fixed("envelopes/bucket-key-remote"), one_key)
    remote = Opens(bench, remote_key.slot(), remote_key.key, {"slots": [for_slot(0, remote_key.key)]})
    bench = Bench.new(fixed("envelopes/bucket-key-remote-reference"), one_key)
    remote_reference = Opens(bench, remote_key.reference(), remote_key.key, {"bucket_keys": [remote_key.at_hand()]})
    cases = [
        by_value.created("bucket-key", "a bucket key by value", "bucket-key", keys={"bucket_keys": [key.at_hand()]}),
        by_value.case("bucket-key-by-record", "the record in the slot is all that is needed"),
        by_value.case("bucket-key-ended", "past not_after it opens", now=NOT_AFTER),
        by_reference.created("bucket-key-reference", "a bucket key by reference", "bucket-key-reference"),
        remote.case("bucket-key-remote", "a remote bucket key by value, whose blob the KMS unwrapped"),
        remote.created(
            "bucket-key-remote-open", "the same, already open", "bucket-key", keys={"bucket_keys": [remote_key.at_hand()]}
        ),
        remote_reference.created("bucket-key-remote-reference", "a remote bucket key by reference", "bucket-key-reference"),
        by_value.renamed("bucket-key-renamed", "another name, the same bucket key", "bucket-key-by-record"),
        by_reference.renamed("bucket-key-reference-renamed", "the same by reference", "bucket-key-reference"),
        remote.renamed("bucket-key-remote-renamed", "the same of a remote one", "bucket-key-remote"),
    ]
    for number, slot in ((1, True), (2, False)):
        old = local_bucket_key(fixed(f"envelopes/bucket-key-version-{number}"), rotated, number=number)
        of_old = Opens(Bench.new(fixed(f"envelopes/bucket-key-rotated-{number}"), rotated), old.slot(), old.key, {})
        cases.append(of_old.case(f"bucket-key-version-{number}", "of a key rotated since", rewrap=slot))
    return cases + refused_bucket_keys(named, key, by_value, by_reference, remote_key, remote, remote_reference)


def refused_bucket_keys(
    named: dict[str, NamedKeystore],
    key: BucketKey,
    by_value: Opens,
    by_reference: Opens,
    remote_key: BucketKey,
    remote: Opens,
    remote_reference: Opens,
) -> list[dict]:
    one_key = named["one-key"]
    other_tenant = replace(PHOTO, tenant=b"tenant-2")
    foreign = local_bucket_key(fixed("envelopes/bucket-key-foreign"), one_key, context=other_tenant)
    second = local_bucket_key(fixed("envelopes/bucket-key-second"), one_key)

    def of_slot(name: str, comment: str, error: str, slot: dict, wrapping_key: bytes = key.key, **other) -> dict:
        """Sealed properly, for what its head says."""
        bench = Bench.new(fixed(f"envelopes/{name}"), other.pop("named", one_key))
        return Opens(bench, slot, wrapping_key, {}).refused(name, comment, error, **other)

    def with_record(record: bytes) -> dict:
        return key.with_record(record).slot()

    states = named["states"]
    disabled = local_bucket_key(fixed("envelopes/bucket-key-disabled-of"), states, "disabled")
    sealed = by_value.bench.envelope(by_value.sealed)
    return [
        of_slot("bucket-key-no-record", "the outer_blob is no record", "COMMIT", with_record(b"record")),
        of_slot("bucket-key-later", "a record of a later version", "TOONEW", with_record(b"ossencB\x02")),
        of_slot("bucket-key-trailing", "a byte after the record", "COMMIT", with_record(key.record + b"\x00")),
        of_slot("bucket-key-second-record", "the record of another bucket key", "COMMIT", with_record(second.record)),
        of_slot(
            "bucket-key-other-id", "the slot has another bucket_key_id", "COMMIT", {**key.slot(), "bucket_key_id": bytes(16)}
        ),
        of_slot("bucket-key-other-key", "the slot names another key", "COMMIT", {**key.slot(), "key_id": b"zeta"}),
        of_slot("bucket-key-other-version", "the slot names another version", "COMMIT", {**key.slot(), "key_version": b"2"}),
        of_slot("bucket-key-of-tenant", "a bucket key of another tenant", "COMMIT", foreign.slot(), foreign.key),
        of_slot("bucket-key-other-wk", "wrapped under another key", "COMMIT", key.slot(), OTHER_SECRET),
        of_slot("bucket-key-disabled", "its master key is disabled", "KEYSTATE", disabled.slot(), disabled.key, named=states),
        of_slot(
            "bucket-key-reference-disabled",
            "its master key is disabled, though it is open",
            "KEYSTATE",
            disabled.reference(),
            disabled.key,
            named=states,
        ),
        by_value.refused("bucket-key-other-name", "another object name", "COMMIT", context=RENAMED),
        by_value.refused("bucket-key-other-bucket", "another bucket", "COMMIT", context=replace(PHOTO, bucket_id=b"b")),
        by_value.refused("bucket-key-flipped", "a bit of the record", "COMMIT", flip(sealed, len(sealed) - 105)),
        by_value.refused("bucket-key-unknown", "its master key is missing", "NOVERSION", named=named["empty"]),
        by_value.refused("bucket-key-retired", "its master key's version is retired", "KEYSTATE", named=named["retired"]),
        by_reference.refused("bucket-key-reference-absent", "not at hand", "KEYABSENT", keys={}),
        by_reference.refused(
            "bucket-key-reference-second", "another one is at hand", "KEYABSENT", keys={"bucket_keys": [second.at_hand()]}
        ),
        by_reference.refused("bucket-key-reference-unknown", "its master key is missing", "NOVERSION", named=named["empty"], keys={}),
        remote.refused("bucket-key-remote-absent", "the KMS was not asked", "KEYABSENT", keys={}),
        remote.refused(
            "bucket-key-remote-secret", "the KMS gave other bytes", "COMMIT", keys={"slots": [for_slot(0, OTHER_SECRET)]}
        ),
        remote_reference.refused(
            "bucket-key-remote-tenant",
            "it is at hand for another tenant",
            "COMMIT",
            keys={"bucket_keys": [remote_key.at_hand(other_tenant)]},
        ),
        remote_reference.refused("bucket-key-remote-bucket", "another bucket", "COMMIT", context=replace(PHOTO, bucket_id=b"b")),
    ]


def customer_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    bench = Bench.new(fixed("envelopes/customer"), named["empty"])
    at_hand = {"customer_key": SECRET.hex()}
    customer = Opens(bench, CUSTOMER_SLOT, customer_wrapping_key(SECRET), at_hand)
    bare = Opens(Bench.new(fixed("envelopes/customer-bare"), named["empty"]), CUSTOMER_SLOT, SECRET, at_hand)
    sealed = bench.envelope(customer.sealed)
    return [
        customer.created("customer", "a customer's key", "customer"),
        customer.renamed("customer-renamed", "another name, the same key", "customer"),
        customer.refused("customer-absent", "the key was not given", "KEYABSENT", keys={}),
        customer.refused("customer-wrong", "another key", "COMMIT", keys={"customer_key": OTHER_SECRET.hex()}),
        customer.refused("customer-zeros", "zeros are no key", "ARGUMENT", keys={"customer_key": bytes(32).hex()}),
        customer.refused("customer-disallowed", "the empty key id is not allowed", "EXPECT", allow=allow([SSE_C], ["key-1"])),
        customer.refused("customer-method", "SSE-C is not allowed", "EXPECT", allow=allow([SSE_OSS, SSE_KMS], [""])),
        customer.refused("customer-other-name", "another object name", "COMMIT", context=RENAMED),
        customer.refused("customer-flipped", "a bit of the inner tag", "COMMIT", flip(sealed, len(sealed) - 1)),
        bare.refused("customer-underived", "wrapped under the customer's key itself", "COMMIT"),
    ]


def key_envelopes(named: dict[str, NamedKeystore]) -> list[dict]:
    return remote_envelopes(named) + bucket_key_envelopes(named) + customer_envelopes(named)

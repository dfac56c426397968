"""Section 5: the envelope."""

from dataclasses import dataclass, field
from typing import Optional

from .bucket_key import BucketKey, Record, open_record, parse_record, require_key
from .keys import IMPORTED, master_secret, purpose_key
from .keystore import Keystore, unwrapping_version
from .message import open_message
from .wire import Cursor, PROVIDER_BYTES, Refused, check_identifier, local_version, lp, require

SUITE_COBBLESTONE_256 = 1
SHAPE_SINGLE, SHAPE_SEGMENTED = 1, 2
METHODS = {1: "SSE-OSS", 2: "SSE-KMS", 3: "SSE-C"}
LOCAL, REMOTE, BUCKET_BY_VALUE, BUCKET_BY_REFERENCE, CUSTOMER = 1, 2, 3, 4, 5
PRELUDE_LENGTH = 32
INNER_LENGTH = 104


# The table of section 5: the shortest and longest provider, key_id, key_version, bucket_key_id and outer_blob.
SLOT_LENGTHS = {
    LOCAL: ((0, 0), (1, 255), (1, 20), (0, 0), (0, 0)),
    REMOTE: ((1, 16), (1, 255), (0, 64), (0, 0), (1, 8192)),
    BUCKET_BY_VALUE: ((0, 16), (1, 255), (0, 64), (16, 16), (1, 8192)),
    BUCKET_BY_REFERENCE: ((0, 16), (1, 255), (0, 64), (16, 16), (0, 0)),
    CUSTOMER: ((0, 0), (0, 0), (0, 0), (0, 0), (0, 0)),
}


@dataclass
class Slot:
    head: bytes
    inner: bytes
    method: str
    kind: int
    wrapped_at: int
    provider: bytes
    key_id: bytes
    key_version: bytes
    bucket_key_id: bytes
    outer_blob: bytes

    def bucket_key_names(self) -> tuple[bytes, bytes, bytes, bytes]:
        return self.bucket_key_id, self.provider, self.key_id, self.key_version


@dataclass
class Envelope:
    prelude: bytes
    shape: int
    slots: list[Slot]


def read_slot(cursor: Cursor) -> Slot:
    head, inner = cursor.lp(), cursor.take(INNER_LENGTH)
    fields = Cursor(head)
    method, kind = fields.u8(), fields.u8()  # a slot_head of fewer than two bytes is FORMAT here, as framing
    if method not in METHODS or kind not in SLOT_LENGTHS:
        raise Refused("TOONEW", "method or kind of a slot")
    wrapped_at = fields.u64()
    provider, key_id, key_version, bucket_key_id = fields.lp8(), fields.lp8(), fields.lp8(), fields.lp8()
    outer_blob = fields.lp()
    fields.end()
    names = (provider, key_id, key_version, bucket_key_id, outer_blob)
    for value, (shortest, longest) in zip(names, SLOT_LENGTHS[kind]):
        require(shortest <= len(value) <= longest, "a length does not go with the kind")
    check_identifier(provider, "provider", 0, 16, PROVIDER_BYTES)
    check_identifier(key_id, "key_id", 0, 255)
    check_identifier(key_version, "key_version", 0, 64)
    if kind == LOCAL or (kind in (BUCKET_BY_VALUE, BUCKET_BY_REFERENCE) and not provider):
        local_version(key_version)
    require((kind == CUSTOMER) == (METHODS[method] == "SSE-C"), "method and kind do not go together")
    return Slot(head, inner, METHODS[method], kind, wrapped_at, *names)


def parse_envelope(data: bytes) -> Envelope:
    require(len(data) >= PRELUDE_LENGTH + 4, "shorter than any envelope")
    cursor = Cursor(data)
    require(cursor.take(6) == b"ossenc", "magic of an envelope")
    version, suite, shape = cursor.u8(), cursor.u8(), cursor.u8()
    if version != 1 or suite != SUITE_COBBLESTONE_256 or shape not in (SHAPE_SINGLE, SHAPE_SEGMENTED):
        raise Refused("TOONEW", "version, suite or shape")
    cursor.zeros(7)
    cursor.take(16)
    count = cursor.u8()
    cursor.zeros(1)
    require(1 <= count <= 16, "number of slots")
    length = cursor.u16()
    slots = Cursor(cursor.take(length))
    cursor.end()
    parsed = [read_slot(slots) for _ in range(count)]
    slots.end()
    require(len({slot.method for slot in parsed}) == 1, "slots of several methods")
    return Envelope(data[:PRELUDE_LENGTH], shape, parsed)


@dataclass
class Allow:
    """The methods and key ids that the caller allows; without key ids, all of them."""

    methods: list[str]
    key_ids: Optional[list[bytes]]

    def is_candidate(self, slot: Slot) -> bool:
        return self.key_ids is None or slot.key_id in self.key_ids


@dataclass
class Keys:
    """What is at hand. `secrets` are what the KMS gave, by the index of the slot."""

    keystore: Keystore
    secrets: dict[int, bytes] = field(default_factory=dict)
    bucket_keys: list[BucketKey] = field(default_factory=list)
    customer_key: Optional[bytes] = None


def record_in_slot(slot: Slot) -> Record:
    try:
        record = parse_record(slot.outer_blob)
    except Refused as refusal:
        raise refusal if refusal.status == "TOONEW" else Refused("COMMIT", "no record") from None
    if record.names() != slot.bucket_key_names():
        raise Refused("COMMIT", "the record of another bucket key")
    return record


def open_bucket_key(slot: Slot, keys: Keys, place: bytes) -> bytes:
    for bucket_key in keys.bucket_keys:
        if bucket_key.record.bucket_key_id == slot.bucket_key_id:
            if bucket_key.record.names() != slot.bucket_key_names() or bucket_key.place != place:
                raise Refused("COMMIT", "a bucket key of another master key or bucket")
            return bucket_key.key
    raise Refused("KEYABSENT", "a bucket key")


def slot_wrapping_key(slot: Slot, index: int, keys: Keys, place: bytes, now: int) -> bytes:
    """WK; `place` is `lp(tenant) || lp(bucket_id)`."""
    record = record_in_slot(slot) if slot.kind == BUCKET_BY_VALUE else None
    if slot.kind in (LOCAL, BUCKET_BY_REFERENCE) and not slot.provider:
        key, version = unwrapping_version(keys.keystore, slot.key_id, local_version(slot.key_version), now)
        if slot.kind == LOCAL:
            secret = master_secret(key.origin, version.material)
            return purpose_key(secret, "wrap-dek", slot.key_id, slot.key_version)
    if record is not None and not slot.provider:
        return open_record(record, keys.keystore, place, now, None).key
    if index in keys.secrets and slot.kind in (REMOTE, BUCKET_BY_VALUE):
        return require_key(keys.secrets[index])
    if slot.kind in (BUCKET_BY_VALUE, BUCKET_BY_REFERENCE):
        return open_bucket_key(slot, keys, place)
    if slot.kind == CUSTOMER and keys.customer_key is not None:
        secret = master_secret(IMPORTED, require_key(keys.customer_key))
        return purpose_key(secret, "wrap-dek", b"", b"")
    raise Refused("KEYABSENT", "a remote key or a customer's key")


def bucket_of(context: bytes) -> bytes:
    """`lp(tenant) || lp(bucket_id)`, with which the context begins."""
    cursor = Cursor(context)
    cursor.lp(), cursor.lp()
    return context[: cursor.position]


def open_slot(slot: Slot, index: int, prelude: bytes, keys: Keys, context: bytes, now: int) -> bytes:
    """Step 3 of opening, for one candidate."""
    wrapping_key = slot_wrapping_key(slot, index, keys, bucket_of(context), now)
    inner_context = b"ossenc/wrap" + b"\x00\x01" + prelude + lp(slot.head) + context
    try:
        return open_message(wrapping_key, inner_context, slot.inner)
    except Refused:
        raise Refused("COMMIT", "the inner message does not open") from None


def open_envelope(envelope: Envelope, keys: Keys, context: bytes, allow: Allow, now: int) -> tuple[bytes, Slot]:
    """The data key, and the slot that gave it."""
    if envelope.slots[0].method not in allow.methods:
        raise Refused("EXPECT", "method")
    candidates = [(index, slot) for index, slot in enumerate(envelope.slots) if allow.is_candidate(slot)]
    if not candidates:
        raise Refused("EXPECT", "key id")
    counted = set()
    for index, slot in candidates:
        try:
            return open_slot(slot, index, envelope.prelude, keys, context, now), slot
        except Refused as refusal:
            if refusal.status == "ARGUMENT":
                raise
            counted.add(refusal.status)
    for status in ("COMMIT", "KEYSTATE", "NOVERSION", "KEYABSENT", "TOONEW"):
        if status in counted:
            raise Refused(status, "no candidate opened")
    raise AssertionError("a candidate was refused with a status that step 4 does not list")


def needs_rewrap(envelope: Envelope, keystore: Keystore) -> bool:
    """Whether some slot depends on a local key, but not on the primary version of one that unwraps."""

    def is_current(slot: Slot) -> bool:
        key = keystore.keys.get(slot.key_id)
        if key is None or key.state != "Enabled":
            return False
        return key.primary == local_version(slot.key_version)  # which is active, and so unwraps

    return any(slot.kind != CUSTOMER and not slot.provider and not is_current(slot) for slot in envelope.slots)

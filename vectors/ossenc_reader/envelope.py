"""Section 5: the envelope."""

from dataclasses import dataclass
from typing import Optional

from .keys import master_secret, purpose_key
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
    key_id: bytes
    key_version: bytes


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
    return Slot(head, inner, METHODS[method], kind, wrapped_at, key_id, key_version)


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


def open_slot(slot: Slot, prelude: bytes, keystore: Keystore, context: bytes, now: int) -> bytes:
    """Step 3 of opening, for one candidate."""
    if slot.kind != LOCAL:
        raise Refused("TOONEW", "kind of a slot")
    key, version = unwrapping_version(keystore, slot.key_id, local_version(slot.key_version), now)
    secret = master_secret(key.origin, version.material)
    wrapping_key = purpose_key(secret, "wrap-dek", slot.key_id, slot.key_version)
    inner_context = b"ossenc/wrap" + b"\x00\x01" + prelude + lp(slot.head) + context
    try:
        return open_message(wrapping_key, inner_context, slot.inner)
    except Refused:
        raise Refused("COMMIT", "the inner message does not open") from None


def open_envelope(envelope: Envelope, keystore: Keystore, context: bytes, allow: Allow, now: int) -> tuple[bytes, Slot]:
    """The data key, and the slot that gave it."""
    if envelope.slots[0].method not in allow.methods:
        raise Refused("EXPECT", "method")
    candidates = [slot for slot in envelope.slots if allow.is_candidate(slot)]
    if not candidates:
        raise Refused("EXPECT", "key id")
    counted = set()
    for slot in candidates:
        try:
            return open_slot(slot, envelope.prelude, keystore, context, now), slot
        except Refused as refusal:
            counted.add(refusal.status)
    for status in ("COMMIT", "KEYSTATE", "NOVERSION", "TOONEW"):
        if status in counted:
            raise Refused(status, "no candidate opened")
    raise AssertionError("a candidate was refused with a status that step 4 does not list")


def needs_rewrap(envelope: Envelope, keystore: Keystore) -> bool:
    """Whether some local slot is not under the primary version of a key that unwraps."""

    def is_current(slot: Slot) -> bool:
        key = keystore.keys.get(slot.key_id)
        if key is None or key.state != "Enabled":
            return False
        return key.primary == local_version(slot.key_version)  # which is active, and so unwraps

    return any(slot.kind == LOCAL and not is_current(slot) for slot in envelope.slots)

"""What the members of cases mean, whatever the file."""

import hashlib
from typing import Optional

from .bucket_key import BucketKey, bucket_place, open_record, parse_record
from .context import encode_context
from .envelope import Allow, Envelope, Keys, Slot, open_envelope, parse_envelope
from .expect import expect, plain
from .keystore import Keystore
from .layout import Stored
from .sealing import seal_message, store
from .segment import OpenedObject, ROLE_DATA


def field_bytes(value) -> bytes:
    if isinstance(value, dict):
        return bytes.fromhex(value["repeat"]) * value["times"]
    return bytes.fromhex(value)


def case_context(fields: dict) -> bytes:
    names = ("tenant", "bucket_id", "object", "version_id")
    return encode_context([field_bytes(fields[name]) for name in names], fields["user"])


def case_allow(fields: dict) -> Allow:
    return Allow(fields["methods"], [key_id.encode("utf-8") for key_id in fields["key_ids"]])


def case_place(context: dict) -> bytes:
    return bucket_place(field_bytes(context["tenant"]), field_bytes(context["bucket_id"]))


def optional_bytes(fields: dict, member: str) -> Optional[bytes]:
    return bytes.fromhex(fields[member]) if member in fields else None


def case_keys(case: dict, keystore: Keystore) -> Keys:
    """What the case has at hand."""
    given = case.get("keys", {})
    secrets = {one["slot"]: bytes.fromhex(one["secret"]) for one in given.get("slots", [])}

    def bucket_key(fields: dict) -> BucketKey:
        place = case_place(fields.get("context", case["context"]))
        record = parse_record(bytes.fromhex(fields["record"]))
        return open_record(record, keystore, place, case["now"], optional_bytes(fields, "secret"))

    bucket_keys = [bucket_key(fields) for fields in given.get("bucket_keys", [])]
    return Keys(keystore, secrets, bucket_keys, optional_bytes(given, "customer_key"))


def opened_envelope(case: dict, keystore: Keystore, now: int) -> tuple[Envelope, bytes, Slot]:
    """The envelope of a case, its data key, and the slot that gave it."""
    envelope = parse_envelope(bytes.fromhex(case["envelope"]))
    context, allow = case_context(case["context"]), case_allow(case["allow"])
    return (envelope, *open_envelope(envelope, case_keys(case, keystore), context, allow, now))


def opened_object(case: dict, keystore: Keystore) -> OpenedObject:
    envelope, data_key, _ = opened_envelope(case, keystore, case["now"])
    expect(case.get("data_key", data_key.hex()) == data_key.hex(), "data_key")
    expect(case.get("prelude", envelope.prelude.hex()) == envelope.prelude.hex(), "prelude")
    return OpenedObject(envelope, data_key)


def check_hash(fields: dict, member: str, content: bytes) -> None:
    expect(len(content) == fields[f"{member}_len"], f"{member}_len")
    expect(hashlib.sha256(content).hexdigest() == fields[f"{member}_sha256"], f"{member}_sha256")


def stored_segment(fields: dict, opened: OpenedObject, length: int, start: int = 0) -> Stored:
    """A segment as it is kept, which begins at byte `start` of the plaintext rule."""
    layout, aside = fields["layout"], bytes.fromhex(fields["aside"])
    if "body" in fields:
        return Stored(layout, length, bytes.fromhex(fields["body"]), aside)
    context = opened.message_context(ROLE_DATA, fields["part"])
    salt = bytes.fromhex(fields["salt"])
    body = bytearray(store(layout, length, *seal_message(opened.data_key, context, salt, plain(length, start)))[0])
    for change in fields.get("changes", []):
        changed = bytes.fromhex(change["bytes"])
        body[change["at"] : change["at"] + len(changed)] = changed
    check_hash(fields, "body", bytes(body))
    return Stored(layout, length, bytes(body), aside)

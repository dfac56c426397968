"""Section 5: bucket keys."""

from dataclasses import dataclass
from typing import Optional

from .context import require_argument
from .keys import master_secret, purpose_key
from .keystore import Keystore, unwrapping_version
from .message import open_message
from .wire import Cursor, PROVIDER_BYTES, Refused, check_identifier, local_version, lp, require

LONGEST_RECORD = 8192
SEALED_LENGTH = 104
BY_LOCAL, BY_REMOTE = 1, 2


@dataclass
class Record:
    bucket_key_id: bytes
    not_after: int
    provider: bytes
    key_id: bytes
    key_version: bytes
    fields: bytes
    sealed: bytes

    def names(self) -> tuple[bytes, bytes, bytes, bytes]:
        return self.bucket_key_id, self.provider, self.key_id, self.key_version


@dataclass
class BucketKey:
    """An open one, and the `lp(tenant) || lp(bucket_id)` it was opened for."""

    record: Record
    place: bytes
    key: bytes


def parse_record(data: bytes) -> Record:
    require(len(data) <= LONGEST_RECORD, "a record is too long")
    cursor = Cursor(data)
    require(cursor.take(7) == b"ossencB", "magic of a record")
    if cursor.u8() != 1:
        raise Refused("TOONEW", "version of a record")
    bucket_key_id, not_after, kind = cursor.take(16), cursor.u64(), cursor.u8()
    if kind not in (BY_LOCAL, BY_REMOTE):
        raise Refused("TOONEW", "kind of a record")
    provider, key_id, key_version = cursor.lp8(), cursor.lp8(), cursor.lp8()
    fields = data[: cursor.position]
    sealed = cursor.lp()
    cursor.end()
    check_identifier(key_id, "key_id", 1, 255)
    if kind == BY_LOCAL:
        require(not provider and len(sealed) == SEALED_LENGTH, "a local record")
        local_version(key_version)
    else:
        check_identifier(provider, "provider", 1, 16, PROVIDER_BYTES)
        check_identifier(key_version, "key_version", 0, 64)
        require(len(sealed) > 0, "a remote record without a blob")
    return Record(bucket_key_id, not_after, provider, key_id, key_version, fields, sealed)


def require_key(secret: bytes) -> bytes:
    require_argument(len(secret) == 32 and any(secret), "no key")
    return secret


def open_record(record: Record, keystore: Keystore, place: bytes, now: int, secret: Optional[bytes]) -> BucketKey:
    if record.provider:
        if secret is None:
            raise Refused("KEYABSENT", "the KMS was not asked")
        return BucketKey(record, place, require_key(secret))
    key, version = unwrapping_version(keystore, record.key_id, local_version(record.key_version), now)
    master = master_secret(key.origin, version.material)
    wrapping_key = purpose_key(master, "wrap-bucket-key", record.key_id, record.key_version)
    context = b"ossenc/bucket-key" + b"\x00\x01" + record.fields + place
    try:
        return BucketKey(record, place, open_message(wrapping_key, context, record.sealed))
    except Refused:
        raise Refused("COMMIT", "the record does not open") from None


def bucket_place(tenant: bytes, bucket_id: bytes) -> bytes:
    return lp(tenant) + lp(bucket_id)

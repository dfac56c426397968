"""Section 5: the record of a bucket key."""

from .context import Context
from .message import seal
from .wire import lp, lp8, u64, u8

BY_LOCAL, BY_REMOTE = 1, 2


def record_fields(
    bucket_key_id: bytes,
    not_after: int,
    kind: int,
    *,
    provider: bytes = b"",
    key_id: bytes = b"key-1",
    key_version: bytes = b"1",
    magic: bytes = b"ossencB",
    version: int = 1,
) -> bytes:
    """The record up to `lp(sealed)`. Nothing is checked: invalid cases are built with it as well."""
    names = lp8(provider) + lp8(key_id) + lp8(key_version)
    return magic + u8(version) + bucket_key_id + u64(not_after) + u8(kind) + names


def seal_bucket_key(wrapping_key: bytes, fields: bytes, context: Context, salt: bytes, key: bytes) -> bytes:
    place = lp(context.tenant) + lp(context.bucket_id)
    return seal(wrapping_key, b"ossenc/bucket-key" + b"\x00\x01" + fields + place, salt, key)

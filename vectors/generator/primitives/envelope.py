"""Sections 5 and 6: the envelope, and the context of a message of an object."""

from typing import Optional

from .context import Context
from .message import seal
from .wire import lp, lp8, u16, u32, u64, u8

SSE_OSS, SSE_KMS, SSE_C = 1, 2, 3
METHOD_NAMES = {SSE_OSS: "SSE-OSS", SSE_KMS: "SSE-KMS", SSE_C: "SSE-C"}
LOCAL, REMOTE, BUCKET_BY_VALUE, BUCKET_BY_REFERENCE, CUSTOMER = 1, 2, 3, 4, 5
SINGLE, SEGMENTED = 1, 2


def prelude(
    object_id: bytes, *, magic=b"ossenc", version: int = 1, suite: int = 1, shape: int = SINGLE, reserved=bytes(7)
) -> bytes:
    return magic + u8(version) + u8(suite) + u8(shape) + reserved + object_id


def slot_head(
    method: int,
    kind: int,
    wrapped_at: int,
    *,
    provider: bytes = b"",
    key_id: bytes = b"",
    key_version: bytes = b"",
    bucket_key_id: bytes = b"",
    outer_blob: bytes = b"",
) -> bytes:
    names = lp8(provider) + lp8(key_id) + lp8(key_version) + lp8(bucket_key_id)
    return u8(method) + u8(kind) + u64(wrapped_at) + names + lp(outer_blob)


def seal_slot(
    wrapping_key: bytes, prelude_: bytes, head: bytes, context: Context, salt: bytes, data_key: bytes
) -> bytes:
    inner_context = b"ossenc/wrap" + b"\x00\x01" + prelude_ + lp(head) + context.encode()
    return lp(head) + seal(wrapping_key, inner_context, salt, data_key)


def envelope_bytes(
    prelude_: bytes, slots: list[bytes], *, n: Optional[int] = None, reserved: int = 0, length: Optional[int] = None
) -> bytes:
    body = b"".join(slots)
    count = len(slots) if n is None else n
    return prelude_ + u8(count) + u8(reserved) + u16(len(body) if length is None else length) + body


ROLE_DATA, ROLE_MANIFEST, ROLE_ATTRIBUTE = 1, 2, 3


def body_context(envelope: bytes, role: int = ROLE_DATA, part: int = 0) -> bytes:
    return envelope[:32] + u8(role) + u32(part)

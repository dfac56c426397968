"""Section 4: keys."""

import hashlib
import hmac

from .message import expand_sha512
from .wire import lp8

SERVICE, IMPORTED = "service", "imported"


def master_secret(origin: str, material: bytes) -> bytes:
    if origin == SERVICE:
        return material
    return hmac.new(b"ossenc/v1/import", material, hashlib.sha512).digest()


def purpose_key(secret: bytes, purpose: str, key_id: bytes, key_version: bytes) -> bytes:
    info = b"ossenc/v1/" + purpose.encode("ascii") + b"\x00" + lp8(key_id) + lp8(key_version)
    return expand_sha512(secret, info, 32)

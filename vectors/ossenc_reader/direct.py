"""Section 11: the direct blob."""

from .context import encode_user_map
from .keys import master_secret, purpose_key
from .keystore import Keystore, unwrapping_version
from .message import open_message, plaintext_length
from .wire import Cursor, Refused, check_identifier, local_version, lp8, require

LONGEST_PLAINTEXT = 4095


def open_direct(blob: bytes, keystore: Keystore, user: list, key_ids: list[bytes], now: int) -> tuple[bytes, bytes]:
    """The plaintext, and the message that it was in."""
    cursor = Cursor(blob)
    require(cursor.take(7) == b"ossencD", "magic of a direct blob")
    if cursor.u8() != 1:
        raise Refused("TOONEW", "version of the direct blob")
    key_id, key_version = cursor.lp8(), cursor.lp8()
    check_identifier(key_id, "key_id", 1, 255)
    number = local_version(key_version)
    message = cursor.rest()
    require(plaintext_length(len(message)) <= LONGEST_PLAINTEXT, "too long for a direct blob")
    pairs = encode_user_map(user)
    require(key_id in key_ids, "the key is not allowed", "EXPECT")
    key, version = unwrapping_version(keystore, key_id, number, now)
    direct_key = purpose_key(master_secret(key.origin, version.material), "direct", key_id, key_version)
    context = b"ossenc/direct" + b"\x00\x01" + lp8(key_id) + lp8(key_version) + pairs
    return open_message(direct_key, context, message), message

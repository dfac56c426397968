"""Section 10: the sealed file."""

from typing import Optional

from .crc import crc32c
from .envelope import Allow, Keys, SHAPE_SINGLE, open_envelope, parse_envelope
from .keystore import Keystore
from .segment import OpenedObject, open_body
from .wire import Cursor, Refused, require

COPY_LENGTH = 4096
LAYOUT_INLINE = 0


def is_intact(copy: bytes) -> bool:
    return copy.startswith(b"ossencF") and int.from_bytes(copy[-4:], "big") == crc32c(copy[:-4])


def sequence_of(copy: bytes) -> int:
    return int.from_bytes(copy[8:16], "big")


def counting_copy(file: bytes) -> bytes:
    require(len(file) >= 2 * COPY_LENGTH, "shorter than its header")
    copies = [file[start : start + COPY_LENGTH] for start in (0, COPY_LENGTH)]
    intact = [copy for copy in copies if is_intact(copy)]
    require(bool(intact), "no copy is intact")
    return max(intact, key=sequence_of)  # the first of equals, which is copy A


def filed_envelope(copy: bytes) -> bytes:
    """The envelope of the copy that counts."""
    cursor = Cursor(copy[:-4])
    cursor.take(7)
    version, _, layout = cursor.u8(), cursor.u64(), cursor.u8()
    if version != 1 or layout != LAYOUT_INLINE:
        raise Refused("TOONEW", "version or layout of a sealed file")
    envelope = cursor.lp()
    require(not any(cursor.rest()), "padding that is not zero")
    return envelope


def open_file(
    file: bytes, keystore: Keystore, context: bytes, allow: Allow, now: int, trusted_len: Optional[int] = None
) -> bytes:
    envelope = parse_envelope(filed_envelope(counting_copy(file)))
    data_key, _ = open_envelope(envelope, Keys(keystore), context, allow, now)
    if envelope.shape != SHAPE_SINGLE:
        raise Refused("TOONEW", "a segmented object in a sealed file")
    return open_body(OpenedObject(envelope, data_key), file[2 * COPY_LENGTH :], trusted_len)

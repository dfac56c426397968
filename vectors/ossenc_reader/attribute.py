"""Section 8: sealed attributes and the upload record."""

from .message import open_message
from .segment import OpenedObject, ROLE_ATTRIBUTE
from .wire import Cursor, Refused, lp, require

LONGEST_NAME = 255
LONGEST_VALUE = 65535
RESERVED = b"ossenc:"
UPLOAD = b"ossenc:upload"


def check_name(name: bytes) -> None:
    """For a name that a caller gives."""
    require(1 <= len(name) <= LONGEST_NAME, "length of a name", "ARGUMENT")
    require(not name.startswith(RESERVED), "a reserved name", "ARGUMENT")


def check_value(value: bytes) -> None:
    """For a value that a caller gives."""
    require(len(value) <= LONGEST_VALUE, "length of a value", "ARGUMENT")


def open_value(opened: OpenedObject, name: bytes, sealed: bytes) -> bytes:
    value = open_message(opened.data_key, opened.message_context(ROLE_ATTRIBUTE) + lp(name), sealed)
    require(len(value) <= LONGEST_VALUE, "length of a sealed value")
    return value


def open_attribute(opened: OpenedObject, name: bytes, sealed: bytes) -> bytes:
    check_name(name)
    return open_value(opened, name, sealed)


def open_upload(opened: OpenedObject, sealed: bytes) -> int:
    """created_at."""
    value = Cursor(open_value(opened, UPLOAD, sealed))
    if value.u8() != 1:
        raise Refused("TOONEW", "version of an upload record")
    created_at = value.u64()
    value.end()
    return created_at

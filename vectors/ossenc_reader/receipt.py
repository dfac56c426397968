"""Section 7: receipts."""

from dataclasses import dataclass

from .crc import crc32c
from .layout import LAYOUTS, LONGEST_PLAINTEXT, body_length
from .message import HEAD_LENGTH
from .wire import Cursor, Refused, require

RECEIPT_LENGTH = 104


@dataclass
class Receipt:
    part: int
    layout: str
    head: bytes
    plain: int
    body: int
    crc64_plain: int
    crc32c_body: int


def read_receipt(data: bytes) -> Receipt:
    require(len(data) == RECEIPT_LENGTH, "length of a receipt")
    cursor = Cursor(data)
    require(cursor.take(7) == b"ossencR", "magic of a receipt")
    require(int.from_bytes(data[-4:], "big") == crc32c(data[:-4]), "CRC of a receipt")
    version, part, layout = cursor.u8(), cursor.u32(), cursor.u8()
    if version != 1 or layout not in LAYOUTS:
        raise Refused("TOONEW", "version or layout of a receipt")
    cursor.zeros(3)
    receipt = Receipt(
        part=part,
        layout=LAYOUTS[layout],
        head=cursor.take(HEAD_LENGTH),
        plain=cursor.u64(),
        body=cursor.u64(),
        crc64_plain=cursor.u64(),
        crc32c_body=cursor.u32(),
    )
    require(receipt.plain <= LONGEST_PLAINTEXT, "no message is that long")
    require(receipt.body == body_length(receipt.layout, receipt.plain), "the body does not go with layout and plain")
    return receipt

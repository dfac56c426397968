"""Section 6: messages of an object, and the opening of its segments."""

from dataclasses import dataclass
from typing import Optional

from .envelope import Envelope, SHAPE_SEGMENTED
from .layout import Stored, chunk_count
from .message import CHUNK_LENGTH, check_commitment, open_chunk, open_chunks, open_message
from .wire import Refused, require

ROLE_DATA, ROLE_MANIFEST, ROLE_ATTRIBUTE = 1, 2, 3


@dataclass
class OpenedObject:
    """What an envelope gave."""

    envelope: Envelope
    data_key: bytes

    @property
    def is_segmented(self) -> bool:
        return self.envelope.shape == SHAPE_SEGMENTED

    def check_part(self, part: int) -> None:
        """What the shape alone tells of a segment, before anything else."""
        require(part != 0 or not self.is_segmented, "a segmented object has no part 0")

    def message_context(self, role: int, part: int = 0) -> bytes:
        return self.envelope.prelude + bytes([role]) + part.to_bytes(4, "big")


def open_body(opened: OpenedObject, body: bytes, trusted_len: Optional[int] = None) -> bytes:
    """The one segment of an object of shape 1, INLINE, whose length the caller perhaps does not know."""
    opened.check_part(0)
    return open_message(opened.data_key, opened.message_context(ROLE_DATA), body, trusted_len)


class SegmentReader:
    """One segment, of which the caller knows part, head and length: from the manifest, or from its own records."""

    def __init__(self, opened: OpenedObject, part: int, head: bytes, stored: Stored, read_stored_head: bool = True):
        opened.check_part(part)
        stored.check_lengths()
        if read_stored_head and stored.head not in (None, head):
            raise Refused("COMMIT", "a stored message of another head")
        self._key, self._context = opened.data_key, opened.message_context(ROLE_DATA, part)
        self._head, self._stored = head, stored
        check_commitment(self._key, self._context, head)

    def whole(self) -> bytes:
        chunks = [self._stored.sealed_chunk(chunk) for chunk in range(chunk_count(self._stored.length))]
        return open_chunks(self._key, self._context, self._head + b"".join(chunks))

    def chunk(self, chunk: int) -> bytes:
        return open_chunk(self._key, self._context, self._head, chunk, self._stored.sealed_chunk(chunk))

    def range(self, offset: int, length: int) -> bytes:
        """Opens no other chunks than those of the range."""
        first = offset // CHUNK_LENGTH
        chunks = range(first, (offset + length - 1) // CHUNK_LENGTH + 1) if length else ()
        skipped = offset - first * CHUNK_LENGTH
        return b"".join(self.chunk(chunk) for chunk in chunks)[skipped : skipped + length]

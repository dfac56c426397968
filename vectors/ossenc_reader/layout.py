"""Section 6: where the bytes of a segment lie."""

from dataclasses import dataclass
from typing import Optional

from .message import CHUNK_LENGTH, HEAD_LENGTH, SEALED_CHUNK_LENGTH, TAG_LENGTH
from .wire import require

INLINE, DETACHED, PAGED = "INLINE", "DETACHED", "PAGED"
LAYOUTS = {0: INLINE, 1: DETACHED, 2: PAGED}
PAGE = 4096
GROUP_CHUNKS = 256
GROUP_PLAIN = GROUP_CHUNKS * CHUNK_LENGTH
GROUP_BODY = GROUP_PLAIN + PAGE
LONGEST_PLAINTEXT = 2**46 - 1


def chunk_count(length: int) -> int:
    return length // CHUNK_LENGTH + 1


def last_group(length: int) -> int:
    return (chunk_count(length) - 1) // GROUP_CHUNKS


def last_ciphertexts(length: int) -> int:
    """What the ciphertexts of the last group take, padding included."""
    return -(-(length - GROUP_PLAIN * last_group(length)) // PAGE) * PAGE


def body_length(layout: str, length: int) -> int:
    if layout == INLINE:
        return HEAD_LENGTH + length + TAG_LENGTH * chunk_count(length)
    if layout == DETACHED:
        return length
    return GROUP_BODY * last_group(length) + last_ciphertexts(length) + PAGE


def aside_length(layout: str, length: int) -> int:
    return HEAD_LENGTH + TAG_LENGTH * chunk_count(length) if layout == DETACHED else 0


@dataclass
class Stored:
    """The bytes of a segment of `length` bytes of plaintext."""

    layout: str
    length: int
    body: bytes
    aside: bytes

    def check_lengths(self) -> None:
        require(len(self.body) == body_length(self.layout, self.length), "length of the body", "TRUNCATED")
        require(len(self.aside) == aside_length(self.layout, self.length), "length of what lies aside", "TRUNCATED")

    @property
    def head(self) -> Optional[bytes]:
        """The head, where it is stored."""
        if self.layout == PAGED:
            return None
        return (self.body if self.layout == INLINE else self.aside)[:HEAD_LENGTH]

    def ciphertext_at(self, chunk: int) -> int:
        if self.layout == INLINE:
            return HEAD_LENGTH + SEALED_CHUNK_LENGTH * chunk
        if self.layout == DETACHED:
            return CHUNK_LENGTH * chunk
        return GROUP_BODY * (chunk // GROUP_CHUNKS) + CHUNK_LENGTH * (chunk % GROUP_CHUNKS)

    def tag_at(self, chunk: int, ciphertext_end: int) -> int:
        """In the body, or in what lies aside if DETACHED."""
        if self.layout == INLINE:
            return ciphertext_end
        if self.layout == DETACHED:
            return HEAD_LENGTH + TAG_LENGTH * chunk
        group = chunk // GROUP_CHUNKS
        ciphertexts = last_ciphertexts(self.length) if group == last_group(self.length) else GROUP_PLAIN
        return GROUP_BODY * group + ciphertexts + TAG_LENGTH * (chunk % GROUP_CHUNKS)

    def sealed_chunk(self, chunk: int) -> bytes:
        """Ciphertext and tag."""
        start = self.ciphertext_at(chunk)
        end = start + min(CHUNK_LENGTH, self.length - CHUNK_LENGTH * chunk)
        tag_at = self.tag_at(chunk, end)
        tags = self.aside if self.layout == DETACHED else self.body
        return self.body[start:end] + tags[tag_at : tag_at + TAG_LENGTH]

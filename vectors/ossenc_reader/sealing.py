"""Segments that a case gives by salt and hash: they are sealed anew, with the salt."""

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .layout import DETACHED, INLINE, PAGED, Stored, aside_length, body_length, chunk_count
from .message import CHUNK_LENGTH, TAG_LENGTH, chunk_nonce, derive


def seal_message(key: bytes, context: bytes, salt: bytes, plaintext: bytes) -> tuple[bytes, list[bytes]]:
    """The head, and the chunks."""
    message_key, base_nonce, commitment = derive(key, context, salt)
    aead = AESGCM(message_key)
    chunks = []
    for chunk in range(chunk_count(len(plaintext))):
        piece = plaintext[chunk * CHUNK_LENGTH : (chunk + 1) * CHUNK_LENGTH]
        chunks.append(aead.encrypt(chunk_nonce(base_nonce, chunk), piece, None))
    return salt + commitment, chunks


def store(layout: str, length: int, head: bytes, chunks: list[bytes]) -> tuple[bytes, bytes]:
    """Body and aside: each chunk is put where a reader of the layout looks for it."""
    body, aside = bytearray(body_length(layout, length)), bytearray(aside_length(layout, length))
    places = Stored(layout, length, b"", b"")
    if layout != PAGED:
        (body if layout == INLINE else aside)[: len(head)] = head
    for index, chunk in enumerate(chunks):
        start, ciphertext, tag = places.ciphertext_at(index), chunk[:-TAG_LENGTH], chunk[-TAG_LENGTH:]
        body[start : start + len(ciphertext)] = ciphertext
        tag_at = places.tag_at(index, start + len(ciphertext))
        (aside if layout == DETACHED else body)[tag_at : tag_at + TAG_LENGTH] = tag
    return bytes(body), bytes(aside)

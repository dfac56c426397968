"""Section 2: the message."""

import hmac
from typing import Optional

from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from .wire import Refused, require

CHUNK_LENGTH = 16384
TAG_LENGTH = 16
SEALED_CHUNK_LENGTH = CHUNK_LENGTH + TAG_LENGTH
SALT_LENGTH = 24
HEAD_LENGTH = 56
LONGEST_MESSAGE = HEAD_LENGTH + 2**46 - 1 + TAG_LENGTH * 2**32
COBBLESTONE_INFO = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\x00"


def expand_sha512(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA512(), length, info).derive(secret)


def plaintext_length(message_length: int) -> int:
    """Steps 0 and 1 of opening: what the length alone tells."""
    require(message_length <= LONGEST_MESSAGE, "the message is too long")
    full_chunks, remainder = divmod(message_length - HEAD_LENGTH, SEALED_CHUNK_LENGTH)
    if message_length < HEAD_LENGTH + TAG_LENGTH or remainder < TAG_LENGTH:
        raise Refused("TRUNCATED", "no message has this length")
    return full_chunks * CHUNK_LENGTH + remainder - TAG_LENGTH


def derive(key: bytes, context: bytes, salt: bytes) -> tuple[bytes, bytes, bytes]:
    """The message's key, base nonce and commitment."""
    derived = expand_sha512(key, COBBLESTONE_INFO + salt + context, 76)
    return derived[:32], derived[32:44], derived[44:]


def chunk_nonce(base_nonce: bytes, chunk: int) -> bytes:
    return (int.from_bytes(base_nonce, "big") ^ chunk).to_bytes(12, "big")


def check_commitment(key: bytes, context: bytes, head: bytes) -> None:
    """Step 2 of opening."""
    _, _, commitment = derive(key, context, head[:SALT_LENGTH])
    if not hmac.compare_digest(commitment, head[SALT_LENGTH:]):
        raise Refused("COMMIT", "another key or context, or a damaged head")


def open_chunks(key: bytes, context: bytes, message: bytes) -> bytes:
    """Step 3 of opening, for all chunks."""
    decryptor = Cobblestone256Decryptor(key, context)
    plaintext = bytearray()
    try:
        plaintext += decryptor.update(message[:HEAD_LENGTH])
        for start in range(HEAD_LENGTH, len(message), SEALED_CHUNK_LENGTH):
            plaintext += decryptor.update(message[start : start + SEALED_CHUNK_LENGTH])
        plaintext += decryptor.finalize()
    except InvalidTag:
        # The decryptor stops at the first chunk that fails, and has released all before it.
        failed = len(plaintext) // CHUNK_LENGTH
        raise Refused("CHUNK", f"chunk {failed}", chunk=failed) from None
    return bytes(plaintext)


def open_chunk(key: bytes, context: bytes, head: bytes, chunk: int, sealed: bytes) -> bytes:
    """Step 3 of opening, for one chunk."""
    message_key, base_nonce, _ = derive(key, context, head[:SALT_LENGTH])
    try:
        return AESGCM(message_key).decrypt(chunk_nonce(base_nonce, chunk), sealed, None)
    except InvalidTag:
        raise Refused("CHUNK", f"chunk {chunk}", chunk=chunk) from None


def open_message(key: bytes, context: bytes, message: bytes, trusted_len: Optional[int] = None) -> bytes:
    length = plaintext_length(len(message))
    if trusted_len is not None and trusted_len != length:
        raise Refused("TRUNCATED", "not the length that the caller trusts")
    check_commitment(key, context, message[:HEAD_LENGTH])
    return open_chunks(key, context, message)

"""Section 2: the message."""

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CHUNK = 16384
SEALED_CHUNK = CHUNK + 16
HEAD = 56
INNER = HEAD + 32 + 16  # section 5: the message of a data key


def plain(length: int, start: int = 0) -> bytes:
    """The plaintext rule of all vectors: byte i = i mod 251. What begins at `start` goes on with it."""
    skipped = start % 251
    return (bytes(range(251)) * ((skipped + length) // 251 + 1))[skipped : skipped + length]


def expand_sha512(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(hashes.SHA512(), length, info).derive(secret)


def message_parts(key: bytes, context: bytes, salt: bytes, plaintext: bytes) -> tuple[bytes, list[bytes]]:
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\x00" + salt + context
    derived = expand_sha512(key, info, 76)
    aead, base_nonce, commitment = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big"), derived[44:]
    chunks = []
    for index in range(len(plaintext) // CHUNK + 1):
        nonce = (base_nonce ^ index).to_bytes(12, "big")
        chunks.append(aead.encrypt(nonce, plaintext[index * CHUNK : (index + 1) * CHUNK], None))
    return salt + commitment, chunks


def seal(key: bytes, context: bytes, salt: bytes, plaintext: bytes) -> bytes:
    """A message with a given salt, which the encryptor of `cryptography` does not take; its decryptor confirms it."""
    head, chunks = message_parts(key, context, salt, plaintext)
    message = head + b"".join(chunks)
    decryptor = Cobblestone256Decryptor(key, context)
    if decryptor.update(message) + decryptor.finalize() != plaintext:
        raise RuntimeError("a sealed message does not open")
    return message


def encrypt_with_own_salt(key: bytes, context: bytes, plaintext: bytes) -> bytes:
    encryptor = Cobblestone256Encryptor(key, context)
    return encryptor.update(plaintext) + encryptor.finalize()

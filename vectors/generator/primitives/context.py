"""Section 3: the encryption context."""

from dataclasses import dataclass

from .wire import lp, u32


def encode_map(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return u32(len(pairs)) + b"".join(lp(key) + lp(value) for key, value in sorted(pairs))


def is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class Context:
    tenant: bytes = b""
    bucket_id: bytes = b""
    object: bytes = b""
    version_id: bytes = b""
    user: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        fields = (self.tenant, self.bucket_id, self.object, self.version_id)
        return b"".join(map(lp, fields)) + encode_map(self._user_pairs())

    def encode_kms(self) -> bytes:
        """The KMS context, as associated data."""
        names = [(b"ossenc:tenant", self.tenant), (b"ossenc:bucket", self.bucket_id)]
        return encode_map(names + self._user_pairs())

    def has_kms_context(self) -> bool:
        return is_utf_8(self.tenant) and is_utf_8(self.bucket_id)

    def _user_pairs(self) -> list[tuple[bytes, bytes]]:
        return [(key.encode("utf-8"), value.encode("utf-8")) for key, value in self.user]

    def json(self) -> dict:
        return {
            "tenant": self.tenant.hex(),
            "bucket_id": self.bucket_id.hex(),
            "object": self.object.hex(),
            "version_id": self.version_id.hex(),
            "user": [list(pair) for pair in self.user],
        }

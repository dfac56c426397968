"""Section 3: the encryption context."""

from dataclasses import dataclass

from .wire import lp, u32


@dataclass(frozen=True)
class Context:
    tenant: bytes = b""
    bucket_id: bytes = b""
    object: bytes = b""
    version_id: bytes = b""
    user: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        fields = (self.tenant, self.bucket_id, self.object, self.version_id)
        pairs = sorted((key.encode("utf-8"), value.encode("utf-8")) for key, value in self.user)
        return b"".join(map(lp, fields)) + u32(len(pairs)) + b"".join(lp(key) + lp(value) for key, value in pairs)

    def json(self) -> dict:
        return {
            "tenant": self.tenant.hex(),
            "bucket_id": self.bucket_id.hex(),
            "object": self.object.hex(),
            "version_id": self.version_id.hex(),
            "user": [list(pair) for pair in self.user],
        }

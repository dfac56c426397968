"""Bucket keys, for the cases of several files."""

from dataclasses import dataclass, replace
from typing import Optional

from .keystores_chains import NamedKeystore
from .primitives.bucket_key import BY_LOCAL, BY_REMOTE, record_fields, seal_bucket_key
from .primitives.context import Context
from .primitives.envelope import BUCKET_BY_REFERENCE, BUCKET_BY_VALUE
from .primitives.randomness import Randomness
from .primitives.wire import lp
from .samples import NOW, PHOTO, STEP_SECONDS

NOT_AFTER = NOW + 10 * STEP_SECONDS


@dataclass(frozen=True)
class BucketKey:
    bucket_key_id: bytes
    not_after: int
    provider: bytes
    key_id: bytes
    key_version: bytes
    key: bytes
    record: bytes
    entropy: str

    def at_hand(self, context: Optional[Context] = None) -> dict:
        """How a case gives it as open: a remote one with what the KMS gave."""
        given = {"record": self.record.hex()}
        if self.provider:
            given["secret"] = self.key.hex()
        return given if context is None else {**given, "context": context.json()}

    def names(self) -> dict:
        names = {"provider": self.provider, "key_id": self.key_id, "key_version": self.key_version}
        return {**names, "bucket_key_id": self.bucket_key_id}

    def slot(self) -> dict:
        """The names of a slot that has it by value."""
        return {"kind": BUCKET_BY_VALUE, **self.names(), "outer_blob": self.record}

    def reference(self) -> dict:
        return {"kind": BUCKET_BY_REFERENCE, **self.names()}

    def with_record(self, record: bytes) -> "BucketKey":
        return replace(self, record=record)


def local_bucket_key(
    rng: Randomness,
    named: NamedKeystore,
    key_id: str = "key-1",
    number: Optional[int] = None,
    context: Context = PHOTO,
    not_after: int = NOT_AFTER,
    purpose: str = "wrap-bucket-key",
) -> BucketKey:
    master_key = named.keystore.key(key_id)
    number = master_key.primary if number is None else number
    key_version = str(number).encode("ascii")
    bucket_key_id, key = rng.draw(16), rng.draw(32)
    fields = record_fields(bucket_key_id, not_after, BY_LOCAL, key_id=master_key.key_id, key_version=key_version)
    sealed = seal_bucket_key(master_key.wrapping_key(number, purpose), fields, context, rng.draw(24), key)
    record = fields + lp(sealed)
    return BucketKey(bucket_key_id, not_after, b"", master_key.key_id, key_version, key, record, rng.entropy())


def remote_bucket_key(
    rng: Randomness,
    provider: bytes = b"kms",
    key_id: bytes = b"cmk-1",
    key_version: bytes = b"v1",
    blob: bytes = b"what the KMS has wrapped",
    not_after: int = NOT_AFTER,
) -> BucketKey:
    key = rng.draw(32)  # drawn by the KMS
    rng.entropy()
    bucket_key_id = rng.draw(16)
    names = {"provider": provider, "key_id": key_id, "key_version": key_version}
    record = record_fields(bucket_key_id, not_after, BY_REMOTE, **names) + lp(blob)
    return BucketKey(bucket_key_id, not_after, provider, key_id, key_version, key, record, rng.entropy())

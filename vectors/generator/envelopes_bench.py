"""What envelopes are made with, for the cases of several files."""

from dataclasses import dataclass, replace

from .cases import invalid, valid
from .keystores_chains import NamedKeystore
from .primitives.context import Context
from .primitives.envelope import (
    BUCKET_BY_REFERENCE,
    BUCKET_BY_VALUE,
    CUSTOMER,
    LOCAL,
    METHOD_NAMES,
    REMOTE,
    SINGLE,
    SSE_C,
    SSE_OSS,
    envelope_bytes,
    prelude,
    seal_slot,
    slot_head,
)
from .primitives.randomness import Randomness, fixed
from .samples import NOW, PHOTO, STEP_SECONDS

# Well-formed slots of each kind, without what says how and when they were made.
LOCAL_SLOT = {"kind": LOCAL, "key_id": b"key-1", "key_version": b"1"}
REMOTE_SLOT = {**LOCAL_SLOT, "kind": REMOTE, "provider": b"kms", "outer_blob": b"blob"}
REFERENCE_SLOT = {**LOCAL_SLOT, "kind": BUCKET_BY_REFERENCE, "bucket_key_id": bytes(range(16))}
VALUE_SLOT = {**REFERENCE_SLOT, "kind": BUCKET_BY_VALUE, "outer_blob": b"record"}
CUSTOMER_SLOT = {"method": SSE_C, "kind": CUSTOMER}


def allow(methods: list[int], key_ids: list[str]) -> dict:
    return {"methods": [METHOD_NAMES[method] for method in methods], "key_ids": key_ids}


@dataclass
class Bench:
    """Seals slots for one object; whatever a case is about can be given otherwise than it should be."""

    rng: Randomness
    named: NamedKeystore
    context: Context
    prelude: bytes
    data_key: bytes

    @classmethod
    def new(cls, rng: Randomness, named: NamedKeystore, context: Context = PHOTO, shape: int = SINGLE) -> "Bench":
        return cls(rng, named, context, prelude(rng.draw(16), shape=shape), rng.draw(32))

    @classmethod
    def again(cls, rng: Randomness, created: "Created") -> "Bench":
        """For an object that is there already."""
        return cls(rng, created.named, created.context, created.envelope[:32], created.data_key)

    def slot(self, key_id: str = "key-1", number: int = 1, **other) -> bytes:
        """A slot of a local master key of the keystore."""
        key = self.named.keystore.key(key_id)
        version = str(number).encode("ascii")
        return self.slot_under(key.wrapping_key(number), key_id=key_id.encode("ascii"), key_version=version, **other)

    def slot_under(
        self, wrapping_key: bytes, *, method: int = SSE_OSS, kind: int = LOCAL, wrapped_at: int = NOW, **names
    ) -> bytes:
        return self.slot_with_head(wrapping_key, slot_head(method, kind, wrapped_at, **names))

    def slot_with_head(self, wrapping_key: bytes, head: bytes) -> bytes:
        return seal_slot(wrapping_key, self.prelude, head, self.context, self.rng.draw(24), self.data_key)

    def foreign_slot(self, method: int = SSE_OSS, kind: int = LOCAL, **names) -> bytes:
        """A slot under a key that no keystore of the vectors holds."""
        return self.slot_under(fixed("envelopes/foreign-key").draw(32), method=method, kind=kind, **names)

    def unknown_key_slot(self) -> bytes:
        return self.foreign_slot(key_id=b"unknown", key_version=b"1")

    def envelope(self, *slots: bytes, **other) -> bytes:
        return envelope_bytes(self.prelude, list(slots), **other)


def envelope_fields(named: NamedKeystore, envelope: bytes, context: Context, allowed: dict, now: int) -> dict:
    return {
        "keystore": named.name,
        "now": now,
        "context": context.json(),
        "allow": allowed,
        "envelope": envelope.hex(),
    }


@dataclass
class Created:
    """An envelope as a creator makes it: one slot under the primary of a local key."""

    named: NamedKeystore
    key_id: str
    method: int
    context: Context
    now: int
    envelope: bytes
    data_key: bytes
    entropy: str = ""

    @property
    def number(self) -> int:
        return self.named.keystore.key(self.key_id).primary

    @property
    def allow(self) -> dict:
        return allow([self.method], [self.key_id])

    def opened(self, number: int, *, rewrap: bool = False) -> dict:
        """What a reader should find in the envelope."""
        return {
            "method": METHOD_NAMES[self.method],
            "key_id": self.key_id,
            "key_version": str(number),
            "wrapped_at": self.now,
            "data_key": self.data_key.hex(),
            "needs_rewrap": rewrap,
        }

    def case(self, name: str, comment: str) -> dict:
        fields = envelope_fields(self.named, self.envelope, self.context, self.allow, self.now)
        return valid(name, comment, **fields, entropy=self.entropy, **self.opened(self.number))


def wrap(bench: Bench, target: Created) -> Created:
    """Gives `target` an envelope of one slot under the primary of its key."""
    slot = bench.slot(target.key_id, target.number, method=target.method, wrapped_at=target.now)
    return replace(target, envelope=bench.envelope(slot), data_key=bench.data_key, entropy=bench.rng.entropy())


def create(
    rng: Randomness,
    named: NamedKeystore,
    key_id: str = "key-1",
    method: int = SSE_OSS,
    context: Context = PHOTO,
    now: int = NOW,
    shape: int = SINGLE,
) -> Created:
    bench = Bench.new(rng, named, context, shape)
    return wrap(bench, Created(named, key_id, method, context, now, b"", b""))


def rewrap(label: str, source: Created, named: NamedKeystore, **changes) -> Created:
    """The same object under a slot for another recipient. Its entropy is the salt of the new slot."""
    target = replace(source, named=named, now=source.now + STEP_SECONDS, **changes)
    return wrap(Bench.again(fixed(f"envelopes/{label}"), target), target)


def refused_envelope(name: str, comment: str, error: str, bench: Bench, envelope: bytes, **other) -> dict:
    settings = {"context": bench.context, "allow": allow([SSE_OSS], ["key-1"]), "now": NOW, **other}
    fields = envelope_fields(bench.named, envelope, settings["context"], settings["allow"], settings["now"])
    return invalid(name, comment, error, **fields)

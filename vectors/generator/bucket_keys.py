"""bucket_keys.json: records of bucket keys."""

from dataclasses import replace
from typing import Optional

from .bucket_keys_bench import BucketKey, NOT_AFTER, local_bucket_key, remote_bucket_key
from .cases import invalid, valid
from .keystores_chains import KEY_255, NamedKeystore
from .primitives.bucket_key import BY_LOCAL, BY_REMOTE, record_fields
from .primitives.context import Context
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX, flip, lp
from .samples import EXPIRES_AT, NOW, PHOTO, RENAMED

SECRET = bytes(range(1, 33))


def fields_of(named: NamedKeystore, record: bytes, context: Context, now: int, secret: Optional[bytes]) -> dict:
    given = {"keystore": named.name, "now": now, "context": context.json(), "record": record.hex()}
    return given if secret is None else {**given, "secret": secret.hex()}


def opened(
    name: str,
    comment: str,
    named: NamedKeystore,
    key: BucketKey,
    *,
    context: Context = PHOTO,
    now: int = NOW,
    created: bool = True,
) -> dict:
    secret = key.key if key.provider else None
    entropy = {"entropy": key.entropy} if created else {}
    return valid(
        name,
        comment,
        **fields_of(named, key.record, context, now, secret),
        **entropy,
        bucket_key_id=key.bucket_key_id.hex(),
        not_after=key.not_after,
        provider=key.provider.decode("ascii"),
        key_id=key.key_id.decode("ascii"),
        key_version=key.key_version.decode("ascii"),
        key=key.key.hex(),
        wraps=now < key.not_after,
    )


def opened_records(named: dict[str, NamedKeystore]) -> list[dict]:
    one_key, rotated = named["one-key"], named["rotated"]
    local = local_bucket_key(fixed("bucket-keys/local"), one_key)
    remote = remote_bucket_key(fixed("bucket-keys/remote"))
    overhead = len(remote_bucket_key(fixed("bucket-keys/largest"), b"k" * 16, b"c" * 255, b"v" * 64, b"").record)
    largest = remote_bucket_key(
        fixed("bucket-keys/largest"), b"k" * 16, b"c" * 255, b"v" * 64, bytes(8192 - overhead), U64_MAX
    )
    bare = Context(b"", b"")
    old = local_bucket_key(fixed("bucket-keys/old"), rotated, number=1)
    return [
        opened("local", "under a local master key", one_key, local),
        opened("remote", "under a remote one", one_key, remote),
        opened(
            "local-rotated",
            "under the new version of a rotated key",
            rotated,
            local_bucket_key(fixed("bucket-keys/rotated"), rotated),
        ),
        opened("local-old-version", "under the version before the primary", rotated, old, created=False),
        opened(
            "local-staged",
            "under a staged version, which another node promoted already",
            named["staged"],
            local_bucket_key(fixed("bucket-keys/staged"), named["staged"], number=2),
            created=False,
        ),
        opened(
            "local-imported",
            "under an imported key",
            named["states"],
            local_bucket_key(fixed("bucket-keys/imported"), named["states"], "imported"),
        ),
        opened(
            "local-long-id",
            "under a key of the longest id",
            named["long-ids"],
            local_bucket_key(fixed("bucket-keys/long-id"), named["long-ids"], KEY_255),
        ),
        opened(
            "local-empty-bucket",
            "tenant and bucket are not used",
            one_key,
            local_bucket_key(fixed("bucket-keys/empty"), one_key, context=bare),
            context=bare,
        ),
        opened("other-object", "object, version and user pairs are no part of it", one_key, local, context=RENAMED),
        opened(
            "no-object", "the bucket alone", one_key, local, context=Context(PHOTO.tenant, PHOTO.bucket_id)
        ),
        opened("last-second", "one second before not_after it wraps", one_key, local, now=NOT_AFTER - 1, created=False),
        opened("ended", "at not_after it opens, but wraps nothing more", one_key, local, now=NOT_AFTER, created=False),
        opened("long-ended", "after not_after it opens", one_key, local, now=U64_MAX, created=False),
        opened("remote-ended", "a remote one at not_after", one_key, remote, now=NOT_AFTER, created=False),
        opened(
            "not-after-0",
            "0 has no special meaning: it has ended",
            one_key,
            local_bucket_key(fixed("bucket-keys/zero"), one_key, not_after=0),
            now=0,
            created=False,
        ),
        opened(
            "remote-smallest",
            "the shortest names and blob",
            one_key,
            remote_bucket_key(fixed("bucket-keys/smallest"), b"k", b"c", b"", b"b"),
        ),
        opened("remote-largest", "the longest names, and 8,192 bytes in all", one_key, largest),
        opened(
            "remote-counter",
            "a remote key whose version looks like a local one",
            one_key,
            remote_bucket_key(fixed("bucket-keys/counter"), key_version=b"1"),
        ),
    ]


def malformed_records(named: dict[str, NamedKeystore]) -> list[dict]:
    one_key = named["one-key"]
    local = local_bucket_key(fixed("bucket-keys/malformed"), one_key)
    good, sealed = local.record, local.record[-104:]

    def with_names(kind: int = BY_LOCAL, sealed: bytes = sealed, **names) -> bytes:
        return record_fields(local.bucket_key_id, NOT_AFTER, kind, **names) + lp(sealed)

    def remote(sealed: bytes = b"blob", **names) -> bytes:
        return with_names(BY_REMOTE, sealed, **{"provider": b"kms", **names})

    largest = remote(bytes(8192 - len(remote(b""))))
    cases = [
        ("empty", "nothing", "FORMAT", b""),
        ("magic", "another magic", "FORMAT", with_names(magic=b"ossencK")),
        ("magic-later", "another magic and a later version", "FORMAT", with_names(magic=b"ossencC", version=2)),
        ("magic-alone", "no version", "FORMAT", b"ossencB"),
        ("version-0", "no such version", "TOONEW", with_names(version=0)),
        ("version-2", "a later version", "TOONEW", with_names(version=2)),
        ("version-2-any-form", "a later version may have any form", "TOONEW", b"ossencB\x02"),
        ("cut-before-kind", "the end comes before the kind", "FORMAT", good[:32]),
        ("kind-0", "no such kind", "TOONEW", with_names(0)),
        ("kind-3", "an unknown kind", "TOONEW", with_names(3)),
        ("kind-3-any-form", "an unknown kind may have any form", "TOONEW", good[:32] + b"\x03"),
        ("kind-alone", "the end comes after the kind", "FORMAT", good[:33]),
        ("cut", "the last byte is missing", "FORMAT", good[:-1]),
        ("trailing-byte", "a byte too many", "FORMAT", good + b"\x00"),
        ("local-provider", "a local key with a provider", "FORMAT", with_names(provider=b"kms")),
        ("local-no-key-id", "no key_id", "FORMAT", with_names(key_id=b"")),
        ("local-key-id-space", "a space in key_id", "FORMAT", with_names(key_id=b"key 1")),
        ("local-version-01", "a leading zero", "FORMAT", with_names(key_version=b"01")),
        ("local-version-word", "not a counter", "FORMAT", with_names(key_version=b"v1")),
        ("local-no-version", "no key_version", "FORMAT", with_names(key_version=b"")),
        ("local-version-above", "2^64", "FORMAT", with_names(key_version=b"18446744073709551616")),
        ("local-sealed-103", "a message that is too short", "FORMAT", with_names(sealed=sealed[:-1])),
        ("local-sealed-105", "a message that is too long", "FORMAT", with_names(sealed=sealed + b"\x00")),
        ("local-sealed-0", "no message", "FORMAT", with_names(sealed=b"")),
        ("sealed-past-end", "sealed goes past the end", "FORMAT", good[:-106] + b"\xff\xff" + sealed),
        ("remote-no-provider", "a remote key without provider", "FORMAT", remote(provider=b"")),
        ("remote-provider-upper", "upper case in provider", "FORMAT", remote(provider=b"KMS")),
        ("remote-provider-17", "a provider of 17 bytes", "FORMAT", remote(provider=b"k" * 17)),
        ("remote-no-key-id", "no key_id", "FORMAT", remote(key_id=b"")),
        ("remote-version-65", "a key_version of 65 bytes", "FORMAT", remote(key_version=b"v" * 65)),
        ("remote-no-blob", "no blob", "FORMAT", remote(b"")),
        ("too-long", "8,193 bytes", "FORMAT", remote(bytes(8193 - len(remote(b""))))),
        ("too-long-later", "8,193 bytes of a later version", "FORMAT", largest[:7] + b"\x02" + largest[8:] + b"\x00"),
    ]
    return [
        invalid(name, comment, error, **fields_of(one_key, record, PHOTO, NOW, SECRET))
        for name, comment, error, record in cases
    ]


def refused_records(named: dict[str, NamedKeystore]) -> list[dict]:
    one_key, states = named["one-key"], named["states"]
    local = local_bucket_key(fixed("bucket-keys/refused"), one_key)
    good = local.record
    cases = [
        ("other-tenant", "another tenant", "COMMIT", good, {"context": replace(PHOTO, tenant=b"tenant-2")}),
        ("other-bucket", "another bucket", "COMMIT", good, {"context": replace(PHOTO, bucket_id=b"bucket-8")}),
        (
            "shifted-bucket",
            "the same bytes, cut otherwise",
            "COMMIT",
            good,
            {"context": replace(PHOTO, tenant=b"tenant-1b", bucket_id=b"ucket-7")},
        ),
        ("no-context", "no context at all", "COMMIT", good, {"context": Context()}),
        ("id-flipped", "a bit of bucket_key_id", "COMMIT", flip(good, 8), {}),
        ("not-after-forged", "a later end", "COMMIT", flip(good, 31, 128), {}),
        ("salt-flipped", "a bit of the salt", "COMMIT", flip(good, len(good) - 104), {}),
        ("commitment-flipped", "a bit of the commitment", "COMMIT", flip(good, len(good) - 60), {}),
        ("key-flipped", "a bit of the wrapped key: not CHUNK", "COMMIT", flip(good, len(good) - 20), {}),
        ("tag-flipped", "a bit of the tag: not CHUNK", "COMMIT", flip(good, len(good) - 1), {}),
        (
            "other-purpose",
            "wrapped under K(wrap-dek)",
            "COMMIT",
            local_bucket_key(fixed("bucket-keys/purpose"), one_key, purpose="wrap-dek").record,
            {},
        ),
        ("key-unknown", "a key that the keystore lacks", "NOVERSION", good, {"keystore": named["empty"]}),
        (
            "version-unknown",
            "a version that the keystore lacks",
            "NOVERSION",
            local_bucket_key(fixed("bucket-keys/unknown"), named["rotated"]).record,
            {},
        ),
        ("version-retired", "a retired version", "KEYSTATE", good, {"keystore": named["retired"]}),
        ("remote-without-secret", "the KMS was not asked", "KEYABSENT", remote_bucket_key(fixed("b")).record, {}),
        (
            "remote-zeros",
            "the KMS gave zeros",
            "ARGUMENT",
            remote_bucket_key(fixed("b")).record,
            {"secret": bytes(32)},
        ),
    ]
    for key_id, what in (("disabled", "a disabled key"), ("leaving", "a key pending deletion")):
        record = local_bucket_key(fixed(f"bucket-keys/{key_id}"), states, key_id).record
        cases.append((f"key-{key_id}", what, "KEYSTATE", record, {"keystore": states}))
    expiring = local_bucket_key(fixed("bucket-keys/expiring"), states, "expiring").record
    cases.append(
        ("version-expired", "not_after of the version is now", "KEYSTATE", expiring, {"keystore": states, "now": EXPIRES_AT})
    )
    outcome = []
    for name, comment, error, record, other in cases:
        settings = {"keystore": one_key, "context": PHOTO, "now": NOW, "secret": None, **other}
        fields = fields_of(settings["keystore"], record, settings["context"], settings["now"], settings["secret"])
        outcome.append(invalid(name, comment, error, **fields))
    return outcome


def bucket_key_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    return opened_records(named) + malformed_records(named) + refused_records(named)

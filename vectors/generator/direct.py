"""direct.json."""

from .cases import invalid, valid
from .keystores_chains import NamedKeystore
from .primitives.context import Context
from .primitives.keystore import purpose_key
from .primitives.message import plain, seal
from .primitives.randomness import fixed
from .primitives.wire import flip, lp8
from .samples import EXPIRES_AT, NOW

PAIRS = (("use", "database"), ("host", "h"))


def encode_map(pairs) -> bytes:
    return Context(user=pairs).encode()[8:]  # behind four empty fields


def blob_of(named, key_id="key-1", version="1", size=5, pairs=PAIRS, salt=b"", magic=b"ossencD\x01") -> bytes:
    key = named.keystore.key(key_id)
    material = key.version(int(version)).material
    ids = lp8(key.key_id) + lp8(version.encode("ascii"))
    direct_key = purpose_key(key.origin, material, "direct", key.key_id, str(int(version)).encode("ascii"))
    return magic + ids + seal(direct_key, b"ossenc/direct\x00\x01" + ids + encode_map(pairs), salt, plain(size))


def direct_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    cases: list[dict] = []

    def add(name, comment, keystore, error=None, *, key_id="key-1", size=5, change=None, made_of=None, **given):
        salt = fixed(f"direct/{name}").draw(24)
        parts = {one: given.pop(one) for one in ("version", "magic") if one in given}
        blob = blob_of(named[made_of or keystore], key_id, size=size, salt=salt, **parts)
        blob = change(blob) if change else blob
        user = [list(pair) for pair in given.pop("user", PAIRS)]
        fields = {"keystore": keystore, "now": NOW, "key_ids": [key_id], "user": user, **given, "blob": blob.hex()}
        if error is not None:
            cases.append(invalid(name, comment, error, **fields))
        else:
            cases.append(valid(name, comment, **fields, key_id=key_id, salt=salt.hex(), plaintext_len=size))

    add("small", "five bytes", "one-key")
    add("empty", "no bytes", "one-key", size=0)
    add("longest", "4,095 bytes", "one-key", size=4095)
    add("imported", "under imported material", "imported")
    add("rotated", "under the primary", "rotated", version="2")
    old = blob_of(named["rotated"], salt=fixed("direct/old").draw(24))
    add("retired", "the version is retired", "retired", "KEYSTATE", made_of="rotated")
    add("disabled", "the key is disabled", "switched-off", "KEYSTATE")
    add("pending-deletion", "the key waits for its deletion", "deletion-scheduled", "KEYSTATE")
    add("expired", "the material has expired", "imported", "KEYSTATE", now=EXPIRES_AT)
    add("gone", "the key was deleted", "deleted", "NOVERSION", made_of="deletion-scheduled")
    add("unknown-version", "the keystore is older", "one-key", "NOVERSION", made_of="rotated", version="2")
    add("not-allowed", "another key id is allowed", "one-key", "EXPECT", key_ids=["key-2"])
    add("none-allowed", "no key id is allowed", "one-key", "EXPECT", key_ids=[])
    add("other-pairs", "another value", "one-key", "COMMIT", user=[("use", "database"), ("host", "i")])
    add("no-pairs", "no pairs", "one-key", "COMMIT", user=[])
    add("reserved-pair", "a reserved key", "one-key", "ARGUMENT", user=[("ossenc:x", "")])
    add("pair-twice", "a key twice", "one-key", "ARGUMENT", user=[("a", ""), ("a", "")])
    add("too-long", "4,096 bytes", "one-key", "FORMAT", size=4096)
    add("magic", "another magic", "one-key", "FORMAT", magic=b"ossencK\x01")
    add("version-0", "no such version", "one-key", "TOONEW", magic=b"ossencD\x00")
    add("version-2", "a later version", "one-key", "TOONEW", magic=b"ossencD\x02")
    add("leading-zero", "a version with a leading zero", "one-key", "FORMAT", version="01")
    add("salt-flipped", "a bit of the salt", "one-key", "COMMIT", change=lambda b: flip(b, 16))
    add("tag-flipped", "the last bit", "one-key", "CHUNK", change=lambda b: flip(b, len(b) - 1))
    add("cut", "the last byte is missing", "one-key", "CHUNK", change=lambda b: b[:-1])
    add("trailing", "one byte follows", "one-key", "CHUNK", change=lambda b: b + b"\x00")
    add("cut-to-head", "no chunk is left", "one-key", "TRUNCATED", change=lambda b: b[: 8 + 8 + 56])
    add("cut-in-ids", "the ids end early", "one-key", "FORMAT", change=lambda b: b[:15])
    add("empty-key-id", "an empty key id", "one-key", "FORMAT", change=lambda b: b[:8] + b"\x00" + b[14:])
    add("nothing", "no bytes", "one-key", "FORMAT", change=lambda b: b"")
    cases.append(
        valid("former-primary", "a version that only unwraps", keystore="rotated", now=NOW, key_ids=["key-1"],
              user=[list(pair) for pair in PAIRS], blob=old.hex(), plaintext_len=5)
    )
    return cases

"""Section 3: the encryption context."""

from .wire import Refused, lp

LONGEST_FIELD = 65535
LONGEST_USER_MAP = 8192


def require_argument(condition: bool, why: str) -> None:
    if not condition:
        raise Refused("ARGUMENT", why)


def encode_user_map(pairs: list[tuple[str, str]]) -> bytes:
    try:
        encoded = [(key.encode("utf-8"), value.encode("utf-8")) for key, value in pairs]
    except UnicodeEncodeError:
        raise Refused("ARGUMENT", "the user map is not UTF-8") from None
    keys = [key for key, _ in encoded]
    require_argument(len(set(keys)) == len(keys), "a key of the user map is there twice")
    require_argument(all(keys), "a key of the user map is empty")
    require_argument(not any(key.startswith(b"ossenc:") for key in keys), "a key of the user map is reserved")
    # The limit comes before the encoding, as a longer key or value might not fit its u16.
    size = 4 + sum(4 + len(key) + len(value) for key, value in encoded)
    require_argument(size <= LONGEST_USER_MAP, "the user map is too long")
    return len(encoded).to_bytes(4, "big") + b"".join(lp(key) + lp(value) for key, value in sorted(encoded))


def encode_context(fields: list[bytes], user: list[tuple[str, str]]) -> bytes:
    """`fields` are tenant, bucket_id, object and version_id."""
    require_argument(all(len(field) <= LONGEST_FIELD for field in fields), "a field is too long")
    return b"".join(lp(field) for field in fields) + encode_user_map(user)

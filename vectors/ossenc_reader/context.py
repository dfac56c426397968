"""Section 3: the encryption context."""

from .wire import Refused, lp

LONGEST_FIELD = 65535
LONGEST_USER_MAP = 8192


def require_argument(condition: bool, why: str) -> None:
    if not condition:
        raise Refused("ARGUMENT", why)


def user_pairs(pairs: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """The pairs as bytes, if a user map may consist of them."""
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
    return encoded


def encode_map(pairs: list[tuple[bytes, bytes]]) -> bytes:
    return len(pairs).to_bytes(4, "big") + b"".join(lp(key) + lp(value) for key, value in sorted(pairs))


def encode_user_map(user: list[tuple[str, str]]) -> bytes:
    return encode_map(user_pairs(user))


def encode_context(fields: list[bytes], user: list[tuple[str, str]]) -> bytes:
    """`fields` are tenant, bucket_id, object and version_id."""
    require_argument(all(len(field) <= LONGEST_FIELD for field in fields), "a field is too long")
    return b"".join(lp(field) for field in fields) + encode_user_map(user)


def encode_kms_context(tenant: bytes, bucket_id: bytes, user: list[tuple[str, str]]) -> bytes:
    for field in (tenant, bucket_id):
        require_argument(len(field) <= LONGEST_FIELD, "a field is too long")
        try:
            field.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("ARGUMENT", "tenant or bucket is not UTF-8") from None
    return encode_map([(b"ossenc:tenant", tenant), (b"ossenc:bucket", bucket_id), *user_pairs(user)])

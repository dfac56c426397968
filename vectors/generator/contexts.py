"""contexts.json."""

from dataclasses import replace

from .cases import invalid, valid
from .primitives.context import Context
from .samples import PHOTO, longest_user_map

LONGEST_FIELD = 65535


AROUND = (("ossenc", "before"), ("ossencz", "behind"), ("a", "1"), ("z", "2"))


def kms(context: Context) -> dict:
    return {"kms": context.encode_kms().hex()} if context.has_kms_context() else {"kms_error": "ARGUMENT"}


def context_cases() -> list[dict]:
    contexts = [
        ("empty", "nothing is used", Context()),
        ("plain", "all fields and a user map, given unsorted", PHOTO),
        ("fields-only", "no user map", replace(PHOTO, user=())),
        ("any-bytes", "fields are bytes of any content", Context(b"\x00", b"\xff\xfe", b"\x00\x00", bytes(range(256)))),
        ("boundary-left", "tenant ab, bucket c", Context(b"ab", b"c")),
        ("boundary-right", "tenant a, bucket bc", Context(b"a", b"bc")),
        (
            "sorted-by-bytes",
            "upper case before lower case, a prefix before the longer key",
            Context(user=(("b", "1"), ("a", "2"), ("B", "3"), ("aa", "4"), ("a ", "5"))),
        ),
        (
            "sorted-by-utf-8",
            "U+FF5E sorts before U+1F511 by UTF-8 bytes, and after it by UTF-16 units",
            Context(user=(("\U0001f511", "key"), ("\uff5e", "tilde"), ("\u00e9", "e"))),
        ),
        (
            "not-normalized",
            "two keys that differ only in Unicode normalization",
            Context(user=(("e\u0301", "decomposed"), ("\u00e9", "composed"))),
        ),
        ("empty-value", "a value may be empty", Context(user=(("k", ""),))),
        (
            "nearly-reserved",
            "keys that look like reserved ones",
            Context(user=(("ossenc", "1"), ("Ossenc:a", "2"), (" ossenc:a", "3"), ("ossenc-a", "4"))),
        ),
        ("reserved-value", "a value may look like a reserved key", Context(user=(("k", "ossenc:a"),))),
        ("map-8192", "the longest user map", Context(user=longest_user_map())),
    ]
    contexts += [
        ("utf-8-tenant", "tenant and bucket are UTF-8 beyond ASCII", Context("Zoë".encode(), "バケツ".encode())),
        ("tenant-not-utf-8", "a tenant that no KMS would take", Context(b"a\xc3", b"b", user=(("k", "v"),))),
        ("bucket-not-utf-8", "a bucket that no KMS would take", Context(b"a", b"\xed\xa0\x80")),
        ("sorted-among-reserved", "user pairs before and behind the reserved ones", Context(b"t", b"b", user=AROUND)),
    ]
    cases = [valid(name, comment, **c.json(), encoded=c.encode().hex(), **kms(c)) for name, comment, c in contexts]
    longest = Context(object=b"a" * LONGEST_FIELD)
    fields = {**longest.json(), "object": {"repeat": "61", "times": LONGEST_FIELD}}
    cases.append(valid("field-65535", "the longest field", **fields, encoded=longest.encode().hex(), **kms(longest)))
    return cases + invalid_contexts()


def invalid_contexts() -> list[dict]:
    over = (longest_user_map()[0], ("b", longest_user_map()[1][1] + "w"))
    maps = [
        ("duplicate-key", "a key is there twice", (("k", "1"), ("k", "2"))),
        ("duplicate-pair", "a pair is there twice", (("k", "1"), ("j", "0"), ("k", "1"))),
        ("reserved-key", "a reserved key", (("ossenc:tenant", "1"),)),
        ("reserved-prefix-alone", "the reserved prefix is itself a key", (("a", "1"), ("ossenc:", "1"))),
        ("empty-key", "a key is empty", (("", "1"),)),
        ("map-8193", "the user map takes one byte too many", over),
    ]
    cases = [invalid(name, comment, "ARGUMENT", **Context(user=user).json()) for name, comment, user in maps]
    for name in ("tenant", "bucket_id", "object", "version_id"):
        fields = {**Context().json(), name: {"repeat": "61", "times": LONGEST_FIELD + 1}}
        cases.append(invalid(f"long-{name}", f"{name} takes 65,536 bytes", "ARGUMENT", **fields))
    return cases

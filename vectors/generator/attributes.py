"""attributes.json: sealed attributes and upload records."""

from typing import Optional

from .cases import invalid, valid
from .envelopes_bench import Bench, Created, create, wrap
from .keystores_chains import NamedKeystore
from .primitives.envelope import ROLE_DATA, ROLE_MANIFEST
from .primitives.manifest import UPLOAD, attribute_context, upload_value
from .primitives.message import CHUNK, HEAD, SEALED_CHUNK, seal
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX, flip
from .samples import NOW
from .segmented import body_fields, create_segmented, object_fields

LONGEST_VALUE = 65535
LONGEST_IN_FULL = 20_000
ETAG = (b"etag", b'"9bb58f26192e4ba00f01e2e7b136bbd8-3"')


def seal_attribute(created: Created, salt: bytes, name: bytes, value: bytes, **other) -> bytes:
    return seal(created.data_key, attribute_context(created.envelope, name, **other), salt, value)


def case_salt(name: str) -> bytes:
    return fixed(f"attributes/{name}").draw(24)


def repeated(value: bytes) -> object:
    """How a long value of one byte is written."""
    return {"repeat": value[:1].hex(), "times": len(value)} if len(value) > 1000 else value.hex()


def attribute_fields(created: Created, salt: bytes, name: bytes, value: bytes, sealed: Optional[bytes] = None) -> dict:
    """Without `sealed`, it is what comes of sealing."""
    stored = seal_attribute(created, salt, name, value) if sealed is None else sealed
    fields = {"attribute_name": name.hex(), "value": repeated(value), "salt": salt.hex()}
    return {**object_fields(created), **fields, **body_fields(stored, LONGEST_IN_FULL, "sealed")}


def attribute_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    created = create_segmented("attributes/object", named["one-key"])
    single = create(fixed("attributes/single"), named["one-key"])
    attributes = [
        ("etag", "an ETag", created, *ETAG),
        ("single", "of an object of shape 1", single, *ETAG),
        ("content-type", "a content type", created, b"content-type", b"text/plain; charset=utf-8"),
        ("empty-value", "an empty value", created, b"x", b""),
        ("any-bytes", "name and value are bytes of any content", created, b"\x00\xff", bytes(range(256))),
        ("longest-name", "a name of 255 bytes", created, b"n" * 255, b"v"),
        ("longest-value", "a value of 65,535 bytes", created, b"v", b"v" * LONGEST_VALUE),
        ("nearly-reserved", "a name that looks like a reserved one", created, b"ossenc", b"1"),
        ("nearly-reserved-case", "reserved names are in lower case", created, b"Ossenc:upload", b"1"),
        ("nearly-reserved-space", "reserved names begin with ossenc", created, b" ossenc:upload", b"1"),
    ]
    cases = [
        valid(name, comment, **attribute_fields(of, case_salt(name), attribute, value))
        for name, comment, of, attribute, value in attributes
    ]
    return (
        cases
        + upload_records(created)
        + refused_by_argument(created)
        + misplaced_attributes(created, named["one-key"])
        + damaged_attributes(created)
        + refused_records(created)
    )


def record_fields(created: Created, salt: bytes, sealed: bytes, **other) -> dict:
    return {**object_fields(created), "record": "upload", "salt": salt.hex(), "sealed": sealed.hex(), **other}


def upload_records(created: Created) -> list[dict]:
    cases = []
    for name, comment, created_at in (
        ("upload", "an upload record", NOW),
        ("upload-0", "an upload without a time", 0),
        ("upload-last", "the last second", U64_MAX),
    ):
        salt = case_salt(name)
        sealed = seal_attribute(created, salt, UPLOAD, upload_value(created_at))
        cases.append(valid(name, comment, **record_fields(created, salt, sealed, created_at=created_at)))
    return cases


def refused_by_argument(created: Created) -> list[dict]:
    salt = case_salt("argument")
    opened = [
        ("reserved-name", "a reserved name, under which nothing is opened or sealed", UPLOAD),
        ("reserved-other", "a reserved name of no meaning", b"ossenc:anything"),
        ("reserved-prefix", "the reserved prefix is itself a name", b"ossenc:"),
        ("no-name", "an empty name", b""),
        ("name-256", "a name of 256 bytes", b"n" * 256),
    ]
    cases = [
        invalid(name, comment, "ARGUMENT", **attribute_fields(created, salt, attribute, upload_value(NOW)))
        for name, comment, attribute in opened
    ]
    too_long = attribute_fields(created, salt, b"v", b"v" * (LONGEST_VALUE + 1), b"")
    del too_long["sealed"]
    return cases + [invalid("value-65536", "a value of 65,536 bytes is not sealed", "ARGUMENT", **too_long)]


def misplaced_attributes(created: Created, named: NamedKeystore) -> list[dict]:
    name, value = ETAG
    salt = case_salt("misplaced")
    other = create_segmented("attributes/other", named)
    bench = Bench(fixed("attributes/twin"), named, created.context, other.envelope[:32], created.data_key)
    twin = wrap(bench, created)
    good = seal_attribute(created, salt, name, value)

    def in_role(role: int) -> bytes:
        return seal_attribute(created, salt, name, value, role=role)

    cases = [
        ("other-name", "sealed under another name", created, b"etaG", good),
        ("longer-name", "the name has a zero byte more", created, name + b"\x00", good),
        ("shorter-name", "the name lacks its last byte", created, name[:-1], good),
        ("other-object", "of another object", other, name, good),
        ("other-prelude", "another prelude, of the same data key", twin, name, good),
        ("role-1", "sealed with the role of data", created, name, in_role(ROLE_DATA)),
        ("role-2", "sealed with the role of a manifest", created, name, in_role(ROLE_MANIFEST)),
    ]
    return [
        invalid(case, comment, "COMMIT", **attribute_fields(of, salt, attribute, value, sealed))
        for case, comment, of, attribute, sealed in cases
    ]


def damaged_attributes(created: Created) -> list[dict]:
    name, value = ETAG
    salt = case_salt("damaged")
    good = seal_attribute(created, salt, name, value)
    long = seal_attribute(created, salt, name, bytes(CHUNK))
    cases = [
        ("head-flipped", "a bit of the salt", "COMMIT", flip(good, 0), {}),
        ("value-flipped", "a bit of the value", "CHUNK", flip(good, HEAD), {"chunk": 0}),
        ("tag-flipped", "a bit of the tag", "CHUNK", flip(good, len(good) - 1), {"chunk": 0}),
        ("cut", "the last byte is missing", "CHUNK", good[:-1], {"chunk": 0}),
        ("cut-to-0", "nothing is left", "TRUNCATED", b"", {}),
        ("cut-to-71", "one byte less than the shortest message", "TRUNCATED", good[:71], {}),
        ("cut-at-chunk", "the last chunk is missing", "TRUNCATED", long[: HEAD + SEALED_CHUNK], {}),
    ]
    made = [
        invalid(case, comment, error, **attribute_fields(created, salt, name, value, sealed), **other)
        for case, comment, error, sealed, other in cases
    ]
    comment = "a value of 65,536 bytes was sealed"
    fields = attribute_fields(created, salt, name, b"v" * (LONGEST_VALUE + 1))
    return made + [invalid("sealed-65536", comment, "FORMAT", **fields)]


def refused_records(created: Created) -> list[dict]:
    good = upload_value(NOW)
    salt = case_salt("upload-refused")
    values = [
        ("no-value", "an empty value", "FORMAT", b""),
        ("version-alone", "a value without a time", "FORMAT", good[:1]),
        ("short", "a value of 8 bytes", "FORMAT", good[:-1]),
        ("long", "a value of 10 bytes", "FORMAT", good + b"\x00"),
        ("version-0", "no such version", "TOONEW", upload_value(NOW, version=0)),
        ("version-2", "a later version", "TOONEW", upload_value(NOW, version=2)),
        ("version-2-any-form", "a later version may have any form", "TOONEW", b"\x02"),
    ]
    cases = [
        (name, comment, error, seal_attribute(created, salt, UPLOAD, value)) for name, comment, error, value in values
    ]
    sealed = seal_attribute(created, salt, UPLOAD, good)
    cases += [
        ("other-name", "sealed under another name", "COMMIT", seal_attribute(created, salt, b"upload", good)),
        ("flipped", "a bit of the time", "CHUNK", flip(sealed, HEAD + 3)),
        ("cut-to-0", "nothing is left", "TRUNCATED", b""),
    ]
    other = create_segmented("attributes/other-upload", created.named)
    made = [
        invalid(f"upload-{name}", comment, error, **record_fields(created, salt, sealed_))
        for name, comment, error, sealed_ in cases
    ]
    comment = "the envelope at hand is not the one the upload began with"
    return made + [invalid("upload-other-object", comment, "COMMIT", **record_fields(other, salt, sealed))]

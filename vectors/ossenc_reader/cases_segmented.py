"""Checks the cases of segmented objects, file by file."""

import hashlib
from typing import Callable, Union

from .attribute import check_name, check_value, open_attribute, open_upload
from .crc import crc32c, crc64
from .expect import expect, plain
from .fields import check_hash, field_bytes, opened_object, stored_segment
from .keystore import Keystore
from .layout import Stored
from .manifest import Entry, Manifest, open_manifest
from .message import SALT_LENGTH
from .receipt import Receipt, read_receipt
from .sealing import seal_message
from .segment import OpenedObject, ROLE_ATTRIBUTE, SegmentReader
from .whole import WholeReader
from .wire import Refused, lp

Outcome = Union[bytes, tuple]


def outcome(opens: Callable[[], bytes]) -> Outcome:
    try:
        return opens()
    except Refused as refusal:
        return (refusal.status, refusal.chunk)


def read_both_ways(reader: Union[SegmentReader, WholeReader], length: int) -> bytes:
    """As a whole and as a range: what is read, or why it is refused, is the same."""
    by_range = outcome(lambda: reader.range(0, length))
    expect(length == 0 or by_range == outcome(reader.whole), "a whole and its range of all bytes")
    return reader.whole()


def check_receipt(receipt: Receipt, case: dict, stored: Stored, plaintext: bytes) -> None:
    wanted = Receipt(
        part=case["part"],
        layout=case["layout"],
        head=bytes.fromhex(case["head"]),
        plain=len(plaintext),
        body=len(stored.body),
        crc64_plain=crc64(plaintext),
        crc32c_body=crc32c(stored.body),
    )
    expect(receipt == wanted, "receipt")


def entry_fields(entry: Entry) -> dict:
    return {"part": entry.part, "head": entry.head.hex(), "length": entry.length, "offset": entry.offset}


class SegmentedVectors:
    """Manifests are kept by name, as those that were appended to refer to them."""

    def __init__(self, keystores: dict[str, Keystore]):
        self._keystores = keystores
        self._manifests: dict[str, Manifest] = {}
        self.checks = {
            "segments": self.segment,
            "receipts": self.receipt,
            "manifests": self.manifest,
            "attributes": self.attribute,
            "whole": self.whole,
        }

    def _opened(self, case: dict) -> OpenedObject:
        return opened_object(case, self._keystores[case["keystore"]])

    def segment(self, case: dict) -> None:
        opened, length, head = self._opened(case), case["plaintext_len"], bytes.fromhex(case["head"])
        stored = stored_segment(case, opened, length)
        reader = SegmentReader(opened, case["part"], head, stored, case.get("read_stored_head", True))
        plaintext = read_both_ways(reader, length)
        expect(plaintext == plain(length), "plaintext")
        if "receipt" in case:
            check_receipt(read_receipt(bytes.fromhex(case["receipt"])), case, stored, plaintext)
        if "salt" in case:
            expect(head[:SALT_LENGTH].hex() == case["salt"], "salt")

    def receipt(self, case: dict) -> None:
        receipt = read_receipt(bytes.fromhex(case["receipt"]))
        crcs = {"crc64_plain": f"{receipt.crc64_plain:016x}", "crc32c_body": f"{receipt.crc32c_body:08x}"}
        for name, value in {**vars(receipt), "head": receipt.head.hex(), **crcs}.items():
            expect(case.get(name) == value, name)

    def manifest(self, case: dict) -> None:
        sealed = bytes.fromhex(case["manifest"])
        manifest = open_manifest(self._opened(case), sealed, case["min_generation"])
        expect(sealed[:SALT_LENGTH].hex() == case["salt"], "salt")
        expect((manifest.generation, manifest.total) == (case["generation"], case["total"]), "generation, total")
        expect([entry_fields(entry) for entry in manifest.entries] == case["segments"], "segments")
        if "append" in case:
            self._appended(case["append"], manifest)
        self._manifests[case["name"]] = manifest

    def _appended(self, append: dict, manifest: Manifest) -> None:
        before = self._manifests[append["from"]]
        kept = before.entries[:-1] if append["replaces_last"] else before.entries
        expect(manifest.entries[:-1] == kept, "the other segments stay")
        new = entry_fields(manifest.entries[-1])
        expect({**append["segment"], "offset": new["offset"]} == new, "the new segment")
        expect(manifest.generation == before.generation + 1, "generations follow one another")

    def attribute(self, case: dict) -> None:
        opened = self._opened(case)
        if "record" in case:
            sealed = bytes.fromhex(case["sealed"])
            expect(case["record"] == "upload", "unknown record")
            expect(open_upload(opened, sealed) == case.get("created_at"), "created_at")
        else:
            name, value = bytes.fromhex(case["attribute_name"]), field_bytes(case["value"])
            check_name(name)
            check_value_to_seal(case, value)
            sealed = sealed_attribute(case, opened, name, value)
            expect(open_attribute(opened, name, sealed) == value, "value")
        expect(sealed[:SALT_LENGTH].hex() == case["salt"], "salt")

    def whole(self, case: dict) -> None:
        opened = self._opened(case)
        manifest = open_manifest(opened, bytes.fromhex(case["manifest"]), case.get("min_generation", 0))
        expect(case.get("generation", manifest.generation) == manifest.generation, "generation")
        stored, start = {}, 0
        for fields in case["segments"]:
            length = fields.get("length", 0)  # wanted only where the body is sealed anew; readers go by the manifest
            stored[fields["part"]] = stored_segment(fields, opened, length, start)
            start += length
        reader = WholeReader(opened, manifest, stored, case.get("read_stored_head", True))
        expect(read_both_ways(reader, manifest.total) == plain(case["plaintext_len"]), "plaintext")
        for one in case.get("ranges", []):
            piece = reader.range(one["offset"], one["len"])
            expect(len(piece) == one["len"], "length of a range")
            expect(hashlib.sha256(piece).hexdigest() == one["sha256"], "sha256 of a range")


def check_value_to_seal(case: dict, value: bytes) -> None:
    """A case without anything sealed is about sealing."""
    if "sealed" not in case and "sealed_sha256" not in case:
        check_value(value)
        raise ValueError("a case without anything sealed")


def sealed_attribute(case: dict, opened: OpenedObject, name: bytes, value: bytes) -> bytes:
    if "sealed" in case:
        return bytes.fromhex(case["sealed"])
    context = opened.message_context(ROLE_ATTRIBUTE) + lp(name)
    head, chunks = seal_message(opened.data_key, context, bytes.fromhex(case["salt"]), value)
    sealed = head + b"".join(chunks)
    check_hash(case, "sealed", sealed)
    return sealed

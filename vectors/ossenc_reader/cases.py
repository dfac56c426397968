"""Checks the cases of the vectors, file by file."""

import json
import pathlib
from typing import Optional

from .cases_segmented import SegmentedVectors
from .bucket_key import open_record, parse_record
from .chains import describe_key, open_chain
from .context import encode_kms_context
from .direct import open_direct
from .envelope import Envelope, needs_rewrap
from .expect import expect, plain
from .fields import (
    case_allow,
    case_context,
    case_place,
    field_bytes,
    opened_envelope,
    opened_object,
    optional_bytes,
)
from .file import open_file
from .keys import master_secret, purpose_key
from .keystore import Keystore, load_keystore
from .message import SALT_LENGTH, open_message
from .segment import open_body
from .wire import Refused

DIRECTORY = pathlib.Path(__file__).resolve().parent.parent


class Vectors:
    """Keystores and envelopes are kept by name, as later cases refer to them."""

    def __init__(self):
        self.keystores: dict[str, Keystore] = {}
        self.envelopes: dict[str, dict] = {}
        self.checks = {
            "messages": self.message,
            "contexts": self.context,
            "keys": self.key,
            "keystores": self.keystore,
            "bucket_keys": self.bucket_key,
            "envelopes": self.envelope,
            "objects": self.object,
            "files": self.file,
            **SegmentedVectors(self.keystores).checks,
            "direct": self.direct,
        }

    def message(self, case: dict) -> None:
        message = bytes.fromhex(case["message"])
        key, context = bytes.fromhex(case["key"]), bytes.fromhex(case["context"])
        plaintext = open_message(key, context, message, case.get("trusted_len"))
        expect(plaintext == plain(case["plaintext_len"]), "plaintext")
        expect(message[:SALT_LENGTH].hex() == case["salt"], "salt")

    def context(self, case: dict) -> None:
        encoded = case_context(case)
        expect(encoded.hex() == case.get("encoded"), "encoded")
        try:
            kms = encode_kms_context(field_bytes(case["tenant"]), field_bytes(case["bucket_id"]), case["user"])
            expect(kms.hex() == case.get("kms"), "kms")
        except Refused as refusal:
            expect(refusal.status == case.get("kms_error"), "kms_error")

    def key(self, case: dict) -> None:
        secret = master_secret(case["origin"], bytes.fromhex(case["material"]))
        key_id, key_version = case["key_id"].encode("utf-8"), case["key_version"].encode("utf-8")
        expect(purpose_key(secret, case["purpose"], key_id, key_version).hex() == case["key"], "key")

    def keystore(self, case: dict) -> None:
        if "steps" in case:
            keystore = open_chain(case)
        else:
            image, root_key = bytes.fromhex(case["image"]), bytes.fromhex(case["root_key"])
            passphrase = bytes.fromhex(case["passphrase"]) if "passphrase" in case else None
            keystore = load_keystore(image, root_key, case.get("min_generation", 0), passphrase)
        if "generation" in case:
            expect(keystore.generation == int(case["generation"]), "generation")
        if "root_key_id" in case:
            expect(keystore.root_key_id.decode("ascii") == case["root_key_id"], "root_key_id")
        if "keys" in case:
            expect([describe_key(key) for key in keystore.keys.values()] == case["keys"], "keys")
        self.keystores[case["name"]] = keystore

    def bucket_key(self, case: dict) -> None:
        record = parse_record(bytes.fromhex(case["record"]))
        keystore, place = self.keystores[case["keystore"]], case_place(case["context"])
        opened = open_record(record, keystore, place, case["now"], optional_bytes(case, "secret"))
        expect(opened.key.hex() == case["key"], "key")
        expect(record.bucket_key_id.hex() == case["bucket_key_id"], "bucket_key_id")
        expect(record.not_after == case["not_after"], "not_after")
        for member in ("provider", "key_id", "key_version"):
            expect(getattr(record, member).decode("ascii") == case[member], member)
        expect((case["now"] < record.not_after) == case["wraps"], "wraps")
        if "entropy" in case:
            drawn = record.bucket_key_id + (b"" if record.provider else opened.key + record.sealed[:SALT_LENGTH])
            expect(drawn.hex() == case["entropy"], "entropy")

    def envelope(self, case: dict) -> None:
        keystore = self.keystores[case["keystore"]]
        envelope, data_key, slot = opened_envelope(case, keystore, case["now"])
        expect(data_key.hex() == case["data_key"], "data_key")
        expect(slot.method == case["method"], "method")
        expect(slot.key_id.decode("ascii") == case["key_id"], "key_id")
        expect(slot.key_version.decode("ascii") == case["key_version"], "key_version")
        expect(slot.wrapped_at == case["wrapped_at"], "wrapped_at")
        expect(needs_rewrap(envelope, keystore) == case["needs_rewrap"], "needs_rewrap")
        if "entropy" in case:
            drawn = envelope.prelude[16:] + data_key + slot.inner[:SALT_LENGTH]
            expect(drawn.hex() == case["entropy"], "entropy")
        if "rewrap" in case:
            self._rewrapped(case, envelope, keystore)
        self.envelopes[case["name"]] = case

    def _rewrapped(self, case: dict, envelope: Envelope, keystore: Keystore) -> None:
        rewrap = case["rewrap"]
        # The one who rewraps has this case's keystore, and finds the envelope in its old place.
        before, data_key, _ = opened_envelope(self.envelopes[rewrap["from"]], keystore, rewrap["now"])
        expect(data_key.hex() == case["data_key"], "data key stays")
        expect(envelope.prelude == before.prelude, "prelude stays")
        expect(len(envelope.slots) == 1, "one slot")
        slot = envelope.slots[0]
        expect(slot.inner[:SALT_LENGTH].hex() == rewrap["entropy"], "salt of the new slot")
        expect(slot.wrapped_at == rewrap["now"], "wrapped_at of the new slot")
        if "key_id" in rewrap:
            expect((slot.method, slot.key_id.decode("ascii")) == (rewrap["method"], rewrap["key_id"]), "the new slot")
            expect(not needs_rewrap(envelope, keystore), "the new slot is under the primary")
        else:
            expect(slot.head[10:] == before.slots[0].head[10:], "the names of the slot stay")
        expect(case["context"] == rewrap["context"], "the new context")

    def object(self, case: dict) -> None:
        body, opened = bytes.fromhex(case["body"]), opened_object(case, self.keystores[case["keystore"]])
        plaintext = open_body(opened, body, case.get("trusted_len"))
        expect(plaintext == plain(case["plaintext_len"]), "plaintext")
        if "salt" in case:
            expect(body[:SALT_LENGTH].hex() == case["salt"], "salt")

    def file(self, case: dict) -> None:
        file, keystore = bytes.fromhex(case["file"]), self.keystores[case["keystore"]]
        context, allow = case_context(case["context"]), case_allow(case["allow"])
        plaintext = open_file(file, keystore, context, allow, case["now"], case.get("trusted_len"))
        expect(plaintext == plain(case["plaintext_len"]), "plaintext")

    def direct(self, case: dict) -> None:
        blob, keystore = bytes.fromhex(case["blob"]), self.keystores[case["keystore"]]
        key_ids = [key_id.encode("ascii") for key_id in case["key_ids"]]
        plaintext, message = open_direct(blob, keystore, case["user"], key_ids, case["now"])
        expect(plaintext == plain(case["plaintext_len"]), "plaintext")
        expect(message[:SALT_LENGTH].hex() == case.get("salt", message[:SALT_LENGTH].hex()), "salt")

    def problem(self, check, case: dict) -> Optional[str]:
        """What is wrong with a case, or None."""
        if "head_unread" in case:
            rest = {name: value for name, value in case.items() if name not in ("head_unread", "error")}
            unread = self.problem(check, {**rest, **case["head_unread"], "read_stored_head": False})
            if unread is not None:
                return f"without the stored head: {unread}"
        wanted = case.get("error")
        if (wanted is not None) == ("valid" in case):
            return "a case has either valid or error"
        try:
            check(case)
        except Refused as refusal:
            if refusal.status != wanted:
                return f"wanted {wanted or 'a success'}, got {refusal}"
            if "chunk" in case and refusal.chunk != case["chunk"]:
                return f"wanted chunk {case['chunk']}, got {refusal}"
            return None
        except Exception as error:  # a case that breaks the reader is a failed one, and the others still count
            return f"{type(error).__name__}: {error}"
        return f"wanted {wanted}, but it opened" if wanted else None

    def run(self, name: str, cases: list[dict]) -> tuple[int, int]:
        passed = failed = 0
        for case in cases:
            problem = self.problem(self.checks[name], case)
            if problem is None:
                passed += 1
            else:
                failed += 1
                print(f"FAIL {name}: {case.get('name')}: {problem}")
        print(f"{name}: {passed} passed, {failed} failed")
        return passed, failed


def committed_cases() -> dict[str, list[dict]]:
    # keystores come before what refers to them
    names = ("messages", "contexts", "keys", "keystores", "bucket_keys", "envelopes", "objects", "files")
    names += ("segments", "receipts", "manifests", "attributes", "whole", "direct")
    return {name: json.loads((DIRECTORY / f"{name}.json").read_text(encoding="utf-8"))["cases"] for name in names}


def live_cases(path: str) -> dict[str, list[dict]]:
    document = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    return {name: document[name] for name in ("keystores", "objects", "whole")}


def check_files(files: dict[str, list[dict]]) -> int:
    """The exit status: 0 when there are cases and all pass."""
    vectors = Vectors()
    counts = [vectors.run(name, cases) for name, cases in files.items()]
    passed, failed = (sum(column) for column in zip(*counts))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0

"""Keystores as cases describe them: the steps of a chain, and the keys of an image."""

from typing import Optional

from .expect import expect
from .keystore import Keystore, MasterKey, load_keystore


def open_chain(case: dict) -> Keystore:
    """The last keystore of a chain whose every step does what it says."""
    keystore: Optional[Keystore] = None
    for step in case["steps"]:
        before = keystore
        keystore = load_keystore(bytes.fromhex(step["image"]), bytes.fromhex(case["root_key"]))
        expect(keystore.generation == step["generation"], "generation of a step")
        if before is None:
            expect(step["op"] == "init" and not keystore.keys, "a chain begins empty")
            expect(keystore.generation == 1, "generations count from 1")
            expect_entropy(step, keystore.keystore_id + keystore.salt)
        else:
            expect(keystore.keystore_id == before.keystore_id, "keystore_id stays")
            expect(keystore.generation == before.generation + 1, "generations follow one another")
            expect_step(step, before, keystore)
    if keystore is None:
        raise ValueError("a chain without steps")
    return keystore


def expect_entropy(step: dict, drawn: bytes) -> None:
    """What was drawn in a step, in order; a live file may leave it out."""
    expect(step.get("entropy", drawn.hex()) == drawn.hex(), "entropy of a step")


def expect_step(step: dict, before: Keystore, after: Keystore) -> None:
    """One step of a chain does what its op says, and leaves the other keys alone."""
    key_id = step["key_id"].encode("ascii")
    others = [{k: v for k, v in store.keys.items() if k != key_id} for store in (before, after)]
    expect(others[0] == others[1], "other keys stay")
    old, new = before.keys.get(key_id), after.keys[key_id]
    if step["op"] == "create":
        expect(old is None, "the key was not there before")
        expect_entropy(step, new.versions[new.primary].material + after.salt)
        expect((new.primary, new.next_version, new.created_at) == (1, 2, step["now"]), "a created key")
        expect(new.created_at == new.last_rotated_at, "a created key counts as rotated")
        return
    expect(old is not None, "the key was there before")
    if step["op"] == "stage":
        staged = new.versions[old.next_version]
        expect_entropy(step, staged.material + after.salt)
        expect((staged.state, staged.created_at, staged.not_after) == ("staged", step["now"], 0), "stage")
        expect(new.next_version == old.next_version + 1 and new.primary == old.primary, "a staged key")
    elif step["op"] == "promote":
        expect_entropy(step, after.salt)
        expect(new.primary == int(step["version"]) and new.last_rotated_at == step["now"], "promote")
        expect(new.versions[old.primary].state == "active", "the former primary stays active")
    else:
        expect(step["op"] == "retire", "unknown op")
        expect_entropy(step, after.salt)
        expect(new.versions[int(step["version"])].state == "retired" and new.primary == old.primary, "retire")


def describe_key(key: MasterKey) -> dict:
    return {
        "key_id": key.key_id.decode("ascii"),
        "state": key.state,
        "origin": key.origin,
        "primary": str(key.primary),
        "versions": [
            {"number": str(version.number), "state": version.state, "material": version.material.hex()}
            for version in key.versions.values()
        ],
        "aliases": [alias.decode("ascii") for alias in key.aliases],
    }

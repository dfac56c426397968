"""Keystores as cases describe them: the steps of a chain, and the keys of an image."""

from dataclasses import replace
from typing import Optional

from .expect import expect
from .keys import master_secret, purpose_key
from .keystore import Keystore, MasterKey, Version, load_keystore


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
    if step["op"] in LATER_LIFE:
        expect_entropy(step, after.salt)
        expect(after.keys == LATER_LIFE[step["op"]](step, dict(before.keys)), step["op"])
        return
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


def one_changed(keys: dict, step: dict, **fields) -> dict:
    key_id = step["key_id"].encode("ascii")
    return {**keys, key_id: replace(keys[key_id], **fields)}


def destroyed(step: dict, keys: dict) -> dict:
    number, versions = int(step["version"]), keys[step["key_id"].encode("ascii")].versions
    expect(versions[number].state == "retired", "only a retired version is destroyed")
    version = replace(versions[number], state="destroyed", material=b"")
    return one_changed(keys, step, versions={**versions, number: version})


def deleted(step: dict, keys: dict) -> dict:
    key = keys.pop(step["key_id"].encode("ascii"))
    expect(key.state == "PendingDeletion" and key.delete_at <= step["now"], "the deletion is due")
    return keys


def made_for_import(step: dict, keys: dict) -> dict:
    key_id, now = step["key_id"].encode("ascii"), step["now"]
    key = MasterKey(key_id, "imported", "PendingImport", now, 0, 0, now, 0, 1, b"", [], {})
    return dict(sorted({**keys, key_id: key}.items()))


def imported(step: dict, keys: dict) -> dict:
    key, material = keys[step["key_id"].encode("ascii")], bytes.fromhex(step["material"])
    check = purpose_key(master_secret("imported", material), "check", key.key_id, b"")
    expect(key.check in (b"", check), "the same material")
    created_at = key.versions[1].created_at if key.versions else step["now"]
    versions = {1: Version(1, "active", created_at, step["not_after"], material)}
    first = {} if key.versions else {"last_rotated_at": step["now"], "primary": 1, "next_version": 2}
    return one_changed(keys, step, state="Enabled", check=check, versions=versions, **first)


def without_material(step: dict, keys: dict) -> dict:
    versions = keys[step["key_id"].encode("ascii")].versions
    emptied = {number: replace(version, material=b"") for number, version in versions.items()}
    return one_changed(keys, step, state="PendingImport", versions=emptied)


def aliased(step: dict, keys: dict) -> dict:
    """The alias is with the key that the step names, or with none, and nowhere else."""
    alias = step["alias"].encode("ascii")
    service = alias.startswith(b"alias/acs")
    expect(service == (step["op"] == "set-service-alias"), "an alias of the service's own")
    for key_id, key in keys.items():
        aliases = [other for other in key.aliases if other != alias]
        if key_id == step["key_id"].encode("ascii"):
            aliases = sorted([*aliases, alias])
        keys[key_id] = replace(key, aliases=aliases)
    return keys


LATER_LIFE = {
    "destroy": destroyed,
    "enable": lambda step, keys: one_changed(keys, step, state="Enabled"),
    "disable": lambda step, keys: one_changed(keys, step, state="Disabled"),
    "schedule-deletion": lambda step, keys: one_changed(
        keys, step, state="PendingDeletion", delete_at=step["now"] + 86_400 * step["window_days"]
    ),
    "cancel-deletion": lambda step, keys: one_changed(keys, step, state="Disabled", delete_at=0),
    "delete": deleted,
    "set-period": lambda step, keys: one_changed(keys, step, period=step["period"]),
    "create-for-import": made_for_import,
    "import": imported,
    "delete-material": without_material,
    "set-alias": aliased,
    "move-alias": aliased,
    "remove-alias": aliased,
    "set-service-alias": aliased,
}


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

"""keystores.json: keystores and the steps that make them."""

import copy
from dataclasses import dataclass

from .cases import valid
from .primitives.keystore import (
    ACTIVE,
    DESTROYED,
    DISABLED,
    ENABLED,
    IMPORTED,
    Key,
    Keystore,
    PENDING_DELETION,
    PENDING_IMPORT,
    RETIRED,
    STAGED,
    Version,
    purpose_key,
)
from .primitives.randomness import Randomness, fixed
from .samples import EXPIRES_AT, START, STEP_SECONDS


class Chain:
    """A keystore and the steps that made it."""

    def __init__(self, rng: Randomness, root_key_id: str):
        self._rng = rng
        self.keystore = Keystore(rng.draw(32), root_key_id.encode("ascii"), b"", 0, [])
        self.steps: list[dict] = []
        rng.entropy()  # the root key is no part of the first step

    @property
    def _now(self) -> int:
        return START + STEP_SECONDS * len(self.steps)

    def _finish(self, op: str, **fields) -> "Chain":
        self.keystore.generation += 1
        image = self.keystore.image(self._rng.draw(24))
        step = {"op": op, **fields, "now": self._now, "entropy": self._rng.entropy(), "image": image.hex()}
        self.steps.append({**step, "generation": self.keystore.generation})
        return self

    def init(self) -> "Chain":
        self.keystore.keystore_id = self._rng.draw(16)
        return self._finish("init")

    def create(self, key_id: str) -> "Chain":
        version = Version(1, ACTIVE, self._rng.draw(32), created_at=self._now)
        key = Key(key_id.encode("ascii"), [version], primary=1, next_version=2)
        key.created_at = key.last_rotated_at = self._now
        self.keystore.keys = sorted(self.keystore.keys + [key], key=lambda one: one.key_id)
        return self._finish("create", key_id=key_id)

    def stage(self, key_id: str) -> "Chain":
        key = self.keystore.key(key_id)
        key.versions.append(Version(key.next_version, STAGED, self._rng.draw(32), created_at=self._now))
        key.next_version += 1
        return self._finish("stage", key_id=key_id)

    def promote(self, key_id: str, number: int) -> "Chain":
        key = self.keystore.key(key_id)
        key.version(number).state = ACTIVE
        key.primary = number
        key.last_rotated_at = self._now
        return self._finish("promote", key_id=key_id, version=str(number))

    def retire(self, key_id: str, number: int) -> "Chain":
        self.keystore.key(key_id).version(number).state = RETIRED
        return self._finish("retire", key_id=key_id, version=str(number))

    def destroy(self, key_id: str, number: int) -> "Chain":
        version = self.keystore.key(key_id).version(number)
        version.state, version.material = DESTROYED, b""
        return self._finish("destroy", key_id=key_id, version=str(number))

    def set_state(self, op: str, key_id: str) -> "Chain":
        """enable, disable, cancel-deletion."""
        key = self.keystore.key(key_id)
        key.state, key.delete_at = (ENABLED if op == "enable" else DISABLED), 0
        return self._finish(op, key_id=key_id)

    def schedule_deletion(self, key_id: str, window_days: int) -> "Chain":
        key = self.keystore.key(key_id)
        key.state, key.delete_at = PENDING_DELETION, self._now + window_days * 86_400
        return self._finish("schedule-deletion", key_id=key_id, window_days=window_days)

    def delete(self, key_id: str) -> "Chain":
        self.keystore.keys.remove(self.keystore.key(key_id))
        return self._finish("delete", key_id=key_id)

    def set_period(self, key_id: str, seconds: int) -> "Chain":
        self.keystore.key(key_id).period = seconds
        return self._finish("set-period", key_id=key_id, period=seconds)

    def create_for_import(self, key_id: str) -> "Chain":
        key = Key(key_id.encode("ascii"), [], primary=0, next_version=1, origin=IMPORTED, state=PENDING_IMPORT)
        key.created_at = key.last_rotated_at = self._now
        self.keystore.keys = sorted(self.keystore.keys + [key], key=lambda one: one.key_id)
        return self._finish("create-for-import", key_id=key_id)

    def import_material(self, key_id: str, material: bytes, not_after: int) -> "Chain":
        key = self.keystore.key(key_id)
        if not key.versions:
            key.versions.append(Version(1, ACTIVE, b"", created_at=self._now))
            key.primary, key.next_version, key.last_rotated_at = 1, 2, self._now
            key.check = purpose_key(IMPORTED, material, "check", key.key_id, b"")
        key.versions[0].material, key.versions[0].not_after = material, not_after
        key.state = ENABLED
        return self._finish("import", key_id=key_id, material=material.hex(), not_after=not_after)

    def delete_material(self, key_id: str) -> "Chain":
        key = self.keystore.key(key_id)
        key.versions[0].material, key.state = b"", PENDING_IMPORT
        return self._finish("delete-material", key_id=key_id)

    def alias(self, op: str, key_id: str, alias: str) -> "Chain":
        """set-alias, move-alias, set-service-alias; remove-alias, with an empty key_id."""
        for key in self.keystore.keys:
            aliases = set(key.aliases) - {alias.encode("ascii")}
            key.aliases = sorted(aliases | ({alias.encode("ascii")} if key.key_id.decode("ascii") == key_id else set()))
        return self._finish(op, key_id=key_id, alias=alias)

    def case(self, name: str, comment: str) -> dict:
        return valid(
            name,
            comment,
            root_key=self.keystore.root_key.hex(),
            root_key_id=self.keystore.root_key_id.decode("ascii"),
            steps=copy.deepcopy(self.steps),
            keys=self.keystore.json_keys(),
        )


KEY_36 = "0123456789abcdef-0123456789abcdef-ab"
KEY_255 = "arn:" + "k" * 250 + "~"


@dataclass
class NamedKeystore:
    """A keystore that cases of other files refer to."""

    name: str
    keystore: Keystore


def chains() -> tuple[list[dict], dict[str, NamedKeystore]]:
    cases: list[dict] = []
    named: dict[str, NamedKeystore] = {}

    def keep(name: str, comment: str, chain: Chain) -> None:
        cases.append(chain.case(name, comment))
        named[name] = NamedKeystore(name, copy.deepcopy(chain.keystore))

    def start(label: str, root_key_id: str = "root-1") -> Chain:
        return Chain(fixed(f"keystores/{label}"), root_key_id).init()

    # One keystore at several points of its life, so that an envelope of an early one meets the later ones.
    life = start("life")
    keep("empty", "a new keystore", life)
    keep("one-key", "one key, which wraps", life.create("key-1"))
    keep("staged", "a second version is staged, and only unwraps", life.stage("key-1"))
    keep("rotated", "the second version is promoted, and the first only unwraps", life.promote("key-1", 2))
    keep("retired", "the first version is retired", life.retire("key-1", 1))
    keep(
        "retired-unused",
        "a third version is staged and retired without ever being promoted",
        life.stage("key-1").retire("key-1", 3),
    )
    keep("number-not-reused", "the next version is the fourth", life.stage("key-1").promote("key-1", 4))
    keep(
        "two-keys",
        "keys are sorted by id, whatever the order of their making",
        start("two-keys").create("zeta").create("alpha").stage("alpha").promote("alpha", 2),
    )
    keep(
        "long-ids",
        "ids of 36 and 255 bytes, and a root key id of 255",
        start("long-ids", "r" * 255).create(KEY_255).create(KEY_36),
    )
    switched = start("switched").create("key-1").set_state("disable", "key-1")
    keep("switched-off", "the key is disabled", switched)
    keep("switched-on", "and enabled again", switched.set_state("enable", "key-1"))
    keep(
        "destroyed",
        "a retired version loses its material",
        start("destroyed").create("key-1").stage("key-1").promote("key-1", 2).retire("key-1", 1).destroy("key-1", 1),
    )
    leaving = start("leaving").create("key-1").create("key-2").schedule_deletion("key-1", 7)
    keep("deletion-scheduled", "the key waits for its deletion", leaving)
    called_off = copy.deepcopy(leaving.keystore), copy.deepcopy(leaving.steps)
    for _ in range(6):
        leaving.set_period("key-2", 86_400 * 90)
    keep("deleted", "the key is gone, from its time on", leaving.set_period("key-2", 0).delete("key-1"))
    leaving.keystore, leaving.steps = called_off
    keep("deletion-called-off", "the key is disabled", leaving.set_state("cancel-deletion", "key-1"))
    brought = fixed("keystores/brought").draw(32)
    byok = start("byok").create_for_import("key-1")
    keep("import-awaited", "a key for material that has not come", byok)
    keep("imported", "material that expires, and its check value", byok.import_material("key-1", brought, EXPIRES_AT))
    keep("material-deleted", "the check value stays", byok.delete_material("key-1"))
    keep("imported-again", "the same material, for ever", byok.import_material("key-1", brought, 0))
    aliases = start("aliases").create("a").create("b").alias("set-alias", "a", "alias/x").alias("set-alias", "a", "alias/m")
    aliases.alias("set-service-alias", "a", "alias/acs/oss").alias("move-alias", "b", "alias/x")
    keep("aliases", "set and moved, one of them the service's", aliases)
    aliases.alias("set-service-alias", "b", "alias/acs/oss").alias("remove-alias", "", "alias/m")
    keep("aliases-removed", "the service's alias moves, another one goes", aliases)
    keep("periods", "shortest and longest", start("periods").create("a").set_period("a", 604_800).set_period("a", 63_072_000))
    return cases, named

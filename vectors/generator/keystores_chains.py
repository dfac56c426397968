"""keystores.json: keystores and the steps that make them."""

import copy
from dataclasses import dataclass

from .cases import valid
from .primitives.keystore import ACTIVE, Key, Keystore, RETIRED, STAGED, Version
from .primitives.randomness import Randomness, fixed
from .samples import START, STEP_SECONDS


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
    return cases, named

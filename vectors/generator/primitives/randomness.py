"""Where the random bytes of a case come from."""

import hashlib
import os
from typing import Callable

from .. import FORMAT_NAME


class Randomness:
    """A source of bytes that remembers what was drawn, as cases list it under "entropy"."""

    def __init__(self, source: Callable[[int], bytes]):
        self._source = source
        self._drawn = b""

    def draw(self, count: int) -> bytes:
        drawn = self._source(count)
        self._drawn += drawn
        return drawn

    def entropy(self) -> str:
        """All that was drawn since the last call."""
        drawn, self._drawn = self._drawn, b""
        return drawn.hex()


def fixed(label: str) -> Randomness:
    """The same bytes in each run. Each case has a label of its own, so that a new case changes no other."""
    count_of_draws = 0

    def source(count: int) -> bytes:
        nonlocal count_of_draws
        count_of_draws += 1
        return hashlib.shake_256(f"{FORMAT_NAME}/{label}/{count_of_draws}".encode()).digest(count)

    return Randomness(source)


def system_randomness() -> Randomness:
    return Randomness(os.urandom)

"""manifests.json."""

from dataclasses import replace

from .cases import valid
from .keystores_chains import NamedKeystore
from .manifests_refused import refused_manifests
from .primitives.manifest import Entry, entries_of
from .primitives.randomness import fixed
from .primitives.wire import U64_MAX
from .segmented import Manifest, create_segmented

LONGEST = 2**46 - 1


def some_head(label: str) -> bytes:
    return fixed(f"manifests/head/{label}").draw(56)


def listed(label: str, segments: list[tuple[int, int]]) -> list[Entry]:
    """Entries for segments of these parts and lengths."""
    return entries_of([(part, some_head(f"{label}/{part}"), length) for part, length in segments])


def manifest_cases(named: dict[str, NamedKeystore]) -> list[dict]:
    created = create_segmented("manifests/object", named["one-key"])
    lists = [
        ("empty", "an empty object", 1, []),
        ("one", "one segment", 1, [(1, 1000)]),
        ("several", "several segments", 2, [(1, 5_242_880), (2, 5_242_880), (3, 77)]),
        ("gaps", "gaps in the part numbers", 3, [(2, 10), (5, 20), (10_000, 30), (2**32 - 1, 40)]),
        ("first-part-high", "one segment of the highest part", 1, [(2**32 - 1, 1)]),
        ("lengths-0", "segments may be empty", 4, [(1, 0), (2, 5), (3, 0), (4, 0), (5, 6)]),
        ("longest-segments", "segments of 2^46 - 1 bytes", 1, [(1, LONGEST), (2, LONGEST), (3, 1)]),
        ("generation-high", "the last generation", U64_MAX, [(1, 16384)]),
        ("two-chunks", "a manifest of two chunks", 9, [(part, part * 1000) for part in range(1, 221)]),
    ]
    made = {}
    cases = []
    for name, comment, generation, segments in lists:
        salt = fixed(f"manifests/{name}").draw(24)
        made[name] = Manifest(created, salt, generation, listed(name, segments))
        cases.append(valid(name, comment, **made[name].fields()))
    minimum = made["several"].fields(min_generation=2)
    cases.append(valid("minimum-generation", "exactly the generation that the caller wants at least", **minimum))
    return cases + appended_manifests(made) + refused_manifests(made["several"], named["one-key"])


def appended_manifests(made: dict[str, Manifest]) -> list[dict]:
    cases: list[dict] = []

    def append(name: str, comment: str, source: str, part: int, length: int, replaces_last: bool = False) -> None:
        before = made[source]
        kept = before.entries[:-1] if replaces_last else before.entries
        segments = [(entry.part, entry.head, entry.length) for entry in kept] + [(part, some_head(name), length)]
        salt = fixed(f"manifests/{name}").draw(24)
        made[name] = replace(before, salt=salt, generation=before.generation + 1, entries=entries_of(segments))
        new = made[name].entries[-1].json()
        del new["offset"]
        how = {"from": source, "segment": new, "replaces_last": replaces_last}
        cases.append(valid(name, comment, **made[name].fields(append=how)))

    append("append-to-empty", "the first segment of an empty object", "empty", 1, 100)
    append("append-second", "a further segment", "append-to-empty", 2, 50)
    append("append-replaced", "the last segment, made anew with 30 bytes more", "append-second", 2, 80, True)
    append("append-only-replaced", "the only segment, made anew", "one", 1, 1001, True)
    append("append-after-gap", "a further segment, after a gap", "several", 7, 9)
    return cases

"""Writes the files, and compares them with what is there."""

import json
import os
import pathlib
from typing import Optional

from . import FORMAT_NAME
from .catalogue import all_cases

DIRECTORY = pathlib.Path(__file__).resolve().parent.parent


def check_names(name: str, cases: list[dict]) -> None:
    names = [case["name"] for case in cases]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise RuntimeError(f"{name}: several cases are called {', '.join(twice)}")


def render(document: dict) -> bytes:
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def rendered_files() -> dict[str, bytes]:
    rendered = {}
    for name, cases in all_cases().items():
        check_names(name, cases)
        rendered[f"{name}.json"] = render({"format": FORMAT_NAME, "cases": cases})
    return rendered


def replace_file(path: pathlib.Path, content: bytes) -> None:
    """Whoever reads the file meanwhile sees all of the old one or all of the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def write_files() -> int:
    for name, content in rendered_files().items():
        replace_file(DIRECTORY / name, content)
        print(f"{name}: {len(json.loads(content)['cases'])} cases, {len(content)} bytes")
    return 0


def difference(committed: Optional[bytes], wanted: bytes) -> Optional[str]:
    if committed is None:
        return "missing"
    if committed == wanted:
        return None
    try:
        old = {case["name"]: case for case in json.loads(committed)["cases"]}
    except (ValueError, KeyError, TypeError):
        return "not a file of cases"
    new = {case["name"]: case for case in json.loads(wanted)["cases"]}
    parts = {
        "missing": [name for name in new if name not in old],
        "left over": [name for name in old if name not in new],
        "different": [name for name in new if name in old and old[name] != new[name]],
    }
    summary = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)
    return summary or "the same cases, in other bytes"


def check_files() -> int:
    differing = 0
    for name, wanted in rendered_files().items():
        path = DIRECTORY / name
        what = difference(path.read_bytes() if path.exists() else None, wanted)
        if what is not None:
            differing += 1
            print(f"{name}: {what}")
    print(f"{differing} file(s) differ" if differing else "all files are as generated")
    return 1 if differing else 0

"""Contexts and times that many cases share."""

from dataclasses import replace

from .primitives.context import Context

PHOTO = Context(b"tenant-1", b"bucket-7", b"photos/cat.jpg", b"v1", (("purpose", "backup"), ("department", "x")))
RENAMED = replace(PHOTO, object=b"photos/dog.jpg")


def longest_user_map() -> tuple[tuple[str, str], ...]:
    """Takes exactly 8,192 bytes: 4 for the count, 4 for the lengths of each pair."""
    return (("a", "v" * 4000), ("b", "w" * (8192 - 4 - 2 * 4 - 2 - 4000)))


START = 1_700_000_000
STEP_SECONDS = 86_400
NOW = START + 500_000
EXPIRES_AT = START + 1_000_000

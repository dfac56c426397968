"""Sections 6 to 8: a segmented object from its manifest and its stored segments."""

from .manifest import Entry, Manifest
from .layout import Stored
from .segment import OpenedObject, SegmentReader


class WholeReader:
    """`stored` has the segments by part."""

    def __init__(
        self, opened: OpenedObject, manifest: Manifest, stored: dict[int, Stored], read_stored_head: bool = True
    ):
        self._opened, self._manifest, self._stored = opened, manifest, stored
        self._read_stored_head = read_stored_head

    def _segment(self, entry: Entry) -> SegmentReader:
        kept = self._stored[entry.part]
        # The length is that of the manifest, whatever the store says.
        stored = Stored(kept.layout, entry.length, kept.body, kept.aside)
        return SegmentReader(self._opened, entry.part, entry.head, stored, self._read_stored_head)

    def whole(self) -> bytes:
        return b"".join(self._segment(entry).whole() for entry in self._manifest.entries)

    def range(self, offset: int, length: int) -> bytes:
        """Opens no other segments than those of the range."""
        pieces = []
        for entry in self._manifest.entries:
            first = max(offset - entry.offset, 0)
            last = min(offset + length - entry.offset, entry.length)
            if first < last:
                pieces.append(self._segment(entry).range(first, last - first))
        return b"".join(pieces)

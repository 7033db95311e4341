"""Lines that are no JSON: torn ones of ours, or bytes of others that the service has announced.

The announcement (`mplog.file`, `foreign_bytes`) stands after the bytes, at times only in the next
file, so the judgement waits for the end.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from mplog.files import logfmt
from mplog.files.report import NULS, OTHER_TEXT, Finding, Ledger, Place
from mplog.files.scan import FileNotice

_KEPT = 100_000  # beyond these the memory is not spent: they count as torn at once


def what_is_wrong(raw: bytes) -> str:
    """Say what a line is that is neither JSON nor whole logfmt."""
    if raw.startswith(b"\0") or b"\0\0\0\0" in raw:
        return NULS
    if raw.startswith(logfmt.START):
        return "is not whole logfmt"
    return "is not whole JSON" if raw.startswith(b"{") else OTHER_TEXT


class _Stray(NamedTuple):
    file_number: int
    start: int
    end: int
    place: Place
    text: str


class Strays:
    """Collects them, and tells at the end which are torn and which are foreign."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lines: list[_Stray] = []
        self._announced: dict[int, list[tuple[int, int]]] = {}

    def line(self, file_number: int, span: tuple[int, int], place: Place, text: str) -> None:
        """Take a line that is no JSON, with the offsets where it begins and ends."""
        stray = _Stray(file_number, *span, place, text)
        if len(self._lines) < _KEPT:
            self._lines.append(stray)
        else:
            self._torn(stray)

    def notice(self, file_number: int, notice: FileNotice) -> None:
        """Take the announcement of foreign bytes."""
        if notice.what == "foreign_bytes" and notice.bytes:
            spans = self._announced.setdefault(file_number, [])
            if len(spans) < _KEPT:
                spans.append((notice.offset, notice.offset + notice.bytes))

    def finish(self) -> None:
        """Judge all that were taken."""
        spans = {number: _Spans(found) for number, found in self._announced.items()}
        nothing = _Spans([])
        rest = []
        for stray in self._lines:
            if spans.get(stray.file_number, nothing).cover(stray):
                self._foreign(stray)
            else:
                rest.append(stray)
        # The notice of a file's last lines may stand in the file after it, where it covers nothing.
        unused = {number: found.unused() for number, found in spans.items()}
        for stray in rest:
            if unused.get(stray.file_number + 1, nothing).cover(stray):
                self._foreign(stray)
            else:
                self._torn(stray)

    def _torn(self, stray: _Stray) -> None:
        place = stray.place
        self._ledger.add(Finding("torn", stray.text, place.file, place.line, byte=stray.start))

    def _foreign(self, stray: _Stray) -> None:
        self._ledger.report.foreign += 1
        text = "is another program's, as the service itself has told"
        place = stray.place
        self._ledger.remark(Finding("foreign", text, place.file, place.line, byte=stray.start))


class _Spans:
    """Ranges of bytes, joined where they touch, and whether each has covered a line."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)
        self._used = [False] * len(self._starts)

    def cover(self, stray: _Stray) -> bool:
        """Tell whether the line overlaps a range, and remember that range as used."""
        i = bisect_left(self._starts, stray.end) - 1
        if i < 0 or self._ends[i] <= stray.start:
            return False
        self._used[i] = True
        return True

    def unused(self) -> _Spans:
        """The ranges that have covered nothing."""
        found = zip(self._starts, self._ends, self._used, strict=True)
        return _Spans([(start, end) for start, end, used in found if not used])

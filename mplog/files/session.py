"""What the lines of one session say, judged one after the other: pure, no file is touched here.

A session's lines must tell 1, 2, 3 … in this order, each number once: as an event, in a range that
is announced as dropped, or as one of those directly before a line that a filter took. Those behind
its last line are told by the end line, which counts what was filtered. `expected` is the next
number; `known` the greatest that has been told. A number that is passed over opens a gap, which a
later line may still fill, out of order. A gap that is open at the end is missing.

`floor`: numbers up to it were told in files that are not read (retired, or not asked for).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from operator import itemgetter

from mplog.files import remarks
from mplog.files.manifest import SessionRange
from mplog.files.report import RETIRED_AGAIN, Finding, Gap, Kind, Ledger, Place, add_counts
from mplog.files.scan import Drop, SessionEnd

Numbers = tuple[int, int] | None
"""The first and the last of a range."""


_KEPT_RANGES = 1 << 14


class Session:
    """The judge of one session's lines."""

    __slots__ = (
        "_absent", "_disputed", "_end_place", "_floor_exact", "_gaps", "_ledger", "_unchecked",
        "count", "doubts", "end", "ended_unread", "expected", "filtered", "floor", "known", "name",
        "pid", "process", "reasons", "recovered", "retired",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        retired: SessionRange | None = None,
        *,
        partial: bool = False,
    ) -> None:
        self.name = name
        self.pid: int | None = None
        self.process: str | None = None
        self.retired = retired
        self.count = 0
        self.recovered = False  # what it had left was taken out of dead memory: nobody is in it
        self.filtered = 0  # numbers of which a line here has told that
        self.end: SessionEnd | None = None
        self.ended_unread = retired is not None and retired.ended
        self.reasons: dict[str, dict[str, int]] = {}
        self.floor = retired.last if retired else 0
        # The hot path asks for `expected` alone. 0 sends every line to `event`; `known` then holds.
        self.expected = self.floor + 1
        self.known = -1
        if partial and retired is None:
            self.expected = 0
        self._unchecked = partial
        self._floor_exact = (
            retired is not None and retired.count == retired.last - retired.first + 1
        )
        self._gaps: list[Gap] = []
        self._absent: list[tuple[int, int]] = []  # dropped or filtered
        self.doubts: list[tuple[int, int]] = []  # a gap that begins there was told (doubt.py)
        self._disputed = False
        self._end_place = Place("", 0)
        self._ledger = ledger

    def event(self, seq: int, place: Place, filtered: int = 0) -> None:
        """Judge an event's number; callers may count it themselves when it equals `expected` and
        tells of nothing that was filtered.
        """
        known = self._begin(max(seq - filtered, 1))
        if seq > known:
            if self.end is not None:
                self._contradict(
                    (seq, seq), place, f"its end line had said that {known} is the last"
                )
                self.known = seq
            else:
                self._took(seq, filtered, place)
                self._advance(seq, seq, place)
            self.count += 1
        elif self._fill(seq, seq):
            self.count += 1
            self._took(seq, filtered, place)
            self._add("out_of_order", (seq, seq), place, "stands after a greater number")
        elif self._told_absent(seq, seq):
            self._contradict((seq, seq), place, "was told as dropped or filtered, and is there")
        elif seq <= self.floor and not self._surely_retired(seq):
            self.count += 1
            self._disputed = True
            self._add(
                "out_of_order", (seq, seq), place, "stands after greater numbers, now retired"
            )
        else:
            again = RETIRED_AGAIN if seq <= self.floor else "is there a second time"
            self._add("doubled", (seq, seq), place, again)

    def drop(self, drop: Drop, place: Place) -> int:
        """Judge an announcement of drops; return how many numbers it tells for the first time."""
        first, last = drop.first, drop.last
        known = self._begin(first - drop.filtered)
        old_last = min(last, known)
        new = 0
        if drop.filtered and self.end is None and (first > known or self._open(first)):
            self._took(first, drop.filtered, place)
        if drop.count != last - first + 1:
            self._contradict((first, last), place, f"are announced as {drop.count} drops")
        if first <= old_last:
            new = self._drop_again(first, old_last, place)
        if last > known:
            start = max(first, known + 1)
            if self.end is not None:
                self._contradict((start, last), place, "are dropped after the session's end line")
                self.known = last
            else:
                self._advance(start, last, place)
            self._absent_too(start, last)
            new += last - start + 1
        if new:
            add_counts(self.reasons, drop.reasons)
        return new

    def ended(self, end: SessionEnd, place: Place) -> None:
        """Judge the session's end line."""
        if self.end is not None:
            if self.end == end:
                self._add("doubled", None, place, "the end line is there a second time")
            else:
                self._contradict(None, place, "a second end line says something else")
            return
        known = self._begin(end.last + 1)
        if end.last < known:
            text = f"the end line says that {end.last} is the last; {known} was there"
            self._contradict(None, place, text)
        elif end.last > known:
            taken = min(max(end.filtered - self.filtered, 0), end.last - known)
            self.filtered += taken
            if taken < end.last - known:
                self._gaps.append(Gap(known + 1, end.last - taken, place))
            if taken:
                self._absent_too(end.last - taken + 1, end.last)
        self.end, self.expected, self.known = end, 0, max(end.last, known)
        self._end_place = place

    def reach(self, last: int, place: Place, text: str) -> None:
        """Note that the manifest promises numbers up to `last` in an archive that ends here."""
        if self.end is None and last > self._begin(last + 1):
            self._gaps.append(Gap(self.expected, last, place, text))
            self.expected = last + 1

    def elsewhere(self, held: SessionRange, place: Place) -> None:
        """Note that an archive which is not read here holds these numbers."""
        self._unchecked = True
        if self.end is None and held.last > self._begin(held.first):
            self._advance(held.first, held.last, place)

    def finish(self) -> None:
        """Write down what is still missing, and whether the end line's counts hold."""
        end = self.end
        open_count = sum(gap.last - gap.first + 1 for gap in self._gaps)
        for gap in self._gaps:
            if any(low <= gap.first <= high for low, high in self.doubts):
                self._ledger.remark(remarks.not_there(self, gap))
            else:
                count = gap.last - gap.first + 1
                self._add("missing", (gap.first, gap.last), gap.place, gap.text, count)
        if end is None or self._disputed or self._unchecked:
            return
        told = self.count + (self.retired.count if self.retired else 0)
        place = self._end_place
        if end.delivered + end.filtered + end.dropped != end.last:
            text = (
                f"the end line says {end.delivered} delivered + {end.filtered} filtered"
                f" + {end.dropped} dropped, which is not its last number, {end.last}"
            )
            self._contradict(None, place, text)
        elif not told <= end.delivered <= told + open_count:
            text = f"the end line says {end.delivered} delivered, {told} are there or retired"
            self._contradict(None, place, text)
        elif not self.filtered <= end.filtered <= self.filtered + open_count + self._unseen():
            text = f"the end line says {end.filtered} filtered, lines tell of {self.filtered}"
            self._contradict(None, place, text)

    def _begin(self, first: int) -> int:
        """The greatest number told so far; in a partial view the first line says where that is."""
        if self.expected:
            return self.expected - 1
        if self.known < 0:
            self.floor = first - 1
            self.expected, self._floor_exact = first, False
            return self.floor
        return self.known

    def _advance(self, first: int, last: int, place: Place) -> None:
        if first > self.expected:
            self._gaps.append(Gap(self.expected, first - 1, place))
        self.expected = last + 1

    def _took(self, before: int, count: int, place: Place) -> None:
        """Take so many numbers directly before a line as filtered."""
        if not count:
            return
        first, last = max(before - count, 1), before - 1
        known = self._begin(first)
        told = self._fill(first, min(last, known))
        if last > known:
            told.append((max(first, known + 1), last))
            self._advance(*told[-1], place)
        for piece in told:
            self._absent_too(*piece)
        new = sum(high - low + 1 for low, high in told)
        self.filtered += new
        if new + max(min(last, self.floor) - first + 1, 0) < count:
            text = f"has {count} numbers before it that are said to be filtered: {new} were open"
            self._contradict((before, before), place, text)

    def _drop_again(self, first: int, last: int, place: Place) -> int:
        filled = self._fill(first, last)
        doubled = self._told_absent(first, last)
        below = max(min(last, self.floor) - first + 1, 0)
        for piece in filled:
            self._absent_too(*piece)
        if filled:
            self._add("out_of_order", (first, last), place, "are announced as dropped too late")
        if doubled:
            self._add("doubled", (first, last), place, "are announced as dropped a second time")
        told = sum(high - low + 1 for low, high in filled)
        if last - first + 1 > told + doubled + below:
            self._contradict((first, last), place, "are announced as dropped, but were there")
        return told

    def _fill(self, first: int, last: int) -> list[tuple[int, int]]:
        """Take numbers out of the gaps; return the ranges of those that were in one."""
        gaps = self._gaps
        taken: list[tuple[int, int]] = []
        i = max(bisect_right(gaps, first, key=itemgetter(0)) - 1, 0)
        while i < len(gaps) and gaps[i].first <= last:
            gap = gaps[i]
            low, high = max(first, gap.first), min(last, gap.last)
            if low > high:
                i += 1
                continue
            left = [gap._replace(last=low - 1)] if gap.first < low else []
            right = [gap._replace(first=high + 1)] if high < gap.last else []
            gaps[i : i + 1] = left + right
            i += len(left) + len(right)
            taken.append((low, high))
        return taken

    def _absent_too(self, first: int, last: int) -> None:
        """Remember numbers as told without a line; of very many ranges the newest, so that a number
        among the others counts as doubled where it comes again.
        """
        insort(self._absent, (first, last))
        if len(self._absent) > _KEPT_RANGES:
            del self._absent[: _KEPT_RANGES // 2]

    def _open(self, number: int) -> bool:
        return any(gap.first <= number <= gap.last for gap in self._gaps)

    def _told_absent(self, first: int, last: int) -> int:
        """How many of these numbers were announced as dropped, or told as filtered."""
        absent = self._absent
        i = max(bisect_right(absent, (first, 0)) - 1, 0)
        count = 0
        while i < len(absent) and absent[i][0] <= last:
            count += max(min(last, absent[i][1]) - max(first, absent[i][0]) + 1, 0)
            i += 1
        return count

    def _surely_retired(self, seq: int) -> bool:
        return self._floor_exact and self.retired is not None and seq >= self.retired.first

    def _unseen(self) -> int:
        """How many numbers that were retired are no events: dropped, or filtered."""
        held = self.retired
        return max(held.last - held.first + 1 - held.count, 0) if held else 0

    def _contradict(self, numbers: Numbers, place: Place, text: str) -> None:
        self._disputed = True
        self._add("contradiction", numbers, place, text)

    def _add(self, kind: Kind, numbers: Numbers, place: Place, text: str, count: int = 1) -> None:
        first, last = numbers or (None, None)
        finding = Finding(
            kind, text, place.file, place.line, self.name, first, last, None, self.pid, self.process
        )
        self._ledger.add(finding, count)

"""What producers were told, held against what the files say.

A `Ledger` is shared memory of its own, not mplog's: each producer notes a number before its log
call, and again when the call has returned True. Whoever is killed has noted exactly how far it got.
`judge` reads the files and names every event that is lost, doubled, torn, reordered, a phantom or
corrupt.
"""

from __future__ import annotations

import gzip
import itertools
import mmap
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from mplog.files.archive import list_archives

TEXT = '0123456789abcdefghijklmnopqrstuvwxyz €ü\\"\n\t' * 16
_ROW = struct.Struct("=4Q")
_WORDS, _SENT, _ACCEPTED, _REFUSED = 4, 1, 2, 3


def body(producer: int, n: int, longest: int = 300) -> str:
    """The payload of an event: a function of its number, so that any other bytes are seen."""
    start = (producer * 31 + n * 7) % 64
    return f"{producer}:{n}:{TEXT[start : start + (producer * 7919 + n * 104_729) % longest]}"


class Voice(NamedTuple):
    """With what logger and level an event is logged, and whether `FILTERS` let it into the file."""

    logger: str
    level: int
    written: bool


FILTERS = {"file_level": "INFO", "levels": {"stress.db": "ERROR", "stress.db.pool": "DEBUG"}}
_VOICES = [
    Voice("stress", 20, True),
    Voice("stress", 10, False),
    Voice("stress.db", 30, False),
    Voice("stress.db", 40, True),
    Voice("stress.db.pool", 10, True),
    Voice("stress.dbx", 15, False),
    Voice("stress.db.other", 39, False),
]


def voice(producer: int, n: int) -> Voice:
    """That of an event where the storm filters: a function of its number, in runs and alone."""
    return _VOICES[(producer * 5 + n * n // 11) % len(_VOICES)]


class Row(NamedTuple):
    """How far one producer got: the last number tried, the last accepted, calls that said False."""

    pid: int
    sent: int
    accepted: int
    refused: int


class Ledger:
    """Rows that any forked producer writes and that outlive it, and a word that says stop."""

    def __init__(self, rows: int = 16_384) -> None:
        self._shared = mmap.mmap(-1, _ROW.size * (rows + 1))
        # One store a word: `pack_into` clears the bytes first, and a kill may come between.
        self._words = memoryview(self._shared).cast("Q")
        self._stop = _ROW.size * rows

    @property
    def stop(self) -> bool:
        """Whether producers are asked to leave."""
        return self._shared[self._stop] != 0

    @stop.setter
    def stop(self, asked: bool) -> None:
        self._shared[self._stop] = asked

    def ask_to_stop(self) -> None:
        """Producers leave after the event they are at."""
        self.stop = True

    def begin(self, producer: int, pid: int) -> None:
        """A producer has come to life."""
        self._words[producer * _WORDS] = pid

    def sending(self, producer: int, n: int) -> None:
        """The call for number *n* comes next."""
        self._words[producer * _WORDS + _SENT] = n

    def returned(self, producer: int, n: int, accepted: bool) -> None:
        """The call for number *n* has returned; a refused number is tried again."""
        at = producer * _WORDS + (_ACCEPTED if accepted else _REFUSED)
        self._words[at] = n if accepted else self._words[at] + 1

    def row(self, producer: int) -> Row:
        """How far a producer got."""
        return Row(*_ROW.unpack_from(self._shared, producer * _ROW.size))


class Line(msgspec.Struct):
    """What the oracle reads of a line; every other key is left alone."""

    timestamp: str = ""
    producer: int = -1
    n: int = 0
    body: str = ""
    late: bool = False
    logger: str = ""
    event_name: str = ""
    count: int = 0
    what: str = ""
    lane: int = -1
    message: str = ""
    session: str = ""
    seq: int = 0


class Verdict(msgspec.Struct):
    """What the files say of the producers; what must not be is listed in words.

    `unsure`: calls that may have been accepted, for events that leave no line anyway.
    `unnoted`: calls that ended with their process and left no line: they may have been refused.
    """

    delivered: int = 0
    unacknowledged: int = 0
    accepted: int = 0
    refused: int = 0
    dropped: int = 0
    filtered: int = 0
    unsure: int = 0
    unnoted: int = 0
    lost: list[str] = []
    doubled: list[str] = []
    torn: list[str] = []
    reordered: list[str] = []
    phantom: list[str] = []
    corrupt: list[str] = []
    notices: list[str] = []
    files: int = 0
    late: int = 0
    inversions: int = 0

    @property
    def wrong(self) -> dict[str, Any]:
        """What must be empty: kind to (how many, the first three)."""
        kinds = ("lost", "doubled", "torn", "reordered", "phantom", "corrupt")
        found = {kind: getattr(self, kind) for kind in kinds}
        return {kind: (len(rows), rows[:3]) for kind, rows in found.items() if rows}

    def equation(self, left: int = 0) -> str:
        """One line: where everything that was offered is."""
        return (
            f"accepted {self.accepted:,} + unacknowledged {self.unacknowledged:,}"
            f" + refused {self.refused:,} = delivered {self.delivered:,}"
            f" + dropped {self.dropped:,} + filtered {self.filtered:,} + left {left:,}"
            f" ({self.files} files, {self.late} late, {self.inversions} inversions)"
        )

    def balances(self, left: int = 0) -> bool:
        """Whether that line is true."""
        offered = self.accepted + self.unacknowledged + self.refused
        more = self.delivered + self.dropped + self.filtered + left - offered
        return 0 <= more <= (self.unnoted if self.dropped else 0)


def files_of(log_file: Path) -> list[Path]:
    """All archives, oldest first, then the active file."""
    archives = [log_file.parent / a.name for a in list_archives(log_file.parent, log_file.name)]
    return [*archives, log_file]


def lines_of(files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """(place, line), newline included, of all *files*."""
    for path in files:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield f"{path.name}:{number}", line


def judge(
    log_file: Path,
    rows: dict[int, Row],
    *,
    longest: int = 300,
    filters: bool = False,
    files: Sequence[Path] = (),
) -> Verdict:
    """Hold the files of *log_file* against the ledger's *rows*.

    Args:
        files: in their order, where they are not those that mplog itself has made.
        rows: by producer.
        longest: what `body` was called with.
        filters: events were logged as `voice` says, and `FILTERS` were set.
    """
    files = files or files_of(log_file)
    verdict = Verdict(files=len(files))
    seen: dict[int, list[int]] = {producer: [] for producer in rows}
    decode = msgspec.json.Decoder(Line).decode
    before = ""
    for place, raw in lines_of(files):
        try:
            line = decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            verdict.torn.append(place)
            continue
        if not raw.endswith(b"\n"):
            verdict.torn.append(place)
        if line.logger == "mplog":
            _own(verdict, line)
            continue
        if line.late:
            verdict.late += 1
        else:
            verdict.inversions += line.timestamp < before
            before = line.timestamp
        if line.producer not in rows or not 1 <= line.n <= rows[line.producer].sent:
            verdict.phantom.append(place)
            continue
        if line.body != body(line.producer, line.n, longest):
            verdict.corrupt.append(place)
        seen[line.producer].append(line.n)
    for producer, row in rows.items():
        absent = _absent(producer, row) if filters else set()
        _account(verdict, producer, row, seen[producer], absent)
    return verdict


def _own(verdict: Verdict, line: Line) -> None:
    if line.event_name == "mplog.drop":
        verdict.dropped += line.count
    elif line.event_name == "mplog.file":
        verdict.notices.append(line.what)


def _absent(producer: int, row: Row) -> set[int]:
    return {n for n in range(1, row.sent + 1) if not voice(producer, n).written}


def _account(verdict: Verdict, producer: int, row: Row, seen: list[int], absent: set[int]) -> None:
    """1 … accepted must be there once, in order, but for those filtered; one more may be: killed
    before its note.
    """
    accepted, unique = row.accepted, set(seen)
    verdict.accepted += accepted
    verdict.refused += row.refused
    verdict.delivered += len(seen)
    verdict.filtered += sum(n <= accepted for n in absent)
    verdict.unsure += sum(n > accepted for n in absent)
    missing = sorted(set(range(1, accepted + 1)) - unique - absent)
    verdict.phantom += [f"{n} of producer {producer} is filtered" for n in unique & absent]
    if missing:
        verdict.lost += [f"{n} of producer {producer} ({row})" for n in missing]
    beyond = sorted(n for n in unique if n > accepted)
    if beyond == [accepted + 1]:
        verdict.unacknowledged += 1
    elif not beyond:
        verdict.unnoted += row.sent > accepted
    else:
        verdict.phantom += [f"{n} of producer {producer} ({row})" for n in beyond]
    if len(unique) != len(seen):
        twice = sorted(n for n, times in Counter(seen).items() if times > 1)
        verdict.doubled += [f"{n} of producer {producer}" for n in twice]
    if any(after < n for n, after in itertools.pairwise(seen)):
        verdict.reordered.append(f"producer {producer}: {seen[:20]} …")

"""What the producers of a soak do, and its books: the files held against the ledger."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from oracle import Ledger, Line, body, lines_of

import mplog
from mplog.files.archive import list_archives
from mplog.files.manifest import load, manifest_path
from mplog.files.verify import verify

LONGEST = 200
WARNS_EVERY = 10  # those go into a second file too


class Pause:
    """A byte that all share: producers rest while it is set."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 1)

    def __bool__(self) -> bool:
        return self._shared[0] != 0

    def set(self, asked: bool) -> None:
        """Ask for rest, or for work."""
        self._shared[0] = asked


def work(
    ledger: Ledger, pause: Pause, producer: int, burst: int = 3, rest_s: float = 0.001
) -> None:
    """Log numbered events, *burst* in a row and then a rest, until asked to stop."""
    ledger.begin(producer, os.getpid())
    logger, n = mplog.get_logger("soak"), 0
    while not ledger.stop:
        if pause:
            time.sleep(0.01)
            continue
        ledger.sending(producer, n + 1)
        text = body(producer, n + 1, LONGEST)
        call = logger.info if (n + 1) % WARNS_EVERY else logger.warning
        accepted = call("{body}", producer=producer, n=n + 1, body=text)
        ledger.returned(producer, n + 1, accepted)
        n += accepted
        if n % burst == 0:
            time.sleep(rest_s)


class Books:
    """What the files say, held against the ledger; archives that were balanced may go.

    Args:
        every: only each so-manieth number of a producer goes into this log.
    """

    def __init__(self, log: Path, ledger: Ledger, every: int = 1) -> None:
        self._log, self._ledger, self._every = log, ledger, every
        self._proved: dict[int, int] = {}  # producer -> its numbers that stood there at a balance
        self._generation = 1  # the next archive at the last balance

    def balance(self, lives: int, alive: set[int]) -> list[str]:
        """All that is wrong now.

        Args:
            lives: how many producers there have been.
            alive: those that still are: of them not one number more than accepted.
        """
        report = verify([self._log])
        wrong = [f"{f.file}:{f.line} {f.kind} {f.session} {f.text}" for f in report.findings[:5]]
        wrong += [f"{each.path}: {each.text}" for each in (*report.unreadable, *report.refused)]
        if report.dropped:
            wrong.append(f"{report.dropped} dropped")
        through = load(manifest_path(self._log.parent, self._log.name)).retired.through
        if through >= self._generation:
            wrong.append("retention has deleted what was never balanced: keep more")
        there = self._read(wrong)
        for producer in range(1, lives + 1):
            wrong += self._of(producer, there.get(producer), producer in alive)
        archives = list_archives(self._log.parent, self._log.name)
        self._generation = archives[-1].generation + 1 if archives else 1
        return wrong

    def uncompressed(self) -> list[str]:
        """Archives that still wait for it."""
        archives = list_archives(self._log.parent, self._log.name)
        packed = {archive.plain_name for archive in archives if archive.compression}
        return [one.name for one in archives if one.name not in packed and not one.compression]

    def _read(self, wrong: list[str]) -> dict[int, tuple[int, int]]:
        """By producer, the first and the last number; each between follows the one before."""
        there: dict[int, tuple[int, int]] = {}
        decode = msgspec.json.Decoder(Line).decode
        for place, raw in self._lines():
            line = decode(raw)
            if line.producer < 0:
                continue
            first, last = there.get(line.producer, (line.n, line.n - self._every))
            if line.n != last + self._every:
                wrong.append(f"{place}: {line.n} of producer {line.producer} after {last}")
            if line.body != body(line.producer, line.n, LONGEST):
                wrong.append(f"{place}: {line.n} of producer {line.producer} is another's")
            there[line.producer] = (first, line.n)
        return there

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        """Each line once, also of an archive that is compressed while this reads."""
        archives = list_archives(self._log.parent, self._log.name)
        for name in dict.fromkeys(archive.plain_name for archive in archives):
            plain = self._log.parent / name
            try:
                yield from lines_of([plain])
            except FileNotFoundError:
                yield from lines_of([plain.with_name(name + ".gz")])
        yield from lines_of([self._log])

    def _of(self, producer: int, span: tuple[int, int] | None, alive: bool) -> list[str]:
        row, proved, every = self._ledger.row(producer), self._proved.get(producer, 0), self._every
        first, last = span or (proved + every, proved)
        least = row.accepted // every * every
        most = least if alive else max(row.accepted, row.sent) // every * every
        self._proved[producer] = last
        wrong = []
        if first > proved + every:
            wrong.append(f"producer {producer}: {proved + every} to {first - every} lost")
        if not least <= last <= most:
            wrong.append(f"producer {producer}: {row}, but {last} is the last one there")
        return wrong

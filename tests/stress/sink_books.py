"""The books of a soak's sinks: what has arrived, held against what the service says of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from books import WARNS_EVERY
from oracle import Ledger

from mplog.metrics.board import Row

TIMEOUT_S = 30.0


class Arrivals:
    """What one far side has noted, read as it grows.

    Args:
        path: of its notes.
        doubles: whether an event may come again, under its id; else never.

    Attributes:
        events: each counted once.
        doubled: those that came again.
        told: losses, as it was told.
        last: by producer, the highest number so far.
    """

    def __init__(self, path: Path, *, doubles: bool = False) -> None:
        self._path, self._may_double, self._at = path, doubles, 0
        self.events = self.doubled = self.told = self.warnings = 0
        self.last: dict[int, int] = {}
        self._ids: dict[int, tuple[str, int]] = {}  # producer -> its session, number minus n
        self.wrong: list[str] = []

    def read(self, also: Callable[[int, int], None] | None = None) -> None:
        """Go on to the last whole line.

        Args:
            also: is given producer and number of each new event.
        """
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read()
        except FileNotFoundError:
            return
        data = data[: data.rfind(b"\n") + 1]
        self._at += len(data)
        for line in data.decode().splitlines():
            self._line(line, also)

    def _line(self, line: str, also: Callable[[int, int], None] | None) -> None:
        words = line.split(" ")
        if words[0] == "-":
            self.told += int(words[1])
            return
        if words[0] == "!":
            self.wrong.append(f"{self._path.name}: {line}")
            return
        session, seq, producer, n = words[0], int(words[1]), int(words[2]), int(words[3])
        identity = (session, seq - n)
        if self._ids.setdefault(producer, identity) != identity:
            self.wrong.append(f"{self._path.name}: {line} under another id")
        if n > self.last.get(producer, 0):
            self.last[producer] = n
            self.events += 1
            self.warnings += n % WARNS_EVERY == 0
            if also is not None:
                also(producer, n)
        elif self._may_double:
            self.doubled += 1
        else:
            self.wrong.append(f"{self._path.name}: {line} after {self.last[producer]}")


class SinkBooks:
    """All of them together.

    The taker drops nothing, so it says how many there are; it is held against the ledger itself.

    Args:
        place: where the far sides leave their notes.
        ledger: of the producers.
    """

    def __init__(self, place: Path, ledger: Ledger) -> None:
        self._ledger = ledger
        self.taker = Arrivals(place / "taker")
        self.collector = Arrivals(place / "collector", doubles=True)
        self.flaky, self.spare = Arrivals(place / "flaky"), Arrivals(place / "spare")
        self.slow = Arrivals(place / "slow")
        self.everybody = [self.taker, self.collector, self.flaky, self.spare, self.slow]
        self._either: set[tuple[int, int]] = set()  # at flaky or spare since the last balance

    def balance(
        self, board: Callable[[], list[Row]], lives: int, alive: set[int], *, ended: bool = False
    ) -> list[str]:
        """All that is wrong when nothing changes any more, or after half a minute.

        Args:
            board: what the service says.
            lives: how many producers there have been.
            alive: those that still are.
            ended: nothing may wait.
        """
        deadline_s = time.monotonic() + TIMEOUT_S
        while True:
            rows = {row.name: row for row in board()}
            for one in self.everybody:
                one.read(self._once if one in (self.flaky, self.spare) else None)
            wrong = self._wrong(rows, ended=ended)
            if not wrong or time.monotonic() > deadline_s:
                break
            time.sleep(0.1)
        self._either.clear()
        for producer in range(1, lives + 1):
            wrong += self._of(producer, producer in alive)
        return wrong + [text for one in self.everybody for text in one.wrong[:5]]

    def _once(self, producer: int, n: int) -> None:
        if (producer, n) in self._either:
            self.spare.wrong.append(f"{n} of producer {producer} at flaky and at spare")
        self._either.add((producer, n))

    def _of(self, producer: int, alive: bool) -> list[str]:
        row, last = self._ledger.row(producer), self.taker.last.get(producer, 0)
        most = row.accepted if alive else max(row.accepted, row.sent)
        if row.accepted <= last <= most:
            return []
        return [f"producer {producer}: {row}, but {last} is the last one at the taker"]

    def _wrong(self, rows: dict[str, Row], *, ended: bool) -> list[str]:
        wanted = {"taker", "collector", "flaky", "spare", "slow", "null"}
        if missing := wanted - rows.keys():
            return [f"not on the board: {sorted(missing)}"]
        taker, there = rows["taker"], self.taker
        of = {one.name: one for one in rows.values()}
        checks = {
            "taker dropped": (taker.dropped, 0),
            "taker waiting": (waiting(taker), 0),
            # Numbers rise one by one: their last ones add up to how many there are.
            "taker gaps": (sum(there.last.values()), there.events),
            "collector promised": (of["collector"].promised, there.events),
            "slow promised": (of["slow"].promised, there.events),
            "null delivered": (of["null"].delivered, there.events),
            "flaky promised": (of["flaky"].promised, there.warnings),
            "flaky waiting": (waiting(of["flaky"]), 0),
            "spare promised": (of["spare"].promised, of["flaky"].delivered - self.flaky.events),
            "spare waiting": (waiting(of["spare"]), 0),
            "flaky and spare": (self.flaky.events + self.spare.events, there.warnings),
        }
        wrong = [f"{name}: {a:,}, not {b:,}" for name, (a, b) in checks.items() if a != b]
        wrong += [f"{row.name} waits for bytes: {row}" for row in rows.values() if not weighs(row)]
        wrong += [f"{row.name} does not add up: {row}" for row in rows.values() if not sound(row)]
        for one, name in ((there, "taker"), (self.slow, "slow"), (self.collector, "collector")):
            row = of[name]
            most = row.delivered + (waiting(row) if name == "collector" else 0)
            if not row.delivered <= one.events <= most:
                wrong.append(f"{name}: {one.events:,} have arrived: {row}")
            if one.told > row.dropped or (ended and one.told != row.dropped):
                wrong.append(f"{name}: {one.told:,} told as dropped: {row}")
            if ended and waiting(row):
                wrong.append(f"{name}: {row} at the end")
        return wrong

    def line(self, rows: list[Row]) -> str:
        """For people."""
        told = [
            f"{row.name} {row.promised:,} = {row.delivered:,} + {row.dropped:,} dropped"
            + (f" + {waiting(row):,} waiting" if waiting(row) else "")
            + (f", opened {row.opened}" if row.opened else "")
            for row in rows
        ]
        return f"{'; '.join(told)}; {self.collector.doubled} came again"


def waiting(row: Row) -> int:
    """In memory and on disk."""
    return row.queued + row.spooled


def weighs(row: Row) -> bool:
    """Whether events that wait have bytes."""
    return not waiting(row) or row.queued_bytes > 0


def sound(row: Row) -> bool:
    """Whether all that was promised is somewhere."""
    return row.promised == row.delivered + row.dropped + waiting(row)

"""A service with events that wait, a producer that stays, and a writer whose calls can be made to
fail: what the programs of this folder work on. They run with `libmpfault.so` preloaded.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "stress"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from mpfault import Rule  # noqa: E402
from oracle import Ledger, Row, body, judge  # noqa: E402
from stepper import archives_of, forked, wait_for_others  # noqa: E402

import mplog  # noqa: E402
from mplog import _native  # noqa: E402
from mplog.config.load import load  # noqa: E402
from mplog.files.verify import verify  # noqa: E402
from mplog.producer.connection import Connection  # noqa: E402
from mplog.producer.gate import GATE  # noqa: E402
from mplog.ring import create_bell, hold  # noqa: E402
from mplog.writer import endings  # noqa: E402
from mplog.writer.state import Signals  # noqa: E402
from mplog.writer.work import work  # noqa: E402

SERVICE = "watched"
PRODUCERS, EVENTS = 3, 100
RESIDENT, LATE = PRODUCERS, PRODUCERS + 1
DEADLINE_S = 60.0
RESTART_S = 0.05  # as a supervisor would, or so
endings.LOOK_S = 0.02  # a second of polling before the owners are looked at would be long


class Service:
    """One life of it.

    Attributes:
        restarts: writers that did not end by themselves; killed: those by the rule.
        next_kills: the n of the rule for the writers after the first one that is killed.
    """

    def __init__(self, place: Path, **settings: Any) -> None:
        self.directory, self.log = place / "shm", place / "logs" / "app.jsonl"
        self.directory.mkdir(mode=0o700)
        given = {"file": str(self.log), "rotation": "30 KB", "retention": "all", **settings}
        self.settings = load(arguments=given).settings
        self.ledger, self.restarts, self.writer = Ledger(8), 0, 0
        self.rule: Rule | None = None
        self.next_kills: list[int] = []
        self.killed = 0
        create_bell(self.directory, SERVICE, self.settings)
        # Whoever holds this is taken for the supervisor: no producer starts one.
        held = hold(self.directory, SERVICE, _native.LOCK_SUPERVISOR)
        assert held is not None
        self._held = held
        for k in range(PRODUCERS):
            self.log_once(k, EVENTS)
        self._resident = 0
        self._to, self._from = -1, -1

    # ---- producers ----
    def _producer(self, producer: int) -> Callable[[int], bool]:
        self.connection = Connection(self.directory, SERVICE, self.settings)
        GATE.connect(self.connection, 20)
        log = mplog.get_logger("stress")

        def event(n: int) -> bool:
            self.ledger.sending(producer, n)
            accepted = log.info("{b}", producer=producer, n=n, body=body(producer, n))
            self.ledger.returned(producer, n, accepted)
            return bool(accepted)

        return event

    def log_once(self, producer: int, count: int) -> None:
        """*count* events of a process that is gone afterwards."""

        def run() -> int:
            event = self._producer(producer)
            said = [event(n) for n in range(1, count + 1)]
            if producer % 2:
                self.connection.detach()
            return 0 if all(said) else 1

        assert 0 == os.waitpid(forked(run), 0)[1]

    def settle_in(self) -> None:
        """A producer that stays, and does what it is told by a pipe."""
        theirs, self._to = os.pipe()
        self._from, mine = os.pipe()

        def run() -> int:
            os.close(self._to)
            os.close(self._from)
            event, n = self._producer(RESIDENT), 0
            assert self.connection.producer.attach() == 0
            os.write(mine, b"+")
            while os.read(theirs, 1) == b"e":
                n += 1
                done = event(n) and mplog.flush(DEADLINE_S)
                os.write(mine, b"+" if done else b"-")
            self.connection.detach()
            return 0

        self._resident = forked(run)
        os.close(theirs)
        os.close(mine)
        assert os.read(self._from, 1) == b"+"
        os.set_blocking(self._from, False)

    def ask(self) -> None:
        """The resident logs an event, and waits until it is in the file."""
        os.write(self._to, b"e")

    def answered(self) -> bool | None:
        """Whether that event got there; None while the resident waits."""
        try:
            said = os.read(self._from, 1)
        except BlockingIOError:
            return None
        return said == b"+"

    def leave(self) -> None:
        """The resident goes."""
        os.write(self._to, b"q")
        os.close(self._to)
        os.close(self._from)
        assert 0 == os.waitpid(self._resident, 0)[1]

    # ---- the writer ----
    def start(self) -> None:
        """A writer; the rule is for it alone, if there is one."""

        def run() -> int:
            if self.rule is not None:
                self.rule.give(os.getpid())
            sys.stderr = (self.directory.parent / "stderr").open("a", buffering=1)
            return work(self.directory, SERVICE, Signals(), 0)

        self.writer = forked(run)

    def over(self) -> bool:
        """Whether the writer's work is done; one that has failed is started again."""
        if not self.writer:
            return True
        pid, status = os.waitpid(self.writer, os.WNOHANG)
        if not pid:
            return False
        self.writer = 0
        if status:
            self.restarts += 1
            assert self.restarts < 200, "no writer stays up"
            if os.WIFSIGNALED(status) and self.rule is not None:
                self.killed += 1
                if self.next_kills:
                    self.rule.again(self.next_kills.pop(0))
            time.sleep(RESTART_S)
            self.start()
        return status == 0

    def wait(self, what: Callable[[], Any], deadline_s: float = DEADLINE_S) -> bool:
        """Until *what*, with a writer; False when it does not come."""
        until = time.monotonic() + deadline_s
        while not what():
            if time.monotonic() > until:
                return False
            if self.writer:
                self.over()
            time.sleep(0.002)
        return True

    def close(self) -> None:
        """Whatever is still there goes."""
        if self.writer:
            os.kill(self.writer, 9)
            os.waitpid(self.writer, 0)
        os.close(self._held)

    def said(self) -> list[str]:
        """The last line of what each writer that failed has said."""
        path = self.directory.parent / "stderr"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if re.match(r"\w+(\.\w+)*(: |$)", line)]

    # ---- the end ----
    def wrong(self, *, tidy: bool = True) -> list[str]:
        """What is wrong after the last writer has left; *tidy*: beside the log, too."""
        wait_for_others(str(self.log))  # who compresses
        rows = {k: Row(*self.ledger.row(k)) for k in range(LATE + 1)}
        rows = {k: row for k, row in rows.items() if row.sent}
        verdict, report = judge(self.log, rows), verify([self.log])
        if self.settings.fsync != "none":  # `verify` knows what was repeated after a failed sync
            verdict.delivered -= len(verdict.doubled)
            verdict.doubled, verdict.reordered = [], []
        found = [f"{kind}: {rows}" for kind, rows in verdict.wrong.items()]
        if not verdict.balances() or verdict.refused:
            found.append(verdict.equation())
        if report.damaged or report.open_sessions or report.unreadable:
            found.append(str(report.findings[:3] or report.open_sessions or report.unreadable))
        if left := sorted(p.name for p in self.directory.iterdir()):
            found.append(f"left in shared memory: {left}")
        folder = sorted(p.name for p in self.log.parent.iterdir())
        if self.settings.compression and not all(a.compression for a in archives_of(self.log)):
            found.append(f"not compressed: {folder}")
        if tidy and any(name.endswith(".new") for name in folder):
            found.append(f"left beside the log: {folder}")
        return found

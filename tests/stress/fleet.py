"""The program of the storms: a fleet of forked workers that log, and are killed, as it is told.

The tests run it as a process of its own; as its last line it prints what has happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import psutil
from oracle import FILTERS, Ledger, body, voice

import mplog
from mplog import _native

MARK = "mplog.writer"
GIVES_UP_AFTER = 50_000  # calls in all that returned False
REFUSED_S = 0.001  # before the next try


Call = Callable[..., bool]


def plainly(producer: int) -> Callable[[int], Call]:
    """How the events of a producer are logged: by one logger, on one level."""
    info = mplog.get_logger("stress").info
    return lambda n: info


def in_voices(producer: int) -> Callable[[int], Call]:
    """Each as `voice` says."""

    def call(n: int) -> Call:
        logger, level, _ = voice(producer, n)
        return partial(mplog.get_logger(logger).log, level)

    return call


def produce(
    ledger: Ledger,
    producer: int,
    limit: int,
    pause_every: int,
    longest: int,
    how: Any = plainly,
    gives_up_after: int = GIVES_UP_AFTER,
) -> None:
    """Log numbered events until *limit*, or asked to stop; a refused one is tried again."""
    ledger.begin(producer, os.getpid())
    call, n, refused = how(producer), 0, 0
    while n < limit and refused < gives_up_after and not ledger.stop:
        ledger.sending(producer, n + 1)
        text = body(producer, n + 1, longest)
        accepted = call(n + 1)("{body}", producer=producer, n=n + 1, body=text)
        ledger.returned(producer, n + 1, accepted)
        n += accepted
        if not accepted:
            refused += 1
            time.sleep(REFUSED_S)
        if pause_every and n % pause_every == 0:
            time.sleep(0.001)


class Fleet:
    """Workers, each life a producer of its own, from 1 on; 0 belongs to the program itself."""

    def __init__(self, ledger: Ledger, work: Callable[[int], None]) -> None:
        self.ledger = ledger
        self.lives = 0
        self.living: dict[int, int] = {}  # pid -> producer
        self.exits: dict[str, int] = {}
        self._work = work
        self._dying: set[int] = set()

    def start(self) -> None:
        """One more worker."""
        self.lives += 1
        pid = os.fork()
        if pid:
            self.living[pid] = self.lives
            return
        status = 1
        try:
            self._work(self.lives)
            mplog.shutdown(0.0)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def reap(self, *, wait: bool = False) -> None:
        """Collect those that have ended; all of them where *wait*."""
        for worker in list(self.living):
            pid, status = os.waitpid(worker, 0 if wait else os.WNOHANG)
            if pid == 0:
                continue
            self.living.pop(pid, None)
            self._dying.discard(pid)
            code = os.waitstatus_to_exitcode(status)
            how = f"signal {-code}" if code < 0 else f"exit {code}"
            self.exits[how] = self.exits.get(how, 0) + 1

    def kill(self, dice: random.Random) -> bool:
        """SIGKILL for one that has not got it yet."""
        candidates = sorted(set(self.living) - self._dying)
        if not candidates:
            return False
        victim = dice.choice(candidates)
        self._dying.add(victim)
        os.kill(victim, signal.SIGKILL)
        return True

    def abandon(self) -> None:
        """Something went wrong: nobody is left behind."""
        for pid in self.living:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def rows(self) -> dict[int, tuple[int, ...]]:
        """The ledger, for the oracle."""
        return {p: tuple(self.ledger.row(p)) for p in range(self.lives + 1)}


class Prey:
    """The two processes of the writer, told apart by command line and parenthood."""

    def __init__(self, directory: str, service: str) -> None:
        self._directory, self._service = directory, service
        self.killed: dict[str, set[int]] = {"writer": set(), "supervisor": set()}

    def find(self, kind: str) -> psutil.Process | None:
        """The one of that kind that is at work now."""
        mine = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                dead = process.status() == psutil.STATUS_ZOMBIE
                if MARK in words and self._directory in words and not dead:
                    mine[process.pid] = (process, process.ppid())
        writer = self.writer_pid()
        if writer not in mine:
            return None  # one that is killed before it has begun is a failed start, not a storm
        if kind == "writer":
            return mine[writer][0]
        found = [p for p, parent in mine.values() if p.pid != writer and parent not in mine]
        return found[0] if found else None

    def writer_pid(self) -> int:
        """Who the bell says is the writer; 0 where there is none."""
        try:
            return _native.Reader(self._directory, self._service, False, 1 << 16).writer_pid
        except (OSError, RuntimeError):
            return 0

    def counters(self) -> dict[str, int]:
        """What the service has counted; empty where it is not there."""
        try:
            return _native.Reader(self._directory, self._service, False, 1 << 16).counters()
        except (OSError, RuntimeError):
            return {}

    def kill(self, kind: str) -> bool:
        """SIGKILL for it, if it is there; psutil looks at the start time again before it sends."""
        process = self.find(kind)
        if process is None or process.pid in self.killed[kind]:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            self.killed[kind].add(process.pid)
            return True
        return False


def storm(arguments: dict[str, Any]) -> dict[str, Any]:
    """Kill at random times; then let everybody leave, and see that a fresh event gets through."""
    dice = random.Random(arguments["seed"])
    filters = {"level": "DEBUG", **FILTERS} if arguments["filters"] else {}
    how = in_voices if filters else plainly
    service = mplog.configure(
        arguments["file"],
        rotation=arguments["rotation"],
        retention="all",
        when_full=arguments["when_full"],
        block_timeout="120 s",
        **filters,
    )
    ledger, every = Ledger(), arguments["pause_every"]
    fleet = Fleet(ledger, lambda k: produce(ledger, k, 1 << 60, every, 300, how))
    prey = Prey(os.environ["MPLOG_DIR"], service.name)
    for _ in range(arguments["workers"]):
        fleet.start()
    killed, chunks = dict.fromkeys(arguments["kinds"], 0), 0
    deadline = time.monotonic() + arguments["seconds"]
    while time.monotonic() < deadline or min(killed.values()) < 2:
        assert time.monotonic() < deadline + 60.0, f"some were not there to be killed: {killed}"
        time.sleep(dice.uniform(0.0, arguments["longest_pause_s"]))
        chunks += any(name.endswith(".overflow") for name in os.listdir(os.environ["MPLOG_DIR"]))
        kind = dice.choice(arguments["kinds"])
        if kind == "worker":
            killed[kind] += fleet.kill(dice)
        else:
            killed[kind] += prey.kill(kind)
        fleet.reap()
        while len(fleet.living) < arguments["workers"]:
            fleet.start()
    ledger.ask_to_stop()
    fleet.reap(wait=True)
    fresh = _fresh(ledger, how)
    mplog.shutdown(60.0)
    victims = {kind: len(pids) for kind, pids in prey.killed.items()}
    told = {"killed": killed, "victims": victims, "fresh": fresh, "exits": fleet.exits}
    return {"rows": fleet.rows(), "chunks": chunks, **told}


def _fresh(ledger: Ledger, how: Any) -> bool:
    """Producer 0's one event: accepted, and in the file."""
    ledger.stop = False
    produce(ledger, 0, 1, 0, 300, how)
    return mplog.flush(60.0)


def flat_out(arguments: dict[str, Any]) -> dict[str, Any]:
    """Every worker logs a fixed number of events as fast as it can."""
    mplog.configure(
        arguments["file"],
        rotation=arguments["rotation"],
        retention="all",
        when_full="block",
        block_timeout="120 s",
    )
    ledger = Ledger(256)
    fleet = Fleet(ledger, lambda k: produce(ledger, k, arguments["events"], 0, 64))
    began = time.monotonic()
    for _ in range(arguments["workers"]):
        fleet.start()
    fleet.reap(wait=True)
    logged_s = time.monotonic() - began
    mplog.shutdown(120.0)
    elapsed = {"logged_s": logged_s, "delivered_s": time.monotonic() - began}
    rows = {p: row for p, row in fleet.rows().items() if p}
    return {"rows": rows, "exits": fleet.exits, **elapsed}


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    print(json.dumps({"storm": storm, "flat_out": flat_out}[given.pop("job")](given)))

"""The soak: a service under load, kills, rotation, retention and compression, for as long as asked.

After each stretch everybody pauses, and the books are balanced: every event that a log call has
accepted stands in the files once, whole and in order, or in archives that were balanced before;
one writer, one supervisor; no descriptor, segment, file or process more than before. Run by
`make soak` and, for a short while, by the tests; the last line is the verdict as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psutil
from books import WARNS_EVERY, Books, Pause, work
from fleet import MARK, Fleet, Prey
from growth import Sample, grown
from oracle import Ledger

import mplog
from mplog import _native

WORKERS = 4
RETENTION = 200  # more archives than a stretch brings: what was not balanced must not go
# Writer and supervisor; a writer whose supervisor was killed goes on, alone until somebody logs,
# then beside another supervisor and the writer that waits for its lock.
MANY = (1, 2, 3)
VETERAN = 1  # a producer that nobody kills: what a worker holds must not grow
KINDS = ("worker", "worker", "worker", "writer", "supervisor")
QUIET_TIMEOUT_S = 60.0
Run = Callable[[str, float, int, float], dict[str, Any]]  # (file, seconds, seed, stretch_s)


def _held_by(pid: int) -> int:
    """Its descriptors but those of the overflow's files, which come and go with the load."""
    folder, count = Path(f"/proc/{pid}/fd"), 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            count += not os.readlink(folder / name).endswith(".overflow")
    return count


class Soak:
    """The service and everybody on it.

    Attributes:
        kinds: who is killed, by weight.
        retention: archives that are kept.
        pace: events that a producer logs in a row, and the seconds it rests then.
    """

    kinds: tuple[str, ...] = KINDS
    retention = RETENTION
    pace = (3, 0.001)

    def __init__(self, log: Path, seed: int) -> None:
        self.log, self.dice = log, random.Random(seed)
        warnings = log.with_name("warnings.jsonl")
        rules = {"retention": self.retention, "compression": "gzip"}
        service = mplog.configure(
            log,
            rotation="4 MB",
            when_full="overflow",
            files=[{"file": str(warnings), "file_level": "WARNING", "rotation": "1 MB", **rules}],
            sinks=self.sinks(),
            **rules,
        )
        self.directory = Path(os.environ["MPLOG_DIR"])
        self.ledger, self.pause = Ledger(), Pause()
        self.fleet = Fleet(self.ledger, lambda k: work(self.ledger, self.pause, k, *self.pace))
        self.service = service.name
        self.prey = Prey(str(self.directory), self.service)
        self.books = [Books(log, self.ledger), Books(warnings, self.ledger, WARNS_EVERY)]
        self.kills, self.began_s = 0, time.monotonic()
        for _ in range(WORKERS):
            self.fleet.start()
        self.veteran = next(pid for pid, k in self.fleet.living.items() if k == VETERAN)

    def sinks(self) -> list[dict[str, Any]] | None:
        """Those of the service that are no files."""
        return None

    def stretch(self, length_s: float) -> Sample:
        """Load and kills for so long, then a pause and a balance."""
        end_s = time.monotonic() + length_s
        # A writer that lives for a while at the end shows what it holds.
        calm_s = min(length_s / 3, 15.0)
        while time.monotonic() < end_s:
            time.sleep(self.dice.uniform(0.1, 1.5))
            if time.monotonic() < end_s - calm_s:
                self._kill()
            self._replace()
        self.pause.set(True)
        self._until_quiet()
        sample = self._sample()
        self.pause.set(False)
        return sample

    def goes_on(self, seconds: float, samples: list[Sample]) -> bool:
        """As long as it was asked to; on a slow machine until there were kills and a rotation."""
        spent_s = time.monotonic() - self.began_s
        seen = samples and self.kills > 1 and "signal 9" in self.fleet.exits
        return spent_s < seconds or (spent_s < 8 * seconds and not (seen and samples[-1].rotations))

    def end(self) -> list[str]:
        """Everybody leaves; what stays is wrong."""
        self.pause.set(False)
        self.ledger.ask_to_stop()
        self.fleet.reap(wait=True)
        mplog.shutdown(60.0)
        deadline_s = time.monotonic() + 90.0  # what compresses goes on when the writer has left
        while (left := self._left()) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        wrong = self._balance(set())
        wrong += [f"left behind: {name}" for name in left]
        wrong += [f"{n} workers ended by {how}" for how, n in self._unexpected().items()]
        return wrong

    def _unexpected(self) -> dict[str, int]:
        return {how: n for how, n in self.fleet.exits.items() if how not in ("exit 0", "signal 9")}

    def _left(self) -> list[str]:
        names = os.listdir(self.directory) if self.directory.exists() else []
        plain = [name for book in self.books for name in book.uncompressed()]
        return [*names, *plain, *(f"process {p.pid}" for p in self._processes())]

    def _balance(self, alive: set[int]) -> list[str]:
        return [text for book in self.books for text in book.balance(self.fleet.lives, alive)]

    def _kill(self) -> None:
        kind = self.dice.choice(self.kinds)
        if kind != "worker":
            self.kills += self.prey.kill(kind)
            return
        candidates = sorted(pid for pid, k in self.fleet.living.items() if k != VETERAN)
        if candidates:
            os.kill(self.dice.choice(candidates), 9)
            self.kills += 1

    def _replace(self) -> None:
        self.fleet.reap()
        while len(self.fleet.living) < WORKERS:
            self.fleet.start()

    def _until_quiet(self) -> None:
        """All that was accepted is in the file: pending nothing, twice in a row."""
        deadline_s, quiet = time.monotonic() + QUIET_TIMEOUT_S, 0
        while quiet < 3 and time.monotonic() < deadline_s:
            time.sleep(0.1)
            pending = self._pending()
            quiet = quiet + 1 if pending == 0 else 0

    def _pending(self) -> int:
        reader = _native.Reader(str(self.directory), self.service, False, 1 << 16)
        reader.scan(None)
        lanes = reader.lanes()
        ended = sum(lane["open"] and not lane["live"] for lane in lanes)
        return sum(lane["pending_bytes"] for lane in lanes) + ended

    def _processes(self) -> list[psutil.Process]:
        mark, found = str(self.directory), []
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                dead = process.status() == psutil.STATUS_ZOMBIE
            except psutil.Error:
                continue
            if MARK in words and mark in words and not dead:
                found.append(process)
        return found

    def _sample(self) -> Sample:
        alive = set(self.fleet.living.values())
        wrong = self._balance(alive)
        processes, counters = self._processes(), self.prey.counters()
        deadline_s = time.monotonic() + 5.0  # one that was killed may be on its way out
        while len(processes) not in MANY and time.monotonic() < deadline_s:
            time.sleep(0.1)
            processes = self._processes()
        if len(processes) not in MANY:
            told = [(p.pid, p.ppid(), p.status(), p.num_fds()) for p in processes]
            wrong.append(f"processes of the writer (pid, parent, state, descriptors): {told}")
        writer, worker = psutil.Process(self.prey.writer_pid()), psutil.Process(self.veteran)
        names = os.listdir(self.directory)
        return Sample(
            minute=(time.monotonic() - self.began_s) / 60,
            events=sum(self.ledger.row(p).accepted for p in range(1, self.fleet.lives + 1)),
            kills=self.kills,
            writer_rss_bytes=writer.memory_info().rss,
            writer_fds=_held_by(writer.pid),
            worker_rss_bytes=worker.memory_info().rss,
            worker_fds=worker.num_fds(),
            shared_files=len(names),
            log_files=len(list(self.log.parent.iterdir())),
            processes=len(processes),
            rotations=counters["rotations"],
            retired=counters["retired"],
            wrong=wrong + [f"{how}: {n}" for how, n in self._unexpected().items()],
        )


def main(file: str, seconds: float, seed: int, stretch_s: float = 60.0) -> dict[str, Any]:
    """Soak, a line a stretch on stderr; the verdict."""
    soak, samples = Soak(Path(file), seed), []
    try:
        while soak.goes_on(seconds, samples):
            samples.append(soak.stretch(stretch_s))
            print(samples[-1].line(), file=sys.stderr, flush=True)
    except BaseException:
        soak.fleet.abandon()
        raise
    wrong = [text for sample in samples for text in sample.wrong]
    wrong += grown(samples, RETENTION) + soak.end()
    last = samples[-1]
    return {
        "wrong": wrong[:20],
        "kills": last.kills,
        "events": last.events,
        "rotations": last.rotations,
        "retired": last.retired,
        "exits": soak.fleet.exits,
        "samples": len(samples),
    }


def by_hand(run: Run, minutes: float) -> int:
    """`make soak`, `make soak-sinks`: in places of its own, gone afterwards if all was well."""
    seed = int(os.environ.pop("MPLOG_STRESS_SEED", "") or random.SystemRandom().randrange(1 << 32))
    shared = Path(tempfile.mkdtemp(prefix="mplog-soak-", dir="/dev/shm"))
    logs = Path(tempfile.mkdtemp(prefix="mplog-soak-"))
    os.environ["MPLOG_DIR"] = str(shared)
    print(f"{minutes:g} minutes, MPLOG_STRESS_SEED={seed}, log in {logs}", file=sys.stderr)
    found = run(str(logs / "app.jsonl"), minutes * 60, seed, min(60.0, minutes * 60))
    print(json.dumps(found, indent=2))
    if found["wrong"]:
        print(f"FAILED; see {logs} and {shared}", file=sys.stderr)
        return 1
    shutil.rmtree(logs)
    shutil.rmtree(shared, ignore_errors=True)
    return 0


def begin(run: Run) -> NoReturn:
    """As a program: for so many minutes by hand, or with arguments as JSON for a test."""
    if not sys.argv[1].startswith("{"):
        sys.exit(by_hand(run, float(sys.argv[1])))
    print(json.dumps(run(**json.loads(sys.argv[1]))))
    sys.exit(0)


if __name__ == "__main__":
    begin(main)

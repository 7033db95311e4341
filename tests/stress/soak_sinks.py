"""The soak with sinks beside the files: far sides that go away and come back, one that is too slow.

After each stretch everybody pauses, and besides the files' books those of each sink are balanced:
what it was to get has arrived, once, in order, or was dropped and counted, or waits; what came
again came under its id. The writer is never killed here: what grows in an hour must show. Run by
`make soak-sinks` and, for a short while, by the tests; the last line is the verdict as JSON.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import farside
import psutil
from growth import BOUNDS, GROWTH_BYTES, Sample, grown
from sink_books import SinkBooks
from soak import Soak, begin

from mplog.metrics.board import Row, read_board

HERE = Path(__file__).parent
RETENTION = 40
SPOOL_BYTES = 4 << 20
# How long each may be away at a time, of a minute; the taker's queue must not fill by it.
AWAY_S = {"collector": 70.0, "taker": 4.0, "flaky": 30.0}
NOTHING_OF_MPLOG = {"mplog": "CRITICAL"}
MORE = {"writer_threads": 0, "supervisor_rss_bytes": GROWTH_BYTES, "supervisor_fds": 0}
MORE |= {"worker_threads": 0}
SPOOL_FILES = 11  # eight segments, one that is begun, the position and the lock


class SinkSample(Sample):
    """What is there besides."""

    writer_threads: int = 0
    supervisor_rss_bytes: int = 0
    supervisor_fds: int = 0
    worker_threads: int = 0
    spool_files: int = 0
    spool_bytes: int = 0
    sinks: str = ""

    def line(self) -> str:
        """For people."""
        return (
            f"{super().line()}\n    writer {self.writer_threads} threads, supervisor "
            f"{self.supervisor_rss_bytes >> 20} MiB {self.supervisor_fds} fds, worker "
            f"{self.worker_threads} threads; spool {self.spool_files} files "
            f"{self.spool_bytes >> 10} KiB\n    {self.sinks}"
        )


class SinkSoak(Soak):
    """The service and everybody on it, and the far sides."""

    kinds = ("worker",)
    retention = RETENTION
    pace = (5, 0.01)

    def __init__(self, log: Path, seed: int) -> None:
        self._far = log.with_name("far")
        self._far.mkdir()
        os.environ[farside.PLACE] = str(self._far)
        os.environ["PYTHONPATH"] = os.pathsep.join((str(HERE), os.environ.get("PYTHONPATH", "")))
        self._collector, self._port = farside.collector()
        super().__init__(log, seed)
        self._sinks = SinkBooks(self._far, self.ledger)
        self._spool = log.with_name(f".{log.name}.spool-collector")
        self._back_s: dict[str, float] = {}
        self.absences = dict.fromkeys(AWAY_S, 0)
        self._first: int = 0

    def sinks(self) -> list[dict[str, Any]]:
        """One of each that heals, a slow one, and one that costs nothing."""
        far = {"type": "callable", "levels": NOTHING_OF_MPLOG}
        return [
            {**far, "name": "taker", "target": "farside:Taker", "queue": 50_000},
            {
                **far,
                "type": "syslog",
                "name": "collector",
                "target": f"tcp://127.0.0.1:{self._port}",
                "spool": f"{SPOOL_BYTES} B",
            },
            {
                **far,
                "name": "flaky",
                "target": "farside:Flaky",
                "filter": "level >= WARNING",
                "fallback": "spare",
                "retry_for": "1 s",
            },
            {**far, "name": "spare", "target": "farside:Spare", "standby": True},
            {**far, "name": "slow", "target": "farside:Slow", "queue": 2_000},
            {**far, "type": "null", "name": "null"},
        ]

    # ---- who is away ----
    def _replace(self) -> None:
        super()._replace()
        now_s = time.monotonic()
        for name, longest_s in AWAY_S.items():
            sign = self._far / f"{name}.away"
            if name in self._back_s:
                if now_s >= self._back_s[name]:
                    del self._back_s[name]
                    sign.unlink()
            elif not self.absences[name] or self.dice.random() < 0.02:  # asked once a second or so
                self._back_s[name] = now_s + self.dice.uniform(1.0, longest_s)
                self.absences[name] += 1
                sign.touch()

    def _all_back(self, *, but: tuple[str, ...] = ()) -> None:
        for name in [name for name in self._back_s if name not in but]:
            del self._back_s[name]
            (self._far / f"{name}.away").unlink()

    # ---- the balance ----
    def _until_quiet(self) -> None:
        self._all_back(but=("collector",))
        super()._until_quiet()

    def _board(self) -> list[Row]:
        return read_board(self.directory, self.service)[1]

    def _sample(self) -> SinkSample:
        alive = set(self.fleet.living.values())
        wrong = self._sinks.balance(self._board, self.fleet.lives, alive)
        sample = super()._sample()
        writer = psutil.Process(self.prey.writer_pid())
        self._first = self._first or writer.pid
        if writer.pid != self._first:
            wrong.append(f"another writer, {writer.pid}")
        supervisor, worker = writer.parent(), psutil.Process(self.veteran)
        assert supervisor is not None
        spool = [each.stat().st_size for each in self._spool.iterdir()]
        told = {name: getattr(sample, name) for name in sample.__struct_fields__}
        return SinkSample(
            **told | {"wrong": [*sample.wrong, *wrong]},
            writer_threads=writer.num_threads(),
            supervisor_rss_bytes=supervisor.memory_info().rss,
            supervisor_fds=supervisor.num_fds(),
            worker_threads=worker.num_threads(),
            spool_files=len(spool),
            spool_bytes=sum(spool),
            sinks=self._sinks.line(self._board()),
        )

    def settle(self) -> list[str]:
        """Everybody is back, and everything arrives."""
        self.pause.set(True)
        self._all_back()
        super()._until_quiet()
        alive = set(self.fleet.living.values())
        return self._sinks.balance(self._board, self.fleet.lives, alive, ended=True)

    def end(self) -> list[str]:
        """Everybody leaves; what stays is wrong."""
        wrong = super().end()
        (self._far / "stop").touch()
        os.waitpid(self._collector, 0)
        return wrong

    def abandon(self) -> None:
        """Something went wrong: nobody is left behind."""
        self.fleet.abandon()
        os.kill(self._collector, signal.SIGKILL)


def main(file: str, seconds: float, seed: int, stretch_s: float = 60.0) -> dict[str, Any]:
    """Soak, some lines a stretch on stderr; the verdict."""
    soak, samples = SinkSoak(Path(file), seed), []
    try:
        while time.monotonic() - soak.began_s < seconds:
            samples.append(soak.stretch(stretch_s))
            print(samples[-1].line(), file=sys.stderr, flush=True)
        settled = soak.settle()
    except BaseException:
        soak.abandon()
        raise
    wrong = [text for sample in samples for text in sample.wrong] + settled
    wrong += grown(samples, RETENTION, BOUNDS | MORE) + soak.end()
    most, most_bytes = (
        max(getattr(one, name) for one in samples) for name in ("spool_files", "spool_bytes")
    )
    if most > SPOOL_FILES or most_bytes > SPOOL_BYTES + 4096:
        wrong.append(f"the spool has had {most} files, {most_bytes:,} bytes")
    last = samples[-1]
    return {
        "wrong": wrong[:20],
        "kills": last.kills,
        "events": last.events,
        "absences": soak.absences,
        "rotations": last.rotations,
        "exits": soak.fleet.exits,
        "samples": len(samples),
    }


if __name__ == "__main__":
    begin(main)

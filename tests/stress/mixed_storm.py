"""The storm with everything on: every policy for a full lane, filters, rotation, compression and
retention, while workers, writer and supervisor are killed at random.

Run by the tests as a process of its own. What retention deletes is kept by a second name in another
directory, so that all of it can be judged in the end.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from fleet import Fleet, Prey, in_voices, produce
from oracle import FILTERS, Ledger

import mplog
from mplog import _native
from mplog.files.archive import list_archives
from mplog.producer.gate import GATE

POLICIES = ("block", "overflow", "drop_newest", "drop_oldest")  # by producer, in turn
RETENTION = 400  # a look for new ones may come late: what is deleted unseen cannot be judged
KINDS = ("worker", "worker", "writer", "supervisor")
_NATIVE = (_native.BLOCK, _native.OVERFLOW, _native.DROP_NEWEST, _native.DROP_OLDEST)
_PAUSES = (12, 2_000, 100, 1_000)  # events between two of a millisecond


class Keeper:
    """A second name for every archive, in the directory *place*."""

    def __init__(self, log: Path, place: Path) -> None:
        self._log, self._place = log, place
        self.kept: set[str] = set()

    def look(self) -> None:
        """Keep those that are new: under the name that they had before they were compressed, or
        with that ending.
        """
        for archive in list_archives(self._log.parent, self._log.name):
            if archive.plain_name in self.kept:
                continue
            with contextlib.suppress(FileNotFoundError):  # compressed just now: the next time
                os.link(self._log.parent / archive.name, self._place / archive.name)
                self.kept.add(archive.plain_name)

    def finish(self) -> list[int]:
        """The active file, too. Which archives were deleted before a look came."""
        self.look()
        os.link(self._log, self._place / self._log.name)
        found = {archive.generation for archive in list_archives(self._place, self._log.name)}
        return sorted(set(range(1, max(found, default=0) + 1)) - found)


def work(ledger: Ledger, producer: int) -> None:
    """Log as `voice` says, with this producer's policy."""
    connection, which = GATE.connection, producer % len(POLICIES)
    assert connection is not None
    limit_bytes = connection.settings.max_event_bytes
    connection.producer.set_policy(_NATIVE[which], 120 * 10**9, limit_bytes)
    produce(ledger, producer, 1 << 60, _PAUSES[which], 300, in_voices)


def say(began_s: float, what: str) -> None:
    """For whoever looks at a storm that has not ended well."""
    print(f"{time.monotonic() - began_s:6.1f} s: {what}", file=sys.stderr, flush=True)


def main(file: str, kept: str, seed: int, seconds: float, workers: int) -> dict[str, Any]:
    """Kill for so long; then everybody leaves, and a fresh event gets through."""
    dice, log = random.Random(seed), Path(file)
    service = mplog.configure(
        log,
        level="DEBUG",
        rotation="1 MB",
        retention=RETENTION,
        compression="gzip",
        when_full="overflow",
        **FILTERS,
    )
    ledger, keeper = Ledger(), Keeper(log, Path(kept))
    fleet = Fleet(ledger, lambda k: work(ledger, k))
    prey = Prey(os.environ["MPLOG_DIR"], service.name)
    killed = dict.fromkeys(KINDS, 0)
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s or min(killed.values()) < 1:
        assert time.monotonic() < end_s + 60.0, f"some were not there to be killed: {killed}"
        fleet.reap()
        while len(fleet.living) < workers:
            fleet.start()
        time.sleep(dice.uniform(0.0, 0.1))
        keeper.look()
        kind = dice.choice(KINDS)
        killed[kind] += fleet.kill(dice) if kind == "worker" else prey.kill(kind)
    began_s = end_s - seconds
    ledger.ask_to_stop()
    fleet.reap(wait=True)
    say(began_s, "all workers have ended")
    ledger.stop = False
    produce(ledger, 0, 1, 0, 300, in_voices)
    fresh = mplog.flush(60.0)
    say(began_s, f"a fresh event: {fresh}")
    retired = prey.counters().get("retired", 0)
    mplog.shutdown(60.0)
    say(began_s, "shut down")
    deadline_s = time.monotonic() + 60.0
    while os.listdir(os.environ["MPLOG_DIR"]) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    left = os.listdir(os.environ["MPLOG_DIR"])
    missed = keeper.finish()
    told = {"killed": killed, "exits": fleet.exits, "fresh": fresh, "retired": retired}
    kept = {"archives": len(keeper.kept), "missed": missed}
    return {"rows": fleet.rows(), "left": left, **kept, **told}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

"""Workers log while the real logrotate takes their file away, again and again.

Run by the tests as a process of its own; prints what it saw.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cutter import until
from fleet import Fleet, Prey, produce
from oracle import Ledger

import mplog

WORKERS = 4
LONGEST = 200
FRESH = 0
ROOT = Path(__file__).parents[2]


def main(file: str, directives: str, reopen: bool, rounds: int, rotation: str) -> dict[str, Any]:
    """Rotate *rounds* times by *directives*, each time after every worker has logged some more."""
    log_file = Path(file)
    service = mplog.configure(
        log_file, when_full="overflow", retention="all", rotation=rotation, mode="0640"
    )
    ledger = Ledger(16)
    prey = Prey(os.environ["MPLOG_DIR"], service.name)
    fleet = Fleet(ledger, lambda k: produce(ledger, k, 1 << 60, 4, LONGEST))
    for _ in range(WORKERS):
        fleet.start()
    failed = log_file.parent.with_name("failed")
    command = f"{sys.executable} -m mplog reopen {log_file} || echo $? >> {failed}"
    script = f"postrotate\n PYTHONPATH={ROOT} {command}\n endscript\n" if reopen else ""
    config = log_file.parent.with_name("logrotate.conf")
    config.write_text(f"{log_file} {{\n rotate 400\n missingok\n{directives}\n{script}}}\n")
    config.chmod(0o600)
    rotated = 0
    for _ in range(rounds):
        for more in (0, 200):  # what is counted next may have been written before the last cut
            some = prey.counters().get("events", 0) + more
            until(lambda: prey.counters().get("events", 0) > some)  # noqa: B023
        rotated += _logrotate(config)
    ledger.ask_to_stop()
    fleet.reap(wait=True)
    ledger.stop = False
    produce(ledger, FRESH, 1, 0, LONGEST)
    mplog.flush(60.0)
    counters = prey.counters()  # now: the last cut is seen by the next batch
    mplog.shutdown(60.0)
    until(lambda: not list(Path(os.environ["MPLOG_DIR"]).glob("*.bell")))
    told = {"exits": fleet.exits, "counters": counters, "rotated": rotated}
    return {"rows": fleet.rows(), "failed": failed.exists(), **told}


def _logrotate(config: Path) -> bool:
    words = ["logrotate", "-v", "-f", "-s", str(config.with_name("state")), str(config)]
    path = {"PATH": f"{os.environ['PATH']}:/usr/sbin"}
    done = subprocess.run(words, env=os.environ | path, capture_output=True, text=True, check=False)
    # The file may go while it looks, where mplog has rotated it: the next time, then.
    assert done.returncode == 0 or "No such file" in done.stderr, done.stderr[-2000:]
    return done.returncode == 0 and any(w in done.stderr for w in ("renaming", "truncating"))


if __name__ == "__main__":
    began = time.monotonic()
    told = main(**json.loads(sys.argv[1]))
    print(json.dumps(told | {"took_s": time.monotonic() - began}))

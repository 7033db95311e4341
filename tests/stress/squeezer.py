"""Kills what compresses archives before its n-th system call, for n = 1, 2, 3 … until it ends.

Run by the tests as a process of its own; `stepper` knows how. After each kill `verify` finds every
event once, and the next run finishes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from stepper import TRACEME, forked, kill_at, ptrace

from mplog.files.archive import archive_name, list_archives
from mplog.files.compress import compress_all
from mplog.files.verify import verify

ARCHIVES, EVENTS = 2, 20
MODE, MTIME_NS = 0o640, 10**18


def build(place: Path) -> Path:
    """A log without a manifest; the active file."""
    number = 0
    for generation in range(1, ARCHIVES + 2):
        name = archive_name("app.jsonl", generation, 0)
        path = place / ("app.jsonl" if generation > ARCHIVES else name)
        with path.open("w") as file:
            for _ in range(EVENTS):
                number += 1
                file.write(f'{{"timestamp":"{number:030}","session":"s","seq":{number}}}\n')
        path.chmod(MODE)
        os.utime(path, ns=(MTIME_NS, MTIME_NS))
    return place / "app.jsonl"


def wrong(log: Path, *, done: bool) -> list[str]:
    """What is not as it must be; *done*: after a run that was left alone."""
    report, found = verify([log]), []
    if (report.events, report.exit_code) != ((ARCHIVES + 1) * EVENTS, 0):
        found.append(f"{report.events} events: {report.findings} {report.unreadable}")
    archives = [archive for archive in list_archives(log.parent, log.name) if archive.compression]
    for archive in archives:
        status = (log.parent / archive.name).stat()
        if (status.st_mode & 0o777, status.st_mtime_ns) != (MODE, MTIME_NS):
            found.append(f"{archive.name} has another mode or time")
    folder = sorted(path.name for path in log.parent.iterdir())
    if done and (len(archives) != ARCHIVES or len(folder) != ARCHIVES + 2):
        found.append(f"not finished: {folder}")
    return found


def once(place: Path, n: int, kind: str) -> tuple[bool, list[str]]:
    """Whether the kill has met its process, and what was wrong then or after the next run."""
    log = build(place)

    def run() -> int:
        ptrace(TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        compress_all(log.parent, log.name, kind)
        return 0

    fired = kill_at(forked(run), n)
    found = wrong(log, done=not fired)
    with contextlib.suppress(FileNotFoundError):
        compress_all(log.parent, log.name, kind)
    return fired, found + wrong(log, done=True)


def main(kind: str) -> dict[str, Any]:
    """Every n."""
    found_wrong: dict[int, list[str]] = {}
    n = 1
    while True:
        with tempfile.TemporaryDirectory(dir=os.environ["MPLOG_DIR"]) as place:
            fired, found = once(Path(place), n, kind)
        if found:
            found_wrong[n] = found
        if not fired:
            return {"calls": n - 1, "wrong": found_wrong}
        n += 1


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

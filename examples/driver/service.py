"""The mplog service of the run, seen through its command line: who writes, and is the log whole."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from driver.server import POLL_S, Failed, environment

COMMAND_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Verdict:
    """What ``mplog verify --json`` says, and its exit status."""

    status: int
    said: dict[str, Any]

    def counts(self) -> tuple[int, int, int]:
        """Events missing, duplicated and torn."""
        return self._count("missing"), self._count("duplicated", "doubled"), self._count("torn")

    def _count(self, *names: str) -> int:
        """The first of *names* that the verdict knows, at its top or among its totals."""
        for where in (self.said, self.said.get("totals") or {}):
            for name in names:
                value = where.get(name)
                if isinstance(value, list | dict):
                    return len(value)
                if value is not None:
                    return int(value)
        raise Failed(f"mplog verify says nothing of {names[0]}: {json.dumps(self.said)[:500]}")


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mplog", *arguments]
    try:
        return subprocess.run(
            command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"mplog {' '.join(arguments)}: no end in {COMMAND_TIMEOUT_S:g} s") from None


def _json(done: subprocess.CompletedProcess[str], what: str) -> dict[str, Any]:
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        text = (done.stdout + done.stderr).strip()[-2000:]
        raise Failed(f"mplog {what} ended with {done.returncode} and no JSON:\n{text}")
    return said


def find(file: Path) -> dict[str, Any] | None:
    """What ``mplog status`` knows of the service that owns *file*; None when none runs."""
    wanted = os.path.realpath(file)
    for service in _json(_run("status", "--json"), "status")["services"]:
        named = service.get("file")
        if named and os.path.realpath(named) == wanted:
            return dict(service)
    return None


def pid_of(service: dict[str, Any] | None, role: str) -> int | None:
    """The pid of the *role* (``writer`` or ``supervisor``) of *service*, if one lives."""
    pid = ((service or {}).get(role) or {}).get("pid")
    return int(pid) if pid and psutil.pid_exists(int(pid)) else None


def processes(file: Path) -> list[psutil.Process]:
    """Supervisor and writer of *file*, in this order, as far as they live."""
    found = find(file)
    pids = [pid_of(found, role) for role in ("supervisor", "writer")]
    with contextlib.suppress(psutil.NoSuchProcess):
        return [psutil.Process(pid) for pid in pids if pid is not None]
    return []


def finish(file: Path) -> None:
    """See that what a killed service of *file* has left in shared memory is written and gone."""
    done = _run("run", "--log", str(file), "--", sys.executable, "-c", "")
    if done.returncode != 0:
        raise Failed(f"what an earlier run has left cannot be finished:\n{done.stderr[-2000:]}")


def end(file: Path, timeout_s: float) -> None:
    """Let supervisor and writer of *file* leave, since nobody logs any more; else kill them.

    The supervisor goes first: it would start another writer.
    """
    with contextlib.suppress(Failed):
        for member in wait_until_gone(processes(file), timeout_s):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()


def wait_until_gone(members: list[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait for *members* to end; those that did not within *timeout_s*."""
    ends_s = time.monotonic() + timeout_s
    while True:
        alive = [one for one in members if lives(one)]
        if not alive or time.monotonic() > ends_s:
            return alive
        time.sleep(POLL_S)


def lives(process: psutil.Process) -> bool:
    """Whether this very process (not another with its pid) still runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def verify(file: Path) -> Verdict:
    """``mplog verify FILE --json``."""
    done = _run("verify", str(file), "--json")
    return Verdict(done.returncode, _json(done, "verify"))

"""Kills a writer before its n-th system call, for n = 1, 2, 3 … until one comes to its own end.

Run by the tests as a process of its own. The writer is a fork of this program that asks to be
traced, so every system call of its life is counted: opening, recovery, batches, rotations, the
taking down of the service. No supervisor: each next writer is started here.
"""

from __future__ import annotations

import ctypes
import gzip
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from oracle import Ledger, Row, body, judge

import mplog
from mplog import _native
from mplog.config.load import load
from mplog.files.archive import Archive, list_archives
from mplog.files.verify import verify
from mplog.producer.connection import Connection
from mplog.producer.gate import GATE
from mplog.ring import create_bell, hold
from mplog.service.uncaught import watch
from mplog.writer import endings
from mplog.writer.state import Signals
from mplog.writer.work import work

TRACEME, SYSCALL, SETOPTIONS = 0, 24, 0x4200
TRACESYSGOOD, EXITKILL = 1, 1 << 20
SERVICE = "stepped"
PRODUCERS, EVENTS = 3, 100
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, pid: int, data: int = 0) -> None:
    """One request of ptrace(2)."""
    if _libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def forked(run: Callable[[], int]) -> int:
    """The pid of a child that runs *run* and exits with what it returns."""
    pid = os.fork()
    if pid:
        return pid
    status = 99
    try:
        status = run()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def kill_at(pid: int, n: int) -> bool:
    """Let a tracee run up to its *n*-th system call and kill it there; False: it ended before."""
    os.waitpid(pid, 0)
    ptrace(SETOPTIONS, pid, TRACESYSGOOD | EXITKILL)
    calls, entering, deliver = 0, False, 0
    while True:
        ptrace(SYSCALL, pid, deliver)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"the writer left with {status:#x}"
            return False
        assert os.WIFSTOPPED(status), f"the writer died by itself: {status:#x}"
        deliver = 0
        if os.WSTOPSIG(status) != signal.SIGTRAP | 0x80:
            deliver = os.WSTOPSIG(status)
            continue
        entering = not entering
        calls += entering
        if entering and calls == n:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return True


class Service:
    """A service with events of producers that are gone, and no writer yet."""

    def __init__(self, place: Path, compression: str | None, *, two: bool) -> None:
        self.compression = compression
        self.directory, self.log_file = place / "shm", place / "logs" / "app.jsonl"
        self.files = [self.log_file, *([self.log_file.with_name("other.jsonl")] if two else [])]
        self.directory.mkdir(mode=0o700)
        others = {"rotation": "17 KB", "retention": "all", "compression": compression}
        arguments = {
            "file": str(self.log_file),
            "rotation": "30 KB",
            "retention": "all",
            "compression": compression,
            "files": [{"file": str(other), **others} for other in self.files[1:]],
        }
        settings = load(arguments=arguments).settings
        create_bell(self.directory, SERVICE, settings)
        self._settings = settings
        self._ledger = Ledger(8)
        # Whoever holds this is taken for the supervisor: no producer starts one.
        supervisor = hold(self.directory, SERVICE, _native.LOCK_SUPERVISOR)
        assert supervisor is not None
        self._dead = [forked(lambda k=k: self._log(k)) for k in range(PRODUCERS)]  # type: ignore[misc]
        for producer in self._dead:  # not buried, so that how each ended stays known
            os.waitid(os.P_PID, producer, os.WEXITED | os.WNOWAIT)
        os.close(supervisor)

    def _log(self, producer: int) -> int:
        connection = Connection(self.directory, SERVICE, self._settings)
        GATE.connect(connection, 20)
        log = mplog.get_logger("stress")
        for n in range(1, EVENTS + 1):
            self._ledger.sending(producer, n)
            accepted = log.info("{b}", producer=producer, n=n, body=body(producer, n))
            self._ledger.returned(producer, n, accepted)
        if producer == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if producer == 2:
            watch(connection)
            os.abort()
        connection.detach()
        return 0

    def writer(self, *, traced: bool) -> int:
        """Start a writer; the pid."""

        def run() -> int:
            if traced:
                ptrace(TRACEME, 0)
                os.kill(os.getpid(), signal.SIGSTOP)
            return work(self.directory, SERVICE, Signals(), 0)

        return forked(run)

    def wrong(self) -> list[str]:
        """What is not as it must be, after the last writer has left, and whoever compresses."""
        found = [text for log_file in self.files for text in self._wrong_in(log_file)]
        for producer in self._dead:
            os.waitpid(producer, 0)
        if left := sorted(p.name for p in self.directory.iterdir()):
            found.append(f"left in shared memory: {left}")
        return found

    def _wrong_in(self, log_file: Path) -> list[str]:
        wait_for_others(str(log_file))
        rows = {k: Row(*self._ledger.row(k)) for k in range(PRODUCERS)}
        verdict, report = judge(log_file, rows), verify([log_file])
        folder = sorted(p.name for p in log_file.parent.iterdir())
        found = [f"{kind}: {rows}" for kind, rows in verdict.wrong.items()]
        if not verdict.balances() or verdict.accepted != PRODUCERS * EVENTS:
            found.append(verdict.equation())
        if report.damaged or report.open_sessions or report.unreadable:
            found.append(str(report.findings[:3] or report.open_sessions or report.unreadable))
        if verdict.files < 3 or any(name.endswith(".new") for name in folder):
            found.append(f"rotation not finished: {folder}")
        if self.compression and any(a.compression != ".gz" for a in archives_of(log_file)):
            found.append(f"not compressed: {folder}")
        if (told := deaths_in(log_file)) != ["SIGABRT with a traceback", "SIGKILL"]:
            found.append(f"deaths told: {told}")
        return found


def deaths_in(log_file: Path) -> list[str]:
    """Every death that is told, in short."""
    told = []
    for path in [log_file, *(log_file.parent / one.name for one in archives_of(log_file))]:
        data = path.read_bytes()
        text = gzip.decompress(data) if path.suffix == ".gz" else data
        for line in map(json.loads, text.splitlines()):
            if line.get("event_name") == "mplog.death":
                trace = " with a traceback" if "exception.stacktrace" in line else ""
                told.append(line.get("signal", line["how"]) + trace)
    return sorted(told)


def archives_of(log_file: Path) -> list[Archive]:
    """All of them, compressed or not."""
    return list_archives(log_file.parent, log_file.name)


def wait_for_others(log_file: str, timeout_s: float = 60.0) -> None:
    """Until no process has *log_file* on its command line."""
    deadline_s = time.monotonic() + timeout_s
    while any(log_file in command for command in commands()):
        assert time.monotonic() < deadline_s, "somebody goes on compressing"
        time.sleep(0.01)


def commands() -> Iterator[str]:
    """The command lines of all processes but this one."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(name) != os.getpid():
                yield Path("/proc", name, "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue


def once(
    place: Path, kills: Iterator[int], compression: str | None = None, *, two: bool = False
) -> tuple[bool, list[str]]:
    """One service's life: a writer killed at each of *kills* in turn, then one that is left alone.

    Returns:
        Whether the first kill met its writer, and what was wrong afterwards.
    """
    service = Service(place, compression, two=two)
    fired = None
    for n in kills:
        fired_now = kill_at(service.writer(traced=True), n)
        fired = fired_now if fired is None else fired
        if not fired_now:
            break
    else:
        code = os.waitstatus_to_exitcode(os.waitpid(service.writer(traced=False), 0)[1])
        if code:
            return bool(fired), [f"the writer after it left with {code}"]
    return bool(fired), service.wrong()


# A second of polling before the owners are looked at would be a thousand calls of one kind.
endings.LOOK_S = 0.02


def main(
    first: int, step: int, seed: int, again: int, compression: str | None = None, two: bool = False
) -> dict[str, Any]:
    """Every *step*-th n from *first* on.

    Args:
        again: recoveries after it that are killed as well.
        two: the service has two files, each with a rotation of its own.
    """
    dice = random.Random(seed)
    wrong: dict[int, list[str]] = {}
    n = first
    while True:
        kills = [n, *(dice.randrange(1, 400) for _ in range(again))]
        with tempfile.TemporaryDirectory(dir=os.environ["MPLOG_DIR"]) as place:
            fired, found = once(Path(place), iter(kills), compression, two=two)
        if found:
            wrong[n] = [str(kills), *found]
        if not fired:
            return {"calls": n - 1, "wrong": wrong}
        n += step


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

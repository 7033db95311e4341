"""Deaths told: the line of a worker that has ended without detaching, formed from what its
session's slot says, what the kernel says, and what the worker itself has left in a crash.

It goes into the same batch as the session's end line, so it is told once, whichever writer dies.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mplog import _native
from mplog.event.level import ERROR, INFO, WARNING
from mplog.event.sanitise import MORE
from mplog.format import Format
from mplog.format.base import second_text, split_time
from mplog.writer.fate import UNKNOWN, Fate
from mplog.writer.keeper import Kept
from mplog.writer.state import Job, now_ns
from mplog.writer.watch import Watch, most_descriptors

if TYPE_CHECKING:
    from mplog._native import End

DEATH = "mplog.death"
MAX_TRACE_BYTES = 12 << 10  # escaped it must still fit into the smallest staging area
SWEEP_S = 60.0
_ASKED_TO_END = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_CRASHES = {
    "Segmentation fault": signal.SIGSEGV,
    "Floating point exception": signal.SIGFPE,
    "Aborted": signal.SIGABRT,
    "Bus error": signal.SIGBUS,
    "Illegal instruction": signal.SIGILL,
}
_FATAL = "Fatal Python error: "
_UNPRINTABLE = re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\U0010ffff]")


class Crash(msgspec.Struct, frozen=True):
    """What faulthandler has written in the process that crashed."""

    text: str
    wall_ns: int


class Deaths:
    """One writer's: whom it watches, and what it has told."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._watch = Watch(job.reader, most_descriptors(), Kept.keeper)
        self._told: list[str] = []  # in the batch that is under way
        self._sweep_s = 0.0

    def look(self, now_s: float, due: bool) -> None:
        """Before a look at the owners: what the last batch has told is committed now.

        Args:
            now_s: monotonic.
            due: a second has passed.
        """
        for session in self._told:
            self._watch.forget(session)
            _unlink(crash_path(self._job, session))
        self._told.clear()
        self._watch.look(due)
        if now_s >= self._sweep_s:
            self._sweep_s = now_s + SWEEP_S
            self.sweep()

    def lines(self, ends: Sequence[End], now_s: float) -> list[bytes] | None:
        """What is to be told of the owner of a session that has ended: nothing where it has said
        goodbye; None: it is just ending, so ask again soon.

        Args:
            ends: the session's end, as each file has it.
        """
        end = ends[0]
        index, session, pid, clean = end[0], end[1], end[2], end[10]
        if clean:
            return [b"" for _ in ends]
        crash = read_crash(crash_path(self._job, session))
        ino = _native.process_ino(self._job.reader, index)
        fate = self._watch.fate(session, pid, ino, now_s)
        if fate is None:
            return None
        if crash is not None and fate is UNKNOWN:
            fate = fate_in(crash)
        seen = self._watch.seen(session)
        died_ns = crash.wall_ns if crash else now_ns() if seen else 0
        known = Known(died_ns, crash)
        if self._job.outlets is not None:
            death(self._job.outlets.notices, now_ns(), ends[0], fate, known)
        return [
            death(sink.fmt, now_ns(), one, fate, known)
            for sink, one in zip(self._job.sinks, ends, strict=True)
        ]

    def tell(self, session: str) -> None:
        """The session's lines go into the batch."""
        self._told.append(session)

    def sweep(self) -> None:
        """Take away what crashes have left of sessions that are told: their writer was killed
        between the two.
        """
        job = self._job
        mark, end = f"{job.service}.{_native.ABI}.", ".crash"
        try:
            names = [name for name in os.listdir(job.directory) if name.endswith(end)]
        except OSError:
            return
        if not names:
            return
        untold = {row[0] for row in _native.owners(job.reader)}
        for name in names:
            session = name[len(mark) : -len(end)]
            if name.startswith(mark) and session not in untold:
                _unlink(job.directory / name)

    def close(self) -> None:
        """The writer leaves; everything is told, or waits for the next one."""
        self._watch.close()
        self.sweep()


class Known(msgspec.Struct, frozen=True):
    """What is known of a death beside how it came: when (0: nobody was there to see it), and the
    traceback.
    """

    died_ns: int = 0
    crash: Crash | None = None


def death(fmt: Format, wall_ns: int, end: End, fate: Fate, known: Known) -> bytes:
    """The line of a death; empty for one that leaves nothing to be told: nobody was there, and
    nothing was logged.
    """
    _, session, pid, name, start_ns, last = end[:6]
    crash = known.crash
    level = _level(fate, crash)
    if not last and (level == INFO or fate.how == "unknown"):
        return b""
    lived_s = max(known.died_ns - start_ns, 0) / 1e9 if known.died_ns else None
    keys: dict[str, Any] = {
        "process.pid": pid,
        "process.name": name,
        "session": session,
        "started": _time(start_ns),
        "lifetime_s": None if lived_s is None else round(lived_s, 3),
        "how": fate.how,
        "signal": _signal(fate.number) if fate.how == "signal" else None,
        "exit_code": fate.number if fate.how == "exit" else None,
        "core_dumped": fate.core or None,
        "last": last,
        "delivered": end[7],
    }
    if crash is not None:
        keys["exception.stacktrace"] = crash.text
    text = f"worker {pid} ({name}) {_sentence(fate, lived_s)}; {_last(last)}"
    told = {key: value for key, value in keys.items() if value is not None}
    return fmt.notice(wall_ns, level, DEATH, text, told)


def fate_in(crash: Crash) -> Fate:
    """Which signal faulthandler has met."""
    head = crash.text.partition("\n")[0].removeprefix(_FATAL).replace("-", " ")
    number = _CRASHES.get(head)
    return UNKNOWN if number is None else Fate("signal", number)


def _level(fate: Fate, crash: Crash | None) -> int:
    """A signal that asks a process to end is somebody's wish: so ends each worker of a `Pool` that
    is left by its `with`. Any other signal is a fault, and an exit code may be one.
    """
    if crash is not None:
        return ERROR
    if fate.how == "signal":
        return INFO if fate.number in _ASKED_TO_END else ERROR
    quiet = fate.how == "alive" or (fate.how == "exit" and fate.number == 0)
    return INFO if quiet else WARNING


def _sentence(fate: Fate, lived_s: float | None) -> str:
    after = "" if lived_s is None else f" after {lifetime(lived_s)}"
    if fate.how == "alive":
        return f"gave its lane up without saying goodbye{after}, and lives on, as after an exec"
    how = {"signal": f"killed by {_signal(fate.number)}", "exit": f"exit code {fate.number}"}
    said = how.get(fate.how, "how is not known")
    return f"ended without saying goodbye: {said}{', core dumped' if fate.core else ''}{after}"


def _last(last: int) -> str:
    return f"its last event is number {last:,}" if last else "it has logged nothing"


def lifetime(seconds: float) -> str:
    """`3 min 12 s`: the two largest units, for people."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for unit, size, next_unit, next_size in (
        ("d", 86_400, "h", 3_600),
        ("h", 3_600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= size:
            rest = whole % size // next_size
            return (
                f"{whole // size} {unit} {rest} {next_unit}" if rest else f"{whole // size} {unit}"
            )
    return f"{whole} s"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        low, high = int(signal.SIGRTMIN), int(signal.SIGRTMAX)
        return f"SIGRTMIN+{number - low}" if low < number <= high else f"signal {number}"


def _time(wall_ns: int) -> str:
    second, rest_ns = split_time(wall_ns)
    return f"{second_text(second)}.{rest_ns:09d}Z"


def crash_path(job: Job, session: str) -> Path:
    """Where a process leaves its last traceback (native/core/crash.c names it)."""
    return job.directory / f"{job.service}.{_native.ABI}.{session}.crash"


def read_crash(path: Path) -> Crash | None:
    """The traceback in *path*, as text that can do no harm, its end cut off if it is long; None
    where there is none.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return None
        data = os.pread(fd, MAX_TRACE_BYTES, 0)
    except OSError:
        return None
    finally:
        os.close(fd)
    text = _UNPRINTABLE.sub("?", data.decode("utf-8", "replace")).strip()
    if found.st_size > len(data):
        text += MORE
    return Crash(text, found.st_mtime_ns) if text else None


def _unlink(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)

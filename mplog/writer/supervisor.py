"""The supervisor: holds lock S, starts the writer proper and starts it again when it dies. It does
nothing else, so that nothing in it can break.

The writer proper is a fork of this process, which has everything imported and nothing open: a dead
writer is back in milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from mplog import _native
from mplog._native import Reader
from mplog.config import Settings
from mplog.ring import hold
from mplog.writer.exiting import PATIENCE_S, forget_parents, leave
from mplog.writer.keeper import kept
from mplog.writer.notify import Init
from mplog.writer.reap import wait_without_burying
from mplog.writer.state import Signals
from mplog.writer.work import work

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
KILLED_PAUSE_S = 1.0  # the longest after a kill, or where none could be forked: nothing it did
STEADY_S = 5.0  # a writer that lived so long was no failed start
FAILED, UNBORN = 1 << 8, 2 << 8  # as wait statuses: ended with code 1; not forked at all
AT_ONCE_S = 1.0  # what a writer that was asked to stop twice has left
LONGEST_STOP_S = 18.5  # and one that was asked once; it leaves in 18 s at most, if it can
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
# Limits that the application has set itself, and that its log must not run into.
_LIMITS = (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_AS)
Worker = Callable[[Path, str, Signals, int], int]


def pause_after(lived_s: float, before_s: float) -> float:
    """Seconds to wait before the next start: none after a steady life, else growing."""
    if lived_s >= STEADY_S:
        return 0.0
    return min(max(before_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S) if before_s else FIRST_PAUSE_S


class _Stopped(Exception):
    """Told to stop during a pause."""


class Supervisor:
    """One service's supervisor.

    Args:
        directory, service: whose.
        foreground: `mplog serve`: SIGINT stops it too, and it stays when nobody is attached.
        reread: reads the service's configuration file, where it has one; each writer does so when
            it begins, and at HUP.
        worker: what the writer proper runs.
        carried: objects of its sinks (carried.py).
        init: whom to tell how it goes.
    """

    def __init__(
        self,
        directory: Path,
        service: str,
        *,
        foreground: bool = False,
        reread: Callable[[], Settings] | None = None,
        worker: Worker = work,
        carried: bytes = b"",
        init: Init | None = None,
    ) -> None:
        self._directory, self._service, self._foreground = directory, service, foreground
        self._reread, self._worker, self._carried = reread, worker, carried
        self._init = init
        self._child = 0
        self._late: set[int] = set()
        self._stop = self._pausing = False

    def run(self, spawn_lock: int | None = None) -> int:
        """Until the writer's work is over.

        Args:
            spawn_lock: the inherited descriptor of the spawn lock, given back once S is held.

        Returns:
            The exit code: 0, also where another supervisor is there already.
        """
        held = self._hold()
        if spawn_lock is not None:
            os.close(spawn_lock)
        if held is None:
            return 0
        self._listen()
        with kept():
            while held is not None:
                self._lives(held)
                os.close(held)
                # Whoever claimed a lane while the writer left has found this lock held.
                here = not self._stop and _somebody_is_here(self._directory, self._service)
                held = self._hold() if here else None
        return 0

    def _hold(self) -> int | None:
        try:
            return hold(self._directory, self._service, _native.LOCK_SUPERVISOR)
        except FileNotFoundError:
            return None

    def _lives(self, held: int) -> None:
        """One writer after the other. A killed one is back at once; one that is killed again
        before it has delivered anything, or that fails, after growing pauses; after a SIGKILL,
        and where the system has no process for it, they stay short.
        """
        pause_s, fruitless = 0.0, 0
        while True:
            began, done = time.monotonic(), _delivered(held)
            status = self._one_life(held)
            if status == 0 or self._stop:
                return
            fruitless = fruitless + 1 if _delivered(held) == done else 0
            pause_s = pause_after(time.monotonic() - began, pause_s)
            if os.WIFSIGNALED(status) and fruitless <= 1:
                pause_s = 0.0
            elif status == UNBORN or (
                os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            ):
                pause_s = min(pause_s, KILLED_PAUSE_S)
            try:
                self._pause(pause_s)
            except _Stopped:
                return

    def _pause(self, pause_s: float) -> None:
        self._pausing = True
        try:
            if self._stop:
                raise _Stopped
            time.sleep(pause_s)
        finally:
            self._pausing = False

    def _listen(self) -> None:
        for number in _PASSED_ON:
            signal.signal(number, self._pass_on)
        signal.signal(signal.SIGINT, self._pass_on if self._foreground else signal.SIG_IGN)
        signal.signal(signal.SIGALRM, self._end)
        # Where it is inherited as ignored, the kernel keeps no status of a dead writer.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            # systemd, or a terminal, sends the first one to the whole group: the writer may have
            # it twice. Only the supervisor knows that somebody has asked again.
            number = signal.SIGQUIT if self._stop else signal.SIGTERM
            signal.setitimer(signal.ITIMER_REAL, AT_ONCE_S if self._stop else LONGEST_STOP_S)
            if self._init is not None and not self._stop:
                self._init.say("STOPPING=1")
            self._stop = True
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, number)
        else:
            self._late.add(number)  # there is none now: the next one gets it
        if self._stop and self._pausing:
            raise _Stopped

    def _end(self, number: int, frame: FrameType | None) -> None:
        """Asked to stop, and still here: it hangs where it cannot hear. What is committed and not
        delivered waits in shared memory for the next one.
        """
        if self._child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)

    def _one_life(self, held: int) -> int:
        """The wait status of one writer; UNBORN where none could be forked."""
        supervisor = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
        try:
            self._child = os.fork() or self._be_the_writer(held, supervisor)
        except OSError as error:
            _tell(self._directory, self._service, error)
            return UNBORN
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        while self._late:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, self._late.pop())
        return self._wait(self._child)

    def _be_the_writer(self, held: int, supervisor: int) -> NoReturn:
        """In the child: it ends here."""
        os.close(held)  # S goes with the supervisor, not with its last child
        signals = Signals(
            resident=self._foreground,
            reread=self._reread,
            reload=self._reread is not None,
            carried=self._carried,
            beat=None if self._init is None else self._init.beat,
            beat_s=0.0 if self._init is None else self._init.every_s,
        )
        forget_parents()
        code = _writer_proper(self._worker, self._directory, self._service, supervisor, signals)
        leave(code, PATIENCE_S)

    def _wait(self, child: int) -> int:
        try:
            if self._init is not None:
                self._init.wait(child)
            wait_without_burying(child)
            self._child = 0
            return os.waitpid(child, 0)[1]
        except ChildProcessError:
            return FAILED
        finally:
            self._child = 0


def _delivered(held: int) -> int:
    """How many batches have reached the file, as the bell says: read, not mapped, since somebody
    may truncate it.
    """
    try:
        return int.from_bytes(os.pread(held, 8, _native.BELL_DONE), "little")
    except OSError:
        return 0


def _somebody_is_here(directory: Path, service: str) -> bool:
    """Whether any process holds a lane of the service; what cannot be looked at holds none."""
    try:
        reader = Reader(str(directory), service, False, 1 << 16)
        reader.scan(None)
        return reader.owned() > 0
    except (OSError, RuntimeError):
        return False


def _tell(directory: Path, service: str, error: BaseException) -> None:
    """Leave in the bell why there is no writer, for the programs to tell; never raises."""
    said = f"{type(error).__name__}: {error}".strip().rsplit("\n", 1)[-1]
    with contextlib.suppress(Exception):
        reader = Reader(str(directory), service, False, 1 << 16)
        reader.tell_problem(f"the writer failed and is started again ({said[:150]})")


def _lift_limits() -> None:
    for limit in _LIMITS:
        with contextlib.suppress(OSError, ValueError):
            hard = resource.getrlimit(limit)[1]
            resource.setrlimit(limit, (hard, hard))


def _wisher(signals: Signals, wish: str) -> Callable[[int, FrameType | None], None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        setattr(signals, wish, True)

    return on_signal


def _writer_proper(
    worker: Worker, directory: Path, service: str, supervisor: int, signals: Signals
) -> int:
    """The forked child: its own signals, then the work; what it raises goes to its stderr, and by
    the bell to the programs.
    """
    wishes = {
        signal.SIGTERM: "stop",
        signal.SIGQUIT: "now",
        signal.SIGHUP: "reload",
        signal.SIGUSR1: "reopen",
        signal.SIGUSR2: "rotate",
    }
    for number, wish in wishes.items():
        signal.signal(number, _wisher(signals, wish))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    os.umask(0)  # the configured modes are final ones
    try:
        _lift_limits()
        return worker(directory, service, signals, supervisor)
    except BaseException as error:
        _tell(directory, service, error)
        import traceback

        traceback.print_exc()
        return 1

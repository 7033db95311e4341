"""The supervisor: holds lock S, starts the writer proper and starts it again when it dies. It does
nothing else, so that nothing in it can break.

The writer proper is a fork of this process, which has everything imported and nothing open: a dead
    writer is back in milliseconds.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from mplog import _native
from mplog.ring import hold
from mplog.writer.loop import work
from mplog.writer.state import Signals

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 30.0
STEADY_S = 5.0  # a writer that lived so long was no failed start
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
Worker = Callable[[Path, str, Signals, int], int]


def pause_after(lived_s: float, before_s: float) -> float:
    """Seconds to wait before the next start: none after a steady life, else growing."""
    if lived_s >= STEADY_S:
        return 0.0
    return min(max(before_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S) if before_s else FIRST_PAUSE_S


class Supervisor:
    """One service's supervisor.

    Args:
        directory, service: whose.
        foreground: `mplog serve`: SIGINT stops it too, and it stays when nobody is attached.
        worker: what the writer proper runs.
    """

    def __init__(
        self, directory: Path, service: str, *, foreground: bool = False, worker: Worker = work
    ) -> None:
        self._directory, self._service, self._foreground = directory, service, foreground
        self._worker = worker
        self._child = 0
        self._stop = False

    def run(self, spawn_lock: int | None = None) -> int:
        """Until the writer's work is over.

        Args:
            spawn_lock: the inherited descriptor of the spawn lock, given back once S is held.

        Returns:
            The exit code: 0, also where another supervisor is there already.
        """
        try:
            held = hold(self._directory, self._service, _native.LOCK_SUPERVISOR)
        except FileNotFoundError:
            held = None
        if spawn_lock is not None:
            os.close(spawn_lock)
        if held is None:
            return 0
        self._listen()
        pause_s = 0.0
        while True:
            began = time.monotonic()
            status = self._one_life(held)
            if status == 0 or self._stop:
                return 0
            pause_s = pause_after(time.monotonic() - began, pause_s)
            if os.WIFSIGNALED(status):
                pause_s = 0.0  # killed from outside: back at once
            time.sleep(pause_s)

    def _listen(self) -> None:
        for number in _PASSED_ON:
            signal.signal(number, self._pass_on)
        signal.signal(signal.SIGINT, self._pass_on if self._foreground else signal.SIG_IGN)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stop = True
            number = signal.SIGTERM
        if self._child:
            os.kill(self._child, number)

    def _one_life(self, held: int) -> int:
        supervisor = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
        self._child = os.fork()
        if self._child == 0:
            os.close(held)  # S goes with the supervisor, not with its last child
            os._exit(
                _writer_proper(
                    self._worker, self._directory, self._service, supervisor, self._foreground
                )
            )
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
        if self._stop:
            os.kill(self._child, signal.SIGTERM)
        while True:
            try:
                status = os.waitpid(self._child, 0)[1]
            except ChildProcessError:
                status = 0
            self._child = 0
            return status


def _wisher(signals: Signals, wish: str) -> Callable[[int, FrameType | None], None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        setattr(signals, wish, True)

    return on_signal


def _writer_proper(
    worker: Worker, directory: Path, service: str, supervisor: int, resident: bool
) -> int:
    """The forked child: its own signals, then the work; what it raises goes to its stderr."""
    signals = Signals(resident=resident)
    wishes = {
        signal.SIGTERM: "stop",
        signal.SIGHUP: "reload",
        signal.SIGUSR1: "reopen",
        signal.SIGUSR2: "rotate",
    }
    for number, wish in wishes.items():
        signal.signal(number, _wisher(signals, wish))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    try:
        return worker(directory, service, signals, supervisor)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1

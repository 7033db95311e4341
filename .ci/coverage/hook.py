"""Begins to measure in every Python process of the environment, by a .pth file of it; made to be
copied there as `mplog_coverage.py`, beside the settings that `measure` writes.

Whatever ends past the handlers of `exit` and is its own doing saves first: `os._exit`, and a kill
of itself. What another process kills is lost, and so is what an `execv` replaces.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from typing import Any, NoReturn

import coverage

SETTINGS = os.path.join(os.path.dirname(__file__), "mplog_coverage.ini")


def _dump_native() -> None:
    """What the extension has counted goes to its files; gcov does so at exit alone."""
    native = sys.modules.get("mplog._native")
    if native is not None and native.__file__ is not None:
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(native.__file__).mpl_coverage_dump()


def _before_exit(status: int, leave: Any = os._exit) -> NoReturn:
    _dump_native()
    leave(status)


def _before_kill(pid: int, number: int, kill: Any = os.kill) -> None:
    if pid == os.getpid() and number == signal.SIGKILL:
        _dump_native()
        measured = coverage.Coverage.current()
        if measured is not None:
            with contextlib.suppress(Exception):
                measured.save()
    kill(pid, number)


def _ours() -> None:
    """In a forked child too, where coverage.py begins anew: over its parent's measurement, whose
    locks another thread may have held at the fork.
    """
    os._exit = _before_exit  # coverage.py puts its own over it


def _start() -> None:
    _ours()
    os.register_at_fork(after_in_child=_ours)
    os.kill = _before_kill
    os.environ["COVERAGE_PROCESS_START"] = SETTINGS
    try:
        coverage.process_startup()
    finally:
        del os.environ["COVERAGE_PROCESS_START"]


_start()

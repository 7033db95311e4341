"""Being the writer: the lock of a predecessor, what it left to be finished, then the loop."""

from __future__ import annotations

import os
import time
from pathlib import Path

from mplog import _native
from mplog.ring import bell_id, configuration
from mplog.writer.deliver import Abandoned
from mplog.writer.loop import Loop
from mplog.writer.recover import begin
from mplog.writer.state import Signals

LOCK_S = 0.005  # between two tries to take the lock of a predecessor


def work(directory: Path, service: str, signals: Signals, supervisor: int) -> int:
    """Take the lock, recover, run the loop.

    Args:
        supervisor: its process; 0: there is none, and nobody else's writer is waited for.

    Returns:
        The exit code: 0 when the work is over.
    """
    signals.supervisor = supervisor
    path = _native.bell_path(str(directory), service)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    while not _native.lock(fd, _native.LOCK_WRITER):
        if signals.stop or _superseded(fd, supervisor):
            return 0
        time.sleep(LOCK_S)
    found = os.fstat(fd)
    bell = bell_id(directory, service)
    if bell != (found.st_dev, found.st_ino):
        return 0  # the writer that had the lock has taken the service down
    settings = configuration(directory, service)
    try:
        job = begin(directory, service, settings, signals, bell)
        job.reader.set_pids(os.getpid(), supervisor)
        job.reader.count("starts", 1)
        job.reader.set_poison(job.journal)
        loop = Loop(job)
        try:
            loop.run()
            loop.close()
        finally:
            loop.sinks.let_go()
        for sink in job.sinks:
            if sink.lock >= 0:
                os.close(sink.lock)
    except Abandoned:
        return 0
    return 0


def _superseded(fd: int, supervisor: int) -> bool:
    """Its own supervisor is dead, and another one, which has a writer of its own, is there."""
    return supervisor not in (0, os.getppid()) and _native.locked(fd, _native.LOCK_SUPERVISOR)

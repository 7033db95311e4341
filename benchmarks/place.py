"""A private place for a benchmark: logs in a temporary directory, a service in shared memory."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

LEAVE_TIMEOUT_S = 15.0


def processes_on(memory: str) -> list[psutil.Process]:
    """Other processes whose environment or command line names the service directory *memory*."""
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            words = [*process.environ().values(), *process.cmdline()]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess, OSError):
            continue
        if any(memory in word for word in words):
            found.append(process)
    return found


@contextmanager
def private_place(parent: str | None = None) -> Iterator[tuple[Path, str]]:
    """A directory for logs (below *parent*) and one for a service, which MPLOG_DIR then names.

    At the end the service's processes get some seconds to leave before both are removed.
    """
    logs = tempfile.mkdtemp(prefix="mplog-bench-", dir=parent)
    memory = tempfile.mkdtemp(
        prefix="mplog-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None
    )
    for name in [name for name in os.environ if name.startswith("MPLOG_")]:
        del os.environ[name]  # what the caller's shell has set up is not what is measured
    os.environ["MPLOG_DIR"] = memory
    try:
        yield Path(logs), memory
    finally:
        deadline_s = time.monotonic() + LEAVE_TIMEOUT_S
        while processes_on(memory) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        shutil.rmtree(logs, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)

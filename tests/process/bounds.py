"""Control groups of one test: a bound on processes or memory that the kernel itself enforces."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest

ROOT = Path("/sys/fs/cgroup")


class Group:
    """One group of cgroups v1, below the group that the test runs in.

    Args:
        controller: `pids` or `memory`.
    """

    def __init__(self, controller: str) -> None:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        paths = {name: path for _, names, path in (line.split(":", 2) for line in lines)
                 for name in names.split(",")}  # fmt: skip
        above = ROOT / controller / paths.get(controller, "").lstrip("/")
        self.path = above / f"mplog-test-{uuid.uuid4().hex[:8]}"
        try:
            self.path.mkdir()
        except OSError as error:
            pytest.skip(f"needs cgroups of version 1: {error}")

    @property
    def prefix(self) -> list[str]:
        """What a command begins with that is to run in it."""
        return ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh"]

    def take(self, pid: int) -> None:
        """Move a process in."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def bound(self, name: str, value: int) -> None:
        """Write one of its limits."""
        (self.path / name).write_text(str(value))

    def count(self, name: str, key: str) -> int:
        """A number that stands behind *key* in one of its files."""
        for line in (self.path / name).read_text().splitlines():
            if line.split()[0] == key:
                return int(line.split()[1])
        pytest.skip(f"needs cgroups of version 1 that tell {key}")

    def close(self) -> None:
        """Remove it; its last process may be a zombie for a moment."""
        deadline_s = time.monotonic() + 20.0
        while True:
            try:
                return os.rmdir(self.path)
            except OSError:
                if time.monotonic() > deadline_s:
                    raise
            time.sleep(0.02)

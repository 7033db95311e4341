"""A real systemd-journald that runs by hand, in a mount namespace with a /run of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from receivers import START_TIMEOUT_S, UNPACKED

CONF = """[Journal]
Storage=volatile
RateLimitIntervalSec=0
ReadKMsg=no
Audit=no
ForwardToConsole=no
ForwardToWall=no
ForwardToKMsg=no
RuntimeMaxUse=64M
"""
RUN = 'mount --bind "$1" /run && exec "$2"'


class Journald:
    """One journald; its /run is a directory of the test.

    Args:
        place: where that is; its path short enough for a socket's.
    """

    def __init__(self, place: Path) -> None:
        self.root = UNPACKED / "journald"
        if not self.root.is_dir():
            pytest.skip(f"needs journald: .ci/receivers {UNPACKED}")
        unshare = shutil.which("unshare")
        assert unshare, "part of util-linux"
        self._unshare = unshare
        self.run = place / "run"
        (self.run / "systemd/journald.conf.d").mkdir(parents=True)
        (self.run / "systemd/journald.conf.d/test.conf").write_text(CONF)
        (self.run / "log/journal").mkdir(parents=True)
        self.socket = self.run / "systemd/journal/socket"
        self.err = place / "err"
        self.process: subprocess.Popen[bytes] | None = None

    def _environment(self) -> dict[str, str]:
        folders = ("lib/systemd", "usr/lib/x86_64-linux-gnu/systemd", "usr/lib/x86_64-linux-gnu")
        path = ":".join(str(self.root / folder) for folder in (*folders, "lib/x86_64-linux-gnu"))
        return {**os.environ, "LD_LIBRARY_PATH": path, "TZ": "UTC", "SYSTEMD_COLORS": "0"}

    def start(self) -> Journald:
        """Run it, and wait until it listens, and asks who it is that sends: it binds its socket,
        then sets that option, then goes on to the last one that it opens.
        """
        last = self.socket.with_name("io.systemd.journal")
        for stale in (self.socket, last):
            stale.unlink(missing_ok=True)
        daemon = str(self.root / "lib/systemd/systemd-journald")
        with open(self.err, "ab") as err:
            self.process = subprocess.Popen(
                [self._unshare, "-m", "sh", "-c", RUN, "sh", str(self.run), daemon],
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=err, stderr=err,
            )  # fmt: skip
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not last.exists():
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                pytest.fail(f"journald does not listen:\n{self.err.read_text()}")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM: it closes its files."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [self.root / "bin/journalctl", "-D", self.run / "log/journal", "--no-pager"]
        return subprocess.run(
            [*command, *arguments],
            env=self._environment(), capture_output=True, check=True,
        )  # fmt: skip

    def journalctl(self, *arguments: str) -> str:
        """What the real journalctl prints of its files."""
        done = self._run(*arguments)
        return (done.stdout + done.stderr).decode()

    def export(self) -> bytes:
        """What our sink has left there, as journals hand it on to each other."""
        return self._run("-o", "export", "--all", "SYSLOG_IDENTIFIER=mplog").stdout

    def entries(self) -> list[dict[str, Any]]:
        """What our sink has left there, in the journal's order."""
        told = self.journalctl("-o", "json", "--all", "SYSLOG_IDENTIFIER=mplog")
        return [json.loads(line) for line in told.splitlines() if line.startswith("{")]


def read_entry(data: bytes) -> dict[str, str]:
    """A strict reader of the native protocol."""
    found: dict[str, str] = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(rest[:8], "little")
            value, end, data = rest[8 : 8 + size], rest[8 + size : 9 + size], rest[9 + size :]
            assert b"\n" == end
        else:
            data = rest
        key = name.decode("ascii")
        assert key not in found
        assert 0 < len(key) <= 64
        assert set(key) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
        assert key[0].isalpha()
        found[key] = value.decode("utf-8")
    return found

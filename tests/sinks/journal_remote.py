"""A real systemd-journal-remote: entries that another machine's journal exports, taken over by its
standard input or by HTTP into a journal file of its own.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from receivers import UNPACKED

EXPORT = "application/vnd.fdo.journal"
# It takes a socket that somebody else has bound, as the service manager would, at descriptor 3.
HANDING_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
"""


class Remote:
    """One journal file, and the program that writes it.

    Args:
        place: where the file is to be.
    """

    def __init__(self, place: Path) -> None:
        self.root, self.journald = UNPACKED / "journal-remote", UNPACKED / "journald"
        if not (self.root.is_dir() and self.journald.is_dir()):
            pytest.skip(f"needs journald and its remote: .ci/receivers {UNPACKED}")
        self.file = place / "remote.journal"
        self.err = place / "remote.err"
        self._program = str(self.root / "lib/systemd/systemd-journal-remote")

    def _environment(self) -> dict[str, str]:
        folders = ("usr/lib/x86_64-linux-gnu/systemd", "usr/lib/x86_64-linux-gnu")
        path = ":".join(
            str(root / folder) for root in (self.root, self.journald) for folder in folders
        )
        return {**os.environ, "LD_LIBRARY_PATH": path, "TZ": "UTC", "SYSTEMD_COLORS": "0"}

    def take(self, exported: bytes) -> None:
        """By its standard input, up to its end."""
        subprocess.run(
            [self._program, "-o", self.file, "-"],
            env=self._environment(), input=exported, capture_output=True, check=True,
        )  # fmt: skip

    def take_by_http(self, exported: bytes) -> int:
        """By its listener: what it answers. It is ended by SIGTERM, which closes its file."""
        with socket.create_server(("127.0.0.1", 0)) as server, open(self.err, "ab") as err:
            port = server.getsockname()[1]
            os.set_inheritable(server.fileno(), True)
            process = subprocess.Popen(
                [sys.executable, "-c", HANDING_OVER, str(server.fileno()), self._program,
                 "--split-mode=none", "--listen-http=-3", f"--output={self.file}"],
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                pass_fds=[server.fileno()],
            )  # fmt: skip
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", "/upload", exported, {"Content-Type": EXPORT})
            answer = connection.getresponse()
            answer.read()
            connection.close()
        except OSError as error:
            pytest.fail(f"{error}:\n{self.err.read_text()}")
        finally:
            process.terminate()
            process.wait(60)
        return answer.status

    def _journalctl(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [self.journald / "bin/journalctl", "--file", self.file, "--no-pager"]
        return subprocess.run(
            [*command, *arguments], env=self._environment(), capture_output=True, check=False
        )

    def entries(self) -> list[dict[str, Any]]:
        """All that stands in its file, in its order."""
        told = self._journalctl("-o", "json", "--all")
        return [json.loads(line) for line in told.stdout.splitlines()]

    def verifies(self) -> bool:
        """What `journalctl --verify` says of its file: PASS, and nothing else."""
        done = self._journalctl("--verify")
        said = (done.stdout + done.stderr).decode()
        return done.returncode == 0 and "PASS" in said and "FAIL" not in said

"""gunicorn with the shop, as a child process in a process group of its own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

EXAMPLES = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 40.0
POLL_S = 0.02


class Failed(Exception):
    """The run cannot go on; the text says why."""


def environment() -> dict[str, str]:
    """This environment without the settings of an outer service or server."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MPLOG_", "GUNICORN_")) or name == "MPLOG_DIR"
    }


def _runs(process: psutil.Process, command: list[str]) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and process.cmdline() == command
    except psutil.NoSuchProcess:
        return False


class Server:
    """A running gunicorn; `stop` must be called, `kill` may always be."""

    def __init__(self, directory: Path, workers: int) -> None:
        self._errors = directory / "gunicorn.stderr"
        # The port is bound here and handed over open, so that nobody else can take it meanwhile.
        with socket.create_server((HOST, 0), backlog=512) as listener:
            self.port: int = listener.getsockname()[1]
            command = [sys.executable, "-m", "gunicorn"]
            command += ["--config", str(EXAMPLES / "shop" / "gunicorn_conf.py")]
            command += ["--bind", f"fd://{listener.fileno()}", "--workers", str(workers)]
            with open(self._errors, "wb") as errors:
                self._process = subprocess.Popen(
                    command,
                    cwd=EXAMPLES,
                    env=environment() | {"SHOP_DIR": str(directory)},
                    stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors,
                    pass_fds=[listener.fileno()],
                    start_new_session=True,
                )
        self.probes: list[str] = []

    @property
    def pid(self) -> int:
        """The master's."""
        return self._process.pid

    def wait_until_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Ask for an answer until there is one."""
        ends_s = time.monotonic() + timeout_s
        while not self.answers():
            if self._process.poll() is not None:
                raise Failed(f"gunicorn ended with {self._process.returncode}:\n{self.errors()}")
            if time.monotonic() > ends_s:
                raise Failed(f"gunicorn gave no answer within {timeout_s:g} s:\n{self.errors()}")
            time.sleep(POLL_S)

    def answers(self) -> bool:
        """Whether a probe of its own, with an id of its own, is answered."""
        self.probes.append(f"probe-{len(self.probes)}")
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2.0)
        try:
            connection.request("GET", "/health", headers={"X-Request-ID": self.probes[-1]})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def workers(self) -> set[int]:
        """The pids of the workers that live: forked, so they have the master's command line."""
        try:
            master = psutil.Process(self._process.pid)
            command = master.cmdline()
            return {child.pid for child in master.children() if _runs(child, command)}
        except psutil.NoSuchProcess:
            return set()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> float:
        """SIGTERM to the master, wait for its end; the seconds that took."""
        started_s = time.monotonic()
        self._process.terminate()
        try:
            status = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"gunicorn was there {timeout_s:g} s after SIGTERM") from None
        if status != 0:
            raise Failed(f"gunicorn ended with {status}:\n{self.errors()}")
        return time.monotonic() - started_s

    def kill(self) -> None:
        """End what is left of the group; harmless after `stop`."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)

    def errors(self) -> str:
        """The last lines that gunicorn wrote to stderr."""
        return "\n".join(self._errors.read_text(errors="replace").splitlines()[-30:])

"""A web server with an application that logs, asked over real HTTP, and its log held against that.

The application logs each request and answers with its pid; so does, in the access log, the server.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import progress

from mplog.files.report import Report
from mplog.files.verify import verify

HOST = "127.0.0.1"
AT_ONCE = 4
LIMIT_S = 90.0

APPLICATION = """
import os
import mplog

log = mplog.get_logger("app")

def application(environ, start_response):
    log.info("asked for {path}", path=environ["PATH_INFO"], uid=os.geteuid())
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


class Answer(NamedTuple):
    """One answered request: its path, the worker that answered, and when."""

    path: str
    pid: int
    at_s: float


class WebServer:
    """A running server on a port of the kernel's choice; *command* gets the open descriptor."""

    def __init__(self, command: Callable[[int], list[str]], directory: Path) -> None:
        self.log = directory / "logs" / "app.jsonl"
        self.answers: list[Answer] = []
        self._stderr = directory / "stderr"
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("GUNICORN_", "UWSGI_"))}
        with socket.create_server((HOST, 0), backlog=256) as listener:
            self._port: int = listener.getsockname()[1]
            with open(self._stderr, "wb") as stderr:
                self._process = subprocess.Popen(
                    command(listener.fileno()),
                    cwd=directory,
                    env=keep | {"LOG": str(self.log)},
                    stdin=subprocess.DEVNULL,
                    stdout=stderr,
                    stderr=stderr,
                    pass_fds=[listener.fileno()],
                )

    def ask_until(self, done: Callable[[list[Answer]], Any]) -> None:
        """Ask, some at once, until *done* is true of all answers so far."""
        ends_s = time.monotonic() + LIMIT_S
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while not done(self.answers):
                assert time.monotonic() < ends_s, f"{self.pids()}\n{self.said()}"
                first = len(self.answers)
                paths = [f"/{number}" for number in range(first, first + AT_ONCE)]
                self.answers += pool.map(self._ask, paths)

    def _ask(self, path: str) -> Answer:
        connection = http.client.HTTPConnection(HOST, self._port, timeout=LIMIT_S)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        assert response.status == 200, self.said()
        return Answer(path, int(body), time.monotonic())

    def pids(self) -> set[int]:
        """The workers that have answered."""
        return {answer.pid for answer in self.answers}

    def signal(self, number: int) -> None:
        """Send a signal to the master."""
        self._process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self._process.terminate()
        return self._process.wait(LIMIT_S)

    def kill(self) -> None:
        """End the master, if it is still there; orphaned workers end themselves."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(LIMIT_S)

    def said(self) -> str:
        """What master and workers have written to stdout and stderr."""
        return progress.without(self._stderr.read_text(errors="replace"))


@contextmanager
def serving(command: Callable[[int], list[str]], directory: Path) -> Iterator[WebServer]:
    """A server with `APPLICATION` as the module `app`; stopped at the end, and its service gone."""
    (directory / "app.py").write_text(APPLICATION)
    server = WebServer(command, directory)
    try:
        yield server
        assert server.stop() == 0, server.said()
        _wait_for_the_service(Path(os.environ["MPLOG_DIR"]))
    finally:
        server.kill()


def _wait_for_the_service(directory: Path) -> None:
    ends_s = time.monotonic() + LIMIT_S
    while left := [path.name for path in directory.iterdir()]:
        assert time.monotonic() < ends_s, f"the service has not left: {left}"
        time.sleep(0.02)


def events(log: Path, logger: str) -> list[dict[str, Any]]:
    """The events of *logger* in *log*."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line for line in lines if line.get("logger") == logger and "seq" in line]


def told(server: WebServer, logger: str, path: str) -> Counter[tuple[str, int]]:
    """How often *logger* has told of which path in which worker; *path* is the field's name."""
    return Counter((line[path], line["process.pid"]) for line in events(server.log, logger))


def asked(server: WebServer) -> Counter[tuple[str, int]]:
    """The same as the answers have it: each request once, in the worker that answered."""
    return Counter((answer.path, answer.pid) for answer in server.answers)


def verdict(server: WebServer) -> Report:
    """What the files say of themselves."""
    return verify([server.log])


def workers(count: int, besides: frozenset[int] = frozenset()) -> Callable[[list[Answer]], bool]:
    """True when *count* workers have answered, not counting those *besides*."""
    return lambda answers: len({answer.pid for answer in answers} - besides) >= count


def workers_for(seconds: float, count: int) -> Callable[[list[Answer]], bool]:
    """True when *count* workers have each been answering over *seconds*."""

    def done(answers: list[Answer]) -> bool:
        times: dict[int, list[float]] = {}
        for answer in answers:
            times.setdefault(answer.pid, []).append(answer.at_s)
        return sum(max(seen) - min(seen) > seconds for seen in times.values()) >= count

    return done


HANG_UP = signal.SIGHUP

"""SIGKILL to a worker and to the writer, and the proof that each died and that one came back."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from driver import service
from driver.server import POLL_S, Failed, Server

BACK_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Kill:
    """One process that was killed, and how it went on."""

    role: str
    pid: int
    new_pid: int
    at_s: float
    back_s: float


class Tail:
    """The lines that come into *file* from now on, over its rotations."""

    def __init__(self, file: Path) -> None:
        self._path = file
        try:
            self._handle = open(file, "rb")  # noqa: SIM115 - held over many calls, see `close`
        except FileNotFoundError:
            raise Failed(f"the service has not written {file} yet") from None
        self._handle.seek(0, os.SEEK_END)
        self._rest = b""

    def events(self) -> list[dict[str, Any]]:
        """The events that have come since the last call; a line in the making waits."""
        data = self._rest + self._handle.read()
        if self._moved():
            # Looked at again: what was appended between the read and the rotation belongs here.
            data += self._handle.read()
            self._handle.close()
            self._handle = open(self._path, "rb")  # noqa: SIM115
            data += self._handle.read()
        *lines, self._rest = data.split(b"\n")
        return [event for event in map(_decoded, lines) if event is not None]

    def _moved(self) -> bool:
        try:
            return os.stat(self._path).st_ino != os.fstat(self._handle.fileno()).st_ino
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Let go of the file."""
        self._handle.close()


def _decoded(line: bytes) -> dict[str, Any] | None:
    # The seek to the end may have landed inside a line.
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def kill_worker(server: Server, file: Path, started_s: float) -> Kill:
    """Kill one worker; back is when an event of a worker that was not there before is in *file*."""
    before = server.workers()
    if not before:
        raise Failed("there is no gunicorn worker to kill")
    # The master tells of the death at once, so its events are no sign of a successor.
    known = before | {server.pid}
    victim = psutil.Process(min(before))
    tail = Tail(file)
    try:
        killed_s = _kill(victim)
        new = _await(lambda: _writers_of(tail) - known, "a new worker's event")
        back_s = time.monotonic() - killed_s
        now = _await(lambda: server.workers() - before, "a new gunicorn worker")
    finally:
        tail.close()
    return Kill("worker", victim.pid, min(now & new or now), killed_s - started_s, back_s)


def writer_of(file: Path) -> psutil.Process:
    """The writer of *file*, once there is one."""
    pid = _await(lambda: _new_writer(file, None), "a writer in mplog status")
    return psutil.Process(pid)


def kill_writer(server: Server, victim: psutil.Process, file: Path, started_s: float) -> Kill:
    """Kill the writer; back is when an event that was made after the kill is in *file*."""
    tail = Tail(file)
    try:
        killed_s = _kill(victim)
        killed_at = _stamp(time.time_ns())
        server.answers()  # there is an event then, also when the customers have just left
        _await(lambda: [e for e in tail.events() if e["timestamp"] > killed_at], "a fresh event")
        back_s = time.monotonic() - killed_s
    finally:
        tail.close()
    new = _await(lambda: _new_writer(file, victim.pid), "a new writer in mplog status")
    return Kill("writer", victim.pid, new, killed_s - started_s, back_s)


def _kill(victim: psutil.Process) -> float:
    """SIGKILL, and wait until the process is dead; when it was sent (monotonic seconds)."""
    killed_s = time.monotonic()
    victim.send_signal(signal.SIGKILL)
    if service.wait_until_gone([victim], BACK_TIMEOUT_S):
        raise Failed(f"process {victim.pid} has survived a SIGKILL for {BACK_TIMEOUT_S:g} s")
    return killed_s


def _writers_of(tail: Tail) -> set[int]:
    return {event["process.pid"] for event in tail.events() if "seq" in event}


def _new_writer(file: Path, old_pid: int | None) -> int | None:
    pid = service.pid_of(service.find(file), "writer")
    return pid if pid != old_pid else None


def _stamp(wall_ns: int) -> str:
    """*wall_ns* as the files write it, so that stamps compare as text."""
    seconds, rest_ns = divmod(wall_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest_ns:09d}Z"


def _await(look: Callable[[], Any], what: str) -> Any:
    ends_s = time.monotonic() + BACK_TIMEOUT_S
    while not (found := look()):
        if time.monotonic() > ends_s:
            raise Failed(f"{what} did not come within {BACK_TIMEOUT_S:g} s")
        time.sleep(POLL_S)
    return found

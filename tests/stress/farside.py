"""The far sides of a soak: sinks that run in its writer, and a collector that listens for syslog.

Each leaves a line for what it got: `SESSION SEQ PRODUCER N`, or `- COUNT` where it was told that it
has lost events. Each is away as long as a file `NAME.away` says so.
"""

from __future__ import annotations

import os
import re
import selectors
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from mplog.errors import TargetError
from mplog.resilience.loss import SINK_DROP
from mplog.sinks.base import Outgoing

PLACE = "SOAK_FARSIDE"
CUT_EVERY = 97  # batches of which half is taken, and then the connection is gone
SLOW_S = 0.5


def is_away(name: str) -> bool:
    """Whether nobody is there."""
    return os.path.exists(os.path.join(os.environ[PLACE], f"{name}.away"))


def _into(name: str, lines: Sequence[str]) -> None:
    data = "".join(lines).encode()
    fd = os.open(os.path.join(os.environ[PLACE], name), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        assert os.write(fd, data) == len(data)
    finally:
        os.close(fd)


def _line(one: Outgoing) -> str:
    fields = one.event.fields or {}
    if one.stamped.session:
        return f"{one.stamped.session} {one.stamped.seq} {fields['producer']} {fields['n']}\n"
    if fields.get("event_name") == SINK_DROP:
        return f"- {fields['count']}\n"
    return f"! {one.event.template}\n"


class Taker:
    """It takes all, but for what comes while it is away, or when its connection is cut."""

    name = "taker"

    def __init__(self) -> None:
        self._batches = 0

    def open(self) -> None:
        """Nothing to be had."""

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Take it, half of it, or nothing."""
        if is_away(self.name):
            raise ConnectionRefusedError(111, "refused")
        self._batches += 1
        done = len(batch) // 2 if self._batches % CUT_EVERY == 0 else len(batch)
        _into(self.name, [_line(one) for one in batch[:done]])
        if done < len(batch):
            raise TargetError("cut", temporary=True, done=done)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to let go of."""


class Flaky(Taker):
    """One with a fallback."""

    name = "flaky"


class Spare(Taker):
    """The fallback."""

    name = "spare"


class Slow(Taker):
    """It cannot keep up."""

    name = "slow"

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Take it, slowly."""
        time.sleep(SLOW_S)
        super().write(batch)


_LENGTH = re.compile(rb"([0-9]{1,6}) ")
_EVENT = re.compile(rb'session="([^"]*)" seq="([0-9]+)".* producer="([0-9]+)" n="([0-9]+)"')
_LOST = re.compile(rb' mplog\.sink\.drop \[.* count="([0-9]+)"')


def noted(message: bytes) -> str:
    """The line for a syslog message."""
    if event := _EVENT.search(message):
        return " ".join(word.decode() for word in event.groups()) + "\n"
    if lost := _LOST.search(message):
        return f"- {int(lost[1])}\n"
    return f"! {message!r}\n"


class Collector:
    """A syslog server over TCP that goes away, comes back, and reads all that it has let come."""

    name = "collector"

    def __init__(self) -> None:
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._unread: dict[socket.socket, bytes] = {}

    def serve(self) -> None:
        """Until a file `stop` is there."""
        stop = Path(os.environ[PLACE], "stop")
        while not stop.exists():
            away = is_away(self.name)
            if away and self._listener is not None:
                self._leave()
            elif not away and self._listener is None:
                self._return()
            for key, _ in self._selector.select(0.05):
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is self._listener:
                    self._come(sock.accept()[0])
                else:
                    self._read(sock)

    def _leave(self) -> None:
        assert self._listener is not None
        self._selector.unregister(self._listener)
        self._listener.close()
        self._listener = None
        for sock in self._unread:
            sock.shutdown(socket.SHUT_WR)

    def _return(self) -> None:
        try:
            self._listener = socket.create_server(("127.0.0.1", self.port))
        except OSError:
            return  # somebody else has the port: in a moment
        self._selector.register(self._listener, selectors.EVENT_READ)

    def _come(self, sock: socket.socket) -> None:
        self._unread[sock] = b""
        self._selector.register(sock, selectors.EVENT_READ)

    def _read(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            self._selector.unregister(sock)
            sock.close()
            del self._unread[sock]
            return
        data, lines = self._unread[sock] + data, []
        while (length := _LENGTH.match(data)) and len(data) >= length.end() + int(length[1]):
            end = length.end() + int(length[1])
            lines.append(noted(data[length.end() : end]))
            data = data[end:]
        self._unread[sock] = data
        if lines:
            _into(self.name, lines)


def collector() -> tuple[int, int]:
    """Start one in a process of its own; its pid and port."""
    made = Collector()
    pid = os.fork()
    if pid == 0:
        try:
            made.serve()
            os._exit(0)
        finally:
            os._exit(1)
    assert made._listener is not None
    made._listener.close()
    return pid, made.port

"""A connection over which frames go, and that knows how many have arrived.

Arrived means: the far side's kernel has acknowledged the bytes (Linux, TCP). More is not to be had
from a protocol without answers. Over a unix stream what the kernel has taken counts.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import select
import socket
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence

_CHUNK_BYTES = 16_384  # a record of TLS
_TCP_INFO_BYTES = 128
_LONGEST_LOOK_MS = 10
_MOST_READ = 16
_TCP_CLOSE = 7


class Broken(Exception):
    """The connection could no longer be used, and is closed.

    Attributes:
        done: how many of the frames have arrived.
    """

    def __init__(self, why: OSError, done: int) -> None:
        super().__init__(why)
        self.why, self.done = why, done


def connect(host: str, port: int, timeout_s: float) -> socket.socket:
    """A connection over TCP.

    Raises:
        OSError: no address of the host answers, or not in time.
    """
    sock = socket.create_connection((host, port), timeout_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(timeout_s * 1_000))
    return sock


def connect_unix(path: str, timeout_s: float) -> socket.socket:
    """A stream to the unix socket at *path*.

    Raises:
        OSError: nobody is there.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout_s)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return sock


class Stream:
    """One connection, in the clear.

    Args:
        sock: connected; this object's own from here on.
        timeout_s: for as long as the far side takes nothing.
    """

    WOULD_BLOCK: tuple[type[OSError], ...] = (BlockingIOError,)
    WANTS_TO_READ: tuple[type[OSError], ...] = ()
    EXACT = True
    """Whether the kernel counts the bytes of the frames, and not those of their encryption."""

    def __init__(self, sock: socket.socket, timeout_s: float) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._timeout_s = timeout_s
        self._acks = sock.family != socket.AF_UNIX
        self._taken = 0  # by the kernel
        self._ended = False
        self._why: OSError | None = None

    def ended(self) -> bool:
        """Whether the far side has closed, or broken, the connection; what it says is not read."""
        try:
            for _ in range(_MOST_READ):  # a far side that talks on and on is left to it
                self._ended = self._ended or not self._sock.recv(65_536)
        except self.WOULD_BLOCK:
            pass
        except OSError as error:
            self._ended, self._why = True, error
        return self._ended

    def deliver(self, frames: Sequence[bytes]) -> None:
        """Return when all of *frames* have arrived.

        Raises:
            Broken: they have not; this connection is done with.
        """
        ends: list[int] = []  # where each of them ends, as the kernel counts
        try:
            for chunk in _chunks(frames):
                if self.EXACT:
                    end = self._position()
                    for frame in chunk:
                        end += len(frame)
                        ends.append(end)
                self._send(b"".join(chunk))
                if not self.EXACT:
                    ends.extend([self._position()] * len(chunk))
            self._wait_for_acks()
        except OSError as error:
            try:
                arrived = self._arrived()
            except OSError:
                arrived = -1
            self.abort()
            raise Broken(error, sum(end <= arrived for end in ends)) from error

    def abort(self) -> None:
        """Close it so that what has not arrived goes out no more: it will come again."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        """Never waits; what the kernel has taken still goes out."""
        try:
            self.ended()  # what lies unread would make the kernel cut the connection
            self._say_goodbye()
        except (OSError, ValueError):
            pass
        self._sock.close()

    def _say_goodbye(self) -> None:
        """Where the connection's protocol has one."""

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                taken = self._sock.send(view)
            except self.WANTS_TO_READ:
                self._wait(select.POLLIN, self._timeout_s)
                continue
            except self.WOULD_BLOCK:
                self._wait(select.POLLOUT, self._timeout_s)
                continue
            self._taken += taken
            view = view[taken:]

    def _wait(self, what: int, timeout_s: float) -> None:
        poll = select.poll()
        poll.register(self._sock, what)
        if not poll.poll(timeout_s * 1_000):
            raise TimeoutError(errno.ETIMEDOUT, f"nothing taken for {timeout_s:g} s")

    def _wait_for_acks(self) -> None:
        if not self._acks:
            return
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        unacked, since_s, look_ms = -1, time.monotonic(), 0
        while left := self._unacked():
            if left != unacked:
                unacked, since_s = left, time.monotonic()
            elif time.monotonic() - since_s > self._timeout_s:
                raise TimeoutError(errno.ETIMEDOUT, f"no answer for {self._timeout_s:g} s")
            if poll.poll(look_ms) and self.ended():
                self._raise_if_cut()
                poll.modify(self._sock, 0)  # it may still take what is under way
            look_ms = min(look_ms + 1, _LONGEST_LOOK_MS)

    def _raise_if_cut(self) -> None:
        state = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state == _TCP_CLOSE:
            raise self._why or ConnectionResetError(errno.ECONNRESET, "the connection was cut")

    def _unacked(self) -> int:
        told = fcntl.ioctl(self._sock, termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(told, sys.byteorder)

    def _arrived(self) -> int:
        if not self._acks:
            return self._taken
        info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
        return int.from_bytes(info[120:128], sys.byteorder)  # tcpi_bytes_acked

    def _position(self) -> int:
        """What the kernel has taken so far, as `_arrived` counts it."""
        if not self._acks:
            return self._taken
        while True:
            arrived = self._arrived()
            position = arrived + self._unacked()
            if self._arrived() == arrived:
                return position


def _chunks(frames: Sequence[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size_bytes = 0
    for frame in frames:
        if chunk and size_bytes + len(frame) > _CHUNK_BYTES:
            yield chunk
            chunk, size_bytes = [], 0
        chunk.append(frame)
        size_bytes += len(frame)
    if chunk:
        yield chunk

"""A far side that does what a test says: a TCP listener whose connections follow a script."""

from __future__ import annotations

import contextlib
import fcntl
import re
import select
import socket
import ssl
import struct
import termios
import threading
import time
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import rfc5424

Act = Callable[["Peer", socket.socket], None]
_COUNT = re.compile(rb"([1-9][0-9]{0,6}) ")
LIMIT_S = 30.0


class Peer:
    """A listener on 127.0.0.1.

    Args:
        script: what the first connections meet, one after the other.
        then: what every other one meets; if not given, it is read to its end, its frames kept.
        buffer_bytes: of the receive buffer; 0: as the kernel has it.

    Attributes:
        frames: whole frames, each with the number of its connection.
        torn: what was left behind the last whole frame of a connection, where anything was.
        orderly: how many connections have ended without an error.
        fired: how many acts of the script have been played.
    """

    def __init__(self, *script: Act, then: Act | None = None, buffer_bytes: int = 0) -> None:
        self.script = list(script)
        self.then = then or Peer.read
        self.frames: list[tuple[int, bytes]] = []
        self.torn: list[bytes] = []
        self.orderly = 0
        self.fired = 0
        self.connections = 0
        self.go_on = threading.Event()
        self._listener = socket.socket()
        if buffer_bytes:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._start("0", self._accept)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        while select.select([self._listener], [], [], 0)[0]:
            time.sleep(0.005)  # who has connected is to be met
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(LIMIT_S)
        self._listener.close()
        for conn in self._open:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT_S)
            assert not thread.is_alive()

    def met(self, count: int) -> bool:
        """Wait until so many acts of the script have begun; whether it was no more."""
        deadline_s = time.monotonic() + LIMIT_S
        while self.fired < count and time.monotonic() < deadline_s:
            time.sleep(0.005)
        return self.fired == count

    def told(self) -> list[dict[str, str]]:
        """The structured data of the events that have come whole, connection by connection."""
        with self._lock:
            frames = sorted(self.frames, key=itemgetter(0))
        return [rfc5424.read(frame).data["mplog@32473"] for _, frame in frames]

    def seqs(self) -> list[int]:
        """Their numbers."""
        return [int(data["seq"]) for data in self.told() if "seq" in data]

    def read(self, conn: socket.socket, buffer: bytes = b"") -> None:
        """Read to the end of a connection; keep what is whole.

        Args:
            buffer: what has been read of it before.
        """
        number = int(threading.current_thread().name)
        try:
            while True:
                head = _COUNT.match(buffer)
                if head is not None and len(buffer) >= head.end() + int(head[1]):
                    end = head.end() + int(head[1])
                    with self._lock:
                        self.frames.append((number, buffer[head.end() : end]))
                    buffer = buffer[end:]
                    continue
                more = conn.recv(65_536)
                if not more:
                    self.orderly += 1
                    break
                buffer += more
        except (OSError, ssl.SSLError):
            pass
        if buffer:
            self.torn.append(buffer)

    def _start(self, name: str, run: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=run, name=name, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            conn.settimeout(LIMIT_S)
            self._open.append(conn)
            act = self.script.pop(0) if self.script else None
            self._start(str(self.connections), self._play, act, conn)

    def _play(self, act: Act | None, conn: socket.socket) -> None:
        try:
            if act is None:
                self.then(self, conn)
            else:
                self.fired += 1
                act(self, conn)
        except (OSError, ssl.SSLError):
            pass
        finally:
            conn.close()


def unread_bytes(conn: socket.socket | int) -> int:
    """What the kernel has taken for it (or for a pipe) and nobody has read."""
    return int.from_bytes(fcntl.ioctl(conn, termios.FIONREAD, bytes(4)), "little")


def reset(conn: socket.socket) -> None:
    """Cut it, as a crash would."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def over_tls(
    certs: Path,
    name: str = "server",
    act: Act | None = None,
    prepare: Callable[[ssl.SSLContext], object] = lambda context: None,
) -> Act:
    """An act: the handshake with the certificate of that *name*, then *act*, or reading.

    Args:
        prepare: what the context is given besides.
    """

    def play(peer: Peer, conn: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        prepare(context)
        context.load_cert_chain(certs / f"{name}.pem", certs / f"{name}.key")
        with context.wrap_socket(conn, server_side=True) as secured:
            (act or Peer.read)(peer, secured)

    return play

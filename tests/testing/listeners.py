"""Far sides for the conformance kit: they keep what they get, go away, and come back."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import socket
import threading

_COUNT = re.compile(rb"(\d+) ")


class Listener:
    """What the two kinds have in common.

    Args:
        family: AF_UNIX or AF_INET.
        address: a path, or ("127.0.0.1", 0).
    """

    kind = socket.SOCK_DGRAM

    def __init__(self, family, address):
        self.family, self.address = family, address
        self.server = self.held = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.held is not None:
            self.held.close()

    def hold(self):
        """Nobody else is given the port while this far side is away."""
        if self.family != socket.AF_INET or self.held is not None:
            return
        self.held = socket.socket(self.family, self.kind)
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(self.address)
        if self.kind == socket.SOCK_DGRAM:
            self.held.connect(("127.0.0.1", 9))  # so it takes nothing that is for the other one

    @contextlib.contextmanager
    def away(self):
        """An outage."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def start(self):
        self.server = socket.socket(self.family, self.kind)
        if self.family == socket.AF_INET:
            self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(self.address)
        self.address = self.server.getsockname()
        self.hold()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.listen()
        self.thread.start()

    def stop(self):
        self.over.set()
        self.wake()
        self.thread.join()
        self.server.close()
        if self.family == socket.AF_UNIX:
            os.unlink(self.address)


class Datagrams(Listener):
    """Each datagram an item; one that is only a descriptor is what is in there (journald)."""

    def __init__(self, family, address):
        super().__init__(family, address)
        self.items = []

    def listen(self):
        self.server.settimeout(0.02)

    def wake(self):
        pass

    def serve(self):
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                if self.family == socket.AF_INET:
                    self.items.append(self.server.recv(1 << 20))
                    continue
                data, fds, _, _ = socket.recv_fds(self.server, 1 << 20, 1)
                for fd in fds:
                    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as whole:
                        data = bytes(whole)
                    os.close(fd)
                self.items.append(data)


class Stream(Listener):
    """Frames by octet counting, or lines."""

    kind = socket.SOCK_STREAM

    def __init__(self, family, address, *, counted):
        super().__init__(family, address)
        self.counted, self.got, self.open = counted, [], []

    @property
    def items(self):
        """The whole frames of all connections, in their order."""
        return [frame for data in self.got for frame in self.frames(bytes(data))]

    def frames(self, data):
        if not self.counted:
            yield from data.split(b"\n")[:-1]
            return
        while (head := _COUNT.match(data)) and len(data) >= head.end() + int(head[1]):
            end = head.end() + int(head[1])
            yield data[head.end() : end]
            data = data[end:]

    def listen(self):
        self.server.listen()

    def wake(self):
        self.server.shutdown(socket.SHUT_RDWR)
        for conn in self.open:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)

    def serve(self):
        readers = []
        with contextlib.suppress(OSError):
            while not self.over.is_set():
                conn, _ = self.server.accept()
                self.open.append(conn)
                if self.over.is_set():  # it came too late to be shut down with the others
                    conn.shutdown(socket.SHUT_RDWR)
                self.got.append(bytearray())
                readers.append(threading.Thread(target=self.read, args=(conn, self.got[-1])))
                readers[-1].start()
        for reader in readers:
            reader.join()

    @staticmethod
    def read(conn, into):
        with conn, contextlib.suppress(OSError):
            while data := conn.recv(1 << 16):
                into += data

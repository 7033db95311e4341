"""Sinks that do what they should, and what reads them."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

from mplog.format import formatter


class Kept:
    """A good sink, and what its far side has."""

    got: list[str]

    def __init__(self):
        self.opened = False

    def open(self):
        self.opened = True

    def write(self, batch):
        for one in batch:
            self.got.append(one.event.template.encode("unicode_escape").decode())

    def flush(self):
        pass

    def close(self):
        self.opened = False


class Lines:
    """Events as JSON lines over a unix socket."""

    def __init__(self, path):
        self.path, self.format, self.socket = path, formatter("json"), None

    def open(self):
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.connect(self.path)
        except OSError:
            self.close()
            raise

    def write(self, batch):
        if self.socket is None:
            raise ConnectionError("not open")
        self.socket.sendall(b"".join(self.format.line(one.event, one.stamped) for one in batch))

    def flush(self):
        pass

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = None


class FarSide:
    """Whoever reads the lines; it can go away and come back."""

    def __init__(self, path):
        self.path, self.lines = path, []
        self.threads, self.open = [], []

    @contextlib.contextmanager
    def there(self):
        self.start()
        try:
            yield
        finally:
            self.stop()

    @contextlib.contextmanager
    def away(self):
        self.stop()
        try:
            yield
        finally:
            self.start()

    def start(self):
        self.over = False
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(self.path)
        self.server.listen()
        self.threads = [threading.Thread(target=self.serve, args=(self.server,))]
        self.threads[0].start()

    def stop(self):
        self.over = True
        self.server.shutdown(socket.SHUT_RDWR)
        for conn in self.open:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.server.close()
        os.unlink(self.path)

    def serve(self, server):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = server.accept()
                self.open.append(conn)
                if self.over:  # it came too late to be shut down with the others
                    conn.shutdown(socket.SHUT_RDWR)
                self.read(conn)

    def read(self, conn):
        with conn, contextlib.suppress(OSError), conn.makefile("rb") as file:
            self.lines += file

"""A service with every format and every kind of sink, and what each of them has got in the end."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
for folder in ("format", "sinks"):
    if str(TESTS / folder) not in sys.path:
        sys.path.insert(0, str(TESTS / folder))

import peers  # noqa: E402

LAYOUT = "template:{timestamp} {level} n={n} {logger} {process} {thread} {function} {v} {message}"
MAKING = """
def line(line):
    n = line.fields.get("n", "-")
    return f"own INFO n={n} {line.logger} {line.message} {line.fields} {line.exception}"
def take(line):
    with open(__file__ + ".taken", "a", encoding="ascii") as out:
        told = (line.fields.get("n"), line.message, line.fields.get("v"), line.logger)
        out.write(ascii(told) + "\\n")
"""


class Box(threading.Thread):
    """A bound datagram socket, and what it has got."""

    def __init__(self, family, at):
        super().__init__(daemon=True)
        self.sock, self.got = socket.socket(family, socket.SOCK_DGRAM), []
        self.sock.bind(at)
        self.at = self.sock.getsockname()
        self.start()

    def run(self):
        """Until an empty one comes."""
        while data := self.sock.recv(1 << 20):
            self.got.append(data)

    def end(self):
        """All that came."""
        with socket.socket(self.sock.family, socket.SOCK_DGRAM) as one:
            for _ in range(200):  # UDP may lose this one too
                one.sendto(b"", self.at)
                self.join(0.1)
                if not self.is_alive():
                    break
        self.sock.close()
        return self.got


class Lines(peers.Peer):
    """A far side that reads lines, as a syslog server does where nobody counts octets."""

    def __init__(self):
        self.data = b""
        super().__init__(then=Lines.keep)

    def keep(self, conn):
        """To its end."""
        while more := conn.recv(65_536):
            self.data += more


class FarSides:
    """All far sides of one service."""

    def __init__(self, place, folder):
        self.folder = folder
        self.dgram = Box(socket.AF_UNIX, str(place / "dgram"))
        self.journal = Box(socket.AF_UNIX, str(place / "journal"))
        self.udp = Box(socket.AF_INET, ("127.0.0.1", 0))
        self.octets, self.lines = peers.Peer(), Lines()
        (folder / "making.py").write_text(MAKING)
        for name in ("plain", "colours"):
            (folder / name).touch()

    def settings(self, files, **formats):
        """Files besides the log, each of the format that it is called by; a sink of each kind, and
        each way of syslog, with *formats* of their own.
        """
        named = {"layout": LAYOUT, "own": "making:line"}
        made = [{"file": str(self.folder / k), "format": named.get(k, k)} for k in files]
        sinks = [
            {"type": "syslog", "name": "dgram", "target": f"unix-dgram:{self.dgram.at}"},
            {"type": "syslog", "name": "udp", "target": f"udp://127.0.0.1:{self.udp.at[1]}"},
            {"type": "syslog", "name": "octets", "target": f"tcp://127.0.0.1:{self.octets.port}"},
            {"type": "syslog", "name": "lf", "target": f"tcp://127.0.0.1:{self.lines.port}",
             "framing": "lf"},
            {"type": "journald", "target": self.journal.at},
            {"type": "console", "name": "plain", "target": str(self.folder / "plain")},
            {"type": "console", "name": "colours", "target": str(self.folder / "colours"),
             "colour": "always"},
            {"type": "callable", "target": "making:take"},
        ]  # fmt: skip
        for sink in sinks:
            if sink.get("name", sink["type"]) in formats:
                sink["format"] = formats[sink.get("name", sink["type"])]
        return {"files": made, "sinks": sinks}

    def end(self):
        """What each has got, by its name: bytes, or messages one by one."""
        for peer in (self.octets, self.lines):
            for connection in peer._threads[1:]:
                connection.join(20)  # the writer has left: each comes to its end
            peer.__exit__()
        return {
            **{path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()},
            "lf": self.lines.data,
            "octets": [frame for _, frame in self.octets.frames],
            "dgram": self.dgram.end(),
            "udp": self.udp.end(),
            "journal": self.journal.end(),
        }

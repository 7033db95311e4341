"""Syslog servers as the far side of a sink: one of these lines, and Debian's two, which
.ci/receivers unpacks. Each can be killed and started again at the same port.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

UNPACKED = Path(sys.prefix) / "receivers"
LOOK_S = 0.001
START_S = 20.0
RSYSLOG = """
global(workDirectory="{place}")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}")
template(name="line" type="string" string="%msg%\\n")
action(type="omfile" file="{out}" template="line" asyncWriting="off" flushOnTXEnd="on")
"""
SYSLOG_NG = """
@version: 3.38
options {{ flush-lines(1); stats-freq(0); create-dirs(no); use-dns(no); }};
source s {{ syslog(ip("127.0.0.1") transport("tcp") port({port})); }};
destination d {{ file("{out}" template("${{MSG}}\\n")); }};
log {{ source(s); destination(d); }};
"""
PLAIN = """
import socket, sys
listening = socket.socket()
listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listening.bind(("127.0.0.1", int(sys.argv[1])))
listening.listen()
out = open(sys.argv[2], "ab", buffering=0)
while True:
    connection = listening.accept()[0]
    while data := connection.recv(1 << 16):
        out.write(data)
"""


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Server:
    """One server.

    Args:
        kind: "plain", "rsyslog" or "syslog-ng".
        place: a directory of its own.

    Attributes:
        out: what it has got, as it writes that.
    """

    def __init__(self, kind: str, place: Path) -> None:
        self.port, self.out, self._place = free_port(), place / "out", place
        self._process: subprocess.Popen[bytes] | None = None
        config = {"rsyslog": RSYSLOG, "syslog-ng": SYSLOG_NG}.get(kind, "")
        filled = config.format(place=place, port=self.port, out=self.out)
        (place / "conf").write_text(filled, encoding="utf-8")
        self._root = UNPACKED / kind
        self._command = self._words(kind)

    def _words(self, kind: str) -> list[str]:
        usr, place = self._root / "usr", self._place
        if kind == "rsyslog":
            words = [f"{usr}/sbin/rsyslogd", "-n", "-f", f"{place}/conf", "-i", f"{place}/pid"]
            return [*words, "-M", f"{usr}/lib/x86_64-linux-gnu/rsyslog"]
        if kind == "syslog-ng":
            words = [f"{usr}/sbin/syslog-ng", "-F", "-f", f"{place}/conf", "-p", f"{place}/pid"]
            words += ["-R", f"{place}/persist", "-c", f"{place}/ctl", "--no-caps"]
            return [*words, f"--module-path={usr}/lib/syslog-ng/3.38"]
        return [sys.executable, "-S", "-E", "-c", PLAIN, str(self.port), str(self.out)]

    def start(self) -> float:
        """Run it; when (monotonic) it was seen to listen."""
        usr, root = self._root / "usr", self._root
        paths = [usr / "lib/x86_64-linux-gnu", usr / "lib/syslog-ng", root / "lib/x86_64-linux-gnu"]
        with contextlib.suppress(FileNotFoundError):
            (self._place / "pid").unlink()
        with open(self._place / "err", "ab") as err:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, paths))},
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
            )
        deadline_s = time.monotonic() + START_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"no server: {(self._place / 'err').read_text()}")
            time.sleep(LOOK_S)
        return time.monotonic()

    def _listens(self) -> bool:
        table = Path("/proc/net/tcp").read_text(encoding="ascii")
        return f"0100007F:{self.port:04X} 00000000:0000 0A" in table

    def size(self) -> int:
        """Bytes that it has written."""
        return self.out.stat().st_size if self.out.exists() else 0

    def kill(self) -> None:
        """As a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

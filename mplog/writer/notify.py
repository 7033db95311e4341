"""What the supervisor says to the init system that has started it: systemd's `Type=notify`.

Only the main process is believed, and that is the supervisor, which knows nothing of the writer's
health. So the writer beats through a pipe, once it has begun and then from its loop, and the
supervisor passes each beat on: a writer that hangs is silent. One that waits for a file which
refuses is well: to start it anew would help nobody, and its service is there for those who log.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import MutableMapping

from mplog.writer.reap import bury_others

_DELIVERS, _WAITS = b".", b"-"
_STATUS = {
    _DELIVERS: "delivering",
    _WAITS: "a file cannot be written, events wait in shared memory: see mplog status",
}
ORPHANS_S = 1.0  # between two looks for those that process 1 has to bury
_BEATS = 3  # in the time after which systemd takes the service for hung


class Init:
    """The socket of the init system, and the pipe from the writer.

    Args:
        environ: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are taken out of it: they are
            not for what the writer starts.

    Attributes:
        every_s: how often the writer has to beat; 0: only once.
    """

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self._address = environ.pop("NOTIFY_SOCKET", "")
        usec, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        ours = not pid or pid == str(os.getpid())
        self.every_s = int(usec) / 1e6 / _BEATS if usec.isdigit() and ours else 0.0
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._ready, self._said = False, b""
        self._beat_s, self._beaten = 0.0, b""

    def say(self, text: str) -> None:
        """Tell the init system; where it does not listen there is nothing to be done."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.sendto(text.encode(), address)

    def beat(self, delivers: bool) -> None:
        """In the writer: it is well, and whether it *delivers*."""
        now, beat = time.monotonic(), _DELIVERS if delivers else _WAITS
        early = self._beat_s and (not self.every_s or now - self._beat_s < self.every_s)
        if early and beat == self._beaten:
            return
        self._beat_s, self._beaten = now, beat
        with contextlib.suppress(OSError):
            os.write(self._write, beat)

    def wait(self, child: int) -> None:
        """In the supervisor: pass on what the writer says, until *child* has ended."""
        try:
            ended = os.pidfd_open(child)
        except OSError:
            return
        look_s = ORPHANS_S if os.getpid() == 1 else None
        try:
            while True:
                readable, _, _ = select.select([self._read, ended], [], [], look_s)
                if ended in readable:
                    return
                if readable:
                    self._pass_on()
                if look_s is not None:
                    bury_others(child)
        finally:
            os.close(ended)

    def _pass_on(self) -> None:
        last = self._said or _DELIVERS
        with contextlib.suppress(OSError):
            last = os.read(self._read, 4096)[-1:]
        news = f"\nSTATUS={_STATUS[last]}" if last != self._said else ""
        self.say(("WATCHDOG=1" if self._ready else "READY=1") + news)
        self._ready, self._said = True, last


def init_of(environ: MutableMapping[str, str]) -> Init | None:
    """The init system that waits to be told; None where none does."""
    return Init(environ) if environ.get("NOTIFY_SOCKET") else None

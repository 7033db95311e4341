"""The program in which a user's sink runs: it does what it is asked, and answers, until the writer
lets go of it.

Its main thread is the user's. What the user's code does here, a call that never returns, one of C
that keeps the interpreter's lock, a crash, is seen by the writer as an answer that does not come.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import os
import select
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from mplog.config.carried import is_carried
from mplog.config.named import find
from mplog.event.codec import decode
from mplog.event.event import Event
from mplog.format.own import Line
from mplog.resilience.outage import judge, said
from mplog.resilience.store import Held
from mplog.sinks.base import Outgoing, Sink
from mplog.sinks.callable import FunctionSink, refuse_unrun, sink_of
from mplog.writer.apart.wire import (
    CLOSE,
    DEAF_TO,
    END,
    FLUSH,
    HEAD,
    MAKE,
    OPEN,
    WRITE,
    Answer,
    Ask,
    Stepping,
)
from mplog.writer.carried import load
from mplog.writer.exiting import PATIENCE_S, leave

_MOST_FDS = 1 << 16
_FIRST_TO_GO = 500  # where memory is short: rather this than the writer, or a worker
_SAID_CHARS = 2_000


def main(words: Sequence[str]) -> NoReturn:
    """Serve the writer that has started this.

    Args:
        words: one, of three numbers: the socket, the pipe that ends this process, the steps.
    """
    asks, life, steps = (int(number) for number in words[0].split(","))
    _die_with(life)
    _keep_to_ourselves(asks, life, steps)
    for number in DEAF_TO:
        # No SIG_IGN: what this program starts would inherit it.
        signal.signal(number, lambda number, frame: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, DEAF_TO)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(_FIRST_TO_GO))
    with contextlib.suppress(Exception):  # there is no stderr
        faulthandler.enable()
    Host(socket.socket(fileno=asks), Stepping(steps)).serve()


def _die_with(life: int) -> None:
    """Have the kernel kill this process when the other end of *life* is closed, which the writer
    alone holds. A signal that Python handles would wait for the lock of the interpreter.
    """
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(life, select.POLLIN)
    if poll.poll(0):  # it was closed before
        os._exit(0)


def _keep_to_ourselves(*kept: int) -> None:
    """Nothing else is ours, and nothing of it is for programs that users' code starts."""
    first = 3
    for fd in sorted(kept):
        os.set_inheritable(fd, False)
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, max(first, _MOST_FDS))


class Host:
    """The sink, and who asks for it.

    Args:
        asks: where questions come from, and answers go.
        steps: where the writer sees how far a batch has come.
    """

    def __init__(self, asks: socket.socket, steps: Stepping) -> None:
        self._asks, self._steps = asks, steps
        self._decoder = msgspec.msgpack.Decoder(Ask)
        self._encoder = msgspec.msgpack.Encoder()
        self._sink: Sink | None = None
        self._open, self._pid = False, os.getpid()
        self._does: dict[str, Callable[[Ask], None]] = {
            MAKE: self._make,
            OPEN: self._open_it,
            WRITE: self._write,
            FLUSH: lambda ask: self._have_run(self._made.flush),
            CLOSE: self._close,
            END: self._close,
        }

    def serve(self) -> NoReturn:
        """Until the last question, or the writer is gone."""
        code = 0
        try:
            while (ask := self._next()) is not None:
                answer = self._answer(ask)
                body = self._encoder.encode(answer)
                self._asks.sendall(HEAD.pack(len(body)) + body)
                if ask.what == END:
                    break
        except OSError:
            code = 1
        leave(code, PATIENCE_S)

    def _next(self) -> Ask | None:
        head = self._read(HEAD.size)
        return None if head is None else self._decoder.decode(self._read(*HEAD.unpack(head)) or b"")

    def _read(self, size_bytes: int) -> bytes | None:
        got = bytearray()
        while len(got) < size_bytes:
            data = self._asks.recv(size_bytes - len(got))
            if not data:
                return None
            got += data
        return bytes(got)

    def _answer(self, ask: Ask) -> Answer:
        try:
            self._does[ask.what](ask)
            self._only_here()
        except BaseException as error:  # anybody's code; a SystemExit is a fault like others
            if os.getpid() != self._pid:
                raise
            verdict = judge(error, len(ask.batch))
            text = said(error)[:_SAID_CHARS].encode("utf-8", "backslashreplace").decode()
            return Answer(verdict.done, verdict.meaning, text, verdict.retry_after_s)
        return Answer(len(ask.batch), exact=isinstance(self._sink, FunctionSink))

    @staticmethod
    def _have_run(method: Callable[..., object], *given: object) -> None:
        refuse_unrun(method(*given))

    def _only_here(self) -> None:
        """A process that the user's code has forked, and that comes back, ends: it was not asked.

        Raises:
            SystemExit: this is one.
        """
        if os.getpid() != self._pid:
            raise SystemExit(0)

    # ---- what it does ----
    @property
    def _made(self) -> Sink:
        assert self._sink is not None
        return self._sink

    def _make(self, ask: Ask) -> None:
        sink = sink_of(load(ask.packed) if is_carried(ask.target) else find(ask.target))
        if isinstance(sink, FunctionSink):
            sink = FunctionSink(self._stepped(sink.function))
        self._sink = sink

    def _stepped(self, function: Callable[[Line], Any]) -> Callable[[Line], Any]:
        begin, step = self._steps.begin, self._steps.step

        def stepped(line: Line) -> Any:
            begin()
            made = function(line)
            self._only_here()
            step()
            return made

        return stepped

    def _open_it(self, ask: Ask) -> None:
        self._open = True  # also where it fails: half of it may be
        self._have_run(self._made.open)

    def _write(self, ask: Ask) -> None:
        self._have_run(self._made.write, [_outgoing(one) for one in ask.batch])

    def _close(self, ask: Ask) -> None:
        was_open, self._open = self._open, False
        if was_open:
            self._have_run(self._made.close)


def _outgoing(one: Held) -> Outgoing:
    stamped, payload = one
    return Outgoing(stamped, decode(payload) or Event("mplog", "unreadable event"))

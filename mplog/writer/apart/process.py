"""The process of a user's sink, as the writer sees it: started, asked, waited for no longer than
agreed, ended, buried.

It cannot outlive its writer: that holds the only end of a pipe by whose closing the kernel kills
the process, in whatever call it is (host.py).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import socket
import sys
import threading
import time

import msgspec

from mplog.errors import TargetError
from mplog.writer.apart.wire import DEAF_TO, END, HEAD, MAX_ANSWER_BYTES, Answer, Ask, Steps
from mplog.writer.beside import command
from mplog.writer.exiting import PATIENCE_S

CLOSE_S = 5.0  # for the close of a user's own; then what it has registered with atexit
BURY_S = 1.0  # a killed process in a call of the kernel's may take its time to die
_COMPUTING = 0.1  # of its limit: a call that took more of it from a processor was no mere waiting
_CHUNK_BYTES = 1 << 16
_ENCODER = msgspec.msgpack.Encoder()
_ANSWERS = msgspec.msgpack.Decoder(Answer)
_FLAGS = {
    "isolated": "-I",
    "ignore_environment": "-E",
    "no_user_site": "-s",
    "safe_path": "-P",
    "no_site": "-S",
    "dont_write_bytecode": "-B",
}
_ending: set[Process] = set()


class Ended(TargetError):
    """The process is no more, or was ended since it did not answer; another one may be started.

    Attributes:
        waited: it did not answer since it was waiting, for a far side as like as not.
    """

    waited = False


class Process:
    """One process; only `kill` may be called from another thread.

    Args:
        carried: whether it is to load an object without a name.

    Attributes:
        pid: its number.
        done: once it has ended: how many events of the last batch a function had returned from.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, carried: bool = False) -> None:
        self._lock, self._gone = threading.Lock(), threading.Event()
        self._pidfd, self.done, self._asked = -1, 0, (0.0, 0.0)
        with contextlib.ExitStack() as begun:
            self._steps = Steps()
            begun.callback(self._steps.close)
            self._socket, theirs = socket.socketpair()
            begun.callback(self._socket.close)
            begun.callback(theirs.close)
            life, self._life = os.pipe2(os.O_CLOEXEC)
            begun.callback(os.close, life)
            begun.callback(os.close, self._life)
            self._socket.setblocking(False)
            self.pid = _spawn([theirs.fileno(), life, self._steps.fd], carried)
            begun.callback(self._disown)
            self._pidfd = os.pidfd_open(self.pid)
            begun.pop_all()
        theirs.close()
        os.close(life)

    def _disown(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return not _readable(self._pidfd, 0.0)

    def ask(self, ask: Ask, limit_s: float) -> Answer:
        """Its answer.

        Args:
            limit_s: for one call of the user's own; 0: as long as it takes.

        Raises:
            Ended: there is none, and the process is gone.
        """
        try:
            body = _ENCODER.encode(ask)
            self._steps.begin()
            self._asked = time.monotonic(), self._computed_s()
            return self._exchange(memoryview(HEAD.pack(len(body)) + body), limit_s)
        except _Silent as silent:
            waited = not self._computes(limit_s)
            ended = self._over(str(silent))
            ended.waited = waited
            raise ended from None
        except msgspec.MsgspecError:
            raise self._over("its process has answered nonsense, and was ended") from None
        except OSError:
            raise self._over() from None

    def _exchange(self, out: memoryview, limit_s: float) -> Answer:
        poll, got = select.poll(), b""
        poll.register(self._pidfd, select.POLLIN)
        while True:
            poll.register(self._socket, select.POLLIN | (select.POLLOUT if out else 0))
            ready = dict(poll.poll(self._left_ms(limit_s)))
            here = ready.get(self._socket.fileno(), 0)
            if here & ~select.POLLOUT:
                data = self._socket.recv(_CHUNK_BYTES)
                got += data
                if (answer := _answer_in(got)) is not None:
                    return answer
                if not data:
                    raise ConnectionResetError
            elif here:
                out = out[self._socket.send(out[:_CHUNK_BYTES]) :]
            elif self._pidfd in ready:
                raise ConnectionResetError

    def _left_ms(self, limit_s: float) -> float | None:
        if not limit_s:
            return None
        since_s = max(self._steps.read()[1] / 1e9, self._asked[0])  # the page may be gone
        left_s = since_s + limit_s - time.monotonic()
        if left_s <= 0:
            raise _Silent(f"a call of it has lasted for {limit_s:g} s, and its process was ended")
        return left_s * 1e3 + 1

    def _computed_s(self) -> float:
        """What it has had of the processors."""
        return time.clock_gettime(~self.pid << 3 | 2)  # clock_getcpuclockid(3), as Linux has it

    def _computes(self, limit_s: float) -> bool:
        """Whether the call that is too long computes; all that came before it may have, too."""
        began_s, computed_s = self._asked
        before_s = time.monotonic() - began_s - limit_s
        with contextlib.suppress(OSError):  # gone just now
            return self._computed_s() - computed_s - before_s > limit_s * _COMPUTING
        return False

    def _over(self, why: str = "") -> Ended:
        """It is of no more use: what is to be told of that."""
        if not why:
            _readable(self._pidfd, BURY_S)  # one that has closed its socket may be about to end
        status = self._bury()
        return Ended(why or f"its process {_told(status)}", done=0)

    def _bury(self) -> int | None:
        """Kill it where it still lives, and let go of it; its wait status, if it is known."""
        self.kill()
        status = None
        if _readable(self._pidfd, BURY_S):
            with contextlib.suppress(ChildProcessError):
                status = os.waitpid(self.pid, 0)[1]
        self.done = self._steps.read()[0]
        with self._lock:
            os.close(self._pidfd)
            self._pidfd = -1
        os.close(self._life)
        self._socket.close()
        self._steps.close()
        _ending.discard(self)
        self._gone.set()
        return status

    def kill(self) -> None:
        """End it at once, whatever it does."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def end(self) -> Answer:
        """Have it close the sink, and do what the user's own code has registered for the exit.

        Raises:
            Ended: it had ended before, or has taken too long.
        """
        if not _ending:
            atexit.unregister(_wait_for_those)
            atexit.register(_wait_for_those)
        _ending.add(self)
        answer = self.ask(Ask(END), CLOSE_S)
        _readable(self._pidfd, PATIENCE_S)
        self._bury()
        return answer

    def wait(self, timeout_s: float) -> None:
        """Until another thread has ended it."""
        self._gone.wait(timeout_s)


class _Silent(Exception):
    """It has not answered in time."""


def _wait_for_those() -> None:
    """A writer that leaves gives those time that are just ending; how much is its own concern."""
    for one in list(_ending):
        one.wait(CLOSE_S + PATIENCE_S)


def _answer_in(got: bytes) -> Answer | None:
    """What stands there, once it is whole.

    Raises:
        msgspec.MsgspecError: no answer does.
    """
    if len(got) < HEAD.size:
        return None
    (size_bytes,) = HEAD.unpack_from(got)
    if size_bytes > MAX_ANSWER_BYTES:
        raise msgspec.DecodeError("no answer is so long")
    body = got[HEAD.size :]
    return None if len(body) < size_bytes else _ANSWERS.decode(body)


def _readable(fd: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(timeout_s * 1e3))


def _told(status: int | None) -> str:
    if status is None:
        return "has ended"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"has ended with code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"was killed by signal {-code}"


def _spawn(fds: list[int], carried: bool) -> int:
    """Start it with these descriptors, and no other ones of ours but stdout and stderr; no lock
    among them. A session of its own: what a terminal sends is not meant for it.
    """
    flags = [option for name, option in _FLAGS.items() if getattr(sys.flags, name, 0)]
    packages = ("msgspec", "multiprocess", "dill") if carried else ("msgspec",)
    words = command("mplog.writer.apart.host", flags, packages, ",".join(map(str, fds)))
    return os.posix_spawn(
        words[0],
        words,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDWR, 0),
            *((os.POSIX_SPAWN_DUP2, fd, fd) for fd in fds),
        ],
        setsid=True,
        setsigmask=DEAF_TO,
        setsigdef=[*DEAF_TO, signal.SIGCHLD],
    )

"""Descriptors that outlive a writer: one that dies leaves its successor the pidfds of the workers
it has watched, so that how they ended is not forgotten with it.

They lie as messages in a socket; the supervisor holds both ends of it, and does nothing with them.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Sequence

_AT_ONCE = 200  # the kernel takes 253 descriptors with one message
_WORD_BYTES = 32
_DESCRIPTORS, _MARK = b"d", b"m"


class Keeper:
    """One service's."""

    def __init__(self) -> None:
        self._into, self._out = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._into.setblocking(False)
        self._out.setblocking(False)

    def put(self, fds: Sequence[int]) -> None:
        """Keep these too; what there is no room for is not kept."""
        for first in range(0, len(fds), _AT_ONCE):
            with contextlib.suppress(OSError):
                socket.send_fds(self._into, [_DESCRIPTORS], fds[first : first + _AT_ONCE])

    def look(self) -> list[int]:
        """Copies of all that are kept; each message goes back before the next one is taken."""
        mark = _MARK + os.urandom(8).hex().encode()
        found: list[int] = []
        try:
            self._into.send(mark)
            while True:
                word, fds = self._take()
                if word == mark:
                    return found
                if word == _DESCRIPTORS:
                    self.put(fds)
                    found += fds
        except OSError:  # full, or empty before its time
            return found

    def clear(self) -> None:
        """Forget all."""
        with contextlib.suppress(OSError):
            while True:
                for fd in self._take()[1]:
                    os.close(fd)

    def close(self) -> None:
        """Nobody is left to keep them for."""
        self._into.close()
        self._out.close()

    def _take(self) -> tuple[bytes, list[int]]:
        word, fds, _, _ = socket.recv_fds(self._out, _WORD_BYTES, _AT_ONCE)
        for fd in fds:  # it leaves out the flags that it is given
            os.set_inheritable(fd, False)
        return word, fds


class Kept:
    """What this process has inherited, or hands down by a fork."""

    keeper: Keeper | None = None


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Have the writers that are forked meanwhile keep their descriptors here."""
    with contextlib.suppress(OSError):
        Kept.keeper = Keeper()
    try:
        yield
    finally:
        keeper, Kept.keeper = Kept.keeper, None
        if keeper is not None:
            keeper.close()

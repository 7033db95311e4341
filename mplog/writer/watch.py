"""The writer's eye on the owners of lanes: a pidfd for each, opened while it lives, so that the
kernel can say afterwards how it ended.
"""

from __future__ import annotations

import contextlib
import os
import resource

from mplog import _native
from mplog._native import Reader
from mplog.writer.fate import UNKNOWN, Fate, fate_of, is_over, open_process

MOST = 2048  # lanes that a service can have
PATIENCE_S = 2.0  # how long a process may be about to end


def most_descriptors() -> int:
    """How many processes may be watched: half of the descriptors that the writer may have."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)


class Watch:
    """Who is there.

    Args:
        reader: of the service.
        most: processes that are watched, at most; of others nobody knows how they ended.
    """

    def __init__(self, reader: Reader, most: int) -> None:
        self._reader, self._most = reader, most
        self._arrivals = -1
        self._fds: dict[int, int] = {}  # by inode
        self._sessions: dict[str, int] = {}  # the inode of each one's owner; 0: it cannot be had
        self._seen: set[str] = set()
        self._asked: dict[str, float] = {}

    def look(self, due: bool) -> None:
        """Open what is new; *due*: look also when nobody has announced himself."""
        arrivals = _native.arrivals(self._reader)
        if arrivals == self._arrivals and not due:
            return
        self._arrivals = arrivals
        rows = _native.owners(self._reader)
        for session, pid, ino, ended in rows:
            if session not in self._sessions and not ended:
                there = self._open(pid, ino)
                self._sessions[session] = ino if there else 0
                if there and not is_over(self._fds[ino]):
                    self._seen.add(session)
        if due:
            self._prune({row[0] for row in rows})

    def seen(self, session: str) -> bool:
        """Whether the owner was watched while it lived."""
        return session in self._seen

    def fate(self, session: str, pid: int, ino: int, now_s: float) -> Fate | None:
        """How the owner of a session that has ended went; None: ask again soon.

        Args:
            pid, ino: of the owner, as its slot says.
            now_s: monotonic.
        """
        if ino == 0 or not self._open(pid, ino):
            return UNKNOWN
        found = fate_of(self._fds[ino], pid)
        if found is None and now_s - self._asked.setdefault(session, now_s) > PATIENCE_S:
            return UNKNOWN
        return found

    def forget(self, session: str) -> None:
        """Its end is told."""
        self._asked.pop(session, None)
        self._seen.discard(session)
        ino = self._sessions.pop(session, 0)
        if ino not in self._sessions.values():
            self._close(ino)

    def close(self) -> None:
        """The writer leaves."""
        for ino in list(self._fds):
            self._close(ino)

    def _open(self, pid: int, ino: int) -> bool:
        if ino in self._fds:
            return True
        if not ino or len(self._fds) >= self._most:
            return False
        try:
            fd = open_process(pid, ino)
        except OSError:  # no descriptors left, or a sandbox
            return False
        if fd is None:
            return False
        self._fds[ino] = fd
        return True

    def _prune(self, there: set[str]) -> None:
        for session in self._sessions.keys() - there:
            self.forget(session)
        wanted = set(self._sessions.values())
        for ino in self._fds.keys() - wanted:
            self._close(ino)

    def _close(self, ino: int) -> None:
        fd = self._fds.pop(ino, None)
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)

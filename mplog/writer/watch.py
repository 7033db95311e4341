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
from mplog.writer.keeper import Keeper

MOST = 2048  # lanes that a service can have
_STALE = 64  # descriptors of processes that are gone, before the keeper is tidied
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
        keeper: of what a former writer has watched, and of what the next one is to know.
    """

    def __init__(self, reader: Reader, most: int, keeper: Keeper | None = None) -> None:
        self._reader, self._most, self._keeper = reader, most, keeper
        self._stale = 0  # of what the keeper has, at most
        self._arrivals = -1
        self._fds: dict[int, int] = {}  # by inode
        self._sessions: dict[str, int] = {}  # the inode of each one's owner; 0: it cannot be had
        self._seen: set[str] = set()
        self._asked: dict[str, float] = {}
        self._inherit()

    def look(self, due: bool) -> None:
        """Open what is new; *due*: look also when nobody has announced himself."""
        arrivals = _native.arrivals(self._reader)
        if arrivals == self._arrivals and not due:
            return
        self._arrivals = arrivals
        rows = _native.owners(self._reader)
        before = set(self._fds)
        for session, pid, ino, ended in rows:
            if session not in self._sessions and not ended:
                there = self._open(pid, ino)
                self._sessions[session] = ino if there else 0
                if there and not is_over(self._fds[ino]):
                    self._seen.add(session)
        if self._keeper is not None:
            self._keeper.put([fd for ino, fd in self._fds.items() if ino not in before])
        if due:
            self._prune(rows)
            self._tidy()

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

    def _inherit(self) -> None:
        if self._keeper is None:
            return
        wanted = {row[2] for row in _native.owners(self._reader)}
        for fd in self._keeper.look():
            ino = _native.pidfd_ino(fd)
            if ino in wanted and ino not in self._fds and len(self._fds) < self._most:
                self._fds[ino] = fd
            else:
                os.close(fd)
                self._stale += 1

    def _tidy(self) -> None:
        """The keeper forgets nobody by himself."""
        if self._keeper is not None and self._stale > 2 * len(self._fds) + _STALE:
            self._keeper.clear()
            self._keeper.put(list(self._fds.values()))
            self._stale = 0

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

    def _prune(self, rows: list[tuple[str, int, int, bool]]) -> None:
        there = {row[0] for row in rows}
        for session in self._sessions.keys() - there:
            self.forget(session)
        wanted = {*self._sessions.values(), *(row[2] for row in rows if row[3])}
        for ino in self._fds.keys() - wanted:
            self._close(ino)

    def _close(self, ino: int) -> None:
        fd = self._fds.pop(ino, None)
        if fd is not None:
            self._stale += 1
            with contextlib.suppress(OSError):
                os.close(fd)

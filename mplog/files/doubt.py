"""What a file may have lost, as the file after it tells: bytes from somewhere on that no sync had
brought onto the disk. A loss of power may take any of them, and leave zeros or pieces of lines.

Numbers that are missing there are no damage that nobody has told, so they are a remark: those
between a session's lines from that place on, and those before its next line in a later file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mplog.files.scan import Batch

if TYPE_CHECKING:
    from mplog.files.session import Session


class Doubt:
    """Follows the files of one log, oldest first.

    Args:
        sessions: all that were met, by name; it grows.
    """

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        self._sessions = sessions
        self._from: int | None = None
        self._next: dict[str, int] | None = None  # of each session, where the doubt begins
        self._before: set[str] | None = None  # sessions of the files up to one that is in doubt

    @property
    def here(self) -> bool:
        """Whether what is read now may have been lost."""
        return self._next is not None

    def begin(self, suspect_from: int | None) -> None:
        """A file is read.

        Args:
            suspect_from: the byte from which on it is in doubt; None where it is not.
        """
        self._from, self._next = suspect_from, None

    def pieces(self, batch: Batch) -> Iterator[Batch]:
        """The batch, cut where the doubt begins."""
        if self._from is None or self.here:
            yield batch
            return
        offset = batch.offset
        for number, raw in enumerate(batch.lines):
            if offset >= self._from:
                if number:
                    yield Batch(batch.offset, batch.lines[:number])
                self._enter()
                yield Batch(offset, batch.lines[number:], batch.whole)
                return
            offset += len(raw) + 1
        yield batch

    def end(self) -> None:
        """The file is over."""
        new = self._sessions.keys() - self._before if self._before is not None else ()
        for name in new:
            self._sessions[name].doubts.append((0, 1))
        self._before = None
        if self._from is None:
            return
        if self._next is None:
            self._enter()
        for name, session in self._sessions.items():
            session.doubts.append(((self._next or {}).get(name, 0), _next(session)))
        self._before, self._next = set(self._sessions), None

    def _enter(self) -> None:
        self._next = {name: _next(session) for name, session in self._sessions.items()}


def _next(session: Session) -> int:
    """The number that its next line should have."""
    return session.expected or session.known + 1

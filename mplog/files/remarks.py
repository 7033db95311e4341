"""What is worth a remark in a log and is no damage: late events, and bytes in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mplog.files.lead import SUSPECT_LEAD
from mplog.files.report import Finding, Gap, Place
from mplog.files.scan import FileNotice

if TYPE_CHECKING:
    from mplog.files.session import Session

_LATE = "came when younger events of other processes were written already"
_IN_DOUBT = "in bytes that may not be on the disk"


def late(session: Session, seq: int, place: Place) -> Finding:
    """An event that its writer has marked so."""
    whose = (session.name, seq, seq, None, session.pid, session.process)
    return Finding("late", _LATE, place.file, place.line, *whose)


def suspect(notice: FileNotice, place: Place) -> Finding:
    """Bytes that may not be on the disk, as a line tells."""
    which = "the file before" if place.line <= SUSPECT_LEAD else "this file"
    text = f"{notice.bytes:,} bytes of {which} may not be on the disk"
    return Finding("suspect", text, place.file, place.line, byte=notice.offset)


def not_whole(text: str, place: Place) -> Finding:
    """A line that is none, in such bytes."""
    return Finding("suspect", f"{text}, {_IN_DOUBT}", place.file, place.line)


def not_there(session: Session, gap: Gap) -> Finding:
    """Numbers that no line tells, and that such bytes have held."""
    text = f"no line tells it; it stood {_IN_DOUBT}"
    whose = (session.name, gap.first, gap.last, None, session.pid, session.process)
    return Finding("suspect", text, gap.place.file, gap.place.line, *whose)

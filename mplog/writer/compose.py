"""Items of a drain into lines of a batch: pure, but for the formatter's caches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mplog._native import ITEM_FILTERED, ITEM_POISON
from mplog.event.codec import decode
from mplog.event.event import Stamped
from mplog.event.level import INFO, WARNING
from mplog.format import Format
from mplog.format.loss import loss_text

if TYPE_CHECKING:
    from mplog._native import End, Gap, Item

SESSION_END, DROP, FILE = "mplog.session.end", "mplog.drop", "mplog.file"
NO_LANE = "mplog.no_lane"
FLAGS = 7  # of an item that its line shows: cut, late, recovered


class Batch(msgspec.Struct):
    """Lines that fit, and what they are of.

    Attributes:
        count: items that have become lines, or that leave none because they are filtered.
    """

    count: int = 0
    size_bytes: int = 0
    unreadable: int = 0


def compose(
    items: Sequence[Item],
    fmt: Format,
    room_bytes: int,
    staging_bytes: int,
    at: int = 0,
    *,
    mark: Callable[[int], None] = lambda index: None,
) -> tuple[Batch, bytes]:
    """Format items until one does not fit: the batch, and its lines.

    `Reader.compose` does the same in C, and asks `line_of` for what is not plain.

    Args:
        items: of a drain, in order.
        fmt: the format.
        room_bytes: where the file is to end; the first line may go over it, so that a line longer
            than a whole file still gets there.
        staging_bytes: what no batch may go over.
        at: so much of that is taken already.
        mark: is told which item's line is made next; -1: none.
    """
    lines: list[bytes] = []
    batch = Batch()
    for index, item in enumerate(items):
        mark(index)
        line, unreadable = line_of(fmt, staging_bytes, item)
        used = batch.size_bytes + len(line)
        if at + used > staging_bytes or (line and batch.size_bytes and used > room_bytes):
            break
        lines.append(line)
        batch.count += 1
        batch.size_bytes = used
        batch.unreadable += unreadable
    mark(-1)
    return batch, b"".join(lines)


def line_of(fmt: Format, staging_bytes: int, item: Item) -> tuple[bytes, bool]:
    """An item's line, the notice of a gap before it included, and whether its event could not be
    decoded; of an item that a filter took only the notice. What is larger than the staging area
    becomes a line that says so.
    """
    (session, pid, name), seq, wall_ns, level, kind, flags, payload, gap, untold = item
    notice = b"" if gap is None else drop_notice(fmt, wall_ns, session, gap, untold)
    if flags & ITEM_FILTERED:
        return notice, False
    stamped = Stamped(
        wall_ns, level, kind, flags & FLAGS, session, seq, pid, name, untold if gap is None else 0
    )
    event = None if flags & ITEM_POISON else decode(payload)
    line = fmt.unreadable(payload, stamped) if event is None else fmt.line(event, stamped)
    if len(notice) + len(line) > staging_bytes:
        line = fmt.unreadable(payload[:64], stamped)
    return notice + line, event is None


def drop_notice(fmt: Format, wall_ns: int, session: str, gap: Gap, untold: int) -> bytes:
    """The line that tells a gap in a session's numbers, and how many directly before it a filter
    took.
    """
    first, last, reasons, since_ns, until_ns = gap
    count = last - first + 1
    keys: dict[str, Any] = {"session": session, "first": first, "last": last, "count": count}
    if untold:
        keys["filtered"] = untold
    keys["reasons"] = reasons
    return fmt.notice(wall_ns, WARNING, DROP, *loss_text(count, reasons, since_ns, until_ns, keys))


def homeless_notice(
    fmt: Format, wall_ns: int, levels: dict[str, int], since_ns: int, until_ns: int
) -> bytes:
    """The line that tells events of processes that could get no lane: they have no session."""
    count, reasons = sum(levels.values()), {"no_lane": levels}
    keys: dict[str, Any] = {"count": count, "reasons": reasons}
    return fmt.notice(
        wall_ns, WARNING, NO_LANE, *loss_text(count, reasons, since_ns, until_ns, keys)
    )


def session_end(fmt: Format, wall_ns: int, end: End) -> tuple[bytes, int]:
    """The lines that end a session, and how many of its events were dropped in all."""
    _, session, pid, name, _, last, settled, delivered, filtered, _, clean, *_ = end
    reasons, untold, since_ns, until_ns = end[11:]
    dropped = max(last - delivered - filtered, 0)  # whoever ruined its lane may say anything
    lines = b""
    if last > settled:
        gap = (settled + 1, last, reasons, since_ns, until_ns)
        lines = drop_notice(fmt, wall_ns, session, gap, untold)
    keys = {
        "process.pid": pid,
        "process.name": name,
        "session": session,
        "last": last,
        "delivered": delivered,
        "filtered": filtered,
        "dropped": dropped,
        "clean": clean,
    }
    how = "" if clean else ", without detaching"
    text = f"session ended{how}: {delivered:,} of {last:,} events delivered, {dropped:,} dropped"
    if filtered:
        text += f", {filtered:,} filtered"
    return lines + fmt.notice(wall_ns, INFO, SESSION_END, text, keys), dropped


def file_notice(fmt: Format, wall_ns: int, what: str, offset: int, size_bytes: int) -> bytes:
    """The line that tells what befell the file."""
    text = f"the log file: {what.replace('_', ' ')} at byte {offset:,}"
    return fmt.notice(
        wall_ns, WARNING, FILE, text, {"what": what, "offset": offset, "bytes": size_bytes}
    )


def unsure_notice(fmt: Format, wall_ns: int, what: str, start: int, end: int) -> bytes:
    """The line that tells of bytes of which nobody knows whether they are on the disk, if any."""
    return file_notice(fmt, wall_ns, what, start, end - start) if end > start else b""

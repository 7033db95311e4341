"""What the beginning of a file says of the file before it.

After a failed fsync nothing of a file is believed. It is set aside, and the batch that was under
way stands whole in the next file, which begins by telling: bytes so and so of the file before are
`repeated` here, whatever of them has reached the disk; and those before them are `suspect`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mplog.files.scan import NOT_JSON, FileNotice, decode_line, decode_logfmt, decode_notice
from mplog.files.source import Source

REPEATED, SUSPECT = "repeated", "suspect"
LEAD_LINES = 16
SUSPECT_LEAD = 2  # lines at a file's beginning that are about the file before
Ranges = list[tuple[int, int]]


class Before(NamedTuple):
    """What a file tells of the one before it: the ranges of bytes that it holds again, and from
    which byte on the others may be lost, if any.
    """

    repeated: Ranges
    suspect_from: int | None = None


def told_of(following: Source | None) -> Before:
    """What the file after it tells of one, if there is one."""
    if following is None:
        return Before([])
    was_open = following.fd >= 0
    try:
        following.open()
        lines = following.head().split(b"\n")[:LEAD_LINES]
    except OSError:
        return Before([])  # it is told when it is read
    finally:
        if not was_open:
            following.close()
    told = [n for line in lines if b"mplog.file" in line and (n := _notice(line))]
    again = sorted((n.offset, n.offset + n.bytes) for n in told if n.what == REPEATED)
    # Later ones are about the file that they stand in.
    lead = (n for line in lines[:SUSPECT_LEAD] if b"mplog.file" in line and (n := _notice(line)))
    return Before(again, min((n.offset for n in lead if n.what == SUSPECT), default=None))


def skipping(read: Callable[[], bytes], ranges: Ranges) -> Callable[[], bytes]:
    """Make the function that reads as `read` does, and leaves out these ranges of bytes."""
    at, wanted = 0, list(ranges)

    def rest() -> bytes:
        nonlocal at
        while data := read():
            start, kept = at, []
            at += len(data)
            pos = start
            for low, high in wanted:
                if high <= pos or low >= at:
                    continue
                kept.append(data[pos - start : max(low - start, 0)])
                pos = min(high, at)
            kept.append(data[pos - start :])
            if whole := b"".join(kept):
                return whole
        return b""

    return rest if wanted else read


def _notice(raw: bytes) -> FileNotice | None:
    try:
        line = decode_line(raw)
    except NOT_JSON:
        found = decode_logfmt(raw)
        if found is None:
            return None
        line = found
    if line.seq is not None:
        return None
    notice = decode_notice(raw, line.event_name or "")
    return notice if isinstance(notice, FileNotice) else None

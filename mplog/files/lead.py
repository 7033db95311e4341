"""What the beginning of a file says of the file before it.

After a failed fsync nothing of a file is believed. It is set aside, and the batch that was under
way stands whole in the next file, which begins by telling: bytes so and so of the file before are
`repeated` here, whatever of them has reached the disk; and those before them are `suspect`.
"""

from __future__ import annotations

from collections.abc import Callable

from mplog.files.scan import NOT_JSON, FileNotice, decode_line, decode_logfmt, decode_notice
from mplog.files.source import Source

REPEATED, SUSPECT = "repeated", "suspect"
LEAD_LINES = 16
Ranges = list[tuple[int, int]]


def repeated_before(following: Source | None) -> Ranges:
    """The ranges of bytes of a file that the one after it holds again."""
    if following is None:
        return []
    was_open = following.fd >= 0
    try:
        following.open()
        lines = following.head().split(b"\n")[:LEAD_LINES]
    except OSError:
        return []  # it is told when it is read
    finally:
        if not was_open:
            following.close()
    told = (_notice(line) for line in lines if b"mplog.file" in line)
    return sorted((n.offset, n.offset + n.bytes) for n in told if n and n.what == REPEATED)


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

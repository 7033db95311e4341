"""Events for sinks: numbered, and full of what must not do any harm."""

from __future__ import annotations

from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.sinks.base import Outgoing

FIRST_NS = 1_795_334_400_123_456_789
HOSTILE = (
    "plain",
    "two\nlines",
    '"] <14>1 2026-11-22T08:00:00Z h a - - - forged',
    "a\r\n<0>1 - - - - - forged",
    "\x1b]0;title\x07\x1b[31m",
    "tab\there\x00nul\x85nel\u2028sep",
    "é𝄞 日本 \\ \\\\ ]",
    "%s {x} ${y} $(z)",
)


def outgoing(seq: int, text: str = "", **fields: object) -> Outgoing:
    """The event of that number; what it says is hostile unless *text* is given."""
    said = text or HOSTILE[seq % len(HOSTILE)]
    info = ExceptionInfo("E", said, [Frame("f.py", 1, "f", said)]) if seq % 5 == 0 else None
    event = Event(
        f"shop.{said}"[:20], "said {v}", {"v": said, said[:9]: seq, **fields}, None, "shop.py", 7,
        "sell", 1, "Main", None, info,
    )  # fmt: skip
    level = (10, 20, 30, 40, 50)[seq % 5]
    stamped = Stamped(FIRST_NS + seq * 1_000_000, level, 0, 0, "0123456789ab-1-7", seq, 99, "Main")
    return Outgoing(stamped, event)


def batch(first: int, last: int) -> list[Outgoing]:
    """Those from *first* to *last*."""
    return [outgoing(seq) for seq in range(first, last + 1)]

"""How much a spool may hold, and what it has to say of what it has lost."""

from __future__ import annotations

import msgspec

FULL, BROKEN = "spool_full", "spool_broken"
UNKNOWN = "unknown"  # the level of what nobody can read any more


class SpoolRules(msgspec.Struct, frozen=True):
    """How much a spool may hold, and how long.

    Attributes:
        max_bytes: of all its segments, those that are only kept included.
        segment_bytes: a segment is ended when it has grown to that; an eighth of the whole at most.
        hold_s: how long an acknowledged segment is kept, for a far side that forgets.
        fsync: whether an append is on the disk when it returns; else it survives processes only.
    """

    max_bytes: int = 256 << 20
    segment_bytes: int = 8 << 20
    hold_s: float = 0.0
    fsync: bool = False


class SpoolLoss(msgspec.Struct, frozen=True):
    """Events that a spool has lost: why, of which levels, from when to when."""

    reason: str
    levels: dict[str, int]
    since_ns: int = 0
    until_ns: int = 0

"""How a loss is told, wherever it has happened: in a lane, or before a sink."""

from __future__ import annotations

from typing import Any

from mplog.format.base import timestamp

Reasons = dict[str, dict[str, int]]  # reason -> level's name -> events


def loss_text(
    count: int, reasons: Reasons, since_ns: int, until_ns: int, keys: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """ "1,204 events dropped: lane full, DEBUG 1,190, INFO 14, between … and …", and the keys with
    the times.
    """
    text = f"{count:,} event{'s' if count != 1 else ''} dropped{_because(reasons)}"
    if not since_ns or not until_ns:
        return text, keys
    since, until = timestamp(since_ns), timestamp(until_ns)
    return f"{text}, between {since} and {until}", keys | {"lost.since": since, "lost.until": until}


def _because(reasons: Reasons) -> str:
    """ ": lane full, INFO 14"; no levels where they are not known."""
    told = [
        ", ".join([reason.replace("_", " "), *(f"{level} {n:,}" for level, n in levels.items())])
        for reason, levels in reasons.items()
    ]
    return ": " + "; ".join(told) if told else ""

"""What the files are told of a sink that is no file: that it does not take its events, that it
takes them again, and what it has lost. The sink hears of its losses itself, when it takes something
again; one that never does would keep them to itself.
"""

from __future__ import annotations

from typing import NamedTuple

from mplog.event.level import INFO, WARNING
from mplog.format.loss import Reasons, loss_text
from mplog.resilience.loss import SINK_DROP, total
from mplog.sinks.base import Outgoing

SINK = "mplog.sink"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Told(NamedTuple):
    """One notice: behind the sink's name."""

    level: int
    event_name: str
    text: str


class News:
    """Of one sink; decides, and is given the time."""

    def __init__(self) -> None:
        self._away, self._problem = False, ""
        self._lost: Reasons = {}
        self._pause_s, self._next_s = FIRST_PAUSE_S, 0.0

    def problem(self, problem: str) -> list[Told]:
        """Why it cannot be had, once; empty: it can."""
        known, self._problem = self._problem, problem
        return (
            [Told(WARNING, SINK, f"cannot be had: {problem}")] if problem not in ("", known) else []
        )

    def state(self, away: bool, error: str) -> list[Told]:
        """Whether it has gone away or come back since the last look."""
        if away == self._away:
            return []
        self._away = away
        if away:
            return [Told(WARNING, SINK, f"does not take its events: {error}")]
        return [Told(INFO, SINK, "takes its events again")]

    def losses(self, now_s: float, lost: Reasons, error: str, *, last: bool = False) -> list[Told]:
        """What it has lost since it was told: at once, then after growing pauses.

        Args:
            now_s: monotonic.
            lost: all that it has lost so far, by reason and level.
            last: there is no later look.
        """
        more = _beyond(lost, self._lost)
        if not more:
            if now_s - self._next_s > LONGEST_PAUSE_S:
                self._pause_s = FIRST_PAUSE_S
            return []
        if now_s < self._next_s and not last:
            return []
        self._lost, self._next_s = lost, now_s + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        text = loss_text(total(more), more, 0, 0, {})[0]
        return [Told(WARNING, SINK_DROP, f"{text} ({error})" if error else text)]


def is_own_loss(name: str, told: Outgoing) -> bool:
    """Whether a notice is about what the sink *name* has lost: it hears of that by its own queue,
    and would lose this one too.
    """
    fields = told.event.fields
    return fields.get("event_name") == SINK_DROP and fields.get("sink") == name


def _beyond(now: Reasons, before: Reasons) -> Reasons:
    """What *now* counts and *before* does not."""
    more: Reasons = {}
    for reason, levels in now.items():
        told = before.get(reason, {})
        new = {level: n - told.get(level, 0) for level, n in levels.items()}
        if new := {level: n for level, n in new.items() if n > 0}:
            more[reason] = new
    return more

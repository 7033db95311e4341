"""`mplog check --explain`: what happens to an event of each level, by the settings alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from mplog.config import Settings, durations, sizes
from mplog.config.schema import KEYS
from mplog.config.sink import parse_sinks
from mplog.event.level import NAMES

KEPT_FOR = 30  # WARNING: the last eighth of a lane, and the last quarter of the overflow


class Outcome(msgspec.Struct, frozen=True):
    """One destination of an event.

    Attributes:
        to: the file, or the sink's name and type.
        gets: whether it gets the event, as far as its levels decide.
        why: by which setting.
        filter: an expression or a callable that has the last word, or None.
        format: of its lines.
    """

    to: str
    gets: bool
    why: str
    filter: str | None
    format: str | None


class Explained(msgspec.Struct, frozen=True):
    """What happens to an event of one level.

    Attributes:
        logged: whether the call does anything; where not, it returns False at once.
        durable: whether the call returns when the event is on the disk.
        when_full: what happens when the process's lane is full.
    """

    level: int
    name: str
    logged: bool
    outcomes: tuple[Outcome, ...]
    durable: bool
    when_full: str


def explain(settings: Settings, logger: str) -> list[Explained]:
    """For each level that has a name, the lowest first."""
    return [_of_level(settings, logger, level, name) for level, name in sorted(NAMES.items())]


def _of_level(settings: Settings, logger: str, level: int, name: str) -> Explained:
    logged = level >= settings.level
    outcomes = tuple(_outcomes(settings, logger, level)) if logged else ()
    durable = settings.durable_level is not None and level >= settings.durable_level
    return Explained(level, name, logged, outcomes, logged and durable, _full(settings, level))


def _outcomes(settings: Settings, logger: str, level: int) -> Iterator[Outcome]:
    for one in settings.all_files:
        least, why = threshold(one.levels, one.file_level, logger)
        yield Outcome(one.file or "", level >= least, why, one.filter, one.format)
    for sink in parse_sinks(settings.sinks):
        least, why = threshold(sink.levels, sink.level, logger, "level")
        to = f"{sink.name} ({sink.kind}{', standing by' if sink.standby else ''})"
        yield Outcome(to, level >= least, why, sink.filter, sink.format)


def threshold(
    rules: Sequence[tuple[str, int]], otherwise: int, logger: str, key: str = "file_level"
) -> tuple[int, str]:
    """From which level on a destination gets events of *logger*, and what says so: the longest
    prefix, else the level for all.
    """
    fitting = [
        (prefix, level)
        for prefix, level in rules
        if logger == prefix or logger.startswith(prefix + ".")
    ]
    if not fitting:
        return otherwise, f"{key} {NAMES.get(otherwise, otherwise)}"
    prefix, level = max(fitting, key=lambda rule: len(rule[0]))
    return level, f"levels {prefix}={NAMES.get(level, level)}"


def _full(settings: Settings, level: int) -> str:
    room = "all of it" if level >= KEPT_FOR else "but for the last eighth"
    share = "" if level >= KEPT_FOR else "three quarters of "
    if settings.when_full == "overflow":
        size = sizes.text(settings.overflow_bytes)
        return f"it goes into the overflow, {share}{size} of it; then it is dropped and counted"
    if settings.when_full == "block":
        limit = durations.text(settings.block_timeout_s)
        return f"the call waits up to {limit}; then it is dropped and counted"
    if settings.when_full == "drop_newest":
        return f"it may use the lane, {room}; then it is dropped and counted"
    return f"the oldest unread events make room (of the lane: {room}), dropped and counted"


def lines(settings: Settings, logger: str) -> Iterator[str]:
    """The same for people."""
    yield f"an event of the logger {logger}:"
    for one in explain(settings, logger):
        yield f"{one.name} ({one.level})"
        if not one.logged:
            yield f"  not logged: level is {NAMES.get(settings.level, settings.level)}"
            continue
        for outcome in one.outcomes:
            yield f"  {_destination(outcome)}"
        if not one.outcomes:
            yield "  logged, and written nowhere: no file and no sink is named"
        if one.durable:
            yield "  the call returns when it is on the disk (durable_level)"
        yield f"  when the lane is full: {one.when_full}"
    if settings.enrich:
        yield f"added to each event of a process: {KEYS['enrich'].shown(settings.enrich)}"
    names = ", ".join(settings.redact) or "nothing"
    yield f"redacted before it leaves the process: {names}"


def _destination(one: Outcome) -> str:
    if not one.gets:
        return f"kept out of {one.to} by {one.why}, and counted"
    condition = f", where {one.filter} holds" if one.filter else ""
    form = f" as {one.format}" if one.format else ""
    return f"into {one.to}{form}{condition} ({one.why})"

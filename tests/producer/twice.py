"""One program of log calls, run twice: as it is, and accelerated."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from tree import Keeping, Tree, outcome

import mplog
from mplog.producer.handler import RecordHandler


class Shown:
    """A value that only its text can tell."""

    def __str__(self) -> str:
        return "shown"

    def __repr__(self) -> str:
        return "Shown()"


class Broken:
    """One that has none."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Loud(logging.Logger):
    """A class of loggers that changes nothing on a record's way."""


class Marking(logging.Logger):
    """One that does."""

    def makeRecord(self, *args: Any, **more: Any) -> logging.LogRecord:
        record = super().makeRecord(*args, **more)
        record.marked = True
        return record


class Refusing(logging.Filter):
    """Lets nothing through that has an odd number of arguments; marks the rest."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.filtered = True
        return len(record.args or ()) % 2 == 0


@dataclass
class Call:
    """One log call."""

    level: int
    message: Any
    args: list[Any]
    more: dict[str, Any]

    def make(self, log: Any) -> Any:
        method = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}
        if self.level in method:
            return getattr(log, method[self.level])(self.message, *self.args, **self.more)
        return log.log(self.level, self.message, *self.args, **self.more)


@dataclass
class Setup:
    """How a program has set logging up."""

    kind: type[logging.Logger] = logging.Logger
    levels: dict[str, int] = field(default_factory=dict)
    propagate: dict[str, bool] = field(default_factory=dict)
    handlers: list[tuple[str, str, int]] = field(default_factory=list)
    filtered: str = ""
    disabled: bool = False
    at_most: int = 0
    factory: bool = False
    adapter: dict[str, Any] | None = None
    least: int = 0

    def build(self, tree: Tree) -> tuple[Any, list[Keeping]]:
        """The logger, or adapter, that is called; and the handlers that keep what they get."""
        tree.manager.setLoggerClass(self.kind)
        log = tree.get("shop.cart.tea")
        places = {"": tree.root, "shop": tree.get("shop"), "shop.cart.tea": log}
        for name, level in self.levels.items():
            places[name].setLevel(level)
        for name, propagate in self.propagate.items():
            places[name].propagate = propagate
        kept = [self._add(places[place], kind, level) for place, kind, level in self.handlers]
        if self.filtered:
            {"logger": log, "handler": tree.handler, "parent": tree.root}[self.filtered].addFilter(
                Refusing()
            )
        log.disabled = self.disabled
        tree.handler.setLevel(self.least)
        tree.manager.disable = self.at_most
        tree.manager._clear_cache()
        for level in (10, 20, 30, 35, 40, 50):
            log.isEnabledFor(level)
        called: Any = log if self.adapter is None else logging.LoggerAdapter(log, self.adapter)
        return called, [one for one in kept if one is not None]

    @staticmethod
    def _add(place: logging.Logger, kind: str, level: int) -> Keeping | None:
        made: Any = {"ours": RecordHandler, "keeping": Keeping, "null": logging.NullHandler}[kind]()
        made.setLevel(level)
        place.addHandler(made)
        return made if isinstance(made, Keeping) else None


def what(record: logging.LogRecord) -> tuple[Any, ...]:
    """What two records of the same call have in common."""
    place = (record.pathname, record.lineno, record.funcName)
    return (record.msg, record.args, record.levelno, *place)


def run(lane: Any, setup: Setup, calls: list[Call]) -> list[Any]:
    """What comes of it: outcomes, events, and records of other handlers."""
    log, kept = setup.build(Tree(lane))
    outcomes = [outcome(lambda call=call: call.make(log)) for call in calls]  # type: ignore[misc]
    events = [tuple(item[3:7]) for item in lane.items()]
    return [outcomes, events, [what(record) for one in kept for record in one.records]]


def compare(lane: Any, setup: Setup, calls: list[Call]) -> None:
    """Run it twice, from the same lines."""
    found = []
    usual = logging.getLogRecordFactory()
    if setup.factory:
        logging.setLogRecordFactory(lambda *args, **more: Own(*args, **more))
    try:
        for accelerated in (False, True):
            acceleration = mplog.accelerate() if accelerated else None
            found.append(run(lane, setup, calls))
            if acceleration:
                acceleration.undo()
    finally:
        logging.setLogRecordFactory(usual)
    assert found[0] == found[1]


class Own(logging.LogRecord):
    """What a factory makes."""

"""A tree of loggers of its own, on one lane, and the means to see which way a call takes."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from lane import Lane

import mplog
from mplog.producer.handler import SOURCE, RecordHandler


class Keeping(logging.Handler):
    """Another handler, and the records that it has got."""

    def __init__(self, level: int = 0) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Tree:
    """Loggers apart from the program's, with mplog's handler at their root."""

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.root = logging.RootLogger(logging.DEBUG)
        self.manager = self.root.manager = logging.Manager(self.root)  # type: ignore[misc]
        self.handler = RecordHandler()
        self.root.addHandler(self.handler)
        self.log = self.get("shop.cart")

    def get(self, name: str) -> logging.Logger:
        return self.manager.getLogger(name)

    def events(self) -> list[tuple[Any, ...]]:
        """Level, kind, flags and payload of what has been published since the last look."""
        return [tuple(item[3:7]) for item in self.lane.items()]

    def told(self) -> list[str]:
        """Their templates."""
        return [event.template for event in self.lane.events()]


def functions_of_logging(call: Callable[[], Any]) -> list[str]:
    """Names of the functions in logging's own source that run during *call*.

    The collector rests meanwhile: a handler that it finds is forgotten by one of them.
    """
    ran: list[str] = []

    def look(frame: FrameType, what: str, argument: Any) -> None:
        if what == "call" and frame.f_code.co_filename == SOURCE:
            ran.append(frame.f_code.co_name)

    before, collecting = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(before)
        if collecting:
            gc.enable()
    return ran


def outcome(call: Callable[[], Any]) -> tuple[Any, ...]:
    """What a call returns, or what it raises."""
    try:
        return ("returned", call())
    except Exception as error:
        return (type(error), str(error))


@contextmanager
def accelerated(lane: Lane) -> Iterator[Tree]:
    """A tree, accelerated; each level of its `shop.cart` has been asked for once."""
    tree = Tree(lane)
    with mplog.accelerate():
        for level in (10, 20, 30, 35, 40, 50):
            tree.log.isEnabledFor(level)
        yield tree


def is_quick(tree: Tree, call: Callable[[], Any]) -> bool:
    """Whether *call* gets by without logging's functions; it must log once, either way."""
    ran = functions_of_logging(call)
    assert 1 == len(tree.lane.items())
    assert ran == [] or "makeRecord" in ran
    return not ran

"""Where somebody could tell the difference, an accelerated call steps aside by itself."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from tree import Keeping, Tree, accelerated, functions_of_logging, is_quick

from mplog.producer.handler import RecordHandler


@pytest.fixture
def tree(lane):
    """Loggers on a lane, accelerated; each level of `shop.cart` has been asked for once."""
    with accelerated(lane) as tree:
        yield tree


class Loud(logging.Logger):
    """A logger with something of its own that no record meets."""

    def shout(self, message: str) -> None:
        self.info(message.upper())


def overriding(name: str) -> type[logging.Logger]:
    """A class of loggers that overrides one method, and does what it did."""

    def method(self: Any, *args: Any, **more: Any) -> Any:
        return getattr(super(kind, self), name)(*args, **more)

    kind: Any = type("Kind", (logging.Logger,), {name: method})
    return kind


INSIDE = ["makeRecord", "_log", "handle", "callHandlers", "isEnabledFor", "filter", "findCaller"]


def class_of(tree: Tree, kind: type[logging.Logger]) -> logging.Logger:
    tree.manager.setLoggerClass(kind)
    log = tree.get("own.kind")
    log.isEnabledFor(20)
    return log


def test_a_class_of_loggers_with_other_methods_is_quick(tree):
    """Inheritance alone changes nothing."""
    log: Any = class_of(tree, Loud)
    assert is_quick(tree, lambda: log.shout("x"))


@pytest.mark.parametrize("name", INSIDE)
def test_a_class_of_loggers_that_overrides_a_step_is_left_alone(tree, name):
    """Every method that a record passes through."""
    log = class_of(tree, overriding(name))
    assert not is_quick(tree, lambda: log.info("x"))


@pytest.mark.parametrize("name", INSIDE)
def test_a_step_that_is_patched_is_left_alone(tree, monkeypatch, name):
    """In logging.Logger by a monitoring library, or in one logger by a mock; until it is undone."""
    log, usual = tree.log, getattr(logging.Logger, name)
    with monkeypatch.context() as patched:
        patched.setattr(logging.Logger, name, lambda *args, **more: usual(*args, **more))
        assert not is_quick(tree, lambda: log.info("x"))
    assert is_quick(tree, lambda: log.info("x"))
    with monkeypatch.context() as patched:
        patched.setitem(vars(log), name, lambda *args, **more: usual(log, *args, **more))
        assert not is_quick(tree, lambda: log.info("x"))
    assert is_quick(tree, lambda: log.info("x"))


@pytest.mark.parametrize(
    ("owner", "name"),
    [(RecordHandler, "emit"), (RecordHandler, "handle"), (RecordHandler, "filter"),
     (RecordHandler, "format"), (logging.Handler, "handle"), (logging.Handler, "filter")],
)  # fmt: skip
def test_a_step_of_the_handlers_that_is_patched_is_left_alone(tree, monkeypatch, owner, name):
    """In the class and, for ours, in the handler itself."""
    usual = getattr(owner, name)
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, lambda *args: usual(*args))
        assert not is_quick(tree, lambda: tree.log.info("x"))
    assert is_quick(tree, lambda: tree.log.info("x"))
    with monkeypatch.context() as patched:
        patched.setitem(vars(tree.handler), name, lambda *args: usual(tree.handler, *args))
        assert not is_quick(tree, lambda: tree.log.info("x"))
    assert is_quick(tree, lambda: tree.log.info("x"))


def test_a_subclass_of_the_handler_counts_as_ours_unless_it_overrides_a_step(tree):
    """What else it does is its own."""

    class More(RecordHandler):
        def rotate(self) -> None:
            """Something else."""

    class Own(RecordHandler):
        def emit(self, record: logging.LogRecord) -> None:
            super().emit(record)

    for kind, quick in ((More, True), (Own, False)):
        tree.root.handlers = [kind()]
        assert quick == is_quick(tree, lambda: tree.log.info("x"))


def test_filters_see_records(tree):
    """Of the logger and of the handler; no more when they are taken away."""
    seen: list[logging.LogRecord] = []

    def note(record: logging.LogRecord) -> bool:
        seen.append(record)
        return True

    for place in (tree.log, tree.handler):
        place.addFilter(note)
        assert not is_quick(tree, lambda: tree.log.info("x"))
        place.removeFilter(note)
        assert is_quick(tree, lambda: tree.log.info("x"))
    assert ["x", "x"] == [record.msg for record in seen]


def test_a_filter_of_a_parent_sees_nothing_as_in_logging(tree):
    """Only the logger of the call has its filters asked."""
    tree.root.addFilter(lambda record: False)
    assert is_quick(tree, lambda: tree.log.info("x"))


@pytest.mark.parametrize("name", ["shop.cart", "shop", "root"])
def test_other_handlers_get_their_records(tree, name):
    """Wherever on the way up they stand, from the moment on that they do."""
    other = Keeping()
    place = tree.root if name == "root" else tree.get(name)
    place.addHandler(other)
    assert not is_quick(tree, lambda: tree.log.info("x %d", 1))
    place.removeHandler(other)
    assert is_quick(tree, lambda: tree.log.info("y"))
    assert ["x 1"] == [record.getMessage() for record in other.records]


def test_a_handler_that_would_not_be_called_is_no_hindrance(tree):
    """Its level is above the event's; or it is a NullHandler, which does nothing."""
    other = Keeping(logging.ERROR)
    tree.root.addHandler(other)
    tree.get("shop").addHandler(logging.NullHandler())
    assert is_quick(tree, lambda: tree.log.warning("x"))
    assert not is_quick(tree, lambda: tree.log.error("x"))
    assert ["x"] == [record.msg for record in other.records]


def test_a_null_handler_with_something_of_its_own_is_a_handler(tree):
    """A subclass, or a patched one."""
    seen: list[logging.LogRecord] = []

    class Own(logging.NullHandler):
        def handle(self, record: logging.LogRecord) -> bool:
            seen.append(record)
            return True

    patched = logging.NullHandler()
    patched.handle = seen.append  # type: ignore[method-assign, assignment]
    for handler in (Own(), patched):
        tree.root.addHandler(handler)
        assert not is_quick(tree, lambda: tree.log.info("x"))
        tree.root.removeHandler(handler)
    assert 2 == len(seen)


def test_a_handler_above_a_logger_that_does_not_propagate_is_not_reached(tree):
    """Neither by the usual way nor by ours."""
    log, below = tree.get("shop"), tree.log
    log.propagate = False
    below.info("x")
    assert [] == tree.told()
    log.addHandler(RecordHandler())
    assert is_quick(tree, lambda: below.info("x"))


def test_two_handlers_of_ours_get_it_each(tree):
    """Two events, as without acceleration."""
    tree.get("shop").addHandler(RecordHandler())
    assert "makeRecord" in functions_of_logging(lambda: tree.log.info("x"))
    assert ["x", "x"] == tree.told()


def test_levels_of_the_handler_and_of_the_logger_hold(tree):
    """setLevel, disable and disabled."""
    log = tree.log
    tree.handler.setLevel(logging.ERROR)
    log.warning("not shown")
    tree.handler.setLevel(logging.NOTSET)
    tree.manager.disable = logging.INFO
    tree.manager._clear_cache()
    log.info("not shown")
    log.warning("shown")
    log.disabled = True
    log.error("not shown")
    assert ["shown"] == tree.told()


def test_numbers_in_the_place_of_truths_are_understood(tree):
    """As fileConfig sets them."""
    log = tree.log
    log.disabled, log.propagate = 0, 1  # type: ignore[assignment]
    assert is_quick(tree, lambda: log.info("x"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_logRecordFactory", lambda *args: logging.LogRecord(*args)),
        ("_srcfile", None),
        ("logThreads", False),
        ("currentframe", lambda: None),
        *([("logAsyncioTasks", False)] if hasattr(logging, "logAsyncioTasks") else []),
    ],
)
def test_what_logging_is_told_for_all_records_holds(tree, monkeypatch, name, value):
    """A factory, and the switches that save time."""
    with monkeypatch.context() as patched:
        patched.setattr(logging, name, value)
        assert not is_quick(tree, lambda: tree.log.info("x"))
    assert is_quick(tree, lambda: tree.log.info("x"))


def test_a_factory_gets_the_call(tree):
    """logging.setLogRecordFactory."""
    made = []
    usual = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **more: made.append(args) or usual(*args, **more))
    try:
        tree.log.info("x")
    finally:
        logging.setLogRecordFactory(usual)
    assert 1 == len(made)

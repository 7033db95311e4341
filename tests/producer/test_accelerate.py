"""An accelerated call makes no LogRecord; undone, all is as before."""

from __future__ import annotations

import copy
import gc
import inspect
import logging
import pickle
import threading
import weakref

import pytest
from tree import Keeping, Tree, accelerated, functions_of_logging, is_quick

import mplog
from mplog._native import Shortcut

METHODS = ("debug", "info", "warning", "error", "critical", "log")


@pytest.fixture
def tree(lane):
    """Loggers on a lane, accelerated; each level of `shop.cart` has been asked for once."""
    with accelerated(lane) as tree:
        yield tree


@pytest.mark.parametrize(
    "call",
    [
        lambda log: log.debug("x"),
        lambda log: log.info("x %s", 1),
        lambda log: log.warning("%(a)s", {"a": 1}),
        lambda log: log.error("x", extra={"order": 17}),
        lambda log: log.critical("x", extra=None, exc_info=None, stack_info=False, stacklevel=1),
        lambda log: log.log(35, "x", exc_info=False),
    ],
)
def test_usual_calls_make_no_record(tree, call):
    """Nothing of logging's Python runs."""
    assert is_quick(tree, lambda: call(tree.log))


def test_values_that_need_python_make_no_record_either(tree):
    """Only their texts are made; a message that is none becomes one."""
    assert is_quick(tree, lambda: tree.log.info("%s", ValueError("x")))
    assert is_quick(tree, lambda: tree.log.info("%r", [1]))
    assert is_quick(tree, lambda: tree.log.info(ValueError("x")))


def test_what_the_collector_finds_within_a_call_is_not_the_calls(tree):
    """A handler that it takes away has logging's own code run."""

    class Many:
        def __str__(self):
            kept.clear()
            return str(len([[] for _ in range(2_000)]))

    gc.collect()
    kept = [Keeping()]
    kept[0].me = kept[0]
    assert is_quick(tree, lambda: tree.log.info("%s", Many()))


def test_a_level_is_asked_for_once(tree):
    """The first call of a level fills logging's own cache, in logging's way."""
    log = tree.get("new")
    assert not is_quick(tree, lambda: log.info("x"))
    assert is_quick(tree, lambda: log.info("x"))
    tree.root.setLevel(logging.WARNING)
    assert ["isEnabledFor"] == functions_of_logging(lambda: log.info("x"))[1:2]
    assert [] == functions_of_logging(lambda: log.info("x"))
    assert [] == tree.told()


@pytest.mark.parametrize(
    "call",
    [
        lambda log: log.info("x", exc_info=True),
        lambda log: log.info("x", exc_info=ValueError("x")),
        lambda log: log.info("x", stack_info=True),
        lambda log: log.info("x", stacklevel=2),
        lambda log: log.info("x", stacklevel=True),
        lambda log: log.info(msg="x"),
        lambda log: log.info("x", extra={1: 2}),
        lambda log: log.info("x", extra={"n": object()}),
        lambda log: log.info("x", extra=mplog.Logger("a").bound.__class__(a=set())),
        lambda log: log.info("x", extra=type("Mine", (dict,), {})(a=1)),
        lambda log: log.info("x" * 100_000),
        lambda log: log.info("lone \udc80"),
        lambda log: log.log(True, "x"),
        lambda log: log.exception("x"),
    ],
)
def test_unusual_calls_go_the_usual_way(tree, call):
    """What asks for more than C does alone."""
    tree.root.setLevel(1)
    assert not is_quick(tree, lambda: call(tree.log))


def test_adapters_and_the_functions_of_the_module_are_quick(tree, monkeypatch):
    """They end in a logger's method; the caller is the one who called them."""
    monkeypatch.setattr(logging, "root", tree.root)
    calls = [
        lambda: logging.LoggerAdapter(tree.log, {"order": 17}).info("x"),
        lambda: logging.info("x"),
        lambda: tree.log.fatal("x"),
    ]
    tree.root.isEnabledFor(20)
    for call in calls:
        ran = functions_of_logging(call)
        assert "makeRecord" not in ran
        (event,) = tree.lane.events()
        assert (__file__, "<lambda>") == (event.file, event.function)


def test_undo_leaves_logging_as_it_was(lane):
    """At the end of a block, or when asked."""
    before = {name: vars(logging.Logger)[name] for name in METHODS}
    with mplog.accelerate() as acceleration:
        assert METHODS == acceleration.methods
        assert all(isinstance(vars(logging.Logger)[name], Shortcut) for name in METHODS)
    assert before == {name: vars(logging.Logger)[name] for name in METHODS}
    acceleration.undo()
    assert before == {name: vars(logging.Logger)[name] for name in METHODS}


def test_accelerating_twice_is_accelerating_once(tree):
    """The inner block ends nothing."""
    with mplog.accelerate() as again:
        assert () == again.methods
    assert is_quick(tree, lambda: tree.log.info("x"))


def test_a_method_that_somebody_has_replaced_is_left_to_him(lane, monkeypatch):
    """It may be what counts the calls."""
    usual = logging.Logger.info
    monkeypatch.setattr(logging.Logger, "info", lambda self, *args: usual(self, *args))
    with mplog.accelerate() as acceleration:
        assert "info" not in acceleration.methods


def test_a_shortcut_that_somebody_has_wrapped_sleeps_after_undo(lane, monkeypatch):
    """He keeps it; and when he has put it back, accelerate() makes a new one."""
    tree, acceleration = Tree(lane), mplog.accelerate()
    tree.log.isEnabledFor(20)
    quick = logging.Logger.info
    with monkeypatch.context() as patched:
        patched.setattr(logging.Logger, "info", lambda self, *args: quick(self, *args))
        assert is_quick(tree, lambda: tree.log.info("x"))
        acceleration.undo()
        assert not is_quick(tree, lambda: tree.log.info("x"))
    with mplog.accelerate():
        assert is_quick(tree, lambda: tree.log.info("x"))
    assert not isinstance(vars(logging.Logger)["info"], Shortcut)


def test_a_shortcut_looks_like_the_method_it_stands_for(tree):
    """Name, documentation, signature, references, pickle."""
    method, usual = logging.Logger.info, logging.Logger.info.__wrapped__
    assert ("info", usual.__doc__, "logging") == (
        method.__name__, method.__doc__, method.__module__,
    )  # fmt: skip
    assert inspect.signature(usual) == inspect.signature(method)
    bound = logging.getLogger("a").info
    assert inspect.ismethod(bound)
    assert bound == pickle.loads(pickle.dumps(bound)) == copy.copy(bound)
    assert weakref.WeakMethod(bound)() == bound
    assert "shortcut of" in repr(method)


def test_wrong_calls_are_told_as_logging_tells_them(tree):
    """By logging itself."""
    log = tree.log
    for call in (
        lambda: log.info(),
        lambda: log.info("x", nonsense=None),
        lambda: log.log("INFO", "x"),
        lambda: logging.Logger.info(),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(KeyError, match="overwrite 'name'"):
        log.info("x", extra={"name": 1})
    assert [] == tree.told()


def test_handlers_that_come_and_go_meanwhile_get_whole_events(tree):
    """Threads log while another one adds and removes: each event comes at least once."""
    log, other, done = tree.log, Keeping(), threading.Event()

    def change() -> None:
        while not done.is_set():
            tree.root.addHandler(other)
            tree.root.removeHandler(other)

    def work() -> None:
        for number in range(1000):
            log.info("x %d", number)

    changing = threading.Thread(target=change)
    working = [threading.Thread(target=work) for _ in range(2)]
    for thread in (changing, *working):
        thread.start()
    for thread in working:
        thread.join()
    done.set()
    changing.join()
    assert 2000 == len(tree.lane.items())

"""Whatever a program logs, and however it has set logging up: accelerated, it gets the same."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tree import Tree
from twice import Broken, Call, Loud, Marking, Setup, Shown, compare

import mplog

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLAIN = TEXT | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
ODD = st.sampled_from(
    [Shown(), Broken(), ValueError("x"), b"x", [1, "a"], {1: 2}, {"a": 1}, {}, int, ""]
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), PLAIN | ODD, max_size=3)
MESSAGES = TEXT | st.sampled_from(
    [
        "%s",
        "%d of %s",
        "%r",
        "%(a)s",
        "%(a)5.1f %(b)s",
        "%",
        "100 %",
        "lone \udc80",
        17,
        Shown(),
        Broken(),
        "%%s",
        "%(a)s %s",
    ]
)
EXTRAS = st.dictionaries(
    TEXT | st.sampled_from(["order", "password", "name", "message", "taskName", "asctime", "args"]),
    PLAIN | ODD,
    max_size=3,
)
MORE = st.fixed_dictionaries(
    {},
    optional={
        "extra": st.none() | EXTRAS | EXTRAS.map(OrderedDict),
        "exc_info": st.sampled_from([None, False, True, 0, ValueError("x"), (None, None, None)]),
        "stack_info": st.booleans(),
        "stacklevel": st.integers(0, 3),
        "nonsense": st.none(),
    },
)
ARGS = (
    st.lists(PLAIN | ODD, max_size=3)
    | st.lists(MAPPINGS, min_size=1, max_size=1)
    | st.lists(PLAIN, min_size=63, max_size=66)
)
LEVELS = st.sampled_from([0, 10, 20, 20, 20, 30, 35, 40, 50, 300, -5])
USUAL_MORE = st.fixed_dictionaries({}, optional={"extra": EXTRAS | EXTRAS.map(OrderedDict)})
CALLS = st.lists(st.builds(Call, LEVELS, MESSAGES, ARGS, USUAL_MORE | MORE), min_size=2, max_size=6)
PLACES = st.sampled_from(["", "shop", "shop.cart.tea"])
SETUPS = st.builds(
    Setup,
    kind=st.sampled_from([logging.Logger, Loud, Marking]),
    levels=st.dictionaries(PLACES, st.sampled_from([0, 10, 30]), max_size=2),
    propagate=st.dictionaries(PLACES, st.booleans(), max_size=2),
    handlers=st.lists(
        st.tuples(PLACES, st.sampled_from(["ours", "keeping", "null"]), LEVELS), max_size=2
    ),
    filtered=st.sampled_from(["", "", "logger", "handler", "parent"]),
    disabled=st.sampled_from([False, False, False, True]),
    at_most=st.sampled_from([0, 0, 0, 20]),
    factory=st.sampled_from([False, False, False, True]),
    adapter=st.none() | EXTRAS,
    least=st.sampled_from([0, 0, 30]),
)
USUAL = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@USUAL
@given(CALLS)
def test_any_call_is_the_same(lane, calls):
    """Where mplog's handler is the only one."""
    compare(lane, Setup(), calls)


@USUAL
@given(SETUPS, CALLS)
def test_any_setup_is_the_same(lane, setup, calls):
    """Handlers, filters, levels, classes, factories, adapters."""
    compare(lane, setup, calls)


PLAIN_CALLS = [Call(20, "x %s", [1], {}), Call(35, "y", [], {"extra": {"n": 1}})]


def in_a_task(call: Callable[[], None]) -> None:
    async def main() -> None:
        call()
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        loop.call_soon(lambda: done.set_result(call()))  # in the loop, but in no task
        await done

    asyncio.run(main())


def in_a_thread(call: Callable[[], None]) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            call()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="another")
    thread.start()
    thread.join()
    assert [] == failed


def in_a_context(call: Callable[[], None]) -> None:
    with mplog.context(user="ann", password="x"):
        call()


def from_c(call: Callable[[], None]) -> None:
    list(map(lambda _: call(), [0]))  # noqa: C417


@pytest.mark.parametrize("around", [in_a_task, in_a_thread, in_a_context, from_c])
def test_whatever_surrounds_a_call_is_told_the_same(lane, around):
    """Task, thread, context, and a caller that C has called."""
    around(lambda: compare(lane, Setup(), PLAIN_CALLS))


@pytest.mark.parametrize("stacklevel", [1, 2, 3, 99])
@pytest.mark.parametrize("adapter", [None, {}])
def test_the_caller_is_the_same(lane, stacklevel, adapter):
    """However far out, and also through an adapter: a shortcut has no frame that would count."""
    calls = [Call(20, "x", [], {"stacklevel": stacklevel}), Call(20, "x", [], {"stack_info": True})]
    compare(lane, Setup(adapter=adapter), calls)


def test_a_method_that_is_the_callback_itself_has_the_same_caller(lane):
    """A call straight from C, as by map() or a signal."""
    found = []
    for accelerated in (False, True):
        tree, acceleration = Tree(lane), mplog.accelerate() if accelerated else None
        tree.log.isEnabledFor(20)
        list(map(tree.log.info, ["x", "y"]))
        found.append(tree.events())
        if acceleration:
            acceleration.undo()
    assert found[0] == found[1]
    assert 2 == len(found[0])

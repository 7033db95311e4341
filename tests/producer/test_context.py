"""Context is per task and thread, nests, and is back as it was afterwards."""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from mplog.producer import context as contexts
from mplog.producer.context import CURRENT, context, current, expiring
from mplog.producer.executor import wrap_executor
from mplog.producer.logger import get_logger


def test_inner_fields_win_and_outer_ones_come_back():
    """Nested blocks merge; each end restores what was before."""
    with context(a=1, b=1):
        with context(b=2, c=3) as merged:
            assert {"a": 1, "b": 2, "c": 3} == merged == CURRENT.get()
        assert {"a": 1, "b": 1} == CURRENT.get()
    assert CURRENT.get() is None


def test_an_exception_passes_and_the_context_is_restored():
    """The block hides nothing."""
    with pytest.raises(KeyError), context(a=1):
        raise KeyError
    assert CURRENT.get() is None


def test_one_block_may_be_entered_again():
    """Also inside itself."""
    block = context(a=1)
    with block, block, context(b=2):
        assert {"a": 1, "b": 2} == CURRENT.get()
    assert CURRENT.get() is None


def test_a_task_keeps_the_context_it_was_started_in():
    """Fields set later, by whomever, do not reach it."""
    seen = []

    async def child():
        await asyncio.sleep(0)
        seen.append(CURRENT.get())

    async def main():
        with context(task="a"):
            started = asyncio.ensure_future(child())
        with context(task="b"):
            await started

    asyncio.run(main())
    assert [{"task": "a"}] == seen


def test_a_thread_starts_without_and_a_copied_context_with():
    """As contextvars have it."""
    seen = []

    def look():
        seen.append(CURRENT.get())

    with context(a=1):
        copied = contextvars.copy_context()
        for run in (look, lambda: copied.run(look)):
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()

    assert [None, {"a": 1}] == seen


def test_a_generator_closed_elsewhere_breaks_nothing():
    """The block ends in another context than it began in."""

    def generate():
        with context(a=1):
            yield

    generator = generate()
    contextvars.copy_context().run(next, generator)
    generator.close()

    assert CURRENT.get() is None


def test_a_generator_closed_elsewhere_leaves_nothing_there():
    """Neither its own fields nor those of the block around it; those that hold there stay."""

    def generate():
        with context(a=1):
            yield

    def begin():
        with context(request=17):
            generator = generate()
            next(generator)
            return generator

    generator = contextvars.copy_context().run(begin)
    with context(mine=1):
        generator.close()
        assert {"mine": 1} == CURRENT.get()
    assert CURRENT.get() is None


def test_a_block_left_in_a_copy_of_its_context_is_over_there():
    """What was before it holds in that copy; the block itself goes on where it was entered."""
    block = context(a=1)
    seen = []

    def leave():
        block.__exit__(None, None, None)
        seen.append(CURRENT.get())

    with context(b=2):
        block.__enter__()
        contextvars.copy_context().run(leave)

    assert [{"b": 2}] == seen


def test_threads_inside_one_block_keep_their_own_fields():
    """It may be one of the whole program; whoever leaves it first gets back what was its own."""
    block, turns = context(app="shop"), [threading.Event() for _ in range(3)]
    seen = {}

    def work(request, waits, tells):
        with context(request=request):
            with block:
                tells.set()
                waits.wait(60)
            seen[request] = CURRENT.get()
            turns[2].set()
        seen[-request] = CURRENT.get()

    first = threading.Thread(target=work, args=(1, turns[1], turns[0]))
    first.start()
    turns[0].wait(60)
    second = threading.Thread(target=work, args=(2, turns[2], turns[1]))
    second.start()
    for thread in (first, second):
        thread.join(60)

    assert {1: {"request": 1}, 2: {"request": 2}, -1: None, -2: None} == seen


def test_an_exception_in_a_worker_of_an_executor_leaves_nothing_behind():
    """The next piece of work of the same thread starts without."""

    def fails():
        with context(b=2):
            raise KeyError(CURRENT.get())

    with ThreadPoolExecutor(1) as pool:
        with context(a=1):
            failed = wrap_executor(pool).submit(fails)
        assert "{'a': 1, 'b': 2}" in str(failed.exception(30))
        assert pool.submit(CURRENT.get).result(30) is None


def test_a_wrapped_executor_carries_the_context_of_each_call():
    """Of submit and of map; what is not wrapped has none; the executor is one itself."""
    with wrap_executor(ThreadPoolExecutor(2)) as pool:
        assert isinstance(pool, Executor)
        with context(a=1):
            one = pool.submit(CURRENT.get)
            many = pool.map(lambda n: (n, CURRENT.get()), [1, 2], timeout=30)
        with context(a=2):
            two = pool.submit(CURRENT.get)
        three = pool.submit(CURRENT.get)

        assert ({"a": 1}, {"a": 2}, None) == (one.result(30), two.result(30), three.result(30))
        assert [(1, {"a": 1}), (2, {"a": 1})] == list(many)
        assert 2 == pool._max_workers


def test_an_asyncio_loop_takes_a_wrapped_executor():
    """As run_in_executor hands it over."""

    async def main():
        pool = wrap_executor(ThreadPoolExecutor(1))
        with context(a=1):
            found = await asyncio.get_running_loop().run_in_executor(pool, CURRENT.get)
        pool.shutdown()
        return found

    assert {"a": 1} == asyncio.run(main())


def test_plain_values_travel_into_another_process():
    """What an event could not carry as it is stays here; so does what has ended by then."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as inner:
        pool = wrap_executor(inner)
        with context(a=1, b=[{"c": None}], odd=threading.Lock(), over=expiring(1, 0.0)):
            assert {"a": 1, "b": [{"c": None}]} == pool.submit(current).result(60)
        assert pool.submit(current).result(60) is None


def test_what_goes_over_the_bound_is_left_out_and_told_once(monkeypatch):
    """The block runs, with what was there before; a smaller one inside of it counts."""
    told = []
    monkeypatch.setattr(contexts, "tell", lambda text, *, kind: told.append((kind, text)))
    monkeypatch.setattr(contexts.LIMIT, "most_bytes", 100)
    with context(a=1), context(big="x" * 200) as merged:
        assert {"a": 1} == merged == current()
        with context(b=2):
            assert {"a": 1, "b": 2} == current()
        with context(odd=threading.Lock()):
            assert 20 < context.size() <= 100

    assert current() is None
    (one,) = told
    assert "context" == one[0]
    assert "more than 100 bytes is not kept: without big" in one[1]


def test_a_block_that_is_left_out_keeps_no_value_beyond_its_time(monkeypatch):
    """Neither one whose time ends inside of it nor one whose time was over before."""
    clock = [100.0]
    monkeypatch.setattr(contexts, "monotonic", lambda: clock[0])
    monkeypatch.setattr(contexts, "tell", lambda text, *, kind: True)
    monkeypatch.setattr(contexts.LIMIT, "most_bytes", 100)
    seen = []
    with context(a=1, b=expiring(2, 5.0), c=expiring(3, 9.0)):
        clock[0] = 106.0
        with context(big="x" * 200) as merged:
            seen += [merged, current()]
            clock[0] = 110.0
            seen.append(current())

    assert [{"a": 1, "c": 3}, {"a": 1, "c": 3}, {"a": 1}] == seen


def test_size_and_clear():
    """As msgpack has them; after the block what was before it is back."""
    assert 0 == context.size()
    with context(a=1):
        with context(b="xy"):
            assert len(b"\x82\xa1a\x01\xa1b\xa2xy") == context.size()
            context.clear()
            assert (None, 0) == (current(), context.size())
            with context(c=1):
                assert {"c": 1} == current()
        assert {"a": 1} == current()
    assert current() is None


def test_a_value_with_a_time_out_is_absent_after_it(lane, monkeypatch):
    """In events; the others stay, an inner block's value counts, no leak after it."""
    clock = [100.0]
    monkeypatch.setattr(contexts, "monotonic", lambda: clock[0])
    log = get_logger("l")
    events = []

    def logged():
        log.info("x")
        (event,) = lane.events()
        return event.context

    with context(a=1, b=expiring(2, 5.0), c=expiring(3, 9.0)) as merged:
        events += [logged(), logged()]
        with context(d=4, c=expiring(5, 2.0)):
            events.append(logged())
            clock[0] = 103.0
            events.append(logged())
        clock[0] = 106.0
        events += [logged(), logged()]
        clock[0] = 110.0
        events += [logged(), logged()]
    assert {"a": 1, "b": 2, "c": 3} == merged
    assert [
        {"a": 1, "b": 2, "c": 3},
        {"a": 1, "b": 2, "c": 3},
        {"a": 1, "b": 2, "c": 5, "d": 4},
        {"a": 1, "b": 2, "d": 4},
        {"a": 1, "c": 3},
        {"a": 1, "c": 3},
        {"a": 1},
        {"a": 1},
    ] == events
    assert current() is None


def test_a_value_whose_class_is_its_own_code_raises_nothing():
    """`__class__` may be a property of anybody's."""

    class Odd:
        @property
        def __class__(self):
            raise RuntimeError("nobody's business")

    with context(odd=Odd()) as fields:
        assert ["odd"] == list(fields)

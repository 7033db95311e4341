"""Context is per task and thread, nests, and is back as it was afterwards."""

from __future__ import annotations

import asyncio
import contextvars
import threading

import pytest

from mplog.producer.context import CURRENT, context


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

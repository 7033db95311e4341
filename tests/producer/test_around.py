"""What surrounds a call: its line, its thread, its task, its context; kept, and yet true."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import mplog


def test_each_call_has_its_own_line(lane):
    """In one function, in one loop, in code that is made anew each time at the same address."""
    log = mplog.get_logger("a")
    for _ in range(3):
        log.info("x")
        log.info("x")
    first, second = {e.line for e in lane.events()}
    assert 1 == abs(first - second)
    for number in range(300):
        code = compile("\n" * number + "log.info('x')", f"<made {number}>", "exec")
        exec(code, {"log": log})
        del code
    assert [(f"<made {n}>", n + 1) for n in range(300)] == [(e.file, e.line) for e in lane.events()]


def test_more_places_than_are_kept_stay_right(lane):
    """The places used last are kept, and none is mistaken for another."""
    log = mplog.get_logger("a")
    code = compile("\n".join("log.info('x')" for _ in range(3_000)), "<many>", "exec")
    for _ in range(2):
        exec(code, {"log": log})
        lines = [e.line for e in lane.events()]
        assert list(range(1, 3_001)) == lines


def test_calls_from_c_have_the_place_of_the_python_code_around_them(lane):
    """As `map` and `sorted` make them."""
    log = mplog.get_logger("a")
    list(map(log.info, ["x", "y"]))
    assert {"test_calls_from_c_have_the_place_of_the_python_code_around_them"} == {
        event.function for event in lane.events()
    }


def test_generators_and_comprehensions_are_places_of_their_own(lane):
    """The function that runs is named."""
    log = mplog.get_logger("a")

    def numbers():
        log.info("x")
        yield 1

    list(numbers())
    (lambda: log.info("x"))()
    assert ["numbers", "<lambda>"] == [event.function for event in lane.events()]


def test_threads_are_told_apart(lane):
    """By number and name, also when a name changes, and when a number is used again."""
    log = mplog.get_logger("a")
    told = []

    def work(name):
        log.info("x")
        threading.current_thread().name = f"renamed {name}"
        log.info("x")
        told.extend([(threading.get_ident(), name), (threading.get_ident(), f"renamed {name}")])

    for number in range(80):
        thread = threading.Thread(target=work, args=(f"t{number}",), name=f"t{number}")
        thread.start()
        thread.join()
    log.info("x")
    told.append((threading.get_ident(), threading.current_thread().name))
    assert told == [(event.thread_id, event.thread_name) for event in lane.events()]


def test_a_thread_that_has_logged_can_go(lane):
    """What is kept of it does not keep it."""
    thread = threading.Thread(target=lambda: mplog.get_logger("a").info("x"))
    thread.start()
    thread.join()
    gone = weakref.ref(thread)
    del thread
    gc.collect()
    assert gone() is None


def test_a_thread_with_a_name_of_its_own_making_is_asked(lane):
    """A property of a subclass holds."""

    class Worker(threading.Thread):
        shown = "one"

        @property
        def name(self):
            return self.shown

        @name.setter
        def name(self, value):
            pass

        def run(self):
            log = mplog.get_logger("a")
            log.info("x")
            self.shown = "two"
            log.info("x")

    worker = Worker()
    worker.start()
    worker.join()
    assert ["one", "two"] == [event.thread_name for event in lane.events()]


def test_greenlets_in_the_place_of_threads_are_asked_each_time(lane, monkeypatch):
    """With `get_ident` replaced, the interpreter's thread says nothing."""
    from mplog.producer import logger

    class Green:
        ident, name = 7, "green"

    def get_ident():
        return 7

    monkeypatch.setattr(logger, "get_ident", get_ident)
    monkeypatch.setattr(logger, "current_thread", Green)
    seen = []

    def work():
        mplog.get_logger("a").info("x")
        monkeypatch.setattr(Green, "name", "other")
        mplog.get_logger("a").info("x")
        seen.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen
    assert [(7, "green"), (7, "other")] == [(e.thread_id, e.thread_name) for e in lane.events()]


def test_tasks_are_named_each_by_its_own(lane):
    """Also renamed ones; outside of a loop there is none."""
    log = mplog.get_logger("a")

    async def main():
        async def work():
            log.info("x")
            await asyncio.sleep(0)
            asyncio.current_task().set_name("renamed")
            log.info("x")

        await asyncio.gather(*(asyncio.create_task(work(), name=f"t{n}") for n in range(2)))

    asyncio.run(main())
    log.info("x")
    assert ["t0", "t1", "renamed", "renamed", None] == [event.task for event in lane.events()]


def test_tasks_have_each_their_context(lane):
    """However they take turns."""
    log = mplog.get_logger("a")

    async def work(number):
        with mplog.context(task=number):
            for _ in range(3):
                log.info("x")
                await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(work(number) for number in range(40)))

    asyncio.run(main())
    assert list(range(40)) * 3 == [event.context["task"] for event in lane.events()]

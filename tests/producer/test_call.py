"""The call in C: what it encodes is what msgspec would have written, and what it keeps is true."""

from __future__ import annotations

import asyncio
import copy
import datetime
import gc
import pickle
import subprocess
import sys
import threading
import weakref
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mplog
from mplog import _native
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.producer.logger import RESERVED

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NAMES = TEXT.filter(lambda name: name not in RESERVED)
VALUES = st.recursive(
    TEXT
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.none()
    | st.binary(max_size=40)
    | st.uuids()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=10,
)
FIELDS = st.dictionaries(NAMES, VALUES, max_size=20)


def here() -> tuple[str, int, str]:
    """File, line and function of the caller."""
    frame = sys._getframe(1)
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TEXT, TEXT, FIELDS, FIELDS, st.none() | FIELDS)
def test_an_event_has_the_bytes_that_msgspec_writes(lane, name, template, bound, fields, context):
    """Of the same items in the same order, less what is empty at the end."""
    log = mplog.get_logger(name).bind(**bound)
    thread = threading.current_thread()
    with mplog.context(**(context or {})):
        place = here(); assert log.info(template, **fields)  # fmt: skip  # noqa: E702
    items = (
        name, template, {**bound, **fields}, context if context is not None else {}, *place,
        thread.ident, thread.name, None,
    )  # fmt: skip
    assert [_native.redact(ENCODER.encode(items))] == lane.payloads()


def test_without_a_context_there_is_none(lane):
    """Not an empty one."""
    mplog.get_logger("a").info("x")
    assert None is lane.events()[0].context


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


def test_what_a_with_block_gives_is_a_copy(lane):
    """Changing it changes no event."""
    with mplog.context(a=1) as shown:
        shown["b"] = 2
        mplog.get_logger("a").info("x")
    assert {"a": 1} == lane.events()[0].context


def test_values_that_change_are_told_as_they_are_at_the_call(lane):
    """Bound or in the context: a list that grows is encoded with each event."""
    items: list[int] = []
    log = mplog.get_logger("a").bind(items=items)
    with mplog.context(also=items):
        for number in range(3):
            items.append(number)
            log.info("x", n=number)
    told = [(e.fields["items"], e.context["also"]) for e in lane.events()]
    assert [([0], [0]), ([0, 1], [0, 1]), ([0, 1, 2], [0, 1, 2])] == told


def test_a_call_names_what_is_bound_in_the_bound_ones_place(lane):
    """Order included; keys that are equal but other objects too."""
    log = mplog.get_logger("a").bind(a=1, b=2, c=3)
    log.info("x", **{"".join(["b"]): 20, "d": 4})
    log.info("x", d=4)
    assert [{"a": 1, "b": 20, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 3, "d": 4}] == [
        event.fields for event in lane.events()
    ]
    assert ["a", "b", "c"] == list(log.bound)


def test_the_level_of_all_processes_holds_at_once(lane):
    """It stands in shared memory; taken back, each has its own again."""
    log = mplog.get_logger("a")
    _native.steer(20, lane.producer)
    answers = [log.debug("x"), log.info("x")]
    lane.reader.set_threshold(40)
    answers += [log.info("x"), log.error("x"), log.is_enabled("ERROR"), log.is_enabled(39)]
    lane.reader.set_threshold(0)
    answers += [log.debug("x"), log.log(0, "x")]
    lane.reader.set_threshold(None)
    answers += [log.debug("x"), log.info("x")]
    assert [False, True, False, True, True, False, True, True, False, True] == answers
    assert 5 == len(lane.payloads())
    with pytest.raises(RuntimeError):
        lane.reader.set_threshold(256)


def test_a_log_call_inside_of_a_log_call_is_an_event_of_its_own(lane):
    """A time zone that logs, while its time is encoded."""
    log = mplog.get_logger("a")

    class Telling(datetime.tzinfo):
        def utcoffset(self, when):
            assert log.info("inner", n=[1, 2, 3])
            return datetime.timedelta(hours=1)

    moment = datetime.datetime(2026, 1, 1, 12, tzinfo=Telling())
    assert log.info("outer", when=moment, after="y" * 100)
    events = lane.events()
    assert ["inner", "outer"] == [event.template for event in events]
    when = events[1].fields["when"].astimezone(datetime.timezone.utc)
    assert (11, "y" * 100) == (when.hour, events[1].fields["after"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda log: log.info(), "info() takes a template and keywords: 0 positional"),
        (lambda log: log.info("%s", 1), "info() takes a template and keywords: 2 positional"),
        (lambda log: log.log("x"), "log() takes a level, a template and keywords: 1 positional"),
        (lambda log: log.bind({"a": 1}), "bind() takes fields as keywords: 1 positional"),
        (lambda log: type(log)("a", [1]), "a dict of fields is wanted, not [1]"),
    ],
)
def test_a_wrong_call_says_what_would_be_right(lane, call, told):
    """A mistake in the program, and not of its data."""
    with pytest.raises(TypeError) as refused:
        call(mplog.get_logger("a"))
    assert told in str(refused.value)


class Own(mplog.Logger):
    """A logger with something of its own."""

    def shout(self, template: object, **fields: Any) -> bool:
        return self.info(str(template).upper(), **fields)


def test_subclasses_keep_their_type_and_their_attributes(lane):
    """Through bind, copy and pickle."""
    log = Own("a")
    log.extra = 7
    bound = log.bind(n=1)
    assert bound.shout("x")
    assert [("X", {"n": 1})] == [(e.template, e.fields) for e in lane.events()]
    for other in (copy.copy(log), copy.deepcopy(log), pickle.loads(pickle.dumps(log))):
        assert (Own, "a", 7) == (type(other), other.name, other.extra)


def test_a_loggers_name_does_not_change():
    """It is encoded once."""
    with pytest.raises(AttributeError):
        mplog.get_logger("a").name = "b"


def test_loggers_in_a_circle_are_collected():
    """A logger that is bound to something which holds it."""
    gone = []

    class Holder:
        pass

    holder = Holder()
    holder.log = mplog.get_logger("a").bind(holder=holder)
    gone.append(weakref.ref(holder))
    del holder
    gc.collect()
    assert gone[0]() is None


def test_events_longer_than_the_scratch_arrive_all_the_same(lane):
    """They go through Python; up to the lane's largest payload nothing is cut."""
    lane.producer.set_policy(_native.DROP_NEWEST, 0, 256 << 10)
    log = mplog.get_logger("a")
    for size in (65_000, 65_536, 70_000, 200_000):
        assert log.info("x" * size, n=size)
        ((_, _, _, _, _, flags, payload, _),) = lane.items()
        event = msgspec.msgpack.decode(payload, type=Event)
        assert (0, size, size) == (flags, len(event.template), event.fields["n"])


NO_MEMORY = """
import sys, threading
sys.path.insert(0, {here!r})
from pathlib import Path
from lane import lane_in
import _testcapi
import mplog

with lane_in(Path({place!r})) as lane:
    log = mplog.get_logger("shop").bind(request="r-1", user=7)
    def call(attempt, ip):
        return log.info("user {{user}} logged in from {{ip}}", attempt=attempt, ip=ip, ok=True)
    with mplog.context(tenant="t"):
        for _ in range(50):
            call(3, "10.0.0.1")
        _testcapi.set_nomemory(0)
        try:
            told = call(3, "10.0.0.1")
            quiet = log.debug("x", a=1)
        finally:
            _testcapi.remove_mem_hooks()
    print(told, quiet, len(lane.payloads()))
"""


def test_a_plain_event_allocates_nothing(shm):
    """It is accepted while every allocation of the interpreter fails."""
    pytest.importorskip("_testcapi", reason="this CPython comes without its own test module")
    from pathlib import Path

    code = NO_MEMORY.format(here=str(Path(__file__).parent), place=str(shm))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "True True 52\n", "") == (done.returncode, done.stdout, done.stderr)

"""The call in C: what it encodes is what msgspec would have written, and what it keeps is true."""

from __future__ import annotations

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
        (item,) = lane.items()
        flags, payload = item[5:7]
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
    info, debug = log.info, log.debug  # 3.10 makes an object of each look at a method
    with mplog.context(tenant="t"):
        for number in range(52):
            if number == 51:
                _testcapi.set_nomemory(0)
            told = info("user {{user}} logged in from {{ip}}", attempt=3, ip="10.0.0.1", ok=True)
        quiet = debug("x", a=1)
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
    assert (0, "True True 53\n", "") == (done.returncode, done.stdout, done.stderr)

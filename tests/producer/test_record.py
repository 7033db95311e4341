"""A LogRecord that C reads makes the event that Python would have made; all others Python makes."""

from __future__ import annotations

import datetime
import decimal
import logging
import sys
import uuid
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import mplog
from mplog import _native
from mplog.event.codec import ENCODER
from mplog.producer.handler import event_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
PLAIN = TEXT | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.booleans() | st.none()
FOREIGN = st.binary(max_size=9) | st.uuids() | st.dates() | st.lists(PLAIN, max_size=3)
VALUES = st.recursive(
    PLAIN | FOREIGN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
STANDARD = set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"taskName"}
KEYS = TEXT.filter(lambda key: key not in STANDARD)
ARGS = (
    st.lists(PLAIN | FOREIGN, max_size=5).map(tuple)
    | st.dictionaries(TEXT, PLAIN | FOREIGN, min_size=1, max_size=5)
    | st.lists(PLAIN, min_size=60, max_size=70).map(tuple)
)
TEMPLATES = TEXT | st.sampled_from(
    ["%s and %s", "%r", "%(a)s", "%5.1f", "100 %", "%%s", "%%", "%(\xe9_1)s %(", "%(a)d", "%(a%d"]
)


def record(message: Any = "x", args: Any = (), /, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("shop", logging.INFO, "/a.py", 7, message, (), None, "work")
    made.__dict__.update(more, args=args)
    return made


def by_python(made: logging.LogRecord) -> bytes:
    return _native.redact(ENCODER.encode(event_of(made)))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEMPLATES, ARGS, st.dictionaries(KEYS, VALUES, max_size=5), st.none() | TEXT)
@example("", (), {"message": None, "self": 1}, None)
def test_the_bytes_are_those_of_the_event_that_python_makes(template, args, extra, function):
    """Message, arguments, extras and place, secrets replaced."""
    made = record(template, args, **extra)
    made.funcName = function
    with mplog.context(order=1, password="x"):
        assert by_python(made) == _native.pack_record(made)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"levelno": 35},
        {"thread": None, "threadName": None},
        {"message": "left by a formatter", "asctime": "now", "n": 1},
        {"msg": ValueError("as a message"), "args": (1,)},
        {"msg": 17},
        {"args": ({},)},
        {"args": {"a": object(), "token": "secret"}},
        {"api_key": "secret", "nested": {"password": "secret", "n": None}},
        {"exc_info": False},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_what_others_have_set_in_a_record_is_taken_from_it(changes):
    """As long as its attributes stand where logging has put them."""
    made = record()
    made.__dict__.update(changes)
    assert by_python(made) == _native.pack_record(made)


class Own(logging.LogRecord):
    """A record with something of its own."""


def error() -> Any:
    try:
        raise ValueError("x")
    except ValueError:
        return sys.exc_info()


@pytest.mark.parametrize(
    "made",
    [
        Own("a", 20, "/a.py", 1, "x", (), None),
        record(exc_info=error()),
        record(exc_info=(None, None, None)),
        record(exc_text="Traceback"),
        record(stack_info="Stack"),
        record("x", OrderedDict(a=1)),
        record(lineno=None),
        record(lineno=10**30),
        record(name=None),
        record(pathname=b"/a.py"),
        record(n=object()),
        record(lone="\udc80"),
        record("lone \udc80"),
        record("%s", (10**30,)),
    ],
    ids=lambda made: repr(made.msg)[:9],
)
def test_what_is_unusual_is_left_to_python(made):
    """None: the caller goes the other way."""
    assert None is _native.pack_record(made)


def test_a_task_is_told_where_records_have_one():
    """From 3.12 on; before, a taskName is what somebody has put there, and Python sees to it."""
    has_one = hasattr(record(), "taskName")
    made = record(taskName="Task-1")
    assert (by_python(made) if has_one else None) == _native.pack_record(made)


def test_a_record_that_lacks_something_is_left_to_python():
    """As one that has been unpickled from elsewhere."""
    made = record()
    del made.stack_info
    assert None is _native.pack_record(made)
    made.stack_info = None
    assert None is _native.pack_record(made), "it stands in another place now"


@pytest.mark.parametrize("name", ["getMessage", "__init__"])
def test_a_class_of_records_that_was_changed_is_left_to_python(monkeypatch, name):
    """And again not, when it is as before."""
    made = record()
    assert _native.pack_record(made)
    with monkeypatch.context() as changed:
        changed.setattr(logging.LogRecord, name, lambda self, *args: None)
        assert None is _native.pack_record(made)
    assert _native.pack_record(made)
    with monkeypatch.context() as changed:
        changed.setattr(logging.LogRecord, "name", property(lambda self: "hidden"), raising=False)
        assert None is _native.pack_record(made)
    assert _native.pack_record(made)


def test_more_than_records_ever_have_is_taken():
    """Extras by the hundred."""
    made = record(**{f"n{i}": i for i in range(300)})
    assert by_python(made) == _native.pack_record(made)


def test_values_that_msgspec_alone_writes_are_extras_too():
    """Times, decimals, UUIDs."""
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    made = record(when=when, sum=decimal.Decimal("1.50"), id=uuid.UUID(int=7), gap=when - when)
    assert by_python(made) == _native.pack_record(made)

"""What a log call makes of its arguments, whatever they are."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence

import msgspec
import pytest

from mplog import _native
from mplog.config.load import load
from mplog.event.codec import decode
from mplog.event.event import Event
from mplog.producer import connection as connecting
from mplog.producer import logger as module
from mplog.producer.context import context
from mplog.producer.gate import Gate
from mplog.producer.logger import Logger, get_logger
from mplog.ring import create_bell


class Sent(Sequence):
    """What the loggers have published: (level, event, kind, flags) each."""

    def __init__(self, lane):
        self._lane = lane
        self._seen = []

    def _look(self):
        for item in self._lane.items():
            level, kind, flags, payload = item[3:7]
            self._seen.append((level, msgspec.msgpack.decode(payload, type=Event), kind, flags))
        return self._seen

    def __getitem__(self, index):
        return self._look()[index]

    def __len__(self):
        return len(self._look())

    def __eq__(self, other):
        return self._look() == other


@pytest.fixture
def sent(lane):
    """Events as they stand in this process's lane."""
    return Sent(lane)


@pytest.mark.parametrize(
    ("method", "level"),
    [("debug", 10), ("info", 20), ("warning", 30), ("error", 40), ("critical", 50)],
)
def test_methods_have_the_levels_of_the_standard_library(sent, method, level):
    """And are filtered by the gate's level before anything is encoded."""
    assert getattr(get_logger("a"), method)("hello {n}", n=1)
    assert (level, "hello {n}", {"n": 1}) == (sent[0][0], sent[0][1].template, sent[0][1].fields)


def test_below_the_level_nothing_is_sent(sent, monkeypatch):
    """False, and no event."""
    monkeypatch.setattr(module.GATE, "level", 45)
    log = get_logger("a")

    answers = [log.debug("x"), log.info("x"), log.warning("x"), log.error("x"), log.log(44, "x")]
    assert [False] * 5 == answers
    assert log.is_enabled(50)
    assert not log.is_enabled("ERROR")
    assert [] == sent


def test_the_caller_is_the_line_of_the_call(sent):
    """File, line and function; stacklevel goes further out."""

    def inner():
        get_logger("a").info("x")
        get_logger("a").info("x", stacklevel=2)
        get_logger("a").info("x", stacklevel=99)

    inner()
    names = [event.function for _, event, _, _ in sent]

    assert ["inner", "test_the_caller_is_the_line_of_the_call"] == names[:2]
    assert sent[0][1].file == __file__
    assert 3 == len(sent)


def test_bound_fields_travel_and_the_calls_own_win(sent):
    """bind() gives a new logger; the old one stays as it is."""
    log = get_logger("a")
    bound = log.bind(user="ann", n=1).bind(city="x")
    bound.info("x", n=2)
    log.info("x")

    assert [{"user": "ann", "n": 2, "city": "x"}, {}] == [event.fields for _, event, _, _ in sent]


def test_context_travels_beside_the_fields(sent):
    """Not mixed with them."""
    with context(request=7):
        get_logger("a").info("x", n=1)

    assert ({"request": 7}, {"n": 1}) == (sent[0][1].context, sent[0][1].fields)


def test_exceptions_in_every_form_are_described(sent):
    """True, the exception itself, a tuple; exception() without any argument."""
    log = get_logger("a")
    try:
        raise ValueError("broken")
    except ValueError as error:
        log.exception("x")
        log.info("x", exc_info=True)
        log.info("x", exc_info=(ValueError, error, None))
        kept = error
    log.info("x", exc_info=kept)
    log.info("x", exc_info=True)

    told = [event.exception and event.exception.message for _, event, _, _ in sent]
    assert ["broken"] * 4 + [None] == told


def test_reserved_keywords_with_wrong_values_lose_nothing(sent):
    """A stacklevel that is no number is no reason to lose the event."""
    assert get_logger("a").info("x", stacklevel="far", exc_info=0)
    assert "x" == sent[0][1].template


class Hostile:
    """Raises wherever it is looked at."""

    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __repr__

    def __getattr__(self, name):
        raise RuntimeError("no attribute")


@pytest.mark.parametrize(
    "value",
    [Hostile(), float("nan"), 2**70, "\ud800", b"\xff", {1: {2: {3}}}, lambda: 0, [[]] * 9],
    ids=lambda value: type(value).__name__,
)
def test_any_value_may_be_logged(sent, value):
    """As a field, and as the template itself."""
    assert get_logger("a").info("x", value=value)
    assert get_logger("a").info(value)
    assert 2 == len(sent)


def test_a_value_that_contains_itself_may_be_logged(sent):
    """And an event larger than a lane takes is cut, and marked."""
    loop = []
    loop.append(loop)
    assert get_logger("a").info("x", loop=loop)
    assert get_logger("a").info("x", large="x" * 10_000_000)
    assert sent[-1][3] & module.FLAG_CUT


def test_a_lane_that_turns_out_to_be_smaller_gets_the_event_cut(shm, logdir, monkeypatch):
    """How much it takes is known once it is claimed, which the event itself may have done."""
    monkeypatch.setattr(connecting, "ensure_writer", lambda directory, service: False)
    given = {"file": str(logdir / "app.jsonl"), "memory": "4 MiB", "when_full": "drop_newest"}
    wanted = load(arguments=given).settings
    create_bell(shm, "shop", wanted)
    made = [connecting.Connection(shm, "shop", wanted) for _ in range(8)]
    for connection in made[:-1]:
        assert connection.attach()
    gate = Gate()
    gate.connect(made[-1], 0)
    before = made[-1].producer.max_payload
    try:
        assert module.send(30, ("a", "x", {"large": "x" * 60_000, "odd": object()}), 0, gate)
        assert made[-1].producer.max_payload < 60_000 < before
        assert (1, 0) == (made[-1].producer.accepted, made[-1].producer.dropped)
    finally:
        for connection in made:
            connection.close()


def test_a_lane_that_takes_nothing_ends_the_call():
    """However small what it is given has become."""
    gate, tried = Gate(), []
    gate.emit = gate.publish = lambda *event: tried.append(event)

    assert not module.send(30, ("a", "x", {}), 0, gate)
    assert 1 < len(tried) < 10


@pytest.mark.parametrize("limit", [1 << 10, 64 << 10])
@pytest.mark.parametrize("many", [40, 100, 4_000, 7_000, 50_000])
@pytest.mark.parametrize(
    "fields",
    [
        lambda many: {"many": [{"token": 1}] * many},
        lambda many: {f"n{n} token": 1 for n in range(many)},
        lambda many: {"a": {"b": {"c": [{"token": 1, "x": "y"}] * many}}},
    ],
    ids=["a list", "fields", "deep"],
)
def test_an_event_that_grows_where_its_secrets_stood_is_cut_as_any_other(lane, fields, many, limit):
    """It arrives, in no more than a lane takes, marked where it was cut, and has none of them."""
    lane.producer.set_policy(_native.DROP_NEWEST, 0, limit)
    given = fields(many)
    whole = len(_native.redact(msgspec.msgpack.encode(given)))
    assert get_logger("a").info("told", **given)
    (item,) = lane.items()
    flags, payload = item[5:7]

    assert len(payload) <= limit
    assert whole <= limit or flags & module.FLAG_CUT
    assert b"token\x01" not in payload
    assert "told" == decode(payload).template


def test_an_interrupt_from_a_value_is_the_users(sent):
    """KeyboardInterrupt goes through; every other error stays inside."""

    class Interrupting(Hostile):
        def __repr__(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get_logger("a").info("x", value=Interrupting())


def test_the_running_task_is_named(sent):
    """Only inside a task."""

    async def main():
        get_logger("a").info("x")

    async def named():
        await asyncio.create_task(main(), name="the task")

    asyncio.run(named())
    get_logger("a").info("x")

    assert ["the task", None] == [event.task for _, event, _, _ in sent]


def test_a_logger_travels_by_name_and_fields():
    """To a spawned worker, as any plain object."""
    copy = pickle.loads(pickle.dumps(get_logger("a").bind(n=1)))

    assert isinstance(copy, Logger)
    assert "mplog.get_logger('a', n=1)" == repr(copy)

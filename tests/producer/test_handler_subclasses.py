"""What programs put around or into the handler is called as any handler of logging calls it."""

from __future__ import annotations

import logging
import sys
from typing import Any

import pytest

from mplog.producer.gate import GATE, Gate
from mplog.producer.handler import RecordHandler


def record(message: Any = "x", *args: Any) -> logging.LogRecord:
    return logging.LogRecord("shop", logging.INFO, "/a.py", 7, message, args, None, "work")


class Nothing(logging.Handler):
    """What logging itself does."""

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing."""


class Telling(RecordHandler):
    """Notes which of its methods are called."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[str] = []


def telling(name: str) -> type[Telling]:
    """A class that overrides one method, as programs do."""

    def method(self: Telling, *args: Any) -> Any:
        self.called.append(name)
        return getattr(super(kind, self), name)(*args)

    kind: Any = type("Kind", (Telling,), {name: method})
    return kind


# From 3.13 on, logging takes the lock itself.
LOCKING = ["acquire", "release"] if sys.version_info < (3, 13) else []


@pytest.mark.parametrize("name", ["handle", "filter", "emit", "format", *LOCKING])
def test_a_method_that_a_subclass_overrides_is_called(lane, name):
    """Once for each record, which arrives all the same."""
    handler = telling(name)()
    handler.handle(record("of tea"))
    assert [name] == handler.called
    assert ["of tea"] == [event.template for event in lane.events()]


@pytest.mark.parametrize("name", ["filter", "emit", "format"])
def test_a_method_that_is_set_in_the_handler_is_called(lane, monkeypatch, name):
    """As by a mock; and no more when it is gone."""
    handler, seen = RecordHandler(), []
    with monkeypatch.context() as patched:
        patched.setattr(handler, name, lambda given: seen.append(given) or "shown")
        handler.handle(record())
    handler.handle(record())
    assert 1 == len(seen)
    expected = {"filter": ["x", "x"], "emit": ["x"], "format": ["shown", "x"]}[name]
    assert expected == [event.template for event in lane.events()]


@pytest.mark.parametrize("name", ["filter", "emit", "format", "handle"])
def test_a_method_that_is_patched_in_the_class_is_called(lane, monkeypatch, name):
    """In this class or in logging's own, also after it has been used."""
    handler, seen = RecordHandler(), []
    handler.handle(record())
    owners = [RecordHandler] if name == "emit" else [RecordHandler, logging.Handler]
    for owner in owners:
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, lambda self, given: seen.append(given))
            handler.handle(record())
        handler.handle(record())
    assert len(owners) == len(seen)


def test_a_format_of_its_own_makes_the_message(lane):
    """A formatter that is only set does not: the event stays an event."""

    class Shouting(RecordHandler):
        def format(self, record: logging.LogRecord) -> str:
            return record.getMessage().upper()

    plain = RecordHandler()
    plain.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    for handler in (Shouting(), plain):
        handler.handle(record("of %s", "tea"))
    assert [("OF TEA", None), ("of %s", ["tea"])] == [(e.template, e.args) for e in lane.events()]


def test_filters_decide(lane):
    """An event that one of them refuses is not sent; a filter may change the record."""
    handler = RecordHandler()
    handler.addFilter(lambda record: "secret" not in record.msg)

    @handler.addFilter
    def numbered(record: logging.LogRecord) -> bool:
        record.number = 7
        return True

    assert not handler.handle(record("a secret"))
    assert handler.handle(record())
    assert [("x", {"number": 7})] == [(e.template, e.fields) for e in lane.events()]


def test_a_filter_may_put_another_record_in_its_place(lane):
    """From 3.12 on; before, filters only decide."""
    handler = RecordHandler()
    handler.addFilter(lambda given: record("another"))
    handler.handle(record("first"))
    expected = "another" if sys.version_info >= (3, 12) else "first"
    assert [expected] == [event.template for event in lane.events()]


@pytest.mark.parametrize("refusing", [False, True])
def test_handle_returns_what_any_handler_returns(lane, refusing):
    """True or the record, by the version of Python."""
    answers = []
    for handler in (RecordHandler(), Nothing()):
        if refusing:
            handler.addFilter(lambda record: False)
        given = record()
        answer = handler.handle(given)
        answers.append("the record" if answer is given else answer)
    assert answers[0] == answers[1]


def test_keywords_and_wrong_calls_are_as_in_logging(lane):
    """handle(record=…), emit(record=…); TypeError without one."""
    handler = RecordHandler()
    handler.handle(record=record())
    handler.emit(record=record())
    with pytest.raises(TypeError, match="handle"):
        handler.handle()  # type: ignore[call-arg]
    assert 2 == len(lane.events())


def test_a_handler_with_a_service_of_its_own_sends_there(lane):
    """Its gate is another one than the process's."""
    connected = Gate()
    connected.connect(lane, 0)
    handler = RecordHandler()
    handler.gate = connected
    GATE.reset()
    handler.handle(record())
    handler.emit(record())
    assert ["x", "x"] == [event.template for event in lane.events()]


def test_a_closed_handler_sends_all_the_same(lane):
    """After logging.shutdown() too, which closes all handlers."""
    handler = RecordHandler()
    handler.close()
    handler.handle(record())
    assert 1 == len(lane.events())


def test_a_record_with_its_own_way_to_a_message_is_asked_for_it(lane):
    """As records for `{}` templates have it; by a factory or in logging's own class."""

    class Braces(logging.LogRecord):
        def getMessage(self) -> str:
            return str(self.msg).format(*self.args)

    made = Braces("shop", logging.INFO, "/a.py", 7, "{} of {}", (2, "tea"), None, "work")
    RecordHandler().handle(made)
    assert [("2 of tea", None)] == [(e.template, e.args) for e in lane.events()]


def test_getMessage_that_is_patched_makes_the_message(lane, monkeypatch):
    """In logging.LogRecord itself."""
    with monkeypatch.context() as patched:
        patched.setattr(logging.LogRecord, "getMessage", lambda self: self.msg.format(*self.args))
        RecordHandler().handle(record("{} of {}", 2, "tea"))
    RecordHandler().handle(record("%d of %s", 2, "tea"))
    assert [("2 of tea", None), ("%d of %s", [2, "tea"])] == [
        (e.template, e.args) for e in lane.events()
    ]


def test_properties_of_a_record_class_are_read(lane):
    """What a subclass computes is what the event says."""

    class Own(logging.LogRecord):
        @property
        def threadName(self) -> str:
            return "computed"

        @threadName.setter
        def threadName(self, name: str) -> None:
            pass

    RecordHandler().handle(Own("shop", logging.INFO, "/a.py", 7, "x", (), None, "work"))
    assert ["computed"] == [event.thread_name for event in lane.events()]


def test_a_value_that_logs_while_it_is_shown_makes_two_events(lane):
    """The inner one first."""
    handler = RecordHandler()

    class Talking:
        def __str__(self) -> str:
            handler.handle(record("inner"))
            return "shown"

    handler.handle(record("outer %s %s", Talking(), "y" * 99))
    told = [(event.template, event.args) for event in lane.events()]
    assert ("outer %s %s", ["shown", "y" * 99]) == told[-1]
    assert {("inner", None)} == set(told[:-1])


def test_an_interrupt_out_of_a_value_is_the_programs(lane):
    """It is no Exception, and nothing is swallowed."""

    class Interrupting:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RecordHandler().handle(record("x %s", Interrupting()))
    assert [] == lane.events()


def test_what_cannot_be_made_an_event_is_an_error_of_the_handlers(lane):
    """handleError() is called, as logging has it."""
    failed = []

    class Handler(RecordHandler):
        def handleError(self, record: logging.LogRecord) -> None:
            failed.append(record)

    broken = record()
    del broken.args
    Handler().handle(broken)
    assert [broken] == failed


def test_a_record_that_is_too_large_goes_cut(lane):
    """And marked."""
    RecordHandler().handle(record("x" * 200_000))
    ((flags, payload),) = [item[5:7] for item in lane.items()]
    assert 1 == flags & 1
    assert len(payload) <= 64 << 10

"""A format that is the user's own callable: what it is given, and what becomes of its mistakes."""

from __future__ import annotations

import pytest

from mplog.event.event import Event, ExceptionInfo, Stamped
from mplog.format import formatter
from mplog.format.own import Line, OwnFormat
from mplog.format.text import TextFormat

STAMPED = Stamped(1_700_000_000_123_456_789, 40, 0, 0, "a1-0-1", 7, 4711, "shop")
EVENT = Event(
    "app.db", "user {user} gone", {"user": "ann", "n": 1}, {"request": "r1"}, "a.py", 12, "go"
)


def given(event: Event = EVENT) -> Line:
    """What a callable gets for *event*."""
    seen: list[Line] = []
    OwnFormat(lambda line: seen.append(line) or "").line(event, STAMPED)
    return seen[0]


def test_it_is_given_the_event_decoded() -> None:
    """Time, level, logger, the message rendered, where it comes from, and its number."""
    line = given()
    assert (line.time_ns, line.level, line.level_name) == (STAMPED.wall_ns, 40, "ERROR")
    assert (line.logger, line.message) == ("app.db", "user ann gone")
    assert (line.session, line.seq, line.pid, line.process_name) == ("a1-0-1", 7, 4711, "shop")
    assert (line.file, line.line, line.function) == ("a.py", 12, "go")


def test_fields_and_context_are_together_and_the_call_wins() -> None:
    """As in every other format."""
    event = Event("a", "b", {"user": "call"}, {"user": "context", "request": "r1"})
    assert {"user": "call", "request": "r1"} == given(event).fields


def test_an_exception_comes_as_its_traceback() -> None:
    """Text, as Python prints it."""
    event = Event("a", "b", exception=ExceptionInfo("ValueError", "no such task"))
    assert "ValueError: no such task" in given(event).exception


def test_the_line_is_what_it_returns() -> None:
    """With a newline behind it."""
    own = OwnFormat(lambda line: f"{line.level_name}|{line.message}")
    assert b"ERROR|user ann gone\n" == own.line(EVENT, STAMPED)


@pytest.mark.parametrize("evil", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "a\x85b", "a\0b"])
def test_it_cannot_forge_a_line_or_drive_a_terminal(evil: str) -> None:
    """What data smuggles into its text is shown escaped."""
    made = OwnFormat(lambda line: evil).line(EVENT, STAMPED)
    assert made.count(b"\n") == 1
    assert made.endswith(b"b\n")
    assert not set(made[:-1].decode()) & set("\n\r\x1b\u2028\x85\0")


@pytest.mark.parametrize("wrong", [lambda line: 1 / 0, lambda line: b"bytes", lambda line: None])
def test_where_it_fails_the_line_is_that_of_the_text_format(wrong: object) -> None:
    """No event is lost to it, and why is kept to be told."""
    own = OwnFormat(wrong)  # type: ignore[arg-type]
    assert TextFormat().line(EVENT, STAMPED) == own.line(EVENT, STAMPED)
    assert own.problem.startswith("it has raised ")


def test_a_lone_surrogate_is_written_escaped() -> None:
    """The file stays UTF-8."""
    OwnFormat(lambda line: "a\udc80").line(EVENT, STAMPED).decode()


def test_mplogs_own_lines_go_through_it_too() -> None:
    """They have an event_name, and their keys as fields."""
    own = OwnFormat(lambda line: f"{line.logger} {line.event_name} {line.fields['last']}")
    made = own.notice(1, 20, "mplog.session.end", "session ended", {"last": 3})
    assert b"mplog mplog.session.end 3\n" == made


def test_an_event_that_does_not_decode_has_a_line_with_its_number() -> None:
    """So that nothing is silently missing."""
    own = OwnFormat(lambda line: f"{line.message} {line.fields['seq']}")
    assert b"unreadable event 7\n" == own.unreadable(b"\xc1", STAMPED)


def test_a_name_is_imported() -> None:
    """By the writer, when it begins."""
    own = formatter("posixpath:basename")
    assert isinstance(own, OwnFormat)
    assert own.problem == ""


@pytest.mark.parametrize("name", ["no.such.module:f", "os:no_such", "os:sep"])
def test_a_name_that_cannot_be_had_is_told_and_text_is_written(name: str) -> None:
    """The log goes on."""
    own = formatter(name)
    assert isinstance(own, OwnFormat)
    assert own.problem.startswith("it cannot be had: ")
    assert TextFormat().line(EVENT, STAMPED) == own.line(EVENT, STAMPED)

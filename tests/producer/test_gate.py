"""Before any configuration an event goes to the inherited service, else to stderr."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mplog.config import Settings
from mplog.event.event import Event
from mplog.event.exception import describe
from mplog.producer import connection, tell
from mplog.producer import gate as module
from mplog.producer.gate import Gate, inherited
from mplog.ring import create_bell


@pytest.fixture(autouse=True)
def _forgotten():
    tell.forget()
    yield
    tell.forget()


def payload(template="hello", **fields):
    return msgspec.msgpack.encode(("shop", template, fields))


def test_without_a_service_warnings_go_to_stderr_with_one_hint(capfd):
    """INFO is dropped, WARNING is shown with its fields, and the hint comes once."""
    gate = Gate()
    answers = [gate.publish(level, payload(n=level)) for level in (20, 30, 40)]
    out, err = capfd.readouterr()

    assert ("", [False, True, True]) == (out, answers)
    assert 1 == err.count("mplog.configure(")
    assert ["mplog: WARNING shop: hello n=30", "mplog: ERROR shop: hello n=40"] == err.split("\n")[
        1:3
    ]


@pytest.mark.parametrize(
    ("template", "args", "expected"),
    [
        ("%s of %d", ["a", 3], "a of 3"),
        ("%(p).1f", {"p": 0.25}, "0.2"),
        ("%d", ["no number"], "%d ['no number']"),
        ("100 %", None, "100 %"),
    ],
)
def test_arguments_of_the_standard_library_are_shown(capfd, template, args, expected):
    """As logging would have shown them; what does not fit is shown beside the template."""
    event = msgspec.structs.replace(
        msgspec.msgpack.decode(payload(template), type=Event), args=args
    )
    Gate().publish(30, msgspec.msgpack.encode(event))

    assert f"mplog: WARNING shop: {expected}\n" in capfd.readouterr().err


def test_an_unreadable_event_is_told_as_such(capfd):
    """No error comes out of a log call."""
    assert Gate().publish(50, b"\xc1")
    assert "CRITICAL (unreadable)" in capfd.readouterr().err


def test_an_exception_is_shown_behind_the_message(capfd):
    """Its type and what it says."""
    event = msgspec.structs.replace(
        msgspec.msgpack.decode(payload(), type=Event), exception=describe(ValueError("odd"))
    )
    Gate().publish(40, msgspec.msgpack.encode(event))

    assert "mplog: ERROR shop: hello [ValueError: odd]\n" in capfd.readouterr().err


@pytest.mark.parametrize("environ", [{}, {"MPLOG_SERVICE": "a"}, {"MPLOG_DIR": "/d"}])
def test_without_a_whole_handle_nothing_is_inherited(environ, capfd):
    """Not a word either: that is the ordinary state of a program."""
    assert inherited(environ) is None
    assert ("", "") == capfd.readouterr()


def test_a_service_that_is_gone_is_told_and_not_made_up(shm, capfd):
    """The handle alone does not say what the service was like."""
    assert inherited({"MPLOG_SERVICE": "shop", "MPLOG_DIR": str(shm)}) is None
    assert "shop in" in capfd.readouterr().err
    assert [] == list(shm.iterdir())


@pytest.mark.parametrize("handed_down", ["{", '{"file": "relative"}', "[]", "\udcff"])
def test_broken_settings_from_the_environment_are_told(shm, capfd, handed_down):
    """Nothing is set up from what cannot be read."""
    environ = {"MPLOG_SERVICE": "shop", "MPLOG_DIR": str(shm), "MPLOG_SETTINGS": handed_down}
    assert inherited(environ) is None
    assert "cannot be used" in capfd.readouterr().err
    assert [] == list(shm.iterdir())


def test_a_child_does_not_read_what_its_parent_had_from_a_file(shm, capfd):
    """It has inherited the value, and may not be allowed to read the file any more."""
    settings = Settings(file=str(shm / "app.jsonl"), level=40)
    create_bell(shm, "shop", settings)
    environ = {"MPLOG_SERVICE": "shop", "MPLOG_DIR": str(shm), "MPLOG_LEVEL_FILE": str(shm / "no")}
    found = inherited(environ)
    assert found is not None
    assert 40 == found[1].level
    assert "" == capfd.readouterr().err


@pytest.mark.parametrize(
    ("level", "kind", "accepted"),
    [(40, 0, True), (30, 0, False), (30, module.PERCENT_KIND, True)],
)
def test_the_first_event_meets_the_service_that_was_handed_down(
    shm, monkeypatch, level, kind, accepted
):
    """Its level is held at once; what came through `logging` has passed the levels there."""
    monkeypatch.setattr(connection, "ensure_writer", lambda directory, service: False)
    monkeypatch.setenv("MPLOG_SERVICE", "shop")
    monkeypatch.delenv("MPLOG_LEVEL", raising=False)
    create_bell(shm, "shop", Settings(file=str(shm / "app.jsonl"), level=40))
    gate = Gate()
    try:
        assert accepted is gate.emit(level, ("shop", "hello", {}), kind)
        assert (shm, 40) == (Path(gate.connection.directory), gate.level)
        assert int(accepted) == gate.connection.producer.accepted
    finally:
        gate.connection.close()


def test_the_first_event_of_a_process_without_a_service_goes_the_bounded_way():
    """None: whoever sends it makes a payload of it, for stderr."""
    gate = Gate()
    assert gate.emit(40, ("shop", "hello", {}), 0) is None
    assert (30, None) == (gate.level, gate.connection)


def test_a_gate_that_is_turned_off_lets_nothing_through(capfd):
    """Neither an event nor a payload, of any level, and without a word."""
    gate = Gate()
    gate.turn_off()
    assert [False, False] == [gate.emit(50, ("shop", "hello", {})), gate.publish(50, payload())]
    assert gate.off
    assert "" == capfd.readouterr().err


def test_a_reset_gate_begins_anew(capfd):
    """After shutdown, or where memory cannot be had."""
    gate = Gate()
    gate.publish(30, payload())
    assert gate.publish is module._to_stderr
    gate.reset()

    assert (0, None) == (gate.level, gate.connection)
    assert gate.publish != module._to_stderr

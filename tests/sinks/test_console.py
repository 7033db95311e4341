"""A console shows lines that nobody can forge, in colours where somebody looks."""

from __future__ import annotations

import os
import pty
import re
import select
import threading

import pytest

from mplog.errors import TargetError
from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.sinks.base import Outgoing
from mplog.sinks.console import ConsoleSink, place_of, wants_colour

STAMPED = Stamped(1_600_000_000_123_456_789, 30, 0, 0, "a-0-1", 1, 7, "shop")
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.123"


def shown(tmp_path, event, colour="never", stamped=STAMPED, **how):
    """What stands on the console."""
    path = tmp_path / "console"
    path.touch()
    sink = ConsoleSink(str(path), colour=colour, environ={}, **how)
    sink.open()
    sink.write([Outgoing(stamped, event)])
    sink.flush()
    sink.close()
    return path.read_text()


def test_a_line_is_aligned(tmp_path):
    """Time, level, logger and pid, message, and the fields that it does not hold."""
    text = shown(tmp_path, Event("shop.db", "sold {n}", {"n": 3, "to": "a b", "odd": ""}))

    assert re.fullmatch(TIME + r' WARNING  shop\.db\[7\] sold 3  to="a b" odd=""\n', text)


def test_an_exception_is_indented(tmp_path):
    """Below its line."""
    info = ExceptionInfo("ValueError", "no", [Frame("a.py", 3, "f", "g()")])
    first, *block = shown(tmp_path, Event("a", "x", exception=info)).splitlines()

    assert first.endswith(" x")
    assert "    ValueError: no" == block[-1]
    assert all(line.startswith("    ") for line in block)


@pytest.mark.parametrize(
    "evil",
    ["a\nb", "\x1b[31mred", "\x1b]52;c;aGk=\x07", "\x9b31m", "a\u2028b", "\u202eabc", "a\rb"],
)
def test_data_cannot_drive_the_terminal(tmp_path, evil):
    """In message, field, key, logger and exception alike; the colours are ours alone."""
    info = ExceptionInfo("E", evil, [Frame(evil, 3, evil, evil)])
    event = Event(evil, evil + "{n}", {"n": evil, evil: evil}, exception=info, stack=evil)
    text = shown(
        tmp_path,
        event,
        "always",
    ).rstrip("\n")
    plain = re.sub(r"\x1b\[(?:0|1|2|3[1-6]|97;41)m", "", text)

    assert "\x1b[33m" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", plain)
    assert all(line.startswith("    ") for line in plain.split("\n")[1:])


@pytest.mark.parametrize(
    ("when", "environ", "wanted"),
    [
        ("auto", {}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": ""}, False),
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_are_as_the_environment_says(when, environ, wanted):
    """Where the console is no terminal."""
    read, write = os.pipe()
    try:
        assert wanted == wants_colour(when, write, environ)
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.parametrize(
    ("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_has_colours(environ, coloured):
    """By its path; unless they are not wanted."""
    ours, theirs = pty.openpty()
    sink = ConsoleSink(os.ttyname(theirs), environ=environ)
    sink.open()
    sink.write([Outgoing(STAMPED, Event("a", "x"))])
    sink.close()
    text = os.read(ours, 1000)
    os.close(theirs)
    os.close(ours)

    assert coloured == (b"\x1b[33mWARNING\x1b[0m" in text)


def test_the_place_of_a_console():
    """The writer's own where nobody told another one; else by name."""
    told = {"MPLOG_CONSOLE": "/dev/pts/3\n"}

    assert 4 == place_of("stderr", {"MPLOG_CONSOLE": "4\n5"})
    assert (2, 1) == (place_of("stderr", {}), place_of("stdout", {}))
    assert "/dev/pts/3" == place_of("stderr", told)
    assert "/dev/pts/9" == place_of("/dev/pts/9", told)
    with pytest.raises(TargetError, match="has lent it no stdout"):
        place_of("stdout", told)


def test_a_console_that_is_gone_is_told():
    """What was half shown is shown again on a line of its own."""
    read, write = os.pipe()
    os.close(read)
    sink = ConsoleSink("stderr", environ={"MPLOG_CONSOLE": f"/dev/fd/{write}"})
    with pytest.raises(OSError):  # noqa: PT011 - ENXIO or EPIPE
        sink.open() or sink.write([Outgoing(STAMPED, Event("a", "x"))])
    sink.close()
    os.close(write)


def test_a_cut_line_is_begun_anew(tmp_path, monkeypatch):
    """After the events before it, which are done."""
    path = tmp_path / "console"
    path.touch()
    sink = ConsoleSink(str(path), environ={})
    sink.open()
    write, calls = os.write, []

    def full(fd, data):
        calls.append(fd)
        if len(calls) > 1:
            raise OSError(28, "no space")
        return write(fd, data[:60])

    monkeypatch.setattr(os, "write", full)
    batch = [Outgoing(STAMPED, Event("a", f"x{n}")) for n in range(3)]
    with pytest.raises(TargetError) as caught:
        sink.write(batch)
    monkeypatch.undo()
    sink.write(batch[caught.value.done :])
    sink.close()
    lines = path.read_text().splitlines()

    assert 1 == caught.value.done
    assert ["x0", "x1", "x2"] == [line[-2:] for line in lines if line[-2:-1] == "x"]
    assert 4 == len(lines)


def test_a_full_console_is_waited_for(monkeypatch):
    """A pipe that takes no more for now: what is written goes on when somebody has read."""
    read, write = os.pipe()
    sink = ConsoleSink(f"/dev/fd/{write}", environ={})
    sink.open()
    batch = [Outgoing(STAMPED, Event("a", f"{n} " + "x" * 1_000)) for n in range(200)]
    full, got = threading.Event(), []
    real = select.poll

    def told():
        full.set()
        return real()

    def reader():
        full.wait(20)
        while data := os.read(read, 65_536):
            got.append(data)

    monkeypatch.setattr(select, "poll", told)
    thread = threading.Thread(target=reader)
    thread.start()
    sink.write(batch)
    sink.close()
    os.close(write)
    thread.join(20)
    os.close(read)

    assert full.is_set()
    lines = b"".join(got).decode().splitlines()
    assert [str(n) for n in range(200)] == [line.split()[4] for line in lines]

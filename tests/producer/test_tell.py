"""What mplog says on stderr is one line, once, and cannot drive a terminal."""

from __future__ import annotations

import os
import sys

import pytest

from mplog.producer import tell


@pytest.fixture(autouse=True)
def _forgotten():
    tell.forget()
    yield
    tell.forget()


def test_a_kind_is_told_once(capfd):
    """The second call of the same kind is silent, another kind is not."""
    assert tell.tell("a", kind="one")
    assert not tell.tell("b", kind="one")
    assert tell.tell("c", kind="two")
    assert ("", "mplog: a\nmplog: c\n") == capfd.readouterr()


def test_a_repeated_kind_is_told_once_a_second(monkeypatch, capfd):
    """Not *once*: again when a second has gone by."""
    now_s = [100.0]
    monkeypatch.setattr(tell.time, "monotonic", lambda: now_s[0])
    told = []
    for now_s[0] in (100.0, 100.9, 101.1):
        told.append(tell.tell("x", kind="k", once=False))

    assert [True, False, True] == told
    assert 2 == capfd.readouterr().err.count("mplog: x")


def test_control_characters_are_made_visible(capfd):
    """Neither a second line nor an escape sequence gets out."""
    tell.say("a\nmplog: forged\x1b[31m\u2028é")
    err = capfd.readouterr().err

    assert "mplog: a\\nmplog: forged\\x1b[31m\\u2028é\n" == err


def test_a_program_without_stderr_is_not_hurt(monkeypatch):
    """sys.stderr is None and descriptor 2 is closed: False, no error."""
    monkeypatch.setattr(sys, "stderr", None)
    kept = os.dup(2)
    os.close(2)
    try:
        said = tell.say("nobody hears this")
    finally:
        os.dup2(kept, 2)
        os.close(kept)

    assert not said


def test_nothing_is_raised_while_the_interpreter_ends(monkeypatch):
    """What it takes to look at stderr cannot be imported then: nothing is told."""
    monkeypatch.setitem(sys.modules, "select", None)

    assert tell.say("too late") is False

"""A described exception reads as Python prints it."""

from __future__ import annotations

import re
import traceback

import pytest

from mplog.event.event import ExceptionInfo, Frame
from mplog.event.exception import describe
from mplog.format.exception import MAX_TEXT_CHARS, stacktrace


def fail(depth=0):
    if depth:
        fail(depth - 1)
    raise ValueError("two\nlines")


def chained():
    try:
        fail()
    except ValueError as error:
        try:
            raise KeyError("k") from error
        except KeyError:
            raise RuntimeError("last")  # noqa: B904


def recursive():
    fail(8)


def bare():
    raise OSError


def noted():
    error = ValueError("n")
    error.__notes__ = ["a note", "another\nnote"]
    raise error


def pythons(error):
    """Python's text, without the lines that mark columns."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return re.sub(r"\n[ |]*[~^]+(?=\n)", "", text).rstrip("\n")


@pytest.mark.parametrize("raiser", [fail, chained, recursive, bare])
def test_equal_to_pythons(raiser):
    """Chains, repeated frames and empty messages come out as in a traceback."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # any of them
        raiser()

    assert pythons(caught.value) == stacktrace(describe(caught.value))


def test_notes_follow_the_message():
    """Notes stand after the last line."""
    with pytest.raises(ValueError, match="n") as caught:
        noted()

    text = stacktrace(describe(caught.value))
    assert text.endswith("ValueError: n\na note\nanother\nnote")


GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "f.py", line 1, in g
  |     run()
  | ExceptionGroup: many
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "f.py", line 1, in g
    |     run()
    | ValueError: a
    | b
    +---------------- 2 ----------------
    | ExceptionGroup: inner
    +-+---------------- 1 ----------------
      | KeyError: 1
      +------------------------------------"""


def test_groups():
    """Groups in groups, drawn as Python draws them."""
    frames = [Frame("f.py", 1, "g", "run()")]
    inner = ExceptionInfo("ExceptionGroup", "inner", group=[ExceptionInfo("KeyError", "1")])
    info = ExceptionInfo(
        "ExceptionGroup", "many", frames, group=[ExceptionInfo("ValueError", "a\nb", frames), inner]
    )

    assert GROUP == stacktrace(info)


def test_text_is_bounded():
    """Neither depth nor length of a hostile description is followed without end."""
    deep = ExceptionInfo("E", "x" * 10_000)
    for _ in range(500):
        deep = ExceptionInfo("E", "x" * 10_000, cause=deep)
    nested = ExceptionInfo("G", "g")
    for _ in range(500):
        nested = ExceptionInfo("G", "g", group=[nested])

    assert len(stacktrace(deep)) <= MAX_TEXT_CHARS + 1
    assert len(stacktrace(nested)) <= MAX_TEXT_CHARS + 1


def test_frames_left_out_are_told_in_their_place():
    """Between the outermost and the innermost fifty stands how many are not there."""

    def dive(depth):
        if depth:
            (lambda: dive(depth - 1))()
        raise ValueError("deep")

    with pytest.raises(ValueError, match="deep") as caught:
        dive(150)
    lines = stacktrace(describe(caught.value)).splitlines()

    (place,) = [number for number, line in enumerate(lines) if line.startswith("  …")]
    assert "  … 202 frames left out" == lines[place]
    assert lines[place + 1].startswith('  File "')

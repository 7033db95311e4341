"""What an error means for the events that it has met."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from mplog.errors import FileOwnedError, TargetError
from mplog.resilience.outage import (
    Meaning,
    Unfinished,
    Verdict,
    hold_s,
    judge,
    raise_behind,
    said,
)

PASSING = [
    *("EAGAIN", "EINTR", "EBUSY", "ENOSPC", "EDQUOT", "EPIPE", "ECONNREFUSED", "ECONNRESET"),
    *("ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOBUFS", "EIO", "ENOENT", "ENOTCONN"),
]


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        *((OSError(getattr(errno, name), name), Meaning.PASSING) for name in PASSING),
        (OSError(errno.EACCES, "x"), Meaning.STUCK),
        (OSError(errno.EROFS, "x"), Meaning.STUCK),
        (OSError("without a number"), Meaning.STUCK),
        (OSError(errno.EMSGSIZE, "x"), Meaning.REFUSED),
        (TimeoutError(), Meaning.PASSING),
        (ConnectionResetError(), Meaning.PASSING),
        (socket.gaierror(socket.EAI_AGAIN, "x"), Meaning.PASSING),
        (ssl.SSLEOFError(8, "x"), Meaning.PASSING),
        (ssl.SSLCertVerificationError(1, "x"), Meaning.STUCK),
        (ssl.SSLError(5, "5 is EIO elsewhere"), Meaning.STUCK),
        (TargetError("503"), Meaning.PASSING),
        (TargetError("400", temporary=False), Meaning.REFUSED),
        (FileOwnedError("a", "b"), Meaning.REFUSED),
        (TypeError("a bug"), Meaning.FAILED),
        (SystemExit(1), Meaning.FAILED),
        (Unfinished(OSError(errno.EPIPE, "x"), 3), Meaning.PASSING),
    ],
    ids=repr,
)
def test_every_error_has_its_meaning(error, meaning):
    """One table decides whether another try makes sense."""
    assert meaning is judge(error, 5).meaning


def test_a_sink_that_lies_about_done_is_held_to_its_batch():
    """`done` below nothing, above the batch or of another type does no harm."""
    assert 5 == judge(TargetError("x", done=99), 5).done
    assert 0 == judge(TargetError("x", done=-3), 5).done
    assert 0 == judge(TargetError("x", done="many"), 5).done
    assert judge(TargetError("x", retry_after_s=-1.0)).retry_after_s is None
    assert judge(TargetError("x", retry_after_s=float("nan"))).retry_after_s is None
    assert judge(TargetError("x", retry_after_s="soon")).retry_after_s is None


def test_what_had_gone_before_is_added_up():
    """Each wrapper adds what it knows, and the error itself stays."""
    error = TargetError("503", done=2, retry_after_s=7.0)

    with pytest.raises(Unfinished) as once:
        raise_behind(error, 3, 5)
    with pytest.raises(Unfinished) as twice:
        raise_behind(once.value, 10, 8)

    verdict = judge(twice.value, 20)
    assert (15, 7.0, Meaning.PASSING) == (verdict.done, verdict.retry_after_s, verdict.meaning)
    assert error is twice.value.error
    assert "503" == said(twice.value)


def test_an_error_whose_text_raises_is_told_by_its_kind():
    """Whatever a user's exception does, there is a line."""

    class Nasty(Exception):
        def __str__(self):
            raise RuntimeError

    assert "Nasty" == said(Nasty())


class Silent(TargetError):
    """It has forgotten to call its base."""

    def __init__(self):
        """Nothing."""


class Lurking(TargetError):
    """Whoever looks at it is told to leave."""

    @property
    def temporary(self):
        """Never known."""
        raise SystemExit(1)

    done = text = property(temporary.fget)

    def __init__(self):
        """Nothing."""

    def __str__(self):
        """Never known."""
        raise SystemExit(2)


class Unspeakable:
    """A reason that cannot be told."""

    def __str__(self):
        """Never known."""
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("error", "meaning", "text"),
    [
        (Silent(), Meaning.PASSING, "Silent"),
        (Lurking(), Meaning.FAILED, "Lurking"),
        (OSError(errno.EIO, Unspeakable()), Meaning.PASSING, "OSError"),
    ],
)
def test_an_error_that_breaks_whoever_looks_at_it_is_judged_and_told(error, meaning, text):
    """The thread of its sink goes on, and a batch's `done` is added up."""
    with pytest.raises(Unfinished) as raised:
        raise_behind(error, 2, 1)

    assert (meaning, 0) == (judge(error, 5).meaning, judge(error, 5).done)
    assert text == said(error)
    assert (meaning, 2) == (judge(raised.value, 7).meaning, judge(raised.value, 7).done)


def test_a_sink_that_says_more_than_it_was_given_is_corrected_on_the_way():
    """A probe of one event cannot have delivered the second one."""
    with pytest.raises(Unfinished) as raised:
        raise_behind(TargetError("503", done=2), 0, 1)

    assert 1 == judge(raised.value, 7).done


@pytest.mark.parametrize(
    ("failures", "least_s", "most_s"), [(1, 0.025, 0.05), (2, 0.05, 0.1), (99, 0.2, 0.4)]
)
def test_tries_are_spread_over_the_later_half_of_a_time_that_doubles(failures, least_s, most_s):
    """Up to a bound, so that a far side that is back is not waited for."""
    passing = Verdict(Meaning.PASSING)

    assert least_s == hold_s(passing, failures, lambda: 0.0)
    assert most_s == hold_s(passing, failures, lambda: 1.0)


def test_a_far_side_that_says_when_is_taken_at_its_word():
    """However often it has failed."""
    assert 7.5 == hold_s(Verdict(Meaning.PASSING, 7.5), 99)

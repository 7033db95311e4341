"""What an error of a sink means for what it was given: wait, or give up on it. One table."""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import random
from collections.abc import Callable
from typing import NoReturn

import msgspec

from mplog.errors import TargetError
from mplog.event.sanitise import shortened
from mplog.sinks.base import line_about


class Meaning(enum.Enum):
    """What is to become of the events of a write that has failed."""

    PASSING = "passing"
    """It may be over in a moment: try again soon."""
    STUCK = "stuck"
    """The machine or the far side needs somebody to act: no use in hurrying, nothing to give up."""
    REFUSED = "refused"
    """The far side will not have these events, ever; others may pass."""
    FAILED = "failed"
    """The sink has a fault of its own, and these events have brought it out."""


_PASSING_NAMES = (
    # What the far side, or the way to it, says while it is not there.
    "EPIPE ECONNREFUSED ECONNRESET ECONNABORTED ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH "
    "ENETDOWN ENETRESET ENOTCONN ESHUTDOWN ENOENT ENXIO "
    # What the machine says while it is short of something.
    "EAGAIN EWOULDBLOCK EINTR EBUSY EINPROGRESS EALREADY ENOSPC EDQUOT ENOBUFS ENOMEM EMFILE "
    "ENFILE ENOLCK EIO ESTALE EREMOTEIO ETXTBSY"
)
PASSING_ERRNOS = frozenset(getattr(errno, name) for name in _PASSING_NAMES.split())
_FIRST_HOLD_S, _LONGEST_HOLD_S = 0.05, 0.4  # where nobody has said when
_OF_THE_EVENT = frozenset({errno.EMSGSIZE, errno.EILSEQ})  # another event may well pass
_SSL_PASSING = frozenset(
    {"SSLEOFError", "SSLZeroReturnError", "SSLSyscallError", "SSLWantReadError"}
)


class Verdict(msgspec.Struct, frozen=True):
    """An error, judged.

    Attributes:
        retry_after_s: how long the far side asks to be left alone; None: it has not said.
        done: how many events of the batch it has before the one that failed.
    """

    meaning: Meaning
    retry_after_s: float | None = None
    done: int = 0

    @property
    def holds(self) -> bool:
        """Whether the events are kept for another try."""
        return self.meaning in (Meaning.PASSING, Meaning.STUCK)


def judge(error: BaseException, count: int = 0) -> Verdict:
    """What *error* means. Never raises, whatever stands in the error's attributes.

    Args:
        error: what a sink has raised.
        count: the events of the batch: `done` is no more than that.
    """
    try:
        return _judged(error, count)
    except BaseException:  # an attribute of it is anybody's code
        return Verdict(Meaning.FAILED)


def _judged(error: BaseException, count: int) -> Verdict:
    if isinstance(error, Unfinished):
        inner = judge(error.error)
        return Verdict(inner.meaning, inner.retry_after_s, _within(error.done, count))
    if isinstance(error, Judged):
        return Verdict(error.meaning, _seconds(error.retry_after_s), _within(error.done, count))
    if isinstance(error, TargetError):
        meaning = Meaning.PASSING if error.temporary else Meaning.REFUSED
        return Verdict(meaning, _seconds(error.retry_after_s), _within(error.done, count))
    if isinstance(error, OSError):
        return Verdict(_of_system(error))
    return Verdict(Meaning.FAILED)


def hold_s(verdict: Verdict, failures: int, draw: Callable[[], float] = random.random) -> float:
    """How long events are held before they are tried again: as the far side asks, else so that the
    tries of many writers are spread.

    Args:
        verdict: of the last failure.
        failures: in a row, one or more.
        draw: a number from 0 to 1.
    """
    if verdict.retry_after_s is not None:
        return verdict.retry_after_s
    most_s = min(_FIRST_HOLD_S * 2.0 ** min(failures - 1, 10), _LONGEST_HOLD_S)
    return most_s * (0.5 + 0.5 * draw())


def _of_system(error: OSError) -> Meaning:
    kind = type(error)
    if kind.__module__ == "ssl":  # their numbers are of OpenSSL
        return Meaning.PASSING if kind.__name__ in _SSL_PASSING else Meaning.STUCK
    if kind.__module__ == "socket":  # gaierror, herror: names that nobody can look up just now
        return Meaning.PASSING
    if isinstance(error, (ConnectionError, TimeoutError)) or error.errno in PASSING_ERRNOS:
        return Meaning.PASSING
    return Meaning.REFUSED if error.errno in _OF_THE_EVENT else Meaning.STUCK


def _seconds(value: object) -> float | None:
    if isinstance(value, (int, float)) and 0 <= value < 1e9:
        return float(value)
    return None


def _within(done: object, count: int) -> int:
    return min(max(done, 0), count) if isinstance(done, int) else 0


class Judged(TargetError):
    """An error that was raised, and judged, in another process.

    Args:
        text: what it said.
        verdict: what it means.
    """

    def __init__(self, text: str, verdict: Verdict) -> None:
        asked_s, done = verdict.retry_after_s, verdict.done
        super().__init__(text, temporary=verdict.holds, retry_after_s=asked_s, done=done)
        self.meaning = verdict.meaning


class Unfinished(Exception):
    """What a wrapper raises where a sink has failed in the middle of a batch: the sink's own error,
    and how many events had gone before it.
    """

    def __init__(self, error: BaseException, done: int) -> None:
        super().__init__(said(error))
        self.error, self.done = error, done


def raise_behind(error: BaseException, before: int, count: int) -> NoReturn:
    """Raise *error* so that its `done` is of a whole batch, and true.

    Args:
        error: of a write of a part of the batch.
        before: events of the batch that had gone before that write.
        count: events in that write; a sink that says that it has taken more is not believed.

    Raises:
        Unfinished: with the error in it, where its own `done` says something else; else the error.
    """
    done, told = before + judge(error, count).done, None
    with contextlib.suppress(BaseException):  # an attribute of it is anybody's code
        told = getattr(error, "done", 0)
    if done == told:
        raise error
    inner = error.error if isinstance(error, Unfinished) else error
    raise Unfinished(inner, done) from error


def said(error: BaseException) -> str:
    """An error in one short line, for people."""
    if isinstance(error, Unfinished):
        return said(error.error)
    with contextlib.suppress(BaseException):  # an attribute of it is anybody's code
        if isinstance(error, TargetError):
            return shortened(error.text, 300)
        if isinstance(error, OSError) and error.strerror:
            where = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str) else ""
            return shortened(f"{error.strerror}{where}", 300)
    return line_about(error)

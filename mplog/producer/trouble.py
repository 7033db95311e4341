"""What a connection tells people and listeners of what is amiss."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from mplog import _native
from mplog.errors import InternalError
from mplog.event.sanitise import shortened
from mplog.producer.tell import fault
from mplog.ring import stderr_path

if TYPE_CHECKING:
    from mplog.producer.connection import Connection

# Results that errors.def says are mplog's own fault.
_MUST_NOT_HAPPEN = frozenset({-1007, -1011, -1012, -1017})
EXCEEDED = "MPL-S011"
_SMALLEST_LANE_BYTES = 64 << 10
_SAID_BYTES = 4096  # of a writer's stderr, from its end


def _fault(at: Connection, text: str, kind: str, code: str, **context: object) -> None:
    fault(text, kind=kind, code=code, service=at.service, dir=at.directory, **context)


def does_not_stay_up(at: Connection, said: str) -> None:
    """The writer was started again and again, and has done nothing."""
    why = said or "it said nothing"
    _fault(at, f"the writer of {at.service} does not stay up: {why}", "start", "MPL-W001")


def cannot_be_started(at: Connection, error: OSError) -> None:
    """The system has refused to run it."""
    text = f"the writer of {at.service} cannot be started ({error.strerror or error})"
    _fault(at, f"{text}; events wait in shared memory", "start", "MPL-W001", errno=error.errno)


def said_at_start(at: Connection) -> str:
    """The last line that the writer's program has left on its stderr."""
    try:  # an interpreter that ends has no `open` any more
        fd = os.open(stderr_path(at.directory, at.service), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        begin = max(os.fstat(fd).st_size - _SAID_BYTES, 0)
        text = os.pread(fd, _SAID_BYTES, begin).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)
    return shortened(text.strip().rsplit("\n", 1)[-1], 300)


def overflow(at: Connection, error: int) -> None:
    """The overflow has not taken an event."""
    if error == -errno.EDQUOT:
        _limit_reached(at)
        return
    where = at.settings.overflow_dir or at.directory
    text = (
        f"the overflow in {where} cannot be written ({_native.strerror(error)}); events are "
        "dropped and counted while the lane is full"
    )
    _fault(at, text, f"overflow:{error}", "MPL-S008", errno=-error)


def _limit_reached(at: Connection) -> None:
    """Of the two that there may be, the one that has less left."""
    lanes, overflow = at.producer.memory
    own = at.settings
    beside = own.overflow_dir in (None, at.directory)
    reached = ("overflow", overflow, own.overflow_bytes)
    left_bytes = own.memory_bytes - lanes - overflow
    if own.memory_bytes and beside and left_bytes < own.overflow_bytes - overflow:
        reached = ("memory", lanes + overflow, own.memory_bytes)
    _exceeded(at, f"the overflow of {at.service} is full: events are dropped and counted", *reached)


def _exceeded(at: Connection, text: str, limit: str, used_bytes: int, limit_bytes: int) -> None:
    told = f"{text} ({used_bytes:,} of {limit_bytes:,} bytes, {limit})"
    _fault(
        at, told, f"limit:{limit}", EXCEEDED, limit=limit, used_bytes=used_bytes,
        limit_bytes=limit_bytes,
    )  # fmt: skip


def unsynced(at: Connection) -> None:
    """A durable call has waited in vain."""
    limit_s, problem = at.settings.durable_timeout_s, at.producer.problem[1]
    text = (
        f"an event is not on the disk after {limit_s:g} s (durable_timeout); until it is, durable "
        f"calls return False at once{f'; the writer says: {problem}' if problem else ''}"
    )
    _fault(at, text, "unsynced", "MPL-S009")


def of_writer(at: Connection, number: int, text: str) -> None:
    """The writer has a new problem."""
    said, code = code_of(text)
    _fault(at, said, f"writer:{said}", code, problem=number)


def code_of(text: str) -> tuple[str, str]:
    """What the writer has told, and its code: at the end of the text, in brackets, or by what it is
    about.
    """
    said, bracket, code = text.removesuffix("]").rpartition(" [")
    if bracket and code.startswith("MPL-"):
        return said, code
    if "and the writer is root" in text:
        return text, "MPL-S010"
    if text.startswith("the writer failed"):
        return text, "MPL-W002"
    return text, "MPL-S002" if text.startswith("cannot read shared memory") else "MPL-T003"


def no_memory(at: Connection, error: Exception) -> None:
    """The service's files are gone, and cannot be made anew."""
    text = (
        f"no shared memory for {at.service} in {at.directory} ({error}); events are dropped and "
        "counted until there is"
    )
    _fault(at, text, "memory", getattr(error, "code", "MPL-S002"))


def no_lane(at: Connection, code: int) -> None:
    """The core has found no lane for this process."""
    if code in _MUST_NOT_HAPPEN:
        raise InternalError(f"claiming a lane: {_native.strerror(code)}", result=code)
    lanes, overflow = at.producer.memory
    limit_bytes = at.settings.memory_bytes
    beside = overflow if at.settings.overflow_dir in (None, at.directory) else 0
    if (
        code == -errno.ENOSPC
        and limit_bytes
        and (lanes + beside + _SMALLEST_LANE_BYTES > limit_bytes)
    ):
        text = f"no lane for process {os.getpid()}: its events are dropped and counted"
        _exceeded(at, text, "memory", lanes + beside, limit_bytes)
        return
    full = code == -errno.ENOSPC and at.settings.overflow_dir is None
    right = "; `overflow_dir` on a disk would take them" if full else ""
    text = (
        f"no lane for process {os.getpid()} in {at.directory} ({_native.strerror(code)}); its "
        f"events are dropped and counted{right}"
    )
    _fault(at, text, f"lane:{code}", "MPL-S002", result=code)

"""The exceptions of mplog, by who has to act; a log call itself never raises one.

    MplogError
    ├── UsageError            the caller: a call or a setting is wrong
    │   └── ConfigError       … a setting: carries every problem of one load
    ├── SystemFault           the machine: memory, permissions, processes
    │   ├── SegmentError      … the shared memory or its directory
    │   └── WriterStartError  … the writer's process
    ├── TargetError           the far side of a sink
    │   └── FileOwnedError    … a log file that another service writes
    └── InternalError         mplog itself: a bug to report

This module imports nothing of the package, so that everything may import it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple


class Row(NamedTuple):
    """One stable code: the class that carries it, and what the reader should do."""

    code: str
    error: str
    hint: str


class Result(NamedTuple):
    """One negative result of the C core, as in native/include/errors.def, and its code here."""

    name: str
    code: str
    text: str


class Problem(NamedTuple):
    """One wrong setting: where it stands, what stands there, what would be right."""

    place: str
    found: str
    right: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found}; {self.right}"


# A class's first row is its own code; the others are for `code=`. Codes are never used again.
TABLE = (
    Row("MPL-E000", "MplogError", "See the text and the context of this error."),
    Row("MPL-U001", "UsageError", "Correct the call; nothing has been changed."),
    Row("MPL-C001", "ConfigError", "Correct the setting; nothing has been started."),
    Row("MPL-S001", "SystemFault", "Look at what the system said, and try again."),
    Row(
        "MPL-S002",
        "SegmentError",
        "Look at the directory of the shared memory: it must be writable by this user.",
    ),
    Row(
        "MPL-S003",
        "SegmentError",
        "Free space in /dev/shm or make it larger (containers have 64 MB: --shm-size), "
        "or name another directory with dir=.",
    ),
    Row(
        "MPL-S004",
        "SegmentError",
        "Two versions of mplog meet in one service: give all its processes the same version "
        "and restart them.",
    ),
    Row(
        "MPL-S005",
        "SegmentError",
        "Something else has written into the shared memory: stop the service's processes, "
        "keep the file for a report, and start again.",
    ),
    Row(
        "MPL-S006",
        "SegmentError",
        "Give a directory that belongs to this user alone (mode 0700, no link), or remove "
        "this one so that mplog makes it.",
    ),
    Row(
        "MPL-S007",
        "SegmentError",
        "Put the directory (dir=) on a local file system of a Linux kernel from 3.15 on.",
    ),
    Row(
        "MPL-W001",
        "WriterStartError",
        "Start it by hand to see why: mplog serve --config FILE.",
    ),
    Row("MPL-T001", "TargetError", "Look at the sink's target: is it there, writable, reachable?"),
    Row(
        "MPL-T002",
        "FileOwnedError",
        "Name another file, attach to that service (service= and dir=), or stop it first.",
    ),
    Row(
        "MPL-I001",
        "InternalError",
        "This is a fault in mplog: please report it with this text.",
    ),
)

HINTS = {row.code: row.hint for row in TABLE}

RESULTS = {
    -1001: Result("MPL_E_NOMEM_SHM", "MPL-S003", "shared memory is full"),
    -1002: Result("MPL_E_ABI", "MPL-S004", "the segment was made by another version of mplog"),
    -1003: Result("MPL_E_CORRUPT", "MPL-S005", "the segment breaks the rules of its own layout"),
    -1004: Result("MPL_E_NOLANE", "MPL-S002", "every lane of the segment is taken"),
    -1005: Result("MPL_E_RETIRED", "MPL-S002", "the segment is retired"),
    -1006: Result("MPL_E_IO", "MPL-S001", "a system call failed"),
    -1007: Result("MPL_E_ARG", "MPL-I001", "an argument is outside its range"),
    -1008: Result("MPL_E_OWNED", "MPL-S002", "the lock is held by another owner"),
    -1009: Result("MPL_E_FULL", "MPL-S002", "the lane is full"),
    -1010: Result("MPL_E_TIMEOUT", "MPL-S001", "the time limit has passed"),
    -1011: Result("MPL_E_TOOBIG", "MPL-I001", "the record is larger than the lane allows"),
    -1012: Result(
        "MPL_E_FORKED", "MPL-I001", "the lane belongs to the process that this one was forked from"
    ),
    -1013: Result("MPL_E_QUARANTINED", "MPL-S005", "the lane is in quarantine"),
    -1014: Result(
        "MPL_E_NOLOCKS",
        "MPL-S007",
        "the kernel or file system does not keep open-file-description locks",
    ),
    -1015: Result(
        "MPL_E_GONE", "MPL-S002", "the segment's file is no longer there, or is another one"
    ),
    -1016: Result("MPL_E_NOTOURS", "MPL-S006", "the file or directory belongs to somebody else"),
    -1017: Result("MPL_E_STATE", "MPL-I001", "the call does not fit the state of the object"),
    -1018: Result("MPL_E_INTR", "MPL-S001", "a signal interrupted the wait"),
}


class MplogError(Exception):
    """What every error of mplog is; catch this to catch them all.

    Args:
        text: what has happened, with the values that matter.
        code: a code of TABLE, where the class has more than one; else the class's own.
        hint: what to do, where it is known better than TABLE knows it.
        context: the values again, for programs; names carry their units.
    """

    code: str = "MPL-E000"
    kind: ClassVar[str] = "internal"
    hint: str
    context: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = next((row.code for row in TABLE if row.error == cls.__name__), cls.code)

    def __init__(
        self, text: str, *, code: str | None = None, hint: str | None = None, **context: Any
    ) -> None:
        super().__init__(text)
        if code is not None:
            self.code = code
        self.hint = HINTS[self.code] if hint is None else hint
        self.context = context

    @property
    def text(self) -> str:
        """What has happened, without the hint and the code."""
        return str(self.args[0])

    def __str__(self) -> str:
        return f"{self.text.rstrip('.')}. {self.hint} [{self.code}]"

    def __reduce__(self) -> tuple[Any, ...]:
        # The default calls the class with `args`, which not every class here takes; errors cross
        # between processes in pools.
        return _rebuild, (type(self), self.args), self.__dict__


def _rebuild(cls: type[MplogError], args: tuple[Any, ...]) -> MplogError:
    return cls.__new__(cls, *args)


class UsageError(MplogError):
    """The caller has to change a call, an argument or the order of calls."""

    kind = "usage"


class ConfigError(UsageError):
    """A setting is wrong; `problems` has all that one load has found."""

    problems: tuple[Problem, ...] = ()

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> ConfigError:
        """One error that tells all of *problems* (at least one)."""
        error = cls("; ".join(f"{place}: {found}" for place, found, _ in problems))
        error.problems = tuple(problems)
        error.context = {"problems": [problem._asdict() for problem in problems]}
        return error

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        if not lines:
            return super().__str__()
        if len(lines) == 1:
            return f"{lines[0]} [{self.code}]"
        return f"{len(lines)} settings are wrong [{self.code}]:\n  " + "\n  ".join(lines)


class SystemFault(MplogError):
    """The machine's side: memory, permissions, processes, the kernel."""

    kind = "environment"


class SegmentError(SystemFault):
    """The shared memory, or the directory it lies in, cannot be used."""


class WriterStartError(SystemFault):
    """The writer's process could not be started, or did not come up."""


class TargetError(MplogError):
    """The far side of a sink refuses or is not there.

    Args:
        temporary: it may pass, so another try makes sense.
        retry_after_s: how long the far side asks to be left alone; None: it has not said.
        done: how many events of the batch it has taken before.
    """

    kind = "target"
    temporary = True
    retry_after_s: float | None = None
    done = 0

    def __init__(
        self, text: str, *, temporary: bool = True, retry_after_s: float | None = None,
        done: int = 0, **context: Any,
    ) -> None:  # fmt: skip
        super().__init__(text, **context)
        self.temporary, self.retry_after_s, self.done = temporary, retry_after_s, done


class FileOwnedError(TargetError):
    """A log file is already written by another service.

    Args:
        path: the log file.
        service: the name of the service that owns it.
        dir: the directory of that service's shared memory; empty if it is not known.
    """

    path: str
    service: str
    dir: str

    def __init__(self, path: str, service: str, dir: str = "") -> None:
        place = f" (shared memory in {dir})" if dir else ""
        text = f'{path} is already written by the service "{service}"{place}'
        super().__init__(text, temporary=False, path=path, service=service, dir=dir)
        self.path, self.service, self.dir = path, service, dir


class InternalError(MplogError):
    """mplog has broken one of its own rules: a bug."""


_CLASSES: dict[str, type[MplogError]] = {
    cls.__name__: cls for cls in (UsageError, SystemFault, SegmentError, InternalError)
}


def from_result(result: int, doing: str, **context: Any) -> MplogError:
    """The error for a negative result of the C core; raise what this returns.

    Args:
        result: a number of native/include/errors.def, or -errno.
        doing: what was tried, as "creating the segment /dev/shm/…".
        context: values for programs; `errno=` is told in the text too.
    """
    row = RESULTS.get(result) or _of_errno(result)
    cause = f" ({os.strerror(context['errno'])})" if context.get("errno") else ""
    error = next(entry.error for entry in TABLE if entry.code == row.code)
    context["result"] = row.name
    return _CLASSES[error](f"{doing}: {row.text}{cause}", code=row.code, **context)


def _of_errno(result: int) -> Result:
    name = errno.errorcode.get(-result)
    if name is None:
        return Result(str(result), "MPL-I001", f"unknown result {result} of the C core")
    full = -result in (errno.ENOSPC, errno.ENOMEM, errno.EDQUOT)
    return Result(name, "MPL-S003" if full else "MPL-S001", os.strerror(-result))

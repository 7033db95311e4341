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

This module imports nothing of the package, so that everything may import it. What each code means
and what to do about it stands in one table (`mplog.errors.table`), loaded when an error is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple


class Problem(NamedTuple):
    """One wrong setting: where it stands, what stands there, what would be right."""

    place: str
    found: str
    right: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found}; {self.right}"


class MplogError(Exception):
    """What every error of mplog is; catch this to catch them all.

    Args:
        text: what has happened, with the values that matter.
        code: a code of the table, where the class has more than one; else the class's own.
        hint: what to do, where it is known better than the table knows it.
        context: the values again, for programs; names carry their units.

    Attributes:
        kind: who has to act: "usage", "environment", "target" or "internal".
        count: for a listener of `on_error`: how many of the like there were since the last one that
            it was given, with this one.
    """

    code: str = "MPL-E000"
    kind: ClassVar[str] = "internal"
    hint: str
    context: dict[str, Any]
    count = 1

    def __init__(
        self, text: str, *, code: str | None = None, hint: str | None = None, **context: Any
    ) -> None:
        super().__init__(text)
        if code is not None:
            self.code = code
        self.hint = _hint_of(self.code) if hint is None else hint
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


def _hint_of(code: str) -> str:
    try:
        from mplog.errors.table import HINTS  # only when there is an error
    except ImportError:  # an interpreter that ends imports nothing
        return ""
    return HINTS.get(code, "")


def _rebuild(cls: type[MplogError], args: tuple[Any, ...]) -> MplogError:
    return cls.__new__(cls, *args)


class UsageError(MplogError):
    """The caller has to change a call, an argument or the order of calls."""

    code = "MPL-U001"
    kind = "usage"


class ConfigError(UsageError):
    """A setting is wrong; `problems` has all that one load has found."""

    code = "MPL-C001"
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

    code = "MPL-S001"
    kind = "environment"


class SegmentError(SystemFault):
    """The shared memory, or the directory it lies in, cannot be used."""

    code = "MPL-S002"


class WriterStartError(SystemFault):
    """The writer's process could not be started, or did not come up."""

    code = "MPL-W001"


class TargetError(MplogError):
    """The far side of a sink refuses or is not there.

    Args:
        temporary: it may pass, so another try makes sense.
        retry_after_s: how long the far side asks to be left alone; None: it has not said.
        done: how many events of the batch it has taken before.
    """

    code = "MPL-T001"
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

    code = "MPL-T002"
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

    code = "MPL-I001"

"""What a benchmark needs of a library, and the call that all of them are measured with.

All do the same work: a message with three fields, and the caller's location, process and thread.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Call = Callable[[int], object]


def with_fields(info: Callable[..., object]) -> Call:
    """The call with fields as keywords: mplog, loguru, structlog."""

    def call(number: int) -> None:
        info("user {user} logged in from {ip}", user="alice", ip="10.0.0.1", attempt=number)

    return call


def with_arguments(info: Callable[..., object]) -> Call:
    """The call as the standard library has it: arguments for the text, fields in `extra`."""

    def call(number: int) -> None:
        info(
            "user %s logged in from %s", "alice", "10.0.0.1",
            extra={"user": "alice", "ip": "10.0.0.1", "attempt": number},
        )  # fmt: skip

    return call


def with_positions(info: Callable[..., object]) -> Call:
    """The call of those who put everything into the text: no `extra`."""

    def call(number: int) -> None:
        info("user %s logged in from %s, attempt %d", "alice", "10.0.0.1", number)

    return call


def no_fields(template: str, /, *, user: str, ip: str, attempt: int) -> None:
    """The cheapest Python function that takes the arguments of `with_fields`."""


def no_arguments(template: str, user: str, ip: str, /, *, extra: dict[str, object]) -> None:
    """The cheapest Python function that takes the arguments of `with_arguments`."""


def no_positions(template: str, user: str, ip: str, attempt: int, /) -> None:
    """The cheapest Python function that takes the arguments of `with_positions`."""


class Shape(NamedTuple):
    """How a library is called, and the empty function that its cost is net of."""

    around: Callable[[Callable[..., object]], Call]
    empty: Callable[..., object]


FIELDS = Shape(with_fields, no_fields)
ARGUMENTS = Shape(with_arguments, no_arguments)
POSITIONS = Shape(with_positions, no_positions)


class Contender:
    """One library; `start`, `listen` and `stop` run in the parent, the rest in a worker."""

    name = ""
    title = ""
    package = ""
    safe = True  # keeps every line when several processes write and files rotate
    fast = False  # gets the full number of events
    numbered = True  # each line tells whose it is, and its number
    shape = ARGUMENTS

    def missing(self) -> str:
        """Why it cannot be measured here; empty when it can."""
        try:
            importlib.import_module(self.package)
        except ImportError as error:
            return str(error)
        return ""

    def start(self, path: Path) -> None:
        """Before the workers are forked."""

    def listen(self) -> None:
        """After they are forked, before their first call."""

    def info(self) -> Callable[..., object]:
        """The logging function, in a worker."""
        raise NotImplementedError

    def call(self) -> Call:
        """The logging function with its arguments, but for the number of the event."""
        return self.shape.around(self.info())

    def baseline(self) -> Call:
        """The empty function with the same arguments."""
        return self.shape.around(self.shape.empty)

    def flat_out(self, call: Call, count: int) -> None:
        """In a worker: *count* events without a pause."""
        for number in range(count):
            call(number)

    def finish(self) -> None:
        """In a worker, after its last call."""

    def stop(self) -> None:
        """After the workers have ended: everything is in the files when this returns."""

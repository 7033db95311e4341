"""`on_error`: whom a program has asked to be told of faults, and how they are called.

In the process that has noticed the fault, in the thread that has, when that holds no lock of
mplog's; a log call may be what it is in the middle of. A listener's own faults stay here.
"""

from __future__ import annotations

from collections.abc import Callable

from mplog.errors import MplogError, UsageError
from mplog.errors.results import of_code
from mplog.event.sanitise import guarded
from mplog.producer.tell import DUE, HERE, LISTENERS, fault

Listener = Callable[[MplogError], object]
FAILURES = 0  # how often a listener of this process has raised


def on_error(listener: Listener) -> Callable[[], None]:
    """Have *listener* called with each fault that this process notices behind its log calls.

    At most once a second for each kind of fault; `error.count` says how many of the like there
    were since the last one. A fault of the writer is told to every process that logs to it. A
    forked child has its parent's listeners. What a listener raises is told once, on stderr; what
    goes wrong while it runs, as when it logs itself, is not handed to listeners.

    Args:
        listener: takes one MplogError: its class and `kind` say who has to act, `code`, `hint` and
            `context` the rest.

    Returns:
        A function that takes it back.

    Raises:
        UsageError: it cannot be called.
    """
    if not callable(listener):
        raise UsageError(
            f"on_error: {type(listener).__name__} cannot be called",
            hint="Give a function that takes one MplogError.",
        )
    key = object()
    LISTENERS[key] = listener

    def undo() -> None:
        LISTENERS.pop(key, None)

    return undo


def deliver() -> None:
    """Hand over what is due."""
    HERE.delivering = True
    try:
        while True:
            try:
                text, code, context, count = DUE.popleft()
            except IndexError:
                return
            error = of_code(code, text, **context)
            error.count = count
            for listener in tuple(LISTENERS.values()):
                _call(listener, error)
    finally:
        HERE.delivering = False


def _call(listener: Listener, error: MplogError) -> None:
    try:
        listener(error)
    except Exception as why:
        global FAILURES
        FAILURES += 1
        name = getattr(listener, "__qualname__", type(listener).__name__)
        fault(
            f"the on_error listener {name} has raised {type(why).__name__}: {guarded(str, why)}",
            kind=f"listener:{name}",
            code="MPL-U002",
        )

"""What is raised inside a log call stays there: it is told, and a fault of mplog's own turns
logging off in this process, or ends it (`on_internal_error`).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from mplog.errors import MplogError
from mplog.event.sanitise import guarded
from mplog.producer.tell import fault

_OURS = frozenset({"mplog", "msgspec", "multiprocess", "billiard"})
# What the machine, or the depth at which the program logs, has brought about.
_NOT_INTERNAL = (OSError, MemoryError, RecursionError, ImportError)
OFF_LEVEL = 256  # above every level


def is_ours(error: BaseException) -> bool:
    """Whether *error* was raised by code of mplog or the standard library: no other runs inside a
    log call, unguarded, but the user's signal handlers.
    """
    trace = error.__traceback__
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _OURS and package not in sys.stdlib_module_names:
            return False
        trace = trace.tb_next
    return True


def contain(error: Exception) -> bool:
    """Keep what a log call has raised from the program: its event is lost, the call returns False.

    Returns:
        False for what a signal handler of the program's has raised: that goes on its way.
    """
    if not is_ours(error):
        return False
    if sys.is_finalizing():
        return True  # half of everything is gone
    with suppress(MemoryError, RecursionError):  # then it cannot even be told
        _look_into(error)
    return True


def _look_into(error: Exception) -> None:
    from mplog.producer.gate import GATE  # which is loaded wherever something is logged

    connection = GATE.connection
    if connection is not None:
        connection.producer.count_internal()
    said = error.text if isinstance(error, MplogError) else guarded(str, error)
    what = f"{type(error).__name__}: {said}"
    known = isinstance(error, MplogError) and error.kind != "internal"
    if known or isinstance(error, _NOT_INTERNAL):
        code = error.code if isinstance(error, MplogError) else "MPL-S001"
        fault(f"an event could not be logged: {what}", kind=f"contained:{code}", code=code)
        return
    abort = connection is not None and connection.settings.on_internal_error == "abort"
    GATE.turn_off()
    does = "ends" if abort else "has turned logging off in"
    text = f"a fault of mplog's own {does} process {os.getpid()}: {what}{_place_of(error)}"
    fault(text, kind="internal", code="MPL-I001" if abort else "MPL-I002", pid=os.getpid())
    if abort:
        os.abort()


def _place_of(error: Exception) -> str:
    """Where it was raised, for the report."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    return f" ({os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno})"

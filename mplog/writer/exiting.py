"""The end of a process of the service: what was registered for it is called, and it is gone. To
take the interpreter apart would take longer than all else that a shutdown does.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import NoReturn

PATIENCE_S = 2.0  # with what users' own code has registered, all together


def forget_parents() -> None:
    """In a forked process: what its parent has registered is its parent's."""
    atexit._clear()


def leave(code: int, patience_s: float | None = None) -> NoReturn:
    """Call what this process has registered with `atexit`, and end it with *code*.

    Args:
        patience_s: ends it after so long whatever was registered does; None: waits for it.
    """
    try:
        if patience_s is not None and atexit._ncallbacks():
            import threading  # whoever has registered something has it loaded

            watch = threading.Timer(patience_s, os._exit, (code,))
            watch.daemon = True
            watch.start()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # None, closed, or a pipe that nobody reads
                stream.flush()
    finally:
        os._exit(code)

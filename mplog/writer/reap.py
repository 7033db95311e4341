"""Waiting for a child, also as process 1 of a container: whoever loses its parent there becomes
ours, and would stay a zombie for ever.
"""

from __future__ import annotations

import os


def wait_without_burying(child: int) -> None:
    """Return when *child* has ended; as long as it is not buried its number is nobody else's.

    Raises:
        ChildProcessError: there is none.
    """
    if os.getpid() != 1:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        return
    while True:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if ended is None or ended.si_pid == child:
            return
        os.waitpid(ended.si_pid, 0)


def bury_others(child: int) -> None:
    """Bury who has ended by now, up to *child*, whose turn then is the caller's to see."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid == child:
            return
        os.waitpid(ended.si_pid, 0)

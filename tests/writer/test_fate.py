"""How a process ended: what the kernel says, and where nobody can know."""

from __future__ import annotations

import os
import signal

import pytest

from mplog._native import pidfd_ino
from mplog.writer import fate
from mplog.writer.fate import ALIVE, UNKNOWN, Fate, fate_of, open_process

pytestmark = pytest.mark.process


@pytest.fixture
def child():
    """Makes children that end as they are told, and watches them; all are gone afterwards."""
    open_now = []

    def fork(end=None):
        pid = os.fork()
        if pid == 0:
            signal.pause() if end is None else end()
            os._exit(99)
        fd = os.pidfd_open(pid)
        open_now.append((pid, fd))
        return pid, fd

    yield fork
    for pid, fd in open_now:
        try:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(fd)


def by(number):
    return lambda: os.kill(os.getpid(), number)


ENDS = [
    (by(signal.SIGKILL), Fate("signal", signal.SIGKILL)),
    (by(signal.SIGTERM), Fate("signal", signal.SIGTERM)),
    (lambda: os._exit(3), Fate("exit", 3)),
    (lambda: os._exit(0), Fate("exit", 0)),
]


@pytest.mark.parametrize(("end", "expected"), ENDS)
def test_a_dead_process_is_told_before_and_after_its_burial(child, end, expected):
    """From /proc while its parent has not waited for it, from the kernel afterwards."""
    pid, fd = child(end)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert expected == fate_of(fd, pid)
    os.waitpid(pid, 0)
    if not _kernel_tells(fd):
        pytest.skip("a kernel before 6.15")
    assert expected == fate_of(fd, pid)


def _kernel_tells(fd):
    return fate._exit_status(fd) is not None


def test_on_an_older_kernel_a_buried_process_is_unknown(child, monkeypatch):
    """No PIDFD_INFO_EXIT: it is over, and nobody can say how."""
    monkeypatch.setattr(fate, "_GET_INFO", 0xC040FF7F)  # no such request
    pid, fd = child(lambda: os._exit(3))
    os.waitpid(pid, 0)

    assert UNKNOWN == fate_of(fd, pid)


def test_a_process_that_lives_on_is_alive(child):
    """It has given up its lane, and nothing else."""
    pid, fd = child()

    assert ALIVE == fate_of(fd, pid)


def test_a_process_that_is_ending_is_asked_again(child, monkeypatch):
    """No lane any more, not dead yet: that is decided later."""
    pid, fd = child()
    seen = fate._stat(pid)
    seen[fate._FLAGS] = str(int(seen[fate._FLAGS]) | fate._EXITING)
    monkeypatch.setattr(fate, "_stat", lambda _: seen)

    assert fate_of(fd, pid) is None


def test_a_number_that_was_taken_again_is_not_taken_for_the_worker(child):
    """The pid is somebody's, but not the one whose inode the session has: as after a reuse."""
    worker, worker_fd = child(lambda: os._exit(0))
    other, _ = child()
    ino = pidfd_ino(worker_fd)
    if not ino:
        pytest.skip("a kernel before 6.9")
    os.waitpid(worker, 0)

    assert open_process(other, ino) is None
    assert open_process(worker, ino) is None
    assert open_process(os.getpid(), 0) is None


def test_the_right_process_is_opened(child):
    """Also when it is dead and not buried."""
    pid, fd = child(lambda: os._exit(0))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    if not pidfd_ino(fd):
        pytest.skip("a kernel before 6.9")
    again = open_process(pid, pidfd_ino(fd))

    assert again is not None
    os.close(again)


@pytest.mark.parametrize("pid", [0, -1, 1 << 31, 1 << 40])
def test_a_pid_that_cannot_be_is_nobody(pid):
    """What stands in shared memory is not trusted."""
    assert open_process(pid, 7) is None


def test_a_process_that_is_buried_between_two_looks_is_looked_at_once_more(child, monkeypatch):
    """/proc has shown it still; its parent has waited for it since."""
    pid, fd = child(lambda: os._exit(3))
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    seen = fate._stat(pid)

    def bury(_):
        os.waitpid(pid, 0)
        monkeypatch.setattr(fate, "_stat", lambda _: None)
        return seen

    monkeypatch.setattr(fate, "_stat", bury)
    monkeypatch.setattr(fate, "is_over", lambda fd: True)
    found = fate_of(fd, pid)

    assert (Fate("exit", 3) if _kernel_tells(fd) else UNKNOWN) == found

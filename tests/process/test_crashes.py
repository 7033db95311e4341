"""A crash leaves its traceback in the log, and nothing in files of others."""

from __future__ import annotations

import proof
import pytest

pytestmark = pytest.mark.process

START = """
import ctypes, faulthandler, signal
mplog.configure(LOG)
proof.Producer("main").event()
mplog.flush(20)
def crash_here():
    ctypes.string_at(0)
"""


def crashed(world, source, *, code=-11, **changes):
    """Run a program to its crash; the line of its death, and what it wrote to stderr."""
    _, err = world.run(START + source, code=code, quiet=False, **changes)
    world.check()
    (line,) = [one for one in proof.lines_of(world.log) if one.get("event_name") == "mplog.death"]
    return line, err


@pytest.mark.parametrize(
    ("source", "number", "head"),
    [
        ("crash_here()", 11, "Fatal Python error: Segmentation fault"),
        ("os.abort()", 6, "Fatal Python error: Aborted"),
        ("os.kill(os.getpid(), signal.SIGBUS)", 7, "Fatal Python error: Bus error"),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGILL)",
            4,
            "Fatal Python error: Illegal instruction",
            marks=pytest.mark.stress,
        ),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGFPE)",
            8,
            "Fatal Python error: Floating",
            marks=pytest.mark.stress,
        ),
    ],
)
def test_a_crash_leaves_its_traceback(world, source, number, head):
    """In the event of its death; nothing comes onto stderr that did not come before."""
    line, err = crashed(world, source, code=-number)

    assert line["exception.stacktrace"].startswith(head)
    assert "program_1.py" in line["exception.stacktrace"]
    assert ("ERROR", "") == (line["level"], err)


def test_a_crash_in_a_thread_of_a_forked_child_is_told_in_the_childs_name(world):
    """The child inherits how it is done, not its parent's session."""
    source = """
import threading
pid = os.fork()
if pid == 0:
    proof.Producer("child").event()
    thread = threading.Thread(target=crash_here)
    thread.start()
    thread.join()
assert 11 == os.waitpid(pid, 0)[1] & 127
proof.note(f"is child:{pid}")
"""
    line, _ = crashed(world, source, code=0)

    assert proof.noted(world.acks)[-1] == f"is child:{line['process.pid']}"
    assert "in crash_here" in line["exception.stacktrace"]


def test_a_daemon_without_descriptors_leaves_its_traceback(world):
    """All closed, other files opened under their numbers: none of them gets a byte."""
    source = """
limit = os.sysconf("SC_OPEN_MAX")
os.closerange(0, limit)
for n in range(40):
    os.open(f"user-{n}", os.O_RDWR | os.O_CREAT, 0o600)
crash_here()
"""
    line, _ = crashed(world, source)

    assert "in crash_here" in line["exception.stacktrace"]
    assert 40 == len(files := list(world.root.glob("user-*")))
    assert {0} == {path.stat().st_size for path in files}


@pytest.mark.parametrize(
    "taken",
    [
        "os.dup2(fd, min(os.sysconf('SC_OPEN_MAX') - 1, 16383))",
        "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    ],
    ids=["in use", "beyond the limit"],
)
def test_a_number_that_is_not_free_is_left_alone(world, taken):
    """No traceback, not a byte in the program's file, and the same death."""
    source = f"""
fd = os.open("user", os.O_RDWR | os.O_CREAT, 0o600)
{taken}
crash_here()
"""
    line, _ = crashed(world, source)

    assert 0 == (world.root / "user").stat().st_size
    assert ("SIGSEGV", False) == (line["signal"], "exception.stacktrace" in line)


@pytest.mark.parametrize("by", ["environment", "before", "after"])
def test_a_program_keeps_its_own_faulthandler(world, by):
    """Its traceback comes where it wants it; the log has the death."""
    source = "crash_here()" if by != "after" else "faulthandler.enable()\ncrash_here()"
    changes = {"PYTHONFAULTHANDLER": "1"} if by == "environment" else {}
    begin = "import faulthandler\nfaulthandler.enable()\n" if by == "before" else ""
    _, err = world.run(begin + START + source, code=-11, quiet=False, **changes)
    world.check()
    (line,) = [one for one in proof.lines_of(world.log) if one.get("event_name") == "mplog.death"]

    assert "in crash_here" in err
    assert ("SIGSEGV", False) == (line["signal"], "exception.stacktrace" in line)


def test_it_can_be_turned_off(world):
    """By its key, as by MPLOG_FAULTHANDLER: faulthandler stays off."""
    source = "assert not faulthandler.is_enabled()\ncrash_here()"
    line, _ = crashed(world, source, MPLOG_FAULTHANDLER="off")

    assert ("SIGSEGV", False) == (line["signal"], "exception.stacktrace" in line)


def test_what_crashes_have_left_is_cleared_up(world):
    """Of a session that is told already, and one that never was: gone when the writer comes."""
    source = """
from mplog import _native
there = os.environ["MPLOG_DIR"]
name = mplog.configure(LOG).name
for session in ("0123456789ab-3-9", "x" * 100, "../app"):
    path = os.path.join(there, f"{name}.{_native.ABI}.{os.path.basename(session)}.crash")
    open(path, "w").write("Fatal Python error: Aborted")
crash_here()
"""
    line, _ = crashed(world, source)

    assert line["exception.stacktrace"].startswith("Fatal Python error: Segmentation fault")
    assert [] == world.left()


HANDLED = """
import signal
def survive(number, frame):
    print("survived", flush=True)
signal.signal(signal.SIGABRT, survive)
signal.signal(signal.SIGFPE, signal.SIG_IGN)
"""


def test_a_signal_that_is_handled_already_is_left_alone(world):
    """The program's handler gets it, twice if need be; another signal is ours."""
    source = """
for number in (signal.SIGABRT, signal.SIGFPE, signal.SIGABRT):
    os.kill(os.getpid(), number)
crash_here()
"""
    out, _ = world.run(HANDLED + START + source, code=-11, quiet=False)
    world.check()
    (line,) = [one for one in proof.lines_of(world.log) if one.get("event_name") == "mplog.death"]

    assert ["survived", "survived"] == out.split()
    assert line["exception.stacktrace"].startswith("Fatal Python error: Segmentation fault")


def test_a_stack_that_runs_over_leaves_its_traceback(world):
    """There is no stack left to handle the signal on but the one kept for it."""
    source = """
import resource
deep = []
for _ in range(8_000): deep = [deep]
sys.setrecursionlimit(20_000)
resource.setrlimit(resource.RLIMIT_STACK, (256 << 10, -1))
def crash_here():
    repr(deep)
crash_here()
"""
    line, _ = crashed(world, source)

    assert "in crash_here" in line["exception.stacktrace"]

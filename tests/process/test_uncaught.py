"""What nobody catches is logged once, and stderr has it as before."""

from __future__ import annotations

import proof
import pytest

pytestmark = pytest.mark.process


def uncaught(world):
    """Each uncaught exception in the log: type, message, text."""
    return [
        (line["exception.type"], line.get("exception.message", ""), line["message"])
        for line in proof.lines_of(world.log)
        if line.get("logger") == "mplog.uncaught"
    ]


def ran(world, source, *, code=0, **changes):
    """Run a program that logs once, then *source*; what it wrote to stderr."""
    start = 'mplog.configure(LOG)\nproof.Producer("main").event()\n'
    _, err = world.run(start + source, code=code, quiet=False, **changes)
    world.check()
    return err


def test_an_uncaught_exception_is_logged_with_its_place_and_traceback(world):
    """CRITICAL, once, with the line that raised it; stderr has the traceback once, too."""
    err = ran(world, 'def fail():\n    raise ValueError("bad {luck}")\nfail()', code=1)

    (line,) = [one for one in proof.lines_of(world.log) if one["logger"] == "mplog.uncaught"]
    assert ("CRITICAL", "uncaught exception") == (line["level"], line["message"])
    assert ("ValueError", "bad {luck}") == (line["exception.type"], line["exception.message"])
    assert "fail" == line["code.function.name"]
    assert line["exception.stacktrace"].splitlines()[-1] == err.splitlines()[-1]
    assert '    raise ValueError("bad {luck}")' in line["exception.stacktrace"]
    assert 1 == err.count("Traceback (most recent call last)")


def test_an_exception_in_a_thread_is_logged(world):
    """With the thread's name; the program goes on, and its end is an ordinary one."""
    source = """
import threading
thread = threading.Thread(target=lambda: 1 / 0, name="divider")
thread.start()
thread.join()
proof.Producer("after").event()
"""
    err = ran(world, source)

    what = "uncaught exception in thread divider"
    assert [("ZeroDivisionError", "division by zero", what)] == uncaught(world)
    assert 1 == err.count("Exception in thread divider")


def test_exits_and_ctrl_c_are_not_logged(world):
    """SystemExit in a thread, KeyboardInterrupt at the end: nobody's mistakes."""
    source = """
import threading
thread = threading.Thread(target=sys.exit)
thread.start()
thread.join()
raise KeyboardInterrupt
"""
    ran(world, source, code=-2)

    assert [] == uncaught(world)


def test_the_hooks_of_others_run_as_before(world):
    """One set before configure(), one over ours after it, configure() again: each runs once."""
    source = """
def before(*args): print("before", file=sys.stderr)
sys.excepthook = before
mplog.shutdown()
mplog.configure(LOG)
ours = sys.excepthook
def over(*args):
    print("over", file=sys.stderr)
    ours(*args)
sys.excepthook = over
mplog.configure(LOG, level="DEBUG")
proof.Producer("again").event()
raise ValueError("once")
"""
    err = ran(world, source, code=1)

    assert ["over", "before"] == [line for line in err.splitlines() if "mplog" not in line]
    assert [("ValueError", "once", "uncaught exception")] == uncaught(world)


def test_shutdown_takes_the_hooks_out(world):
    """What was there before stands there again, and nothing is logged; the next event undoes it."""
    source = """
import threading
mplog.shutdown()
assert sys.excepthook is sys.__excepthook__, sys.excepthook
assert threading.excepthook is threading.__excepthook__
assert "uncaught" not in repr(threading.excepthook)
if len(sys.argv) > 1:
    proof.Producer("after").event()
raise ValueError("after shutdown")
"""
    path = 'mplog.configure(LOG)\nproof.Producer(f"main {len(sys.argv)}").event()\n' + source
    world.run(path, code=1, quiet=False)
    assert [] == uncaught(world)
    world.run(path, "log", code=1, quiet=False)
    world.check()

    assert [("ValueError", "after shutdown", "uncaught exception")] == uncaught(world)


def test_it_can_be_turned_off(world):
    """By its key, as by MPLOG_UNCAUGHT."""
    err = ran(world, 'raise ValueError("quiet")', code=1, MPLOG_UNCAUGHT="off")

    assert "ValueError: quiet" in err
    assert [] == uncaught(world)


CHILD = """
import {package} as pool
def target(first):
    if first:
        proof.Producer("child").event()
    raise LookupError("in the child")
if __name__ == "__main__":
    mplog.configure(LOG)
    proof.Producer("main").event()
    child = pool.get_context("{method}").Process(target=target, args=({first},))
    child.start()
    child.join()
    assert 1 == child.exitcode, child.exitcode
"""


CHILDREN = [
    ("multiprocessing", "fork", False),
    ("multiprocessing", "spawn", False),
    ("multiprocess", "fork", True),
    ("multiprocess", "forkserver", False),
]
MORE = [
    (package, method, first)
    for package in ("multiprocessing", "multiprocess")
    for method in ("fork", "spawn", "forkserver")
    for first in (False, True)
    if (package, method, first) not in CHILDREN
]


@pytest.mark.parametrize(
    ("package", "method", "first"),
    [*CHILDREN, *(pytest.param(*one, marks=pytest.mark.stress) for one in MORE)],
)
def test_an_exception_that_ends_a_child_is_logged(world, package, method, first):
    """Also one that has logged nothing; no frame of ours stands in the traceback."""
    source = CHILD.format(package=package, method=method, first=first)
    _, err = world.run(source, quiet=False)
    world.check()

    assert [("LookupError", "in the child", "uncaught exception")] == uncaught(world)
    assert 1 == err.count("Traceback (most recent call last)")
    assert "uncaught.py" not in err


def test_a_child_that_ends_well_logs_nothing_of_its_own(world):
    """A pool whose tasks raise: the exception goes to who asked, and is nobody's death."""
    source = """
import multiprocessing
def fail(number): raise ValueError(number)
with multiprocessing.get_context("fork").Pool(2) as pool:
    for number in range(4):
        try: pool.apply(fail, (number,))
        except ValueError: pass
    pool.close()
    pool.join()
"""
    assert "" == ran(world, source)
    assert [] == uncaught(world)


LATE = """
import billiard.process
mplog.configure(LOG)
proof.Producer("main").event()
assert "billiard.util" not in sys.modules
def target():
    raise LookupError("in the child")
child = billiard.process.BaseProcess(target=target)
pid = os.fork()
if pid == 0:
    from billiard import process, util
    process._current_process = child
    util._run_after_forkers()
    try:
        child.run()
    except LookupError:
        os._exit(1)
assert 1 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def test_a_child_of_billiard_is_told_once(world):
    """It loads its helpers in its first child only, and they are multiprocessing's own."""
    package = world.root / "billiard"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "process.py").write_text(
        "from multiprocessing.process import BaseProcess\n"
        "_current_process = None\n"
        "def current_process(): return _current_process\n"
    )
    (package / "util.py").write_text(
        "from multiprocessing.util import Finalize, register_after_fork, _run_after_forkers\n"
    )
    world.run(LATE)
    world.check()

    assert [("LookupError", "in the child", "uncaught exception")] == uncaught(world)

"""Nothing is raised out of a log call; a fault of mplog's own turns logging off, told once."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys

import pytest

import mplog
from mplog import _native
from mplog.config import Settings
from mplog.errors import InternalError, SystemFault
from mplog.errors.table import RESULTS
from mplog.producer import containment, logger, tell, trouble
from mplog.producer import handler as handlers
from mplog.producer.connection import Connection
from mplog.producer.gate import GATE


@pytest.fixture(autouse=True)
def _forgotten():
    tell.forget()
    yield
    tell.LISTENERS.clear()
    tell.forget()


@pytest.fixture
def heard():
    """What a listener was given."""
    found = []
    mplog.on_error(found.append)
    return found


def broken(error, package="mplog.broken"):
    """A function that raises *error*, as code of *package*."""
    found = {"__name__": package, "error": error}
    exec("def broken(*args, **kwargs):\n    raise error", found)
    return found["broken"]


INNER = [
    (logger, "describe", {"exc_info": ValueError("of the program")}),
    (logger, "stack_text", {"stack_info": True}),
    (logger, "_caller", {"stacklevel": 2}),
    (logger, "_special", {"exc_info": True}),
    (logger, "thread_of", {"odd": {1}}),
    (logger, "running_task", {"odd": {1}}),
    (logger, "send", {"odd": {1}}),
    (logger, "send_bounded", {"odd": object()}),
    (logger, "bounded", {"odd": object()}),
    (logger, "redact", {"odd": object()}),
]


@pytest.mark.parametrize(("module", "name", "fields"), INNER, ids=[name for _, name, _ in INNER])
def test_each_inner_step_may_fail(lane, monkeypatch, capfd, heard, module, name, fields):
    """The call returns False, logging is off, one line and one InternalError say so, and where."""
    log = mplog.get_logger("a")
    monkeypatch.setattr(module, name, broken(TypeError("broken on purpose")))
    calls = [log.info("x", **fields) for _ in range(3)]
    if name in ("describe", "stack_text"):  # nor is that a reason to lose the event
        assert [True] * 3 == calls
        return
    out, err = capfd.readouterr()

    assert [False] * 3 == calls
    assert "" == out
    assert 1 == err.count("mplog: a fault of mplog's own has turned logging off in process")
    assert f"{os.getpid()}: TypeError: broken on purpose (<string>:2) [MPL-I002]" in err
    assert [(InternalError, "MPL-I002")] == [(type(one), one.code) for one in heard]
    assert 1 == lane.reader.counters()["internal"]
    assert not log.is_enabled(50)


@pytest.mark.parametrize("name", ["thread_of", "running_task"])
def test_a_plain_call_goes_the_other_way_where_a_hook_fails(shm, monkeypatch, name):
    """C declines the event, Python meets the same fault, and logging is off."""
    code = f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from pathlib import Path
from lane import lane_in
from test_containment import broken
from mplog.producer import logger
hook = broken(TypeError("broken on purpose"))
setattr(logger, {name!r}, hook)
from mplog import _native
from mplog.producer.logger import *
from mplog.event.codec import ENCODER, is_native
from mplog.producer.context import CURRENT
from mplog.producer.containment import contain
_native.set_hooks(encode=ENCODER.encode, takes=is_native, slow=logger.slow_log,
    number_of=logger.number_of, thread_of=logger.thread_of, task_of=logger.running_task,
    context=CURRENT, contain=contain)
import mplog, asyncio
async def main():
    return mplog.get_logger("a").info("x")
with lane_in(Path({str(shm)!r})):
    print(asyncio.run(main()), asyncio.run(main()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "False False\n") == (done.returncode, done.stdout), done.stderr
    assert 1 == done.stderr.count("turned logging off")


def test_a_handler_of_logging_is_contained_too(lane, monkeypatch, capfd):
    """A fault behind `logging`'s call raises nothing either."""
    monkeypatch.setattr(handlers, "send", broken(KeyError("broken on purpose")))
    log = logging.Logger("std")
    log.addHandler(mplog.Handler())
    log.info("x", extra={"odd": {1}})
    log.info("x", extra={"odd": {1}})

    assert 1 == capfd.readouterr().err.count("turned logging off")
    assert GATE.off


def test_what_the_machine_lacks_turns_nothing_off(lane, monkeypatch, capfd, heard):
    """An OSError loses its event, is told as a SystemFault, and the next event flows."""
    log = mplog.get_logger("a")
    with monkeypatch.context() as patch:
        patch.setattr(logger, "send", broken(OSError(24, "Too many open files")))
        assert not log.info("x", odd={1})
    assert log.info("y", odd={1})

    assert [SystemFault] == [type(one) for one in heard]
    assert "an event could not be logged: OSError: [Errno 24]" in capfd.readouterr().err
    assert not GATE.off


def test_at_the_end_of_the_stack_a_call_returns_false(lane):
    """It raises no RecursionError of its own, and the next event flows."""
    log = mplog.get_logger("a")
    told = []

    def deeper():
        told.append(log.info("x", odd={1}))
        deeper()

    with pytest.raises(RecursionError):
        deeper()
    assert False in told
    assert log.info("y", odd={1})
    assert not GATE.off


def test_what_a_signal_handler_raises_is_the_programs(lane, monkeypatch):
    """Whatever class it is of, it goes out of the call."""
    monkeypatch.setattr(logger, "send", broken(ZeroDivisionError("mine"), "shop.signals"))
    with pytest.raises(ZeroDivisionError, match="mine"):
        mplog.get_logger("a").info("x", odd={1})
    assert not GATE.off


def test_what_a_signal_handler_raises_goes_through_logging_too(lane, shm, monkeypatch):
    """And out of what mplog does when the core calls it."""
    mine = broken(ZeroDivisionError("mine"), "shop.signals")
    monkeypatch.setattr(handlers, "send", mine)
    monkeypatch.setattr(trouble, "unsynced", mine)
    log = logging.Logger("std")
    log.addHandler(mplog.Handler())
    with pytest.raises(ZeroDivisionError, match="mine"):
        log.info("x", extra={"odd": {1}})
    with pytest.raises(ZeroDivisionError, match="mine"):
        Connection(shm, "test", Settings())._on("unsynced")
    assert not GATE.off


def test_a_fault_before_there_is_a_service_is_told_too(capfd):
    """Also one that was never raised anywhere: then without a place."""
    assert containment.contain(InternalError("odd"))
    assert GATE.off
    assert f"logging off in process {os.getpid()}: InternalError: odd [MPL-I002]" in (
        capfd.readouterr().err
    )


def test_while_the_interpreter_ends_nothing_is_looked_into(lane, monkeypatch, capfd):
    """Half of everything is gone then: the event is lost, and that is all."""
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    monkeypatch.setattr(logger, "send", broken(TypeError("broken on purpose")))
    assert not mplog.get_logger("a").info("x", odd={1})
    assert "" == capfd.readouterr().err
    assert not GATE.off


def test_a_level_that_cannot_be_read_is_no_reason_to_raise(lane):
    """Its `str` fails: the event goes at INFO."""

    class Odd:
        def __str__(self):
            raise ValueError("no text")

    assert mplog.get_logger("a").log(Odd(), "x")
    assert 20 == lane.items()[0][3]


@pytest.mark.process
def test_configure_turns_logging_on_again(shm, logdir, monkeypatch, capfd):
    """What was accepted before stands in the file, and a fresh event too."""
    log = mplog.get_logger("a")
    mplog.configure(logdir / "app.jsonl")
    assert log.info("before")
    with monkeypatch.context() as patch:
        patch.setattr(logger, "send", broken(TypeError("broken on purpose")))
        assert not log.info("lost", odd={1})
    assert not log.info("off")
    mplog.configure(logdir / "app.jsonl")
    assert log.info("after")
    assert mplog.flush(60)

    text = (logdir / "app.jsonl").read_text()
    assert ["before", "after"] == re.findall(r'"message":"(before|lost|off|after)"', text)


@pytest.mark.process
def test_abort_ends_the_process_after_telling(shm, logdir):
    """on_internal_error="abort": one line and the listeners, then SIGABRT."""
    code = f"""
import sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from test_containment import broken
import mplog
from mplog.producer import logger
mplog.on_error(lambda error: print(error.code, flush=True))
mplog.configure({str(logdir / "app.jsonl")!r}, on_internal_error="abort", faulthandler=False)
logger.send = broken(TypeError("broken on purpose"))
mplog.get_logger("a").info("x", odd={{1}})
print("not reached")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (-signal.SIGABRT, "MPL-I001\n") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count("a fault of mplog's own ends process")


@pytest.mark.parametrize("what", ["claimed", "look", "trouble", "unsynced", "broken"])
@pytest.mark.process
def test_whatever_the_core_tells_may_fail(shm, logdir, monkeypatch, capfd, what):
    """A fault in looking after it raises nothing, and turns logging off once."""
    mplog.configure(logdir / "app.jsonl")
    connection = GATE.connection
    for name in ("_claimed", "_look", "_no_lane"):
        monkeypatch.setattr(type(connection), name, broken(AttributeError("on purpose")))
    monkeypatch.setattr(trouble, "unsynced", broken(AttributeError("on purpose")))
    connection._on(what)
    connection._on(what)

    assert GATE.off
    assert not mplog.get_logger("a").critical("x")
    assert 1 == capfd.readouterr().err.count("turned logging off")


def test_the_results_that_must_not_happen_are_those_of_the_table():
    """errors.def says which results are faults of mplog's own."""
    own = {number for number, row in RESULTS.items() if row.code == "MPL-I001"}
    assert own == trouble._MUST_NOT_HAPPEN
    assert 256 == containment.OFF_LEVEL


def test_who_has_no_hook_raises_as_before():
    """The extension alone, without the package's Python part, is no way to log."""
    done = subprocess.run(
        [sys.executable, "-c", f"""
import importlib.machinery, importlib.util
loader = importlib.machinery.ExtensionFileLoader("mplog._native", {_native.__file__!r})
spec = importlib.util.spec_from_loader("mplog._native", loader)
module = importlib.util.module_from_spec(spec)
loader.exec_module(module)
try:
    module.Logger("a").info("x")
except RuntimeError as error:
    print(error)
"""],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "import mplog, not mplog._native\n" == done.stdout, done.stderr

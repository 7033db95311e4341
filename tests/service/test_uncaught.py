"""What nobody catches is told where that is wanted, and never costs more than itself."""

from __future__ import annotations

import multiprocessing.process
import sys
import types

import pytest

import mplog
from mplog.producer.gate import GATE
from mplog.service import uncaught
from mplog.service.uncaught import HOOKS


def test_without_faulthandler_nothing_is_armed(alone, logdir, monkeypatch):
    """The hooks for exceptions are there all the same."""
    armed = []
    monkeypatch.setattr(uncaught, "_arm", armed.append)
    mplog.configure(logdir / "a.jsonl", faulthandler=False)
    assert ([], True) == (armed, HOOKS.wanted)
    mplog.configure(logdir / "b.jsonl")
    assert [GATE.connection] == armed


def test_an_exception_that_cannot_be_described_still_reaches_the_hook_before_ours(
    alone, logdir, monkeypatch
):
    """What fails in telling it is no news beside it."""
    passed = []
    monkeypatch.setattr(sys, "excepthook", lambda *what: passed.append(what))
    mplog.configure(logdir / "app.jsonl")

    def fails(error):
        raise MemoryError

    monkeypatch.setattr(uncaught, "describe", fails)
    error = ValueError("of the program")
    sys.excepthook(ValueError, error, None)

    assert [(ValueError, error, None)] == passed
    assert 0 == GATE.connection.producer.accepted


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1)])
def test_what_ends_a_child_without_a_service_is_told_nowhere(alone, capfd, error):
    """It has inherited none: there is nothing to set up, and nothing to say."""
    uncaught._left(error)

    assert GATE.connection is None
    assert ("", "") == capfd.readouterr()


@pytest.mark.parametrize("there", [{}, {"SpawnProcess": type("SpawnProcess", (), {})}])
def test_a_multiprocessing_without_that_step_is_left_as_it_is(monkeypatch, there):
    """One that is loaded in part, or of a later Python: its children are not watched from there,
    and run.
    """
    context = types.ModuleType("multiprocessing.context")
    vars(context).update(there)
    monkeypatch.setitem(sys.modules, "multiprocessing.context", context)
    monkeypatch.setattr(multiprocessing.process.current_process(), "_inheriting", True, False)
    uncaught._look_after_this_one()

    assert not any(hasattr(kind, "_after_fork") for kind in there.values())

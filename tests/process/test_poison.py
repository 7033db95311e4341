"""An event that ends the writer: tried twice, then put aside, and everything else goes on."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

import mplog
from mplog import _native
from mplog.producer.gate import GATE

FORMATTER = """
    import ctypes, os, signal

    def line(event):
        if event.message == "poison":
            with open(os.environ["DEATHS"], "a") as deaths:
                deaths.write("x")
                deaths.flush()
                {deed}
        return event.message + " " + event.fields.get("why", "")
"""
DEEDS = {
    "SIGSEGV": "ctypes.string_at(8)",
    "SIGABRT": "os.abort()",
    "SIGFPE": "os.kill(os.getpid(), signal.SIGFPE)",
}
ONCE = "os.path.getsize(os.environ['DEATHS']) < {n} and os.kill(os.getpid(), signal.{name})"


@pytest.fixture
def service(shm, logdir, monkeypatch):
    """Configure with a formatter that does *deed* at one event; the log and the deaths' file."""

    def make(deed):
        (logdir / "hostile.py").write_text(textwrap.dedent(FORMATTER).format(deed=deed))
        deaths = logdir / "deaths"
        deaths.touch()
        monkeypatch.setenv("PYTHONPATH", str(logdir))
        monkeypatch.setenv("DEATHS", str(deaths))
        path = logdir / "app.log"
        mplog.configure(path, format="hostile:line")
        return path, deaths

    return make


def counters(shm):
    return _native.Reader(str(shm), GATE.connection.service, False).counters()


def log_five():
    log = mplog.get_logger("a")
    log.info("one")
    log.info("two")
    log.info("poison", secret="s")
    log.info("four")
    log.info("five")
    return log


def messages(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line.split()[0] for line in lines if "session" not in line]


@pytest.mark.parametrize("name", DEEDS)
def test_an_event_that_crashes_the_writer_is_put_aside_after_two_attempts(service, shm, name):
    """Its number stands in the log, its record in a file; what is around it arrives once."""
    path, deaths = service(DEEDS[name])
    log = log_five()
    assert mplog.flush(60)
    log.info("fresh")
    assert mplog.flush(60)
    assert "xx" == deaths.read_text()
    assert ["one", "two", "unreadable", "four", "five", "fresh"] == messages(path)
    (kept,) = path.parent.glob(".app.log.quarantine-*")
    ((seq, _, _, level, _, _, payload),) = _native.frames(kept.read_bytes())
    assert (3, 20, 0o600) == (seq, level, kept.stat().st_mode & 0o777)
    assert b"poison" in payload
    assert 1 == counters(shm)["poisoned"]
    mplog.shutdown()


def test_a_writer_that_is_killed_at_an_event_does_not_poison_it(service, shm):
    """However often: a SIGKILL says nothing about the event."""
    path, deaths = service(ONCE.format(n=4, name="SIGKILL"))
    log_five()
    assert mplog.flush(60)
    assert 4 <= len(deaths.read_text())
    assert ["one", "two", "poison", "four", "five"] == messages(path)
    assert not list(path.parent.glob(".app.log.quarantine-*"))
    assert 0 == counters(shm)["poisoned"]
    mplog.shutdown()


def test_one_crash_does_not_put_an_event_aside(service, shm):
    """The second attempt may be a good one."""
    path, deaths = service(ONCE.format(n=2, name="SIGSEGV"))
    log_five()
    assert mplog.flush(60)
    assert "xx" == deaths.read_text()
    assert ["one", "two", "poison", "four", "five"] == messages(path)
    assert 0 == counters(shm)["poisoned"]
    mplog.shutdown()

"""on_error: who is called, with what, and what a listener can do wrong."""

from __future__ import annotations

import os
import threading

import pytest

import mplog
from mplog.errors import SystemFault, TargetError, UsageError
from mplog.producer import listeners, tell
from mplog.producer.trouble import code_of
from mplog.service.state import STATE


@pytest.fixture(autouse=True)
def _forgotten(capfd):
    tell.forget()
    yield
    tell.LISTENERS.clear()
    tell.forget()


@pytest.fixture
def now_s(monkeypatch):
    """The clock of faults, in seconds: a list of one number."""
    now = [100.0]
    monkeypatch.setattr(tell.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def heard():
    """What a listener was given."""
    found = []
    undo = mplog.on_error(found.append)
    yield found
    undo()


def sick(kind="k", **context):
    """A fault, as a connection tells it."""
    return tell.fault("it is sick", kind=kind, code="MPL-T003", **context)


def test_a_listener_gets_an_error_of_the_tree(heard):
    """With kind, code, hint and context; the text carries no prefix."""
    sick(path="/var/log/app.jsonl")
    (error,) = heard

    assert isinstance(error, TargetError)
    assert ("target", "MPL-T003", "it is sick") == (error.kind, error.code, error.text)
    assert error.hint
    assert ({"path": "/var/log/app.jsonl"}, 1) == (error.context, error.count)


def test_the_count_says_how_many_of_the_like_there_were(heard, now_s):
    """Since the last one that the listener was given, with this one."""
    for now_s[0] in (100.0, 100.2, 100.4, 101.5):
        sick()

    assert [1, 3] == [error.count for error in heard]


def test_a_burst_calls_a_listener_once_a_second_a_kind(heard, now_s):
    """100,000 faults of one kind, 40,000 a second."""
    for number in range(100_000):
        now_s[0] = 100.0 + number / 40_000
        sick()

    assert [1, 40_000] == [error.count for error in heard]


def test_undo_takes_one_registration_back():
    """Twice registered, one taken back (even twice): called once."""
    found = []
    undo, other = mplog.on_error(found.append), mplog.on_error(found.append)
    undo()
    undo()
    sick()
    other()
    sick("another")

    assert 1 == len(found)


def test_what_cannot_be_called_is_refused():
    """At once, with what would be right."""
    with pytest.raises(UsageError, match="str cannot be called"):
        mplog.on_error("print")


def test_a_listener_that_raises_is_counted_and_told_and_keeps_none_from_others(capfd):
    """The line names it; the other listener is called; the fault's own line stands too."""

    def broken(error):
        raise RuntimeError("of the listener\x1b")

    before, found = listeners.FAILURES, []
    mplog.on_error(broken)
    mplog.on_error(found.append)
    for kind in ("a", "b", "c"):
        sick(kind)
    err = capfd.readouterr().err

    assert (3, 3) == (listeners.FAILURES - before, len(found))
    assert 1 == err.count("broken has raised RuntimeError: of the listener\\x1b [MPL-U002]")
    assert 3 == err.count("it is sick")


def test_a_listener_that_causes_faults_does_not_recurse(now_s):
    """What goes wrong while it runs is told on stderr, and counted for the next one."""
    found = []

    def logs(error):
        found.append(error)
        now_s[0] += 10.0
        sick()

    mplog.on_error(logs)
    sick()
    assert 1 == len(found)
    now_s[0] += 100.0
    sick()

    assert [1, 2] == [error.count for error in found]


def test_a_listener_runs_when_the_lock_is_free_again(heard):
    """Within configure() and shutdown() faults wait for the end of the lock."""
    free = []

    def take():
        if STATE.lock.acquire(timeout=5):
            free.append(True)
            STATE.lock.release()

    def looks(error):
        other = threading.Thread(target=take)
        other.start()
        other.join()

    mplog.on_error(looks)
    with tell.DEFERRED, STATE.lock:
        sick()
        assert [] == heard
    assert 1 == len(heard)
    assert [True] == free


@pytest.mark.process
def test_a_forked_child_has_its_parents_listeners(heard):
    """And tells its own faults again: what its parent was told is no news from it."""
    sick()
    child = os.fork()
    if child == 0:
        sick()
        os._exit(len(heard))

    assert 2 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_where_nobody_listens_no_error_is_made(monkeypatch):
    """A fault then costs a line."""
    monkeypatch.setattr(listeners, "of_code", None)

    assert sick()
    assert not tell.DUE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the sink is gone [MPL-T001]", ("the sink is gone", "MPL-T001")),
        ("cannot write /a [b]: No space", ("cannot write /a [b]: No space", "MPL-T003")),
        (
            "filter a:b of /x: it has raised E [MPL-U004]",
            ("filter a:b of /x: it has raised E", "MPL-U004"),
        ),
        ("the writer failed and is started again (x)", None),
        ("cannot read shared memory in /dev/shm/x: EIO", None),
    ],
)
def test_a_problem_of_the_writer_has_a_code(text, expected):
    """Its own, in brackets at its end, else by what it is about."""
    said, code = code_of(text)
    assert expected in (None, (said, code))
    assert code[4] in "TWSU"


@pytest.mark.process
def test_a_sick_file_reaches_the_listener_of_a_program(shm, logdir, wait_for, heard):
    """The writer's problem comes as a TargetError; a fresh event flows when it is repaired."""
    log = logdir / "sub" / "app.jsonl"
    log.parent.write_text("in the way")
    mplog.configure(log)

    def told():
        mplog.get_logger("a").info("x")
        return heard

    wait_for(told, 20.0, "the fault")
    log.parent.unlink()
    assert mplog.flush(60)

    assert isinstance(heard[0], TargetError)
    assert str(log.parent) in heard[0].text
    assert {"service", "dir", "problem"} == heard[0].context.keys()
    assert log.read_bytes().count(b'"x"')


@pytest.mark.process
@pytest.mark.parametrize("setting", ["filter", "format", "rotation"])
def test_a_callable_that_the_writer_cannot_have_is_the_callers(
    shm, logdir, wait_for, heard, setting
):
    """It comes as a UsageError that names it and says what becomes of the events, which go on."""
    mplog.configure(logdir / "app.jsonl", **{setting: "not_here.rules:wanted"})

    def told():
        mplog.get_logger("a").info("x")
        return heard

    wait_for(told, 20.0, "the fault")
    assert mplog.flush(60)

    error = heard[0]
    assert (UsageError, "usage", "MPL-U004") == (type(error), error.kind, error.code)
    assert f"{setting} not_here.rules:wanted of {logdir}" in error.text
    assert "ModuleNotFoundError" in error.text
    assert "must be able to import it" in error.hint
    assert "x" in (logdir / "app.jsonl").read_text()


@pytest.mark.process
def test_a_place_that_cannot_be_used_reaches_the_listener(logdir, monkeypatch, heard):
    """configure() returns, the program runs on, and the listener has a SegmentError."""
    (logdir / "blocked").write_text("in the way")
    monkeypatch.setenv("MPLOG_DIR", str(logdir / "blocked"))
    mplog.configure(logdir / "app.jsonl")

    assert [True] == [isinstance(error, SystemFault) for error in heard]
    mplog.shutdown()


@pytest.mark.process
@pytest.mark.needs_root
def test_a_directory_open_to_everybody_is_told_to_a_root_program(shm, logdir, wait_for, heard):
    """Nothing is written there until it is closed to others; then all that waited is."""
    log = logdir / "open" / "app.jsonl"
    log.parent.mkdir()
    log.parent.chmod(0o1777)
    mplog.configure(log)

    def told():
        mplog.get_logger("a").info("x")
        return heard

    wait_for(told, 20.0, "the fault")
    assert [] == os.listdir(log.parent)
    log.parent.chmod(0o755)
    assert mplog.flush(60)

    assert "MPL-S010" == heard[0].code
    assert log.read_bytes().count(b'"x"')

"""`mplog reopen` and `mplog rotate` ask whom they should, and tell why nobody has answered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from mplog import _native
from mplog.cli import ask, exits, main
from mplog.config import Settings
from mplog.ring import bell_id, create_bell, hold


@pytest.fixture
def log(shm, logdir):
    """A log whose service is there; nobody writes it."""
    path = logdir / "app.jsonl"
    create_bell(shm, "shop", Settings(file=str(path)))
    return path


@pytest.fixture
def child():
    """A process that a signal would end."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_service_is_found_among_others_by_its_file(shm, log):
    """Those beside it have other files, or a bell that says nothing."""
    create_bell(shm, "another", Settings(file=str(log.with_name("another.jsonl"))))
    (shm / f"broken.{_native.ABI}.bell").write_bytes(b"\0" * 5000)

    assert ask.Place(shm, "shop") == ask.find(str(log), None)


def test_a_service_without_a_writer_has_nothing_to_reopen(log, capsys):
    """Its file is nobody's to hold open: that is no failure."""
    assert 0 == main.main(["reopen", str(log)])
    assert "nothing to reopen" in capsys.readouterr().out


def test_a_service_that_leaves_meanwhile_has_nothing_to_reopen(shm, log, monkeypatch, capsys):
    """Its bell was found, and is gone when it is to be asked."""
    find = ask.find

    def late(file, directories):
        place = find(file, directories)
        os.unlink(_native.bell_path(str(shm), "shop"))
        return place

    monkeypatch.setattr("mplog.cli.reopen.find", late)

    assert 0 == main.main(["reopen", str(log)])
    assert "nothing to reopen" in capsys.readouterr().out


def test_a_bell_that_was_cut_is_nobodys(shm, log, capsys):
    """Asked for by its name; nothing is sent to anybody."""
    os.truncate(_native.bell_path(str(shm), "shop"), 3000)

    assert 0 == main.main(["reopen", "shop"])
    assert "nothing to reopen" in capsys.readouterr().out


def test_another_users_service_cannot_be_asked(shm, log, capsys, as_nobody):
    """It is told which file keeps one out, and as whom to come."""
    shm.chmod(0o755)
    os.chmod(_native.bell_path(str(shm), "shop"), 0o400)
    with as_nobody():
        code = main.main(["reopen", "shop", "--dir", str(shm)])
    err = capsys.readouterr().err

    assert exits.FAILURE == code
    assert f"{_native.bell_path(str(shm), 'shop')} cannot be opened: Permission denied" in err
    assert "as root" in err


def test_a_command_waits_while_another_one_asks(shm, log, monkeypatch):
    """And goes on once that one is done."""
    other = [hold(shm, "shop", _native.LOCK_ASK)]
    waits = []

    def wait(seconds):
        waits.append(seconds)
        os.close(other.pop())

    monkeypatch.setattr(ask.time, "sleep", wait)

    assert 0 == main.main(["reopen", str(log)])
    assert [ask.POLL_S] == waits


def test_a_command_does_not_wait_for_ever_for_another_one(shm, log, capsys):
    """--timeout holds for that too."""
    other = hold(shm, "shop", _native.LOCK_ASK)
    code = main.main(["reopen", str(log), "--timeout", "0"])
    os.close(other)

    assert 1 == code
    assert "not reopened: another command is waiting" in capsys.readouterr().err


def test_a_writer_that_is_not_seen_from_here_is_told(shm, log, capsys):
    """Its lock is held, and no process here is the one that it names."""
    writer = hold(shm, "shop", _native.LOCK_WRITER)
    code = main.main(["reopen", str(log), "--timeout", "0"])
    os.close(writer)

    assert 1 == code
    assert "is not seen from here: is it in a container?" in capsys.readouterr().err


def test_a_process_that_is_no_writer_gets_no_signal(shm, log, child):
    """A number that was given out again: this process has it, or a child of its own."""
    bell = bell_id(shm, "shop")

    assert not ask._send(os.getpid(), signal.SIGUSR1, bell)
    assert not ask._send(child.pid, signal.SIGUSR1, bell)
    assert child.poll() is None


def test_a_process_that_is_gone_gets_no_signal(shm, log, child, monkeypatch):
    """Before it is looked at, while it is, or after."""
    bell = bell_id(shm, "shop")

    def ends(pid, bell):
        child.kill()
        child.wait()
        return True

    with monkeypatch.context() as patch:
        patch.setattr(ask, "_has_open", ends)
        assert not ask._send(child.pid, signal.SIGUSR1, bell)
    assert not ask._has_open(child.pid, bell)
    assert not ask._send(child.pid, signal.SIGUSR1, bell)


def test_a_descriptor_that_is_closed_meanwhile_hides_no_other(shm, log, monkeypatch):
    """The process is looked at while it works."""
    bell = bell_id(shm, "shop")
    closing, closed = os.open(os.devnull, os.O_RDONLY), []
    kept = os.open(_native.bell_path(str(shm), "shop"), os.O_RDONLY)
    stat = os.stat

    def during(path, **more):
        if not closed:
            closed.append(os.close(closing))
            return stat(f"/proc/self/fd/{closing}")
        return stat(path, **more)

    monkeypatch.setattr(ask.os, "stat", during)
    found = ask._has_open(os.getpid(), bell)
    monkeypatch.undo()
    os.close(kept)

    assert found
    assert [None] == closed


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
def test_a_time_that_never_comes_is_no_timeout(seconds, capsys):
    """It is refused, not waited for."""
    with pytest.raises(SystemExit) as left:
        main.main(["rotate", "--json-errors", "--timeout", seconds, "app.jsonl"])

    assert 2 == left.value.code
    assert f"invalid number of seconds value: '{seconds}'" in capsys.readouterr().err

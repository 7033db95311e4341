"""The writer runs on a Python, wherever the application runs, and is started once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mplog import _native, launch
from mplog.config import Settings
from mplog.ring import create_bell, hold


def test_a_python_is_taken_as_it_is():
    """In an ordinary process the writer gets its own interpreter."""
    assert sys.executable == launch.interpreter()


@pytest.mark.parametrize("host", ["/usr/sbin/uwsgi", "", None])
def test_in_a_host_program_the_python_of_its_installation_is_found(monkeypatch, host):
    """sys.executable is the host, empty or None: a Python of this version is found all the same."""
    monkeypatch.setattr(sys, "executable", host)
    found = launch.interpreter()
    done = subprocess.run(
        [found, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
    )

    assert f"{sys.version_info[:2]}\n" == done.stdout


def test_the_current_directory_is_not_on_the_writers_path(tmp_path, shm):
    """A file of the program's directory cannot stand in for a module of the writer."""
    for name in ("argparse.py", "signal.py", "mplog.py"):
        (tmp_path / name).write_text("raise SystemExit('taken in')")
    done = subprocess.run(
        [*launch.command(shm, "nobody"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "--service" in done.stdout


def test_where_there_is_no_service_nothing_is_started(shm, monkeypatch):
    """Nor where a supervisor is, nor where somebody else is just starting one."""
    monkeypatch.setattr(_native, "spawn", lambda *args: pytest.fail("started"))
    assert not launch.ensure_writer(shm, "shop")
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    for byte in (_native.LOCK_SUPERVISOR, _native.LOCK_SPAWN):
        held = hold(shm, "shop", byte)
        assert held is not None
        assert not launch.ensure_writer(shm, "shop")
        os.close(held)


def test_the_spawn_lock_is_given_back_when_nothing_can_be_started(shm, monkeypatch):
    """The error goes to the caller, and the next one may try."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    monkeypatch.setattr(launch, "interpreter", lambda: "/nowhere/python3")
    for _ in range(2):
        with pytest.raises(OSError, match="No such file"):
            launch.ensure_writer(shm, "shop")


def test_the_writers_environment_is_not_the_parents_handle(monkeypatch, shm):
    """Variables that would change the writer, or make it somebody's child, are left out."""
    given = {}

    def spawn(argv, env, *_):
        given.update(one.split(b"=", 1) for one in env)

    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    monkeypatch.setattr(_native, "spawn", spawn)
    for name in ("MPLOG_SERVICE", "MPLOG_SETTINGS", "PYTHONSTARTUP", "PYTHONINSPECT", "KEPT"):
        monkeypatch.setenv(name, "1")

    assert launch.ensure_writer(shm, "shop")
    assert b"1" == given[b"KEPT"]
    assert b"\n" in given[b"MPLOG_CONSOLE"]  # two names, empty where there is no terminal
    assert not {b"MPLOG_SERVICE", b"MPLOG_SETTINGS", b"PYTHONSTARTUP"} & given.keys()

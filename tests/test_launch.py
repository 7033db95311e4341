"""The writer runs on a Python, wherever the application runs, and is started once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import sysconfig

import msgspec
import pytest
from descriptors import descriptors

import mplog
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


@pytest.mark.parametrize(("host", "tried"), [("/usr/sbin/uwsgi", None), ("", "/usr/bin/python3")])
def test_in_an_installation_without_a_python_the_likeliest_is_tried(
    tmp_path, monkeypatch, host, tried
):
    """What the host is called, else the system's: that it does not run is told to its user."""
    monkeypatch.setattr(sys, "executable", host and str(tmp_path / "bin" / "uwsgi"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "base_exec_prefix", str(tmp_path))
    monkeypatch.setitem(sysconfig.get_config_vars(), "BINDIR", str(tmp_path / "bin"))

    assert (tried or sys.executable) == launch.interpreter()


def test_a_package_that_stands_in_no_file_is_left_to_the_writer_to_find(monkeypatch, shm):
    """As in a program that was made one file with its packages."""
    monkeypatch.setattr(msgspec, "__file__", None)
    words = launch.command(shm, "shop")
    (found,) = [word for word in words if word.startswith("mplog=")]

    assert [f"mplog={os.path.dirname(os.path.dirname(mplog.__file__))}"] == found.split("\n")


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


@pytest.fixture
def unstarted(shm, monkeypatch):
    """A service that nothing may be started for."""
    monkeypatch.setattr(_native, "spawn", lambda *args: pytest.fail("started"))
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    return shm


@pytest.mark.needs_root
def test_a_worker_of_another_user_leaves_the_writer_to_the_services_own(unstarted):
    """It has dropped its uid: a writer of that user could not write the file."""
    os.chown(unstarted, 65_534, -1)
    assert not launch.ensure_writer(unstarted, "shop")


def test_who_can_take_no_lock_starts_nothing(unstarted, monkeypatch):
    """No descriptor is left, or the service went a moment ago: the next look may find better."""

    def refused(directory, service, byte):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(launch, "hold", refused)
    assert not launch.ensure_writer(unstarted, "shop")


@pytest.mark.parametrize("meanwhile", ["a supervisor came", "the service went"])
def test_what_happened_before_the_lock_was_taken_is_seen(unstarted, monkeypatch, meanwhile):
    """Between the first look and the lock: nothing is started, and the lock is given back."""
    taken = []

    def slow(directory, service, byte):
        if meanwhile == "the service went":
            held = hold(directory, service, byte)
            os.unlink(_native.bell_path(str(directory), service))
            return held
        taken.append(hold(directory, service, _native.LOCK_SUPERVISOR))
        return hold(directory, service, byte)

    before = len(descriptors())
    monkeypatch.setattr(launch, "hold", slow)
    assert not launch.ensure_writer(unstarted, "shop")
    for fd in taken:
        os.close(fd)
    assert before == len(os.listdir("/proc/self/fd"))


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

"""uWSGI: no threads, workers forked in C past Python, and a host program as sys.executable."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import webserver

from mplog.cli.status import describe
from mplog.ring import services

BESIDE = Path(sys.executable).parent / "uwsgi"
UWSGI = str(BESIDE) if BESIDE.exists() else shutil.which("uwsgi")

pytestmark = [
    pytest.mark.process,
    pytest.mark.usefixtures("shm"),
    pytest.mark.skipif(UWSGI is None, reason="needs uwsgi (pip install uwsgi)"),
]

# Loaded in the master, before the fork, unless --lazy-apps is given.
APPLICATION = """
import os
import mplog

mplog.configure(os.environ["LOG"])
from app import application
"""


def uwsgi(directory: Path, *options: str) -> Callable[[int], list[str]]:
    """The command line of uWSGI, without threads and without a hook after the fork."""
    (directory / "hosted.py").write_text(APPLICATION)
    command = [str(UWSGI), "--master", "--processes", "2", "--wsgi-file", "hosted.py", *options]
    command += ["--need-app", "--die-on-term", "--disable-logging"]
    return lambda fd: [*command, "--http-socket", f"fd://{fd}"]


def judge(server: webserver.WebServer) -> None:
    """Each answer has one event, in the worker that gave it, and all is whole."""
    assert webserver.told(server, "app", "path") == webserver.asked(server)
    report = webserver.verdict(server)
    assert (report.exit_code, report.dropped, report.open_sessions) == (0, 0, []), report
    assert "mplog" not in server.said()


def writer_of(directory: Path) -> int:
    """The pid of the writer of the only service in *directory*."""
    (name,) = services(directory)
    found = describe(directory, name)
    return int(found["writer"]["pid"]) if found and found["writer"] else 0


@pytest.mark.parametrize("options", [[], ["--lazy-apps"]], ids=["forked", "lazy"])
def test_events_of_both_workers_arrive(tmp_path, options):
    """Where the master has called configure() before the fork, and where each worker does."""
    with webserver.serving(uwsgi(tmp_path, *options), tmp_path) as server:
        server.ask_until(webserver.workers(2))

    judge(server)


def test_writer_runs_on_a_python_and_comes_back(tmp_path, shm, wait_for):
    """sys.executable is uwsgi; the writer is not, and a killed one is replaced."""
    with webserver.serving(uwsgi(tmp_path), tmp_path) as server:
        server.ask_until(webserver.workers(2))
        first = wait_for(lambda: writer_of(shm), what="a writer")
        program = os.path.basename(os.readlink(f"/proc/{first}/exe"))
        os.kill(first, signal.SIGKILL)
        server.ask_until(webserver.workers_for(1.2, 2))
        second = wait_for(lambda: writer_of(shm), what="another writer")

    assert program.startswith("python")
    assert second != first
    judge(server)


def test_events_before_and_after_a_reload_arrive(tmp_path):
    """HUP has the master execute itself anew under its old pid."""
    with webserver.serving(uwsgi(tmp_path), tmp_path) as server:
        server.ask_until(webserver.workers(2))
        before = frozenset(server.pids())
        server.signal(webserver.HANG_UP)
        server.ask_until(webserver.workers(2, besides=before))

    judge(server)

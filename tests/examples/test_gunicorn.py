"""gunicorn as it is run: what application and server log in any worker stands there once."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import webserver

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("shm")]

# The master loads the application too, since a worker without rights may not read a test's files.
CONFIGURATION = """
import os
import sys
import mplog

sys.path.insert(0, os.getcwd())
import app

mplog.configure(os.environ["LOG"])
wsgi_app = "app:application"
workers = 2
control_socket_disable = True
access_log_format = "%(U)s"
LOGGER = {"level": "INFO", "handlers": ["mplog"], "propagate": False}
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {"mplog": {"class": "mplog.Handler"}},
    "root": {"level": "INFO", "handlers": ["mplog"]},
    "loggers": {"gunicorn.error": LOGGER, "gunicorn.access": LOGGER},
}
"""


def gunicorn(directory: Path, *options: str) -> Callable[[int], list[str]]:
    """The command line of gunicorn on an open socket."""
    configuration = directory / "conf.py"
    configuration.write_text(CONFIGURATION)
    command = [sys.executable, "-m", "gunicorn", "--config", str(configuration), *options]
    return lambda fd: [*command, "--bind", f"fd://{fd}"]


def judge(server: webserver.WebServer) -> None:
    """Each answer has one event of either logger, in the worker that gave it; all is whole."""
    assert webserver.told(server, "app", "path") == webserver.asked(server)
    assert webserver.told(server, "gunicorn.access", "message") == webserver.asked(server)
    report = webserver.verdict(server)
    assert (report.exit_code, report.dropped) == (0, 0), report
    assert (report.ended_unclean, report.open_sessions) == (0, [])
    assert server.said() == ""


@pytest.mark.parametrize(
    "options",
    [["--preload"], ["--worker-class", "gthread", "--threads", "3"]],
    ids=["preload", "gthread"],
)
def test_events_of_all_workers_arrive(tmp_path, options):
    """With the application loaded before the fork, and with threads in the workers."""
    with webserver.serving(gunicorn(tmp_path, *options), tmp_path) as server:
        server.ask_until(webserver.workers(2))

    judge(server)


def test_workers_that_come_and_go_leave_their_events(tmp_path):
    """Workers that end after 20 requests are followed by others, and each one's session ends."""
    with webserver.serving(gunicorn(tmp_path, "--max-requests", "20"), tmp_path) as server:
        server.ask_until(webserver.workers(5))

    judge(server)
    assert webserver.verdict(server).sessions >= 6  # five workers and the master


def test_events_before_and_after_a_reload_arrive(tmp_path):
    """HUP puts new workers in the place of the old ones; configure() is called a second time."""
    with webserver.serving(gunicorn(tmp_path), tmp_path) as server:
        server.ask_until(webserver.workers(2))
        before = frozenset(server.pids())
        server.signal(webserver.HANG_UP)
        server.ask_until(webserver.workers(2, besides=before))

    judge(server)


@pytest.mark.needs_root
def test_workers_that_give_up_their_rights_still_log(tmp_path):
    """With user=nobody a worker may open neither log nor shared memory; it complains of nothing."""
    options = ["--user", "nobody", "--group", "nogroup"]
    with webserver.serving(gunicorn(tmp_path, *options), tmp_path) as server:
        # A worker looks after its service once a second.
        server.ask_until(webserver.workers_for(1.5, 2))

    judge(server)
    assert 0 not in {event["uid"] for event in webserver.events(server.log, "app")}


def test_a_killed_worker_is_told_and_replaced(tmp_path):
    """By its signal, with the number of its last event; those that end in order are not."""
    with webserver.serving(gunicorn(tmp_path, "--preload"), tmp_path) as server:
        server.ask_until(webserver.workers(2))
        killed = server.answers[-1].pid
        wait_until_written(server)
        os.kill(killed, signal.SIGKILL)
        server.ask_until(webserver.workers(2, besides=frozenset({killed})))

    (death,) = [
        line
        for line in map(json.loads, server.log.read_text().splitlines())
        if line.get("event_name") == "mplog.death"
    ]
    report = webserver.verdict(server)
    assert (death["process.pid"], death["signal"], death["level"]) == (killed, "SIGKILL", "ERROR")
    assert death["last"] == sum(
        line["process.pid"] == killed
        for line in map(json.loads, server.log.read_text().splitlines())
        if "seq" in line
    )
    assert (report.exit_code, report.dropped, report.ended_unclean) == (0, 0, 1)


def wait_until_written(server: webserver.WebServer) -> None:
    """Until the log has an event of each answer."""
    ends_s = time.monotonic() + webserver.LIMIT_S
    log = server.log
    while not log.exists() or log.read_bytes().count(b'"logger":"app"') < len(server.answers):
        assert time.monotonic() < ends_s, server.said()
        time.sleep(0.02)

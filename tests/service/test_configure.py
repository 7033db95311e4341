"""configure(), flush() and shutdown() in one process: what they return, refuse and leave."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest

import mplog
from mplog.producer import tell
from mplog.producer.gate import GATE

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def _fresh(shm, monkeypatch):
    """A process that has never configured anything; and is that again afterwards."""
    for name in ("MPLOG_SERVICE", "MPLOG_SETTINGS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    GATE.reset()
    tell.forget()
    yield
    mplog.shutdown(10)
    GATE.reset()
    tell.forget()


def events(log):
    lines = map(json.loads, log.read_bytes().splitlines())
    return [line for line in lines if line["logger"] != "mplog"]


def test_the_first_call_creates_and_the_same_again_changes_nothing(logdir):
    """One name, no difference, the same connection."""
    first = mplog.configure(logdir / "app.jsonl")
    connection = GATE.connection
    second = mplog.configure(str(logdir / "app.jsonl"))

    assert (True, False) == (first.created, second.created)
    assert (first.name, ()) == (second.name, second.differences)
    assert connection is GATE.connection


def test_flush_means_the_file(logdir):
    """True: the event stands there now."""
    mplog.configure(logdir / "app.jsonl")
    assert mplog.get_logger("a").info("hello {n}", n=1)
    assert mplog.flush(60)

    assert ["hello 1"] == [line["message"] for line in events(logdir / "app.jsonl")]


def test_shutdown_tells_what_became_of_the_events_and_the_next_one_attaches_again(logdir):
    """Nothing left, nothing dropped; the next event goes into a session of its own."""
    mplog.configure(logdir / "app.jsonl")
    log = mplog.get_logger("a")
    for n in range(10):
        log.info("n", n=n)
    report = mplog.shutdown(20)
    log.info("after")
    assert mplog.flush(60)
    told = events(logdir / "app.jsonl")

    assert mplog.Report(10, 0, 0) == report
    assert 11 == len(told)
    assert told[0]["session"] != told[-1]["session"]


def test_another_file_is_another_service(logdir):
    """The process goes over; what it had logged before is in the first file."""
    log = mplog.get_logger("a")
    names = set()
    for name in ("one.jsonl", "two.jsonl"):
        names.add(mplog.configure(logdir / name).name)
        log.info(name)
        assert mplog.flush(60)

    assert 2 == len(names)
    for name in ("one.jsonl", "two.jsonl"):
        assert [name] == [line["message"] for line in events(logdir / name)]


def test_level_belongs_to_the_process_and_rotation_to_the_service(logdir, capfd):
    """The first is changed silently, the second is told as a difference."""
    mplog.configure(logdir / "app.jsonl")
    assert () == mplog.configure(logdir / "app.jsonl", level="ERROR").differences
    assert not mplog.get_logger("a").warning("x")
    assert "" == capfd.readouterr().err
    service = mplog.configure(logdir / "app.jsonl", rotation="1 MB")

    assert 1 == len(service.differences)
    assert "rotation" in service.differences[0]
    assert "rotation" in capfd.readouterr().err


def test_wrong_settings_are_all_named_and_change_nothing(logdir):
    """Both problems in one error; the process stays unconfigured."""
    with pytest.raises(mplog.ConfigError) as refused:
        mplog.configure(logdir / "app.jsonl", rotatoin="1 MB", level="LOUD")

    assert "rotatoin" in str(refused.value)
    assert "LOUD" in str(refused.value)
    assert GATE.connection is None
    assert [] == os.listdir(logdir)


def test_without_a_file_there_is_nothing_to_configure():
    """The message says what to write."""
    with pytest.raises(mplog.ConfigError, match=r"mplog\.configure\("):
        mplog.configure()


def test_a_handler_with_settings_needs_a_file():
    """Settings of nothing would be lost silently otherwise."""
    with pytest.raises(mplog.ConfigError, match="file"):
        mplog.Handler(level=logging.INFO, rotation="1 MB")


@pytest.mark.parametrize(
    ("given", "settings", "told"),
    [
        ("a.jsonl", {"file": "b.jsonl"}, "configure(file=…): is given twice; give it as the first"),
        ("a.jsonl", {"config": 3}, "configure(config=…): is not a path; give that of a TOML file"),
    ],
)
def test_a_call_that_contradicts_itself_is_refused(given, settings, told):
    """With the argument's name, before anything is there."""
    with pytest.raises(mplog.ConfigError) as refused:
        mplog.configure(given, **settings)

    assert told in str(refused.value)
    assert GATE.connection is None


def test_attach_and_flush_in_an_unconfigured_process_are_harmless():
    """No service: no lane, nothing to wait for, nothing to tell."""
    assert not mplog.attach()
    assert mplog.flush(0.1)
    assert mplog.Report(0, 0, 0) == mplog.shutdown(0.1)


def test_children_inherit_the_handle(logdir):
    """The environment names service and directory, and keeps the settings."""
    service = mplog.configure(logdir / "app.jsonl")

    assert service.name == os.environ["MPLOG_SERVICE"]
    assert str(logdir / "app.jsonl") == json.loads(os.environ["MPLOG_SETTINGS"])["file"]


def test_settings_that_the_locale_has_no_bytes_for_reach_children(logdir, wait_for):
    """A name in a template is UTF-8 in the environment, whatever the locale says."""
    code = (
        "import mplog, os, subprocess, sys\n"
        "child = [sys.executable, '-c', \"import mplog; mplog.get_logger('a').info('child')\"]\n"
        "mplog.configure(sys.argv[1], files=[{'file': sys.argv[1] + '.txt',"
        " 'format': 'template:\\xfc {message}'}])\n"
        "subprocess.run(child, check=True)\n"
        "mplog.flush(60)\n"
        "os.execv(child[0], child)\n"  # where the writer has left meanwhile it sets up the service
    )
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(logdir / "app.jsonl")], env={**os.environ, **ascii_only},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert (0, "") == (done.returncode, done.stderr)
    text = logdir / "app.jsonl.txt"
    wait_for(
        lambda: text.exists() and text.read_text("utf-8").count("\xfc child") == 2, 20.0, "both"
    )
    assert ["child"] * 2 == [line["message"] for line in events(logdir / "app.jsonl")]

"""What is used of each limit can be read, and who goes over one is told."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

import mplog
from mplog import _native
from mplog.config import Settings
from mplog.errors import SegmentError, SystemFault, UsageError
from mplog.metrics.usage import Usage, sink_usage
from mplog.producer import tell
from mplog.producer.gate import GATE

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _forgotten():
    tell.forget()
    yield
    tell.forget()


@pytest.fixture
def stopped(shm, wait_for):
    """`stopped(path, **settings)`: a service whose writer stands still, until the test ends."""
    pids = []

    def start(path, **settings):
        mplog.configure(path, **settings)
        assert mplog.get_logger("a").info("first")
        assert mplog.flush(60)
        reader = _native.Reader(str(shm), GATE.connection.service, False)
        wait_for(lambda: reader.writer_pid != 0)
        pids.append(reader.writer_pid)
        os.kill(pids[-1], signal.SIGSTOP)

    yield start
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("settings", "limit", "limit_bytes"),
    [
        ({"overflow": "2 MiB"}, "overflow", 2 * MIB),
        ({"memory": "3 MiB"}, "memory", 3 * MIB),
    ],
)
def test_who_loses_events_to_a_limit_is_told(
    stopped, logdir, capfd, wait_for, settings, limit, limit_bytes
):
    """With the setting, what is used and the limit; the callback that was taken back is not."""
    told, not_told = [], []
    mplog.on_memory_exceeded(not_told.append)()
    undo = mplog.on_memory_exceeded(told.append)
    try:
        stopped(logdir / "app.jsonl", **settings)
        log = mplog.get_logger("a")
        # The process looks once a second whether something is amiss.
        wait_for(lambda: log.error("x", pad="y" * 20_000) is False and told, 30.0, "the callback")
    finally:
        undo()
    error = told[0]
    assert (SegmentError, "MPL-S011") == (type(error), error.code)
    assert (limit, limit_bytes) == (error.context["limit"], error.context["limit_bytes"])
    assert 0 < limit_bytes - error.context["used_bytes"] <= MIB or (
        error.context["used_bytes"] == limit_bytes
    )
    assert "[MPL-S011]" in capfd.readouterr().err
    assert [] == not_told
    shown = {use.what: use for use in mplog.usage()}
    assert shown[limit] == Usage(limit, limit, error.context["used_bytes"], limit_bytes)


def test_another_error_is_not_of_memory():
    """Only limits reach the callback."""
    told = []
    undo = mplog.on_memory_exceeded(told.append)
    try:
        tell.fault("something else", kind="else", code="MPL-S008")
        tell.fault("a limit", kind="limit", code="MPL-S011", limit="overflow")
    finally:
        undo()
    assert ["overflow"] == [error.context["limit"] for error in told]


def test_a_callback_that_cannot_be_called_is_refused():
    """As with `on_error`."""
    with pytest.raises(UsageError, match="cannot be called"):
        mplog.on_memory_exceeded(7)


def test_without_a_service_there_is_nothing_to_read():
    """And that is said."""
    before = GATE.connection
    GATE.connection = None
    try:
        with pytest.raises(SystemFault, match="logs to no service"):
            mplog.usage()
    finally:
        GATE.connection = before


def test_a_service_that_is_gone_cannot_be_read(alone, logdir):
    """Its memory was removed: an error of mplog's with the system's number."""
    mplog.configure(logdir / "app.jsonl")
    shutil.rmtree(alone)
    with pytest.raises(SystemFault, match="usage: ") as gone:
        mplog.usage()
    assert errno.ENOENT == gone.value.context["errno"]


def test_usage_and_status_show_every_limit(shm, logdir):
    """With the name of the setting that changes it, and the same numbers in both."""
    sinks = [{"type": "memory", "name": "m", "queue": 50}, {"type": "null", "spool": "4 MB"}]
    mplog.configure(logdir / "app.jsonl", memory="64 MiB", overflow="32 MiB", sinks=sinks)
    mplog.get_logger("a").info("x")
    assert mplog.flush(60)
    uses = {(use.what, use.unit): (use.setting, use.limit) for use in mplog.usage()}
    assert {
        ("memory", "bytes"): ("memory", 64 * MIB),
        ("lanes", "bytes"): ("", None),
        ("overflow", "bytes"): ("overflow", 32 * MIB),
        ("queue of m", "events"): ("queue", 50),
        ("queue of m", "bytes"): ("queue_bytes", 16 * MIB),
        ("queue of null", "events"): ("queue", 10_000),
        ("queue of null", "bytes"): ("queue_bytes", 16 * MIB),
        ("spool of null", "bytes"): ("spool", 4_000_000),
    } == uses
    command = [sys.executable, "-m", "mplog", "status", "--dir", str(shm)]
    status = subprocess.run([*command, "--json"], capture_output=True, check=True)
    (service,) = json.loads(status.stdout)["services"]
    shown = {(use["what"], use["unit"]): (use["setting"], use["limit"]) for use in service["usage"]}
    assert uses == shown
    page = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "of 67,108,864 bytes (memory)" in page
    assert "of 50 events (queue)" in page


def test_the_spool_s_files_are_counted(tmp_path):
    """Those that are there; without a directory there are none."""
    log = tmp_path / "app.jsonl"
    settings = Settings(file=str(log), sinks='[{"type":"null","spool":"1 MB"}]')
    assert [0, 0, 0] == [use.used for use in sink_usage(settings, tmp_path, "none")]
    place = tmp_path / ".app.jsonl.spool-null"
    place.mkdir()
    (place / "a").write_bytes(b"x" * 100)
    (place / "b").write_bytes(b"x" * 11)
    assert [0, 0, 111] == [use.used for use in sink_usage(settings, tmp_path, "none")]
    odd = Settings(file=str(log), sinks='[{"type":"nobody knows"}]')
    assert [] == sink_usage(odd, tmp_path, "none"), "of another build"

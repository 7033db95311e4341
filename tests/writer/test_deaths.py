"""The line of a death: pure, whatever stands in its parts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.format import formatter
from mplog.writer.deaths import (
    MAX_TRACE_BYTES,
    Crash,
    Deaths,
    Known,
    crash_path,
    death,
    fate_in,
    lifetime,
    read_crash,
)
from mplog.writer.fate import ALIVE, UNKNOWN, Fate

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def end(last=5, name="web"):
    return (0, "0123456789ab-1-1", 4711, name, START, last, last, last, 0, 0, False, {}, 0)


SEEN = Known(START + 192 * SECOND)


def told(fate, known=SEEN, **how):
    line = death(formatter("json"), START, end(**how), fate, known)
    return json.loads(line) if line else None


def test_the_sentence_says_who_how_when_and_how_far():
    """For people who read the message alone."""
    line = told(Fate("signal", 9), last=8123, name="gunicorn: worker")

    assert line["message"] == (
        "worker 4711 (gunicorn: worker) ended without saying goodbye: killed by SIGKILL after "
        "3 min 12 s; its last event is number 8,123"
    )
    assert ("ERROR", "mplog", "mplog.death") == (line["level"], line["logger"], line["event_name"])
    assert ("2023-11-14T22:13:20.000000000Z", 192.0) == (line["started"], line["lifetime_s"])


@pytest.mark.parametrize(
    ("fate", "level"),
    [
        (Fate("signal", 9), "ERROR"),
        (Fate("signal", 11, core=True), "ERROR"),
        (Fate("signal", 15), "INFO"),
        (Fate("exit", 3), "WARNING"),
        (Fate("exit", 0), "INFO"),
        (ALIVE, "INFO"),
        (UNKNOWN, "WARNING"),
    ],
)
def test_the_level_is_that_of_a_fault_or_of_a_wish(fate, level):
    """Who was asked to end has done what he was asked."""
    assert level == told(fate)["level"]


def test_a_core_dump_is_told():
    """It lies somewhere, and explains more."""
    line = told(Fate("signal", 11, core=True))

    assert line["core_dumped"] is True
    assert "killed by SIGSEGV, core dumped after" in line["message"]


def test_what_is_not_known_is_left_out():
    """No lifetime without a witness, no signal without the kernel."""
    line = told(UNKNOWN, Known())

    assert "how is not known; its last" in line["message"]
    assert not {"lifetime_s", "signal", "exit_code", "core_dumped"} & line.keys()


@pytest.mark.parametrize("fate", [UNKNOWN, ALIVE, Fate("exit", 0), Fate("signal", 15)])
def test_an_end_without_an_event_is_no_news(fate):
    """A forked child that never logged, and left as such children do."""
    assert told(fate, last=0) is None


def test_a_clock_that_was_set_back_makes_no_negative_life():
    """The wall clock is shown, never trusted."""
    assert 0.0 == told(UNKNOWN, Known(START - 5 * SECOND))["lifetime_s"]


@pytest.mark.parametrize(
    ("head", "number"),
    [
        ("Segmentation fault", 11),
        ("Floating-point exception", 8),
        ("Floating point exception", 8),
        ("Aborted", 6),
        ("Bus error", 7),
        ("Illegal instruction", 4),
    ],
)
def test_a_traceback_names_the_signal_where_the_kernel_does_not(head, number):
    """In the words of faulthandler."""
    crash = Crash(f"Fatal Python error: {head}\n\nCurrent thread", START)

    assert Fate("signal", number) == fate_in(crash)
    assert UNKNOWN == fate_in(Crash("something else", START))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (59.9, "59 s"),
        (192, "3 min 12 s"),
        (3_600, "1 h"),
        (90_061, "1 d 1 h"),
    ],
)
def test_lifetimes_have_two_units(seconds, text):
    """The largest ones."""
    assert text == lifetime(seconds)


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=300),
    name=st.text(max_size=20),
    fmt=st.sampled_from(["json", "logfmt", "text"]),
)
def test_whatever_a_crash_has_left_makes_one_whole_line(tmp_path_factory, data, name, fmt):
    """Data is no template, no line of its own, and no terminal's master."""
    path = tmp_path_factory.mktemp("crash") / "x.crash"
    path.write_bytes(data)
    crash = read_crash(path)
    line = death(formatter(fmt), START, end(name=name), UNKNOWN, Known(START, crash))
    shown = line.decode()

    assert line.endswith(b"\n")
    assert not set(shown) & set("\x00\x1b\x7f\x85\u2028\u202e\r")
    lines = shown.splitlines()
    assert 1 == len(lines) or (fmt == "text" and all(x.startswith("    ") for x in lines[1:]))


def test_a_long_traceback_is_cut(tmp_path):
    """So that the line fits into any staging area."""
    path = tmp_path / "long.crash"
    path.write_bytes(b'"\n' * MAX_TRACE_BYTES)
    crash = read_crash(path)

    assert crash.text.endswith("…")
    line = death(formatter("json"), START, end(), UNKNOWN, Known(START, crash))
    assert len(line) < 64 << 10


def test_only_a_regular_file_is_read(tmp_path):
    """No link, no pipe, no directory, nothing empty."""
    target = tmp_path / "target"
    target.write_text("Fatal Python error: Aborted")
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()

    for name in ("link", "pipe", "folder", "empty", "absent"):
        assert read_crash(tmp_path / name) is None
    assert read_crash(target).text == "Fatal Python error: Aborted"


def test_a_file_that_cannot_be_read_says_nothing():
    """As of a memory that is not there: the kernel answers EIO."""
    assert read_crash(Path("/proc/self/mem")) is None


def test_a_directory_that_is_gone_holds_no_crashes(place):
    """Somebody has removed the service's files."""
    sweeper = Deaths(place.job)
    place.job.directory = place.directory / "gone"
    sweeper.sweep()
    sweeper.close()
    place.job.directory = place.directory


def test_crashes_of_sessions_that_are_told_are_taken_away(place):
    """Those of others, and of services of other names, stay."""
    here = place.producer().session
    for name in (here, "told-1-1"):
        crash_path(place.job, name).write_text("x")
    other = place.directory / "other.0.told-1-1.crash"
    other.write_text("x")
    sweeper = Deaths(place.job)
    sweeper.sweep()
    sweeper.close()

    assert crash_path(place.job, here).exists()
    assert not crash_path(place.job, "told-1-1").exists()
    assert other.exists()

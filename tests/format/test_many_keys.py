"""Keys that all become the same one: what somebody else has chosen costs no more than its size."""

from __future__ import annotations

import sys

import pytest

from mplog import _native
from mplog.config.limits import REDACTED
from mplog.event.event import Event, Stamped
from mplog.event.sanitise import Sanitiser
from mplog.format.logfmt import LogfmtFormat
from mplog.format.redacted import redacted
from mplog.format.syslog import SyslogFormat

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")


def controls(count):
    """Keys that formats show as `___`."""
    return {chr(1 + n % 25) + chr(1 + n // 25 % 25) + chr(1 + n // 625): n for n in range(count)}


def secrets(count):
    """Keys that are shown as `token=[redacted]`."""
    return {f"token={n}": n for n in range(count)}


def long(count):
    """Keys that are cut to the same 256 characters."""
    return {"é" * 256 + str(n): n for n in range(count)}


def lines_run(call, *args):
    """How many lines of Python a call runs."""
    count = 0

    def trace(frame, what, value):
        nonlocal count
        count += what == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call(*args)
    finally:
        sys.settrace(before)
    return count


WAYS = {
    "logfmt": lambda count: LogfmtFormat().line(Event("l", "m", controls(count)), STAMPED),
    "syslog": lambda count: SyslogFormat().message(Event("l", "m", controls(count)), STAMPED),
    "redaction": lambda count: redacted(Event("l", "m", secrets(count)), STAMPED),
    "a value's walk": lambda count: Sanitiser(1 << 20).mapping(long(count), 1),
}


@pytest.mark.parametrize("way", WAYS)
def test_twice_as_many_keys_that_become_one_cost_twice_as_much(way):
    """Each of them is numbered from the last one on, not from the first."""
    _native.set_redaction(REDACTED)
    few, many = lines_run(WAYS[way], 400), lines_run(WAYS[way], 800)

    assert many < 3 * few

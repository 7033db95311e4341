"""What of a syslog sink can be judged without connecting."""

from __future__ import annotations

import pytest

from mplog.config import syslog
from mplog.config.sink import parse_sinks
from mplog.config.syslog import Address, parse_target, required
from mplog.config.wrong import WrongValue
from mplog.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/dev/log", Address("unix", "/dev/log")),
        ("unix:/dev/log", Address("unix", "/dev/log")),
        ("unix:///dev/log", Address("unix", "/dev/log")),
        ("unix-dgram:/run/x", Address("unix-dgram", "/run/x")),
        ("unix-stream:/run/x", Address("unix-stream", "/run/x")),
        ("udp://h", Address("udp", "h", 514)),
        ("tcp://logs.example", Address("tcp", "logs.example", 601)),
        ("tls://logs.example", Address("tls", "logs.example", 6514)),
        ("tcp://127.0.0.1:5140", Address("tcp", "127.0.0.1", 5140)),
        ("tcp://[::1]:5140/", Address("tcp", "::1", 5140)),
        ("udp://[fe80::1%eth0]", Address("udp", "fe80::1%eth0", 514)),
    ],
)
def test_an_address_is_understood(text, expected):
    """Kind, host or path, and the port that is usual for it."""
    assert expected == parse_target(text)
    assert text == syslog.target(text)


@pytest.mark.parametrize(
    "value",
    [
        "", "dev/log", "unix:", "unix:dev/log", "unix:/" + "x" * 107, "unix:/a\0b", "http://h",
        "tcp://", "tcp://h:0", "tcp://h:65536", "tcp://h:x", "tcp://h:1:2", "tcp://::1",
        "tcp://a b", "tcp://user@h:1/path", None, 514, ["tcp://h"],
    ],
)  # fmt: skip
def test_what_is_no_address_is_told(value):
    """The value, and what would be right."""
    with pytest.raises(WrongValue, match=r"; give .*unix:/"):
        parse_target(value)


@pytest.mark.parametrize(
    ("check", "wrong", "says"),
    [
        (syslog.facility, "locals0", "did you mean local0"),
        (syslog.facility, "?", "give one of kern, user"),
        (syslog.facility, 3, "give one of"),
        (syslog.sd_id, "mplog", "enterprise number"),
        (syslog.sd_id, "a]@1", "enterprise number"),
        (syslog.framing, "crlf", "octets"),
        (syslog.path, "ca.pem", "absolute path"),
        (syslog.path, None, "absolute path"),
        (syslog.max_bytes, 479, "480"),
        (syslog.timeout_s, 0, "more than 0"),
    ],
)
def test_other_wrong_values_are_told(check, wrong, says):
    """With what would be right; and with the place, where nobody else adds it."""
    with pytest.raises(WrongValue, match=says):
        check(wrong)
    with pytest.raises(UsageError, match=rf"^here: .*{says}"):
        required(check, wrong, "here")


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (syslog.facility, "local7"),
        (syslog.sd_id, "a@1.2"),
        (syslog.framing, "lf"),
        (syslog.path, "/a"),
    ],
)
def test_right_values_are_taken(check, value):
    """As they are."""
    assert value == check(value)


@pytest.mark.parametrize(
    "wrong",
    [{"target": "nowhere"}, {"facility": "locals0"}, {"sd_id": "x"}, {"framing": "crlf"}],
)
def test_a_wrong_setting_of_a_sink_is_told_before_a_writer_starts(wrong):
    """With its place among the sinks."""
    with pytest.raises(WrongValue, match=rf"^sinks\[0\]\.{next(iter(wrong))}: "):
        parse_sinks([{"type": "syslog", **wrong}])

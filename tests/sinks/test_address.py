"""Where a far side is, as people write it."""

from __future__ import annotations

import pytest

from mplog.errors import UsageError
from mplog.sinks.address import Address, parse


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
    assert expected == parse(text, "syslog target")


@pytest.mark.parametrize(
    "text",
    [
        "", "dev/log", "unix:", "unix:dev/log", "unix:/" + "x" * 107, "unix:/a\0b", "http://h",
        "tcp://", "tcp://h:0", "tcp://h:65536", "tcp://h:x", "tcp://h:1:2", "tcp://::1",
        "tcp://a b", "tcp://user@h:1/path",
    ],
)  # fmt: skip
def test_what_is_no_address_is_told(text):
    """The place, the value, and what would be right."""
    with pytest.raises(UsageError, match=r"^syslog target: .*; use "):
        parse(text, "syslog target")

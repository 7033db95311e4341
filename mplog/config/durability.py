"""When events are on the disk, not just in the file: `fsync`, `durable_…`, and their parsers."""

from __future__ import annotations

from mplog.config import durations, values
from mplog.config.key import Key
from mplog.config.wrong import WrongValue, plain

FSYNC = ("none", "interval", "batch")
MIN_INTERVAL_S = 0.01  # below it an interval is what `batch` is


def parse_fsync(value: object) -> str:
    """When the file is brought onto the disk, as its word; what stands for no is `none`."""
    given = plain(value)
    if given is None or given is False or given == "off":
        return "none"
    return values.choice(value, FSYNC)


def parse_interval(value: object) -> float:
    """How often, in seconds."""
    seconds = durations.parse(value)
    if seconds < MIN_INTERVAL_S:
        right = 'give "10 ms" or more; fsync="batch" brings every batch onto the disk'
        raise WrongValue(value, "is too short an interval", right)
    return seconds


def parse_durable_level(value: object) -> int | None:
    """The level from which on calls are durable; None for no call."""
    given = plain(value)
    if given is None or (isinstance(given, str) and given[:65].strip().lower() in ("", "off")):
        return None
    try:
        return values.parse_level(value)
    except WrongValue as wrong:
        wrong.right += ', or "off" for no call'
        raise


def durable_level_text(level: int | None) -> str:
    """A durable level as it may be written."""
    return "off" if level is None else values.level_text(level)


def parse_durable_timeout(value: object) -> float:
    """How long a durable call waits at most, in seconds."""
    return durations.parse(value)


KEYS = (
    Key(
        "fsync",
        "fsync",
        "service",
        parse_fsync,
        str,
        "`none`, `interval` or `batch`",
        "When the log is brought onto the disk, so that it outlives a power cut: when the system "
        "does so, every `fsync_interval`, or with every batch. "
        "[What each costs](../howto/durability.md).",
    ),
    Key(
        "fsync_interval",
        "fsync_interval_s",
        "service",
        parse_interval,
        durations.text,
        'a duration from `"10 ms"` on',
        "How often `fsync=interval` does it.",
    ),
    Key(
        "durable_level",
        "durable_level",
        "process",
        parse_durable_level,
        durable_level_text,
        'a level; `"off"` or `None` for none',
        "From this level up a log call returns when its event is on the disk (True); False when it "
        "was dropped, or is not there after `durable_timeout`. It holds with every `fsync`.",
    ),
    Key(
        "durable_timeout",
        "durable_timeout_s",
        "process",
        parse_durable_timeout,
        durations.text,
        "a duration",
        "How long such a call waits for the disk at most. After one that has waited in vain the "
        "next ones return False at once, until that one's event is on the disk.",
    ),
)

"""Settings as a service keeps them for its writer."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.config import Moment, Retention, Rotation, Settings, from_bytes, to_bytes
from mplog.errors import ConfigError

FULL = Settings(
    level=10,
    when_full="drop_newest",
    block_timeout_s=0.5,
    file="/var/log/ж.jsonl",
    format="text",
    file_level=30,
    levels=(("app.db", 40), ("ж", 5)),
    rotation=Rotation(
        1, 2.5, (Moment("week", 3, 60, "UTC"), Moment("year", zone="Europe/Berlin")), ("a.b:c.d",)
    ),
    retention=Retention(1, 2.5, 3, 4),
    compression="gzip",
    mode=0o640,
    max_event_bytes=1024,
    fsync="interval",
    fsync_interval_s=0.25,
    durable_level=40,
    durable_timeout_s=2.0,
    service="web",
    dir="/dev/shm/web",
)


@pytest.mark.parametrize("stored", [Settings(), FULL], ids=["default", "full"])
def test_settings_come_back(stored):
    """What was written is read as the same."""
    assert stored == from_bytes(to_bytes(stored))


def test_stored_by_key():
    """The stored names are the keys, not the attributes."""
    assert '"block_timeout":0.5' in to_bytes(FULL).decode()


@pytest.mark.parametrize(
    "change",
    [
        {"level": 256},
        {"level": "INFO"},
        {"level": True},
        {"when_full": "wait"},
        {"overflow": (4 << 30) + 1},
        {"overflow_dir": "relative"},
        {"block_timeout": -1},
        {"fsync": "always"},
        {"fsync_interval": 0},
        {"durable_level": "off"},
        {"durable_timeout": -1},
        {"file_level": 256},
        {"levels": [["", 20]]},
        {"levels": [["app", "INFO"]]},
        {"levels": [["app", 20]] * 257},
        {"file": "app.jsonl"},
        {"rotation": None},
        {"rotation": {"size_bytes": 0}},
        {"rotation": {"size_bytes": 2**62 + 1}},
        {"rotation": {"every_s": 0.5}},
        {"rotation": {"moments": [{"unit": "second"}]}},
        {"rotation": {"moments": [{"unit": "day", "second": 86_400}]}},
        {"rotation": {"moments": [{"unit": "week", "weekday": 7}]}},
        {"rotation": {"ask": ["os.system"]}},
        {"rotation": {"ask": ["a:b\n"]}},
        {"rotation": {"days": 1}},
        {"retention": {"count": -1}},
        {"retention": {"age_s": -1}},
        {"retention": {"keep_free_bytes": -1}},
        {"compression": "bzip2"},
        {"mode": 0o400},
        {"mode": 0o1600},
        {"max_event_bytes": 1},
        {"service": ".web"},
        {"service": "web\n"},
        {"dir": "here"},
        {"files": [{"format": "text"}]},
        {"files": [{"file": "/var/log/b.jsonl"}] * 2},
        {"files": [{"file": FULL.file}]},
        {"colour": "red"},
    ],
    ids=str,
)
def test_stored_values_are_checked_again(change):
    """A value that no load would give is refused with its place."""
    stored = msgspec.json.encode(msgspec.to_builtins(FULL) | change)
    with pytest.raises(ConfigError, match=r"^stored settings of the service: cannot be read"):
        from_bytes(stored)


@given(st.one_of(st.binary(), st.sampled_from([b"[" * 100_000, b'{"file":"\xff"}', b"null"])))
@settings(max_examples=100)
def test_garbage_is_a_config_error(data):
    """No bytes raise anything but ConfigError."""
    with pytest.raises(ConfigError):
        from_bytes(data)

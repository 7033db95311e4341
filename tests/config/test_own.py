"""What a process that only logs sees of its service's settings."""

import msgspec
import pytest

from mplog.config import KEYS, Own, Settings, from_bytes, own_from_bytes, to_bytes
from mplog.errors import ConfigError

FIELDS = {one.name: one for one in msgspec.structs.fields(Own) if one.name != "raw"}


def test_each_field_is_that_of_the_settings():
    """Name in the stored form, type with its bounds, and default."""
    settings = {one.name: one for one in msgspec.structs.fields(Settings)}
    for name, own in FIELDS.items():
        full = settings[name]
        assert own.encode_name == full.encode_name
        assert msgspec.inspect.type_info(own.type) == msgspec.inspect.type_info(full.type)
        assert own.default == full.default


def test_every_setting_of_the_process_is_seen():
    """One that is missing here would be lost in each worker."""
    of_process = {key.attribute for key in KEYS.values() if key.scope == "process"}
    assert of_process <= set(FIELDS)


def test_the_settings_are_seen_as_they_are_stored():
    """And can be given back whole."""
    stored = to_bytes(Settings(file="/logs/app.jsonl", level=40, redact=("iban",), mode=0o640))
    own = own_from_bytes(stored)
    assert (own.file, own.level, own.redact) == ("/logs/app.jsonl", 40, ("iban",))
    assert from_bytes(own.stored()).mode == 0o640


@pytest.mark.parametrize(
    "bad", [b"", b"[]", b'{"level": 256}', b'{"file": "app.jsonl"}', b'{"overflow": -1}', b"\xff"]
)
def test_what_was_not_stored_by_us_is_refused(bad):
    """It lies in shared memory: nothing out of bounds gets to the core."""
    with pytest.raises(ConfigError, match="stored settings"):
        own_from_bytes(bad)

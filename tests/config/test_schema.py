"""The Struct, the table beside it, and the page made from them."""

from pathlib import Path

import msgspec
import pytest

from mplog.config import KEYS, SERVICE_KEYS, Settings
from mplog.config.reference import markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def test_table_and_struct_agree():
    """Each field of the Struct has its row, by name and attribute."""
    fields = [(field.encode_name, field.name) for field in msgspec.structs.fields(Settings)]
    assert sorted(fields) == sorted((key.name, key.attribute) for key in KEYS.values())


def test_defaults_pass_their_parsers():
    """Each default is a value that its own parser takes."""
    for key in KEYS.values():
        default = getattr(Settings(), key.attribute)
        assert default == key.parse(default)


def test_the_option_of_the_log_file_is_log():
    """`mplog run --log F` is what people type, so a wrong F is told as that."""
    assert (KEYS["file"].flag, KEYS["block_timeout"].flag) == ("--log", "--block-timeout")


def test_service_keys():
    """What a log call looks at belongs to the process, the rest to the service."""
    assert KEYS.keys() - SERVICE_KEYS == {
        "level",
        "when_full",
        "block_timeout",
        "redact",
        "durable_level",
        "durable_timeout",
        "uncaught",
        "faulthandler",
        "on_internal_error",
        "context_bytes",
        "enrich",
    }


def test_settings_are_frozen():
    """Settings do not change after the load."""
    with pytest.raises(AttributeError):
        Settings().level = 10


def test_page_is_current():
    """docs/reference/configuration.md is what the schema makes."""
    assert PAGE.read_text() == markdown(), "run: python -m mplog.config.reference > (the page)"

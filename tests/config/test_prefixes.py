"""`levels`: logger prefixes with their levels, as a map or as one text."""

from __future__ import annotations

import pytest

from mplog._native import Reader, bell_create
from mplog.config.load import load
from mplog.config.prefixes import MAX_PREFIX_BYTES, MAX_RULES
from mplog.config.schema import KEYS
from mplog.config.wrong import WrongValue

LONG = "x" * MAX_PREFIX_BYTES
LARGEST = {f"m{number}": number for number in range(MAX_RULES)}


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ({"app.db": "WARNING"}, (("app.db", 30),)),
        ({"b": 5, "a": "error"}, (("a", 40), ("b", 5))),
        ("app.db=WARNING,app.http=ERROR", (("app.db", 30), ("app.http", 40))),
        (" app.db = WARNING , app = 35 ", (("app", 35), ("app.db", 30))),
        ({"app": {"db": "INFO", "db.pool": 10}}, (("app.db", 20), ("app.db.pool", 10))),
        ("off", ()),
        ("", ()),
        (None, ()),
        ({}, ()),
        ({LONG: 0}, ((LONG, 0),)),
    ],
)
def test_rules_are_taken(value, parsed):
    """Sorted by prefix; and what is parsed is parsed again from its text."""
    key = KEYS["levels"]
    assert parsed == key.parse(value)
    assert parsed == key.parse(key.text(parsed)) == key.parse(parsed)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("app.db", '"app.db" is not a prefix with a level; give logger prefixes'),
        ("=INFO", '"" is not a logger prefix; '),
        ("app=LOUD", '"LOUD" is not a level; '),
        ({"app": 256}, "256 is outside the levels; "),
        ({".app": 20}, '".app" is not a logger prefix; '),
        ({"app.": 20}, '"app." is not a logger prefix; '),
        ({"a b": 20}, '"a b" is not a logger prefix; '),
        ({"a,b": 20}, '"a,b" is not a logger prefix; '),
        ({"a\n": 20}, '"a\\n" is not a logger prefix; '),
        ({LONG + "x": 20}, " is not a logger prefix; "),
        ({"ж" * 128: 20}, " is not a logger prefix; "),
        ({1: 20}, "1 is not a logger prefix; "),
        ("a=1,a=2", '"a" is given twice; '),
        ({"a": {"b": 1}, "a.b": 1}, '"a.b" is given twice; '),
        ({"a": 1} | LARGEST, "holds too many prefixes; "),
        ([("a", 1)], "is not a map of levels; "),
        (3, "3 is not a map of levels; "),
    ],
)
def test_other_values_are_told(value, told):
    """With what would be right."""
    with pytest.raises(WrongValue) as wrong:
        KEYS["levels"].parse(value)
    assert told in str(wrong.value)


def test_it_stands_in_toml_as_a_table(tmp_path):
    """Also with names that TOML takes for tables in tables."""
    path = tmp_path / "app.toml"
    path.write_text('file_level = "INFO"\n[levels]\napp.db = "WARNING"\n"lib" = 35\n')
    settings = load(toml=path).settings

    assert (20, (("app.db", 30), ("lib", 35))) == (settings.file_level, settings.levels)


def test_it_stands_in_the_environment_as_one_text():
    """`MPLOG_LEVELS`."""
    settings = load(environ={"MPLOG_LEVELS": "app.db=WARNING", "MPLOG_FILE_LEVEL": "info"}).settings

    assert (20, (("app.db", 30),)) == (settings.file_level, settings.levels)


def test_the_core_takes_whatever_is_taken_here(shm):
    """As many prefixes, and as long."""
    bell_create(str(shm), "shop", b"{}")
    reader = Reader(str(shm), "shop")
    for value in (LARGEST, {LONG: 255}, {"ж" * 127: 1}):
        reader.set_filter(0, list(KEYS["levels"].parse(value)))

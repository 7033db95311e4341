""".env.example lists every setting with its default, and is made from the schema."""

from __future__ import annotations

import re
from pathlib import Path

from mplog.config.example import dotenv
from mplog.config.load import load
from mplog.config.schema import KEYS

FILE = Path(__file__).parents[2] / ".env.example"
VARIABLE = re.compile(r"^# (MPLOG_\w+)=(.*)$", re.M)


def test_the_file_is_made_from_the_schema():
    """It is what the schema makes."""
    assert FILE.read_text() == dotenv(), "run: make reference"


def test_every_setting_that_has_a_variable_stands_there():
    """Once, commented out: as it is, the file sets nothing."""
    named = [name for name, _ in VARIABLE.findall(FILE.read_text())]

    assert named == [key.environment for key in KEYS.values() if key.environment]
    assert all(line.startswith("#") or not line for line in FILE.read_text().splitlines())


def test_with_the_comments_taken_away_all_is_as_before():
    """Each value is right, and is the default."""
    given = dict(VARIABLE.findall(FILE.read_text()))

    assert len(given) == len([key for key in KEYS.values() if key.environment])
    assert load().settings == load(environ=given).settings


def test_a_comment_has_no_link():
    """It is read where no link leads anywhere."""
    assert "](" not in FILE.read_text()

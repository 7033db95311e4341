"""The tests notice bugs: each seeded one comes into play, and its test fails with it alone."""

from __future__ import annotations

import re
from pathlib import Path

import bugs
import prove_bugs
import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEDED = re.compile(r"SEEDED(?:_ONCE)?\((\w+)\)")
# Of the C programs, those that are over in a moment.
QUICK = [
    "one_in_a_thousand_dropped",
    "back_from_overflow_early",
    "drop_last_not_raised",
    "settled_before_the_bytes",
    "short_write_believed",
    "session_closed_twice",
    "stale_generation_after_fork",
    "staging_crc_unchecked",
]


@pytest.mark.process
@pytest.mark.parametrize("name", QUICK)
def test_a_seeded_bug_is_caught(name):
    """Its test passes without it, fails with it, and the bug has been in play."""
    bug = next(bug for bug in bugs.BUGS if bug.name == name)

    assert "" == prove_bugs.prove(bug).wrong


def test_a_bug_that_nobody_notices_is_told():
    """One that comes into play without harm to its test, and one that never does."""
    harmless = bugs.BUGS[0]._replace(name="mark_not_rewritten", test="the_bell_wakes_the_writer")
    absent = bugs.BUGS[0]._replace(name="short_write_believed", test="layout_offsets")

    assert "does not notice" in prove_bugs.prove(harmless).wrong
    assert "never came into play" in prove_bugs.prove(absent).wrong


def test_the_page_is_that_of_the_table():
    """`make bugs` writes it."""
    written = (ROOT / "docs" / "reference" / "seeded-bugs.md").read_text(encoding="utf-8")

    assert bugs.page() == written


def test_the_table_names_every_seeded_bug_once():
    """What stands in the code stands in the table, and the other way round."""
    core = [path.read_text(encoding="utf-8") for path in (ROOT / "native" / "core").rglob("*.c")]
    placed = [name for text in core for name in SEEDED.findall(text)]
    listed = [bug.name for bug in bugs.BUGS if not bug.in_python]

    assert sorted(placed) == sorted(listed)
    assert len(bugs.BUGS) == len({bug.name for bug in bugs.BUGS}) >= 15


def test_no_build_for_users_has_a_seeded_bug():
    """The library has no word of them, as it has no kill points."""
    from mplog import _native

    library = Path(_native.__file__).read_bytes()

    assert b"SEEDED_BUG" not in library
    assert b"MPLOG_FAULT" not in library

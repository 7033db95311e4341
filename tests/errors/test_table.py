"""One table of codes and results for C, Python and the page about errors."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest

from mplog import _native, errors
from mplog.errors.reference import markdown
from mplog.errors.results import from_result, of_code
from mplog.errors.table import RESULTS, TABLE

ROOT = Path(__file__).parents[2]
ERRORS_DEF = ROOT / "native" / "include" / "errors.def"
PAGE = ROOT / "docs" / "reference" / "errors.md"
_CODE = re.compile(r"MPL-[A-Z]\d{3}")


def test_codes_are_unique():
    """No code stands for two things."""
    codes = [row.code for row in TABLE]
    assert len(codes) == len(set(codes))


def test_the_table_is_that_of_the_core():
    """The extension holds what errors.def says: it was built from this tree."""
    text = ERRORS_DEF.read_text()
    assert re.findall(r'^CODE\("(.*?)", "(\w+)", "(\w+)"', text, re.M) == [
        (row.code, row.error, row.kind) for row in TABLE
    ]
    assert re.findall(r'^ERROR\((\w+), *(-\d+), "(.*?)", "(.*)"\)$', text, re.M) == [
        (one.name, str(one.number), one.code, one.text) for one in RESULTS.values()
    ]


@pytest.mark.parametrize("one", RESULTS.values(), ids=lambda one: one.name)
def test_a_result_of_the_core_has_the_text_of_the_table(one):
    """And what is none has the system's."""
    assert one.text == _native.strerror(one.number)
    assert os.strerror(errno.ENOENT) == _native.strerror(-errno.ENOENT)


def test_the_page_is_made_from_the_table():
    """docs/reference/errors.md is what the table makes."""
    assert PAGE.read_text() == markdown(), "run: make reference"


def test_every_code_that_the_package_names_is_in_the_table():
    """No text of mplog's leads to a code that nobody can look up."""
    codes = {row.code for row in TABLE}
    for path in (ROOT / "mplog").rglob("*.py"):
        assert set() == set(_CODE.findall(path.read_text())) - codes, path


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.code)
def test_every_row_says_why_and_what_to_do(row):
    """Cause and hint are sentences, and the class is of that kind."""
    assert row.cause
    assert row.hint.endswith((".", "?"))
    assert row.kind == getattr(errors, row.error).kind


@pytest.mark.parametrize("row", [row for row in TABLE if row.error != "FileOwnedError"])
def test_every_code_becomes_its_error(row):
    """Of its class, with its hint; FileOwnedError alone is made by its own arguments."""
    error = of_code(row.code, "it broke", at=1)
    assert (row.error, row.code, row.hint) == (type(error).__name__, error.code, error.hint)
    assert {"at": 1} == error.context


def test_a_code_of_another_version_is_ours_to_explain():
    """A newer writer may tell a code that this process has never heard of."""
    assert "MPL-I001" == of_code("MPL-Z999", "news").code


@pytest.mark.parametrize("result", RESULTS)
def test_every_result_becomes_an_error(result):
    """Each result of the core has a class, a code of the table, and its name in the context."""
    error = from_result(result, "claiming a lane", lane=3)
    row = RESULTS[result]
    assert (error.code, error.text) == (row.code, f"claiming a lane: {row.text}")
    assert error.context == {"lane": 3, "result": row.name}


@pytest.mark.parametrize(
    ("result", "code", "text"),
    [
        (-errno.ENOSPC, "MPL-S003", "x: No space left on device"),
        (-errno.EACCES, "MPL-S001", "x: Permission denied"),
        (-5000, "MPL-I001", "x: unknown result -5000 of the C core"),
        (1, "MPL-I001", "x: unknown result 1 of the C core"),
    ],
)
def test_errno_results(result, code, text):
    """-errno is told in the system's words; a number nobody knows is ours to explain."""
    error = from_result(result, "x")
    assert (code, text) == (error.code, error.text)


def test_errno_of_an_io_result_is_told():
    """errno= stands in the text of MPL_E_IO."""
    error = from_result(-1006, "reading", errno=errno.EIO)
    assert error.text == "reading: a system call failed (Input/output error)"

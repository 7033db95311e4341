"""The page of faults says what the table says, and the table what the tests say."""

from __future__ import annotations

import ast
import re

import pytest
from fault_rows import FAULTS, PAGE, ROOT, page


def docstrings(path):
    """Of the tests in a file, by name; of a C program, ""."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.startswith("native/"):
        return {"": ""}
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    return {f.name: ast.get_docstring(f) or "" for f in functions if f.name.startswith("test_")}


def rows_of(text):
    """The rows that a docstring begins with, as `F1, F3: …`."""
    first = text.partition(":")[0]
    return {row for row in first.split(", ") if re.fullmatch(r"[PRWFNC]\d+", row)}


def test_the_page_is_made_of_the_table():
    """`python tests/process/fault_rows.py` writes it."""
    assert page() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.row}: {fault.what}")
def test_every_row_is_shown_by_a_test(fault):
    """It exists, and where it says which row it shows, it is this one."""
    assert fault.tests
    for path, name in fault.tests:
        found = docstrings(path)
        assert name in found
        assert not (said := rows_of(found[name])) or fault.row in said


def test_no_test_of_a_row_is_left_out():
    """Each test of tests/process that says which row it shows stands in the table."""
    told = {(fault.row, path, name) for fault in FAULTS for path, name in fault.tests}
    for path in (ROOT / "tests" / "process").glob("test_*.py"):
        where = str(path.relative_to(ROOT))
        for name, text in docstrings(where).items():
            assert {(row, where, name) for row in rows_of(text)} <= told, f"{where}::{name}"


def test_the_rows_of_the_matrix_are_there():
    """F1 to F11, but for F6 (power loss), and F14; all of P, R and W."""
    there = {fault.row for fault in FAULTS}

    assert {f"F{n}" for n in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 14)} <= there
    assert {f"R{n}" for n in range(1, 10)} <= there
    assert {f"P{n}" for n in range(1, 12)} <= there
    assert {f"W{n}" for n in range(1, 9)} <= there
    assert {f"N{n}" for n in (1, 2, 3, 4, 5, 6, 9, 10)} <= there
    assert {"C1", "C2", "C5"} <= there

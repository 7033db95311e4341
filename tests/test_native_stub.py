"""The stub of the extension says what the extension has, no more and no less."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mplog._native as native

STUB = ast.parse((Path(__file__).parents[1] / "mplog" / "_native.pyi").read_text("utf-8"))


def declared(body: list[ast.stmt]) -> set[str]:
    """Public names that the stub declares there; its aliases of types are nobody's business."""
    names = {n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    names |= {n.target.id for n in body if isinstance(n, ast.AnnAssign)}
    return {name for name in names if not name.startswith("_")}


def present(thing: object) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("_")}


def test_module_and_stub_name_the_same():
    """Functions, constants and types."""
    assert declared(STUB.body) == present(native)


@pytest.mark.parametrize("name", ["Producer", "Reader", "Journal"])
def test_type_and_stub_name_the_same(name):
    """Methods and properties of each type."""
    (stub,) = (n for n in STUB.body if isinstance(n, ast.ClassDef) and n.name == name)
    assert declared(stub.body) == present(getattr(native, name))

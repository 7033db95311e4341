"""The house stands as drawn: who may import whom.

A module imports from the rows below its own on its own side, and from the shared ground. An import
inside a function, or one for type checkers only, is an import like any other.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "mplog"
FACE = PACKAGE / "__init__.py"

# Rows from the lowest up; the names on one row are strangers to each other.
GROUND = [{"_native"}, {"errors"}, {"event"}, {"config"}, {"ring"}, {"metrics"}]
APPLICATION = [{"launch"}, {"producer"}, {"service"}]
WRITER = [{"format"}, {"sinks", "files"}, {"resilience"}, {"writer"}]
ABOVE_ALL = {"cli", "integrations", "testing", "admin", "__main__"}


def allowed_imports() -> dict[str, set[str]]:
    """For each place in the house, the places that it may import."""
    allowed: dict[str, set[str]] = {}
    ground = set().union(*GROUND)
    for rows, below in ((GROUND, set()), (APPLICATION, ground), (WRITER, ground)):
        reachable = set(below)
        for row in rows:
            allowed |= {name: set(reachable) for name in row}
            reachable |= row
    everything = set(allowed) | ABOVE_ALL
    return allowed | {name: set(everything) for name in ABOVE_ALL}


ALLOWED = allowed_imports()
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != FACE)
relative = pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))


def place_of(path: Path) -> str:
    """The folder or module directly under mplog that *path* belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def absolute_targets(node: ast.AST, path: Path) -> list[list[str]]:
    """The dotted names that one import statement of *path* reaches for, from the root down."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".") for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    stem = node.module.split(".") if node.module else []
    if node.level:
        folders = path.relative_to(ROOT).parent.parts
        stem = [*folders[: len(folders) + 1 - node.level], *stem]
    return [[*stem, alias.name] for alias in node.names]


def places_imported(source: str, path: Path) -> set[str]:
    """The places under mplog that *source*, standing at *path*, imports; "" is the root package."""
    found = set()
    for node in ast.walk(ast.parse(source, str(path))):
        for first, *rest in absolute_targets(node, path):
            if first == "mplog":
                found.add(rest[0] if rest and rest[0] in ALLOWED else "")
    return found


def imports_of(path: Path) -> set[str]:
    """The places under mplog that the file at *path* imports."""
    return places_imported(path.read_text(encoding="utf-8"), path)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import mplog.ring.lane", {"ring"}),
        ("import mplog", {""}),
        ("from mplog import get_logger", {""}),
        ("from mplog import _native", {"_native"}),
        ("from . import order", {"writer"}),
        ("from ..format import text", {"format"}),
        ("from .. import service", {"service"}),
        ("def late():\n    from ..producer.logger import Logger", {"producer"}),
        ("import os, json as mplog", set()),
    ],
)
def test_every_form_of_import_is_seen(source: str, expected: set[str]) -> None:
    """Absolute, relative and late imports all count; other packages do not."""
    assert expected == places_imported(source, PACKAGE / "writer" / "loop.py")


def test_the_two_sides_are_strangers() -> None:
    """The table that the other tests use says what the drawing says."""
    application = set().union(*APPLICATION)
    writer = set().union(*WRITER)

    assert all(not ALLOWED[name] & writer for name in application)
    assert all(not ALLOWED[name] & application for name in writer)
    assert "files" not in ALLOWED["sinks"]
    assert {"errors", "event"} == ALLOWED["config"] - {"_native"}


def test_every_module_has_a_place() -> None:
    """A new folder must choose its row before it can be merged."""
    assert MODULES
    assert set() == {place_of(path) for path in MODULES} - ALLOWED.keys()


@relative
def test_imports_point_downwards(path: Path) -> None:
    """No module imports the root package, a neighbour on its row, the other side or a row above."""
    here = place_of(path)
    upwards = imports_of(path) - ALLOWED[here] - {here}

    assert set() == upwards - ({""} if here in ABOVE_ALL else set())


def test_the_public_face_is_imports_and_a_list() -> None:
    """mplog/__init__.py computes nothing: a docstring, imports (some late), and `__all__`."""
    _docstring, *statements = ast.parse(FACE.read_text(encoding="utf-8")).body
    late, names = (one for one in statements if not isinstance(one, ast.ImportFrom))

    assert isinstance(late, ast.If)
    assert "TYPE_CHECKING" == ast.unparse(late.test)
    assert all(isinstance(one, ast.ImportFrom) for one in late.body)
    assert ["__getattr__"] == [getattr(one, "name", None) for one in late.orelse]
    assert isinstance(names, ast.Assign)
    assert "__all__" == ast.unparse(names.targets[0])


def test_the_public_names_are_those_imported_in_order() -> None:
    """`__all__` is sorted (constants, classes, functions) and names all that is imported."""
    tree = ast.parse(FACE.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module not in ("__future__", "typing")
        for alias in node.names
    }
    public = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign))

    def in_order(name: str) -> tuple[bool, bool, str]:
        return not name.isupper(), not name[0].isupper(), name

    assert sorted(imported, key=in_order) == public


def test_the_public_face_is_the_application_side() -> None:
    """What a program imports reaches neither the writer's side nor the tools."""
    assert imports_of(FACE) <= set().union(*APPLICATION, *GROUND)


def test_the_extension_shows_one_symbol() -> None:
    """Nothing of the core can clash with, or be called from, another library."""
    extension = PACKAGE / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    nm = shutil.which("nm")
    assert extension.exists(), "not built: make build"
    assert nm, "nm is part of binutils, which every compiler brings along"

    listed = subprocess.run(
        [nm, "-D", "--defined-only", str(extension)], capture_output=True, text=True, check=True
    )

    assert ["PyInit__native"] == [line.split()[-1] for line in listed.stdout.splitlines()]

"""Documents that name tests name tests that exist."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
NAMING = sorted(
    path for path in REFERENCE.glob("*.md") if re.search(r"`(?:native/)?tests/", path.read_text())
)
_NAMED = re.compile(r"`((?:tests|native)/[\w/.]+\.(?:py|c|pml))(?:::(\w+))?`")


def named(text: str) -> list[tuple[str, str]]:
    """Each test that a document names: its file, and its function where it is Python."""
    return _NAMED.findall(text)


def functions(path: Path) -> set[str]:
    """The functions of a Python file, on any level."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def absent(text: str) -> list[str]:
    """What a document names and that is not there."""
    wrong = []
    for name, function in named(text):
        path = ROOT / name
        if not path.is_file():
            wrong.append(f"{name} is not there")
        elif path.suffix == ".py" and name.startswith("tests/") and function not in functions(path):
            wrong.append(f"{name} has no {function or 'function named'}")
    return wrong


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.name)
def test_every_test_that_a_document_names_exists(path: Path) -> None:
    """File and function, by their names."""
    assert named(path.read_text(encoding="utf-8"))
    assert [] == absent(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("module", "page"),
    [
        ("mplog/config/reference.py", "docs/reference/configuration.md"),
        ("mplog/errors/reference.py", "docs/reference/errors.md"),
        ("mplog/cli/reference.py", "docs/reference/cli.md"),
        ("mplog/config/example.py", ".env.example"),
    ],
)
def test_a_module_that_makes_a_page_prints_it(
    module: str, page: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a program, and nothing else: its output is written over the page."""
    runpy.run_path(str(ROOT / module), run_name="__main__")

    assert (ROOT / page).read_text(encoding="utf-8") == capsys.readouterr().out


@pytest.mark.parametrize("name", ["guarantees.md", "processes.md", "seeded-bugs.md"])
def test_the_documents_of_proof_are_among_them(name: str) -> None:
    """They rest on tests, and say on which."""
    assert REFERENCE / name in NAMING


def test_every_guarantee_and_every_row_names_a_test() -> None:
    """A row without one says that it is not built."""
    for name in ("guarantees.md", "processes.md"):
        for line in (REFERENCE / name).read_text(encoding="utf-8").splitlines():
            if not line.startswith("| ") or line.startswith(
                ("| how", "| what", "|---", "| promise")
            ):
                continue
            assert named(line) or "not built" in line, line


def test_a_test_that_is_not_there_is_noticed() -> None:
    """By its file or by its function."""
    here = "tests/test_documents.py"

    assert [] == absent(f"`{here}::test_a_test_that_is_not_there_is_noticed`")
    assert ["tests/nothing.py is not there"] == absent("`tests/nothing.py::test_x`")
    assert [f"{here} has no test_y"] == absent(f"`{here}::test_y`")
    assert [f"{here} has no function named"] == absent(f"`{here}`")

"""The house rules that need no taste: sizes, names, no pickles, a C core that keeps to itself."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NATIVE = ROOT / "native"

MAX_PYTHON_LINES = 300
MAX_C_LINES = 500
MAX_FUNCTION_LINES = 40
VAGUE = {"utils", "util", "common", "helpers", "helper", "misc", "manager"}
# Modules that run what they read.
PICKLES = {"pickle", "_pickle", "cPickle", "cloudpickle", "marshal", "dill", "shelve"}


def files_under(folders: tuple[str, ...], suffixes: set[str]) -> list[Path]:
    """Sources of the project below *folders*, without what was built."""
    found = [path for name in folders for path in (ROOT / name).rglob("*")]
    return sorted(
        path
        for path in found
        if path.suffix in suffixes and "build" not in path.relative_to(ROOT).parts
    )


def named(path: Path) -> str:
    """The id of a test that is about one file."""
    return str(path.relative_to(ROOT))


PYTHON = files_under(("mplog", "tests", "benchmarks", "examples", ".ci"), {".py"})
C_SOURCES = files_under(("native",), {".c", ".h"})
CORE = [path for path in C_SOURCES if path.relative_to(NATIVE).parts[0] in {"core", "include"}]
SHIPPED = [path for path in PYTHON if path.relative_to(ROOT).parts[0] == "mplog"]
BUDGETED = [path for path in PYTHON if path.relative_to(ROOT).parts[0] != "tests"]


def read(path: Path) -> str:
    """The text of a source file."""
    return path.read_text(encoding="utf-8")


def line_count(path: Path) -> int:
    """How many lines a file has."""
    return len(read(path).splitlines())


def long_functions(source: str) -> list[str]:
    """Functions of *source* with more than the allowed lines; a docstring is not counted."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        lines = (node.end_lineno or 0) - node.lineno + 1
        first = node.body[0]
        if ast.get_docstring(node) is not None:
            lines -= (first.end_lineno or 0) - first.lineno + 1
        if lines > MAX_FUNCTION_LINES:
            found.append(f"{node.name}: {lines} lines")
    return found


def imported_roots(source: str) -> set[str]:
    """The top-level packages that *source* imports anywhere, also by name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def included(source: str) -> list[str]:
    """The headers that a C file includes, without brackets or quotes."""
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', source, re.MULTILINE)


def orderings(source: str) -> list[tuple[str, list[str]]]:
    """Each label that a comment of *source* defines, with the labels that it pairs with.

    A comment defines one when it says `ORD(publish:B) release; pairs with ORD(drain:A)`.
    """
    found = []
    for comment in re.findall(r"/\*.*?\*/|//[^\n]*", source, re.DOTALL):
        before, pairs, after = comment.partition("pairs with")
        if pairs:
            label = re.findall(r"ORD\(([^)]+)\)", before)
            found.append((label[-1] if label else "", re.findall(r"ORD\(([^)]+)\)", after)))
    return found


def unpaired(defined: list[tuple[str, list[str]]]) -> list[str]:
    """What is wrong with the labels of the core, taken together."""
    times = Counter(label for label, _ in defined)
    partners = dict(defined)
    wrong = [f"{label or 'no label'} is defined {n} times" for label, n in times.items() if n > 1]
    for label, named_ones in defined:
        if not label or not named_ones:
            wrong.append(f"{label or 'a comment without a label'} pairs with nothing")
        for other in named_ones:
            if other not in partners:
                wrong.append(f"{label} pairs with {other}, which is defined nowhere")
            elif label not in partners[other]:
                wrong.append(f"{label} pairs with {other}, which does not name it back")
    return wrong


def test_there_is_something_to_look_at() -> None:
    """The lists below are not empty, so that no rule passes for want of files."""
    assert SHIPPED
    assert CORE


@pytest.mark.parametrize("path", PYTHON, ids=named)
def test_python_files_stay_small(path: Path) -> None:
    """No Python file outgrows what a reader can hold."""
    assert MAX_PYTHON_LINES >= line_count(path)


@pytest.mark.parametrize("path", C_SOURCES, ids=named)
def test_c_files_stay_small(path: Path) -> None:
    """No C file outgrows what a reader can hold."""
    assert MAX_C_LINES >= line_count(path)


@pytest.mark.parametrize("path", BUDGETED, ids=named)
def test_functions_stay_small(path: Path) -> None:
    """No function is longer than a screen."""
    assert [] == long_functions(read(path))


def test_long_functions_are_found_and_docstrings_are_free() -> None:
    """The rule counts code, and counts it right."""
    body = "    x = 1\n" * MAX_FUNCTION_LINES
    docstring = '    """' + "Many words.\n" * 30 + '    """\n'

    assert ["f: 41 lines"] == long_functions(f"def f():\n{docstring}{body}")
    assert [] == long_functions(f"def f():\n{docstring}{body[:-10]}")


@pytest.mark.parametrize("path", [*PYTHON, *C_SOURCES], ids=named)
def test_names_say_something(path: Path) -> None:
    """No file or folder has a name under which anything could be put."""
    words = {
        word
        for part in path.relative_to(ROOT).parts
        for word in part.partition(".")[0].lower().split("_")
    }
    assert set() == words & VAGUE


@pytest.mark.parametrize("path", SHIPPED, ids=named)
def test_nothing_is_unpickled(path: Path) -> None:
    """No part of mplog can run what it reads."""
    assert set() == imported_roots(read(path)) & PICKLES


def test_a_late_or_named_import_of_pickle_is_found() -> None:
    """Neither a function nor importlib hides it."""
    assert "pickle" in imported_roots("def f():\n    from pickle import loads")
    assert "dill" in imported_roots("import importlib\nimportlib.import_module('dill')")


@pytest.mark.parametrize("path", CORE, ids=named)
def test_the_core_knows_no_python(path: Path) -> None:
    """The core compiles without CPython, so that it can be fuzzed and checked alone."""
    assert [] == [name for name in included(read(path)) if name.endswith("Python.h")]


@pytest.mark.parametrize("path", [p for p in C_SOURCES if p.parent.name != "tests"], ids=named)
def test_atomics_come_from_one_header(path: Path) -> None:
    """Only core/atomic.h reaches for the compiler's atomics; nobody uses volatile instead."""
    text = read(path)
    if path != NATIVE / "core" / "atomic.h":
        assert "stdatomic.h" not in included(text)
        assert "__atomic_" not in text
        assert "__sync_" not in text


def test_orderings_pair_up() -> None:
    """Each label in the core is defined once, and the partner that it names exists and names it."""
    defined = [one for path in CORE for one in orderings(read(path))]

    assert defined
    assert [] == unpaired(defined)


def test_a_lonely_ordering_is_found() -> None:
    """The rule sees a partner that is missing, one that does not answer, and a double label."""
    a = "/* ORD(a:A) release; pairs with ORD(b:B) */"
    b = "/* ORD(b:B) acquire; pairs with ORD(a:A) */"
    deaf = "/* ORD(b:B) acquire; pairs with ORD(c:C) */ /* ORD(c:C) fence; pairs with ORD(b:B) */"

    assert [] == unpaired(orderings(a + b))
    assert ["a:A pairs with b:B, which is defined nowhere"] == unpaired(orderings(a))
    assert ["a:A pairs with b:B, which does not name it back"] == unpaired(orderings(a + deaf))
    assert "a:A is defined 2 times" in unpaired(orderings(a + a + b))

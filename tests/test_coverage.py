"""What judges the measurement of coverage: a floor, and a reason for each place not passed."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".ci" / "coverage"
PAGE = ROOT / "docs" / "reference" / "coverage.md"
EXPLAINED = """
floor python lines 75
floor core branches 50
= Nobody does that
mplog/a.py A.run 1
"""


@pytest.fixture(scope="module")
def judge():
    """The script, as a module."""
    spec = spec_from_file_location("coverage_judge", FOLDER / "judge.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their annotations
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[spec.name]


def measured(judge, missing):
    """Figures of one Python file of four lines, of which *missing* were not passed."""
    summary = {"num_statements": 4, "covered_lines": 4 - len(missing)}
    summary |= {"num_branches": 2, "covered_branches": 1}
    function = {"missing_lines": missing, "missing_branches": [[2, 4], [3, 9]]}
    figures = judge.Figures()
    report = {"files": {"mplog/a.py": {"summary": summary, "functions": {"A.run": function}}}}
    judge.of_python(report, figures)
    return figures


def test_a_place_without_a_reason_is_named(judge):
    """A branch of a line that was not passed is none of its own."""
    wrong = judge.verdict(measured(judge, [3]), judge.read_explained(EXPLAINED))

    assert ["mplog/a.py A.run: 2 places are not passed, 1 of them explained: 3 2->4"] == wrong


def test_a_figure_below_its_floor_is_named(judge):
    """With the floor."""
    explained = judge.read_explained(EXPLAINED.replace("run 1", "run 9"))

    assert [] == judge.verdict(measured(judge, [3]), explained)
    (told,) = judge.verdict(measured(judge, [3, 4]), explained)
    assert "python lines: 50.0 %, below the floor of 75 %" == told


def test_branches_of_the_core_count_one_by_one(judge):
    """By line and place in it; those of a line that was not passed belong to it."""
    counted = {"lines": {"1": 5, "2": 0}, "branches": {"1.0": 5, "1.1": 0, "2.0": 0}}
    figures = judge.Figures()
    judge.of_core({"native/core/a.c": {"f": counted}}, figures)

    assert {("native/core/a.c", "f"): ["2", "1.1"]} == figures.open
    assert 50.0 == figures.percent("core lines")
    (told,) = judge.verdict(figures, judge.read_explained("floor core branches 50"))[:1]
    assert "core branches: 33.3 %, below the floor of 50 %" == told


def test_each_reason_is_about_a_function_that_is_there(judge):
    """A name that has gone would hide nothing, and mislead."""
    explained = judge.read_explained((FOLDER / "explained.txt").read_text())
    assert set(judge.PARTS) == set(explained.floors)
    for places in explained.reasons.values():
        for file, name in places:
            text = (ROOT / file).read_text()
            assert name.startswith("(") or name.split(".")[-1] in text, (file, name)


def test_the_page_has_every_reason(judge):
    """docs/reference/coverage.md was made from explained.txt, and tells each of its places."""
    page = PAGE.read_text()
    explained = judge.read_explained((FOLDER / "explained.txt").read_text())
    for reason, places in explained.reasons.items():
        assert f"### {reason}\n" in page
        for (_, name), count in places.items():
            assert f"`{name}`: {count}" in page

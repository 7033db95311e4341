"""What judges the measurement of coverage: a floor, and a reason for each place not passed."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".ci" / "coverage"
PAGE = ROOT / "docs" / "reference" / "coverage.md"
SOURCE = ["def run():", "    if a:", "        b()", "        c()"]
EXPLAINED = """
floor python lines 75
floor core branches 50
= Nobody does that
mplog/a.py A.run
  1 | b()
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
        real = module.lines_of
        module.lines_of = lambda file: SOURCE if file.endswith("/a.py") else real(file)
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

    assert ["mplog/a.py A.run: 1 of `if a:` not passed and not explained"] == wrong


def test_a_second_place_of_an_explained_line_is_named(judge):
    """A reason holds for as many places as it says."""
    one = judge.read_explained(EXPLAINED + "  1 | if a:\n")
    figures = measured(judge, [3])
    assert [] == judge.verdict(figures, one)

    figures.miss("mplog/a.py", iter([("A.run", 2)]))

    assert ["mplog/a.py A.run: 1 of `if a:` not passed and not explained"] == judge.verdict(
        figures, one
    )


def test_a_figure_below_its_floor_is_named(judge):
    """With the floor."""
    explained = judge.read_explained(EXPLAINED + "  1 | if a:\n  1 | c()\n")

    assert [] == judge.verdict(measured(judge, [3]), explained)
    (told,) = judge.verdict(measured(judge, [3, 4]), explained)
    assert "python lines: 50.0 %, below the floor of 75 %" == told


def test_branches_of_the_core_count_one_by_one(judge):
    """By line and place in it; those of a line that was not passed belong to it."""
    counted = {"lines": {"1": 5, "2": 0}, "branches": {"1.0": 5, "1.1": 0, "2.0": 0}}
    figures = judge.Figures()
    judge.of_core({"native/a.py": {"f": counted}}, figures)

    assert {
        ("native/a.py", "f", "def run():"): 1,
        ("native/a.py", "f", "if a:"): 1,
    } == figures.open
    assert 50.0 == figures.percent("core lines")
    (told,) = judge.verdict(figures, judge.read_explained("floor core branches 50"))[:1]
    assert "core branches: 33.3 %, below the floor of 50 %" == told


def test_a_draft_is_read_back_as_it_was(judge):
    """What has no reason yet needs one, and no other word."""
    figures = measured(judge, [3])
    drafted = "\n".join(["= Nobody does that", *judge.draft(figures.open)])

    assert [] == judge.verdict(figures, judge.read_explained(drafted))


def test_each_reason_is_about_a_line_that_is_there(judge):
    """One that has gone would hide nothing, and mislead."""
    explained = judge.read_explained((FOLDER / "explained.txt").read_text())
    assert set(judge.PARTS) == set(explained.floors)
    for places in explained.reasons.values():
        for file, name, code in places:
            there = {line.strip() for line in judge.lines_of(file)}
            assert code in there, (file, name, code)


def test_the_page_has_every_reason(judge):
    """docs/reference/coverage.md was made from explained.txt, and tells each of its lines."""
    page = PAGE.read_text()
    explained = judge.read_explained((FOLDER / "explained.txt").read_text())
    for reason, places in explained.reasons.items():
        told = "\n".join(judge.draft(places))
        assert f"### {reason}\n\n```text\n{told}\n```" in page

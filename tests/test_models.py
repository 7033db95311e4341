"""The models of native/model, as far as they can be looked at without Spin, and their runner."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[1] / "native" / "model"
NAME = "native_model_run"

spec = importlib.util.spec_from_file_location(NAME, MODELS / "run.py")
assert spec
assert spec.loader
run = importlib.util.module_from_spec(spec)
sys.modules[NAME] = run
spec.loader.exec_module(run)

SEARCHED = """
(Spin Version 6.5.2 -- 6 December 2019)

State-vector 64 byte, depth reached 103, errors: 0
   648661 states, stored

unreached in proctype memory
	wake.pml:42, state 24, "-end-"
	(1 of 24 states)
unreached in proctype writer
	(0 of 60 states)
"""
FOUND = """
pan:1: assertion violated killed (at depth 62)
pan: wrote wake.pml.trail
State-vector 64 byte, depth reached 64, errors: 1
      113 states, stored
"""
SOURCE = """/* A model.
 *
 * MUTANT_one   what is wrong
 * MUTANT_two   what else is
 */
#ifdef MUTANT_one
#endif
#ifndef MUTANT_two
#endif
"""


def test_a_whole_search_without_a_fault_passes() -> None:
    """No error, every state searched: that is what a true model has to show."""
    assert run.Verdict(True, False, "every state is right", 648661) == run.verdict(SEARCHED)


def test_a_violated_assertion_fails() -> None:
    """That is what a mutant has to show, with the reason."""
    assert run.Verdict(False, True, "assertion violated killed", 113) == run.verdict(FOUND)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "pan: out of memory\n",
        SEARCHED.replace("errors: 0", "errors: 1"),
        SEARCHED + "Warning: Search not completed\n",
        SEARCHED + "error: max search depth too small\n",
        SEARCHED.replace('"-end-"', '"assert((a==b))"'),
        FOUND.replace("assertion violated killed", "assertion violated - invalid array index"),
    ],
    ids=["nothing", "memory", "unsaid", "cut", "depth", "unreached", "index"],
)
def test_what_shows_nothing_neither_passes_nor_fails(output: str) -> None:
    """A search that was cut short, that reached too little or that broke is no evidence."""
    found = run.verdict(output)

    assert (False, False) == (found.passed, found.failed)


def test_an_assertion_that_must_not_be_reached_may_stay_so() -> None:
    """`assert(false)` says that nothing comes there."""
    assert run.verdict(SEARCHED.replace('"-end-"', '"assert(0)"')).passed


@pytest.mark.parametrize(("mutant", "good"), [("", False), ("MUTANT_one", True)])
def test_failing_is_good_for_a_mutant_alone(mutant: str, good: bool) -> None:
    """The same verdict counts the other way for the true model."""
    assert good is run.Result("wake", mutant, run.verdict(FOUND), 0.0).good


def test_mutants_are_those_that_the_comment_lists() -> None:
    """In the order of the list."""
    assert ["MUTANT_one", "MUTANT_two"] == run.mutants(SOURCE)


@pytest.mark.parametrize(
    "source",
    [
        SOURCE.replace("#ifdef MUTANT_one", "#ifdef MUTANT_other"),
        SOURCE.replace(" * MUTANT_two   what else is\n", ""),
        SOURCE.replace(" * MUTANT_two", " * MUTANT_one"),
    ],
    ids=["misspelt", "not listed", "twice"],
)
def test_a_list_that_differs_from_the_code_is_refused(source: str) -> None:
    """Otherwise a mutant could be the true model under another name, or never be run."""
    with pytest.raises(ValueError, match=r"MUTANT_|twice"):
        run.mutants(source)


def test_there_are_models() -> None:
    """So that the next test does not pass for want of them."""
    assert {"commit", "drop_oldest", "leave", "overflow", "wake"} <= {
        path.stem for path in MODELS.glob("*.pml")
    }


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.pml")), ids=lambda path: path.stem)
def test_each_model_has_mutants_and_a_row_in_the_table(path: Path) -> None:
    """Three mutants at least, and a word on what the model stands for."""
    page = (MODELS / "README.md").read_text(encoding="utf-8")

    assert len(run.mutants(path.read_text(encoding="utf-8"))) >= 3
    assert f"| `{path.name}` |" in page

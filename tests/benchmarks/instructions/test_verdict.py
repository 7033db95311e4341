"""The verdict on a workload: 3 % up fails and names the function that grew."""

from __future__ import annotations

import pytest
from instructions.callgrind import parse, per_call
from instructions.terms import LACKS, UNFIT
from instructions.verdict import Outcome, costliest, grown, judge, table

BASE = {"publish (_native)": 300.0, "pack (_native)": 700.0}
RAN = Outcome(BASE)
ABSENT = Outcome(None, "no mplog.accelerate", LACKS)
UNSUITED = Outcome(None, "ImportError: no stage", UNFIT)
CRASHED = Outcome(None, "Segmentation fault", -11)


def with_pack(instructions: float) -> Outcome:
    """The base with another cost of `pack`."""
    return Outcome({**BASE, "pack (_native)": instructions})


def of_recorded(recorded, tree: str) -> Outcome:
    """What the recorded counts of a tree say."""
    return Outcome(per_call([parse(recorded(f"{tree}-{n}")) for n in (10, 20)], 10))


@pytest.mark.parametrize(("cost", "failed"), [(600, False), (730, False), (730.1, True)])
def test_more_than_three_percent_fails(cost, failed):
    """Up to the limit, and any saving, passes."""
    assert judge("call", RAN, with_pack(cost)).failed is failed


def test_a_saving_elsewhere_pays_for_growth():
    """What counts is the call."""
    change = Outcome({"publish (_native)": 500.0, "pack (_native)": 400.0})

    assert not judge("call", RAN, change).failed


def test_the_function_that_grew_is_named(recorded):
    """The verdict of a recorded slowdown names where it was put, and the table by how much."""
    row = judge("call", of_recorded(recorded, "base"), of_recorded(recorded, "change"))

    assert row.failed
    assert row.verdict.endswith("most in publish (demo)")
    assert "publish (demo)" in table([row]).splitlines()[-1]
    assert "3.0 →" in table([row])


def test_a_new_function_is_growth():
    """A function that the base does not have counts from nothing; what shrank is not named."""
    change = {"publish (_native)": 100.0, "redact (_native)": 50.0, "pack (_native)": 701.0}

    assert grown(BASE, change) == [
        ("redact (_native)", 0.0, 50.0),
        ("pack (_native)", 700.0, 701.0),
    ]


@pytest.mark.parametrize("base", [ABSENT, UNSUITED])
def test_what_the_base_lacks_fails_nothing(base):
    """The row says so, and has no ratio."""
    row = judge("accelerated", base, RAN)

    assert (row.failed, row.ratio) == (False, None)
    assert row.verdict == f"not in the base: {base.why}"


def test_a_base_that_crashes_fails():
    """Without its figure nothing can be said of the change."""
    row = judge("call", CRASHED, RAN)

    assert row.failed
    assert "Segmentation fault" in row.verdict


@pytest.mark.parametrize("change", [ABSENT, UNSUITED, CRASHED])
def test_a_change_that_cannot_run_fails(change):
    """A workload cannot be taken away unnoticed."""
    assert judge("call", RAN, change).failed


def test_a_name_that_neither_has_fails_nothing():
    """A workload may be there before what it measures; one that is only broken may not."""
    assert not judge("accelerated", ABSENT, ABSENT).failed
    assert judge("writer", UNSUITED, UNSUITED).failed
    assert judge("writer", ABSENT, CRASHED).failed


def test_the_costliest_come_first():
    """As many as asked for."""
    assert costliest(BASE, 1).split() == ["700.0", "pack", "(_native)"]

"""Reading what callgrind has counted, and the difference of two counts."""

from __future__ import annotations

import pytest
from instructions.callgrind import Unreadable, function, parse, per_call


def test_costs_are_the_functions_own(recorded):
    """What a function calls is not counted as its own."""
    cost = parse(recorded("base-10"))

    assert cost["copy (demo)"] == 520
    assert cost["publish (demo)"] == 30


def test_a_recursion_is_one_function(recorded):
    """The deeper calls of a function count as the function."""
    cost = parse(recorded("base-10"))

    assert cost["fields (demo)"] == 330
    assert not [name for name in cost if "'" in name]


def test_costs_add_up_to_the_stated_total(recorded):
    """Nothing that was counted is left out."""
    assert parse(recorded("base-10")).total() == 976


def test_a_file_that_was_cut_is_refused(recorded):
    """Costs that do not add up to the total that the file states are no measurement."""
    text = recorded("base-10")

    with pytest.raises(Unreadable, match="stated 976"):
        parse(text[: text.index("fn=copy")])


def test_other_events_than_instructions_are_refused(recorded):
    """A count of something else is not taken for instructions."""
    with pytest.raises(Unreadable, match="'Cycles'"):
        parse(recorded("base-10").replace("events: Ir", "events: Cycles"))


@pytest.mark.parametrize("name", ["", "Segmentation fault\n", "events: Ir\n"])
def test_what_is_no_count_is_refused(name):
    """An empty or foreign file is an error, not a cost of nothing."""
    with pytest.raises(Unreadable):
        parse(name)


@pytest.mark.parametrize(
    ("name", "library", "shown"),
    [
        ("mpl_publish", "/x/_native.cpython-311-x86_64-linux-gnu.so", "mpl_publish (_native)"),
        ("emit.constprop.0", "/x/_native.so", "emit (_native)"),
        ("emit.part.0.isra.1'2", "/x/_native.so", "emit (_native)"),
        ("0x000000000001ab70'2", "/usr/bin/python3.11", "(python3, no symbol)"),
        ("free", "???", "free (???)"),
    ],
)
def test_functions_are_named_as_in_the_source(name, library, shown):
    """The compiler's copies go by the function's name; what has no name goes by its library."""
    assert function(name, library) == shown


def test_a_call_costs_the_difference_of_two_windows(recorded):
    """What a window costs by itself is in neither figure."""
    windows = [parse(recorded("base-10")), parse(recorded("base-20"))]

    assert per_call(windows, 10) == {
        "call (demo)": 8.0,
        "copy (demo)": 52.0,
        "fields (demo)": 33.0,
        "publish (demo)": 3.0,
    }


def test_the_cheapest_window_of_each_length_counts(recorded):
    """A window in which something else happened too changes nothing."""
    short, long = parse(recorded("base-10")), parse(recorded("base-20"))
    disturbed = short.copy()
    disturbed["look"] += 10_000

    assert per_call([disturbed, long, short, long], 10) == per_call([short, long], 10)

"""A sink that fails as its script says, one step a write, and takes everything afterwards."""

from __future__ import annotations

import msgspec
import pytest

from mplog.testing import FlakySink, check_sink, fail, take
from mplog.testing.content import plain


def test_a_script_is_followed_write_by_write():
    """Two that are taken, one that fails after a part, and then all of them."""
    sink = FlakySink(take(2), fail(1, BrokenPipeError, taken=1))
    sink.open()
    for number in (1, 3):
        sink.write([plain(number), plain(number + 1)])
    with pytest.raises(BrokenPipeError):
        sink.write([plain(5), plain(6)])
    sink.write([plain(5), plain(6)])

    assert [1, 2, 3, 4, 5, 5, 6] == [number for _, number in sink.ids]


def test_the_services_own_events_are_kept_apart():
    """They have no session, and no number to be counted by."""
    sink = FlakySink()
    sink.open()
    one = plain(1)
    nobodys = msgspec.structs.replace(one.stamped, session="", seq=0)
    notice = msgspec.structs.replace(one, stamped=nobodys)
    sink.write([one, notice])

    assert [one.id] == sink.ids
    assert [notice] == sink.notices


def test_a_write_before_it_is_open_is_a_fault_of_the_caller():
    """No error that a far side could have: none is waited for."""
    sink = FlakySink()
    with pytest.raises(AssertionError, match="not open"):
        sink.write([plain(1)])
    sink.open()
    sink.close()
    with pytest.raises(AssertionError, match="not open"):
        sink.write([plain(1)])

    assert [] == sink.got


def test_a_flaky_sink_that_is_well_passes():
    """It stands for any sink in users' tests."""
    sinks: list[FlakySink] = []

    def factory():
        sinks.append(FlakySink())
        return sinks[-1]

    got = check_sink(
        factory,
        lambda: [one.event.template.split("\n")[0] for sink in sinks for one in sink.got],
    )

    assert "leaves_nothing" in got

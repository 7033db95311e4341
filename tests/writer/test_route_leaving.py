"""Sinks that are let go: what they still have is delivered, or told as lost; the board, where there
is one.
"""

from __future__ import annotations

import time

import msgspec
import pytest
from one_writer import PAYLOADS

from mplog.config.sink import canonical
from mplog.metrics.board import read_board
from mplog.writer import route
from mplog.writer.reload import route_anew
from mplog.writer.route import LET_GO_S

FAR = {"type": "callable", "target": f"{__name__}:away", "name": "far", "process": "writer"}
NEAR = {**FAR, "name": "near"}
NOBODY = {"type": "callable", "target": "carried:nobody", "name": "nobody"}


def away(batch):
    """The far side of a sink: it never answers."""
    raise ConnectionRefusedError(111, "refused")


def setting(*tables):
    """The setting of these sinks."""
    return canonical([{"batch_wait": "0 s", **table} for table in tables])


@pytest.fixture
def routed(place):
    """`routed(*tables)`: the outlets of a job with these sinks."""

    def begin(*tables):
        settings = msgspec.structs.replace(place.job.settings, sinks=setting(*tables))
        place.job.settings = settings
        route_anew(place.job)
        return place.job.outlets

    yield begin
    place.job.outlets.close(0.0)


def deliver_one(place):
    """An event goes to all sinks."""
    producer = place.producers[0] if place.producers else place.producer()
    assert producer.publish(20, PAYLOADS[0])
    made = place.both()[0]
    place.job.outlets.collect(made.count)
    place.deliver(made)
    place.job.outlets.deliver()


def names(outlets):
    """Of all, those that are leaving last."""
    return [outlet.name for outlet in outlets._everybody()]


def test_a_sink_that_is_let_go_with_events_tells_how_many(place, routed, wait_for):
    """After its time is over; before that it may still deliver them."""
    outlets = routed(FAR, {"type": "memory", "name": "all"})
    deliver_one(place)
    outlets.take_up(setting({"type": "memory", "name": "all"}))
    now_s = time.monotonic()
    outlets.look(now_s, last=True)
    during = names(outlets)
    outlets.look(now_s + LET_GO_S + 1, last=True)
    lines = place.job.sinks[0].lines

    assert ["all", "far"] == during
    assert ["all"] == names(outlets)
    assert any(b"sink far let go, with 1 events not delivered" in line for line in lines)
    assert ["all"] == [row.name for row in read_board(place.directory, "shop")[1]]


def test_a_sink_waits_for_the_one_of_its_name_before_it_and_for_no_other(place, routed):
    """Both were changed; one of the two before them has delivered nothing when its time is over."""
    outlets = routed(FAR, NEAR)
    deliver_one(place)
    outlets.take_up(setting(*({"type": "memory", "name": name} for name in ("far", "near"))))
    (far, _), (near, until_s) = outlets._leaving
    far_after, near_after = (after for after, _ in outlets._waiting)
    outlets._leaving = [(far, 0.0), (near, until_s)]
    outlets.look(time.monotonic(), last=True)

    assert [(near, until_s)] == outlets._leaving
    assert [(near_after, near)] == outlets._waiting
    assert [far_after, near_after] == outlets._outlets


def test_a_sink_that_cannot_be_had_is_let_go_at_once(place, routed):
    """It has nothing, tries nothing, and another one takes its name."""
    outlets = routed(NOBODY)
    outlets.try_again()
    outlets.hurry()
    deliver_one(place)
    outlets.take_up(setting({"type": "memory", "name": "nobody"}))

    assert [] == outlets._leaving
    assert ["nobody"] == names(outlets)


def test_without_room_for_a_board_sinks_get_their_events(place, routed, monkeypatch, wait_for):
    """Nobody can be shown how they fare."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(route, "Board", full)
    outlets = routed({"type": "memory", "name": "all"})
    deliver_one(place)
    (outlet,) = outlets._outlets
    wait_for(lambda: outlets.idle, 10.0, "the queue")

    assert 1 == len(outlet._sink.events)
    assert outlet.board is None
    assert 1 == outlets._shown()[0].delivered

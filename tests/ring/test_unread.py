"""What is damaged in shared memory of an earlier layout costs the events in it, and no others."""

from __future__ import annotations

import os
import struct

import pytest

from mplog.ring.relic import LAYOUTS, relics
from mplog.ring.unread import unread, unread_bytes, waiting

PAGE = 4096


class Left:
    """What that version has left: the first lane with unread events, and its overflow."""

    def __init__(self, directory):
        (self.relic,) = relics(directory)
        self.layout = LAYOUTS[self.relic.abi]
        self.ring = next(directory.glob("*.ring"))
        self.overflows = list(directory.glob("*.overflow"))
        self.before = unread(self.relic)
        self.session = self.before[0].session
        self.lane = int(self.session.split("-")[1])
        head = self.ring.read_bytes()[:PAGE]
        self.control = struct.unpack_from("<I", head, 24)[0] + self.lane * PAGE
        data, stride = struct.unpack_from("<2Q", head, 32)
        capacity = self.word(self.control + self.layout.capacity, "<I")
        self.begin = (
            data + self.lane * stride + self.word(self.control + self.layout.head) % capacity
        )

    def word(self, at, form="<Q"):
        """What stands at a place of the ring."""
        with self.ring.open("rb") as file:
            file.seek(at)
            return struct.unpack(form, file.read(struct.calcsize(form)))[0]

    def others(self):
        """What was unread in all lanes but the first."""
        return [one for one in self.before if one.session != self.session]


@pytest.fixture
def left(old):
    return Left(old)


def put(path, at, form, number):
    """One number, over what stands there."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(struct.pack(form, number))


@pytest.mark.parametrize("length", [0, 4, 44, 1 << 20, 1 << 31])
def test_a_record_of_an_impossible_length_ends_its_lane(left, length):
    """None, too short, crooked, beyond what was written, beyond the lane."""
    put(left.ring, left.begin, "<I", length)

    assert left.others() == unread(left.relic)


def test_a_pad_is_no_event(left):
    """It is stepped over, and the next record is read."""
    for at in range(0, left.word(left.begin, "<I"), 8):
        put(left.ring, left.begin + at, "<I", 8)
    first = next(one for one in left.before if one.session == left.session)

    assert [one for one in left.before if one is not first] == unread(left.relic)


def test_an_event_of_a_session_that_stands_nowhere_is_found_without_its_process(left):
    """Its slot has gone to a later session: number and text are still known."""
    epoch = int(left.session.split("-")[2])
    slot = left.control + left.layout.slots + epoch % 8 * left.layout.slot_bytes
    put(left.ring, slot, "<Q", (epoch + 8) << 32)
    found = [one for one in unread(left.relic) if one.session == left.session]
    expected = [one for one in left.before if one.session == left.session]

    assert [(one.seq, one.payload) for one in expected] == [(o.seq, o.payload) for o in found]
    assert {(0, "", 0, 0)} == {(one.pid, one.name, one.settled, one.untold) for one in found}


def test_a_segment_that_was_cut_in_its_lanes_has_no_events(left):
    """The lane of which not all that steers it is there has no bytes either."""
    before = unread_bytes(left.relic)
    os.truncate(left.ring, left.control + 100)

    assert [] == unread(left.relic)
    assert before > unread_bytes(left.relic)


def frames(overflow):
    """Where the frames of a chunk begin."""
    data, at = overflow.read_bytes(), 0
    while at < len(data):
        yield at
        at += 8 + struct.unpack_from("<I", data, at + 4)[0]


@pytest.mark.parametrize("old", [2], indirect=True)  # the first layout has no overflow
@pytest.mark.parametrize("damage", ["cut", "none", "crooked", "beyond"])
def test_an_overflow_is_read_up_to_where_it_is_damaged(left, damage):
    """What it has before is found, and all that the lanes have."""
    (overflow,) = left.overflows
    starts = list(frames(overflow))
    if damage == "cut":
        os.truncate(overflow, starts[10])
    else:
        length = {"none": 0, "crooked": 44, "beyond": 1 << 20}[damage]
        put(overflow, starts[10] + 4, "<I", length)

    assert len(left.before) - len(starts[10:]) == len(unread(left.relic))
    overflow.unlink()
    assert len(left.before) - len(starts) == len(unread(left.relic))


def test_of_a_layout_that_is_not_known_nothing_is_read(old):
    """It has no bytes of events, and asking for them is an error."""
    relic = relics(old)[0]
    for name in relic.names:
        (old / name).rename(old / name.replace(f".{relic.abi}.", ".99."))
    (unknown,) = relics(old)

    assert 0 == unread_bytes(unknown)
    with pytest.raises(ValueError, match="layout 99 is not known"):
        unread(unknown)


def test_who_sets_a_service_up_beside_what_cannot_be_looked_at_is_told(old):
    """A link in the place of a file is not followed, and nothing is raised."""
    (relic,) = relics(old)
    ring = next(old.glob("*.ring"))
    ring.rename(old / "elsewhere")
    ring.symlink_to(old / "elsewhere")
    (told,) = waiting(old, relic.service)

    assert f"shared memory of another version of mplog in {old}: " in told
    assert os.strerror(40) in told

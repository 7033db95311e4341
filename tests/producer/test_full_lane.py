"""What a full lane does to a call, by policy: all in this process, which is its own writer."""

from __future__ import annotations

import os
import signal

import pytest

from mplog import _native

PAYLOAD = b"x" * 4_000


class Full:
    """A lane that nobody drains unless asked to, and what its producer tells."""

    def __init__(self, directory, policy, block_s=0.05):
        _native.bell_create(str(directory), "test", b"{}")
        self.told = []
        self.producer = _native.Producer(str(directory), "test", "test", self.told.append)
        self.policy = (policy, int(block_s * 1e9), 64 << 10)
        self.producer.set_policy(*self.policy)
        self.producer.attach()
        self.reader = _native.Reader(str(directory), "test", True)
        self.journal = _native.Journal(str(directory), "test", 1 << 16)
        self.file = os.open(directory / "out", os.O_RDWR | os.O_CREAT, 0o600)
        where = os.fstat(self.file)
        self.journal.set_file(where.st_dev, where.st_ino, 0, 0)

    def fill(self):
        """Publish until the lane has no room: one event is dropped, and a gap is open."""
        self.producer.set_policy(_native.DROP_NEWEST, 0, 64 << 10)
        while self.producer.publish(30, PAYLOAD):
            pass
        self.producer.set_policy(*self.policy)

    def drain(self):
        """Everything, in batches; the gaps that came with it."""
        gaps = []
        self.reader.scan(self.journal)
        while items := self.reader.drain(1 << 20):
            assert self.reader.accept(len(items))[0] == len(items)
            gaps += [item[7] for item in items if item[7] is not None]
            self.journal.commit(self.reader, self.file, 0)
        return gaps


@pytest.fixture
def full(shm):
    made = []

    def make(policy, **how):
        made.append(Full(shm, policy, **how))
        return made[-1]

    yield make
    for one in made:
        one.producer.close()
        os.close(one.file)


def test_a_call_that_has_waited_in_vain_is_the_last_to_wait(full):
    """After a deadline that ran out calls are dropped at once, until there was room again."""
    lane = full(_native.BLOCK, block_s=0.25)
    lane.fill()
    assert not lane.producer.publish(20, PAYLOAD)
    assert lane.told.count("stalled") >= 2  # it has waited, in slices
    del lane.told[:]
    assert [False, False] == [lane.producer.publish(30, PAYLOAD) for _ in range(2)]
    assert "stalled" not in lane.told
    assert 4 == lane.producer.dropped
    assert [] == lane.drain()
    assert lane.producer.publish(20, PAYLOAD)
    ((first, last, reasons, since, until),) = lane.drain()
    lost = {"lane_full": {"WARNING": 1}, "timeout": {"INFO": 1, "WARNING": 2}}
    assert (4, lost) == (last - first + 1, reasons)
    assert 0 < since <= until
    lane.fill()
    assert not lane.producer.publish(20, PAYLOAD)
    assert "stalled" in lane.told


def test_a_signal_handler_ends_the_wait(full):
    """What it raises goes to the program; the event is dropped, and told as any other."""
    lane = full(_native.BLOCK, block_s=60.0)
    lane.fill()

    def strike(number, frame):
        if "stalled" in lane.told:  # it waits
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise InterruptedError("enough")

    before = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        with pytest.raises(InterruptedError, match="enough"):
            lane.producer.publish(40, PAYLOAD)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert 2 == lane.producer.dropped
    assert [] == lane.drain()
    assert lane.producer.publish(20, PAYLOAD)
    lost = {"lane_full": {"WARNING": 1}, "timeout": {"ERROR": 1}}
    assert [lost] == [gap[2] for gap in lane.drain()]


@pytest.mark.parametrize("policy", [_native.DROP_NEWEST, _native.DROP_OLDEST])
def test_the_last_eighth_is_for_warnings_where_events_are_dropped(full, policy):
    """INFO stops short of it, or takes older ones back; a WARNING finds room without."""
    lane = full(policy)
    for _ in range(2 * (1 << 20) // len(PAYLOAD)):
        lane.producer.publish(20, PAYLOAD)
    dropped = lane.producer.dropped
    assert dropped > 0
    accepted = [lane.producer.publish(30, PAYLOAD) for _ in range(20)]
    assert ([True] * 20, dropped) == (accepted, lane.producer.dropped)
    reason = "oldest" if policy == _native.DROP_OLDEST else "lane_full"
    gaps = lane.drain()
    assert [{reason: {"INFO": gap[1] - gap[0] + 1}} for gap in gaps] == [gap[2] for gap in gaps]
    assert dropped == sum(gap[1] - gap[0] + 1 for gap in gaps)


def test_what_the_writer_had_already_is_not_told_as_dropped(full):
    """The owner takes back what was copied: delivered all the same, and counted as that."""
    lane = full(_native.DROP_OLDEST)
    lane.fill()
    lane.reader.scan(lane.journal)
    copied = lane.reader.drain(1 << 19)
    for _ in range(40):
        assert lane.producer.publish(20, PAYLOAD)
    assert lane.producer.dropped > 1
    assert lane.reader.accept(len(copied))[0] == len(copied)
    lane.journal.commit(lane.reader, lane.file, 0)
    assert [{"lane_full": {"WARNING": 1}}] == [gap[2] for gap in lane.drain()]
    assert 1 == lane.producer.dropped
    assert lane.producer.seq == lane.producer.accepted + 1

"""The spool against a model of it, under appends, reads, acknowledgements, deaths and decay."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import tempfile
from pathlib import Path

from given import event
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mplog.resilience.spool import Spool
from mplog.resilience.spool_rules import SpoolRules
from mplog.resilience.store import held

SESSIONS = ("a-1", "b-2", "c-3")


class Durable(RuleBasedStateMachine):
    """What is in the model is what a reader must get, in this order, and nothing else.

    Nothing is decayed: each event is delivered until it is acknowledged, and never afterwards.
    """

    bounds = SpoolRules(max_bytes=1 << 22, segment_bytes=700)

    @initialize()
    def begin(self):
        self.place = Path(tempfile.mkdtemp(prefix="spool"))
        self.last = dict.fromkeys(SESSIONS, 0)
        self.appended: list[tuple[str, int]] = []
        self.acked = 0
        self.read_now = 0
        self.spool = self._opened()

    def _opened(self):
        spool = Spool(self.place, self.bounds)
        spool.open()
        return spool

    def _event(self, session, seq):
        return held(event(seq, session=session, text="x" * (seq * 37 % 90)))

    def _append(self, ids):
        fresh = self.spool.fresh([self._event(*one) for one in ids])
        self.spool.append(fresh)
        return [(stamped.session, stamped.seq) for stamped, _ in fresh]

    @rule(sessions=st.lists(st.sampled_from(SESSIONS), min_size=1, max_size=12))
    def append(self, sessions):
        ids = []
        for session in sessions:
            self.last[session] += 1
            ids.append((session, self.last[session]))
        assert ids == self._append(ids)
        self.appended += ids

    @precondition(lambda self: self.appended)
    @rule(back=st.integers(1, 6), session=st.sampled_from(SESSIONS))
    def append_again_after_a_kill(self, back, session):
        """The batch that was not committed, in another company than before."""
        self.crash()
        self.last[session] += 1
        fresh = (session, self.last[session])
        assert [fresh] == self._append([*self.appended[-back:], fresh])
        self.appended.append(fresh)

    @rule(most=st.integers(1, 20), most_bytes=st.integers(1, 3_000))
    def read(self, most, most_bytes):
        got = self.spool.read(most, most_bytes)
        ids = [(stamped.session, stamped.seq) for stamped, _ in got]
        assert ids == self.appended[self.acked : self.acked + len(ids)]
        assert got == [self._event(*one) for one in ids]
        assert bool(got) == (self.acked < len(self.appended))
        self.read_now = len(ids)

    @rule(part=st.floats(0, 1))
    def ack(self, part):
        count = int(self.read_now * part)
        self.spool.ack(count, 0.0)
        self.acked += count
        self.read_now = 0

    @rule()
    def crash(self):
        self.spool.close()
        self.read_now = 0
        self.spool = self._opened()

    @rule(part=st.floats(0.001, 0.999))
    def crash_while_appending(self, part):
        """Some bytes of the next batch are there, and no event of it that is not whole."""
        session = SESSIONS[0]
        sizes = dict(self.spool._files.sizes)
        self._append([(session, self.last[session] + n) for n in range(1, 4)])
        active = self.spool._files.active
        before = sizes.get(active, 0)
        self.spool.close()
        path = Path(self.spool._files.path(active))
        size = path.stat().st_size
        os.truncate(path, before + int((size - before) * part))
        self.spool, self.read_now = self._opened(), 0
        whole = self.spool.waiting - (len(self.appended) - self.acked)
        assert 0 <= whole < 3
        self.appended += [(session, self.last[session] + n) for n in range(1, whole + 1)]
        self.last[session] += whole

    @invariant()
    def adds_up(self):
        if hasattr(self, "spool"):
            assert self.spool.waiting == len(self.appended) - self.acked
            assert 0 <= self.spool.waiting_bytes <= self.spool.size_bytes
            assert [] == self.spool.losses()

    def teardown(self):
        if not hasattr(self, "spool"):
            return
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.place)
            stack.callback(self.spool.close)
            while self.acked < len(self.appended):
                self.read(7, 1 << 20)
                self.ack(1.0)
            assert 1 == len(list(self.place.glob("*.spool"))) or not self.appended


class Decaying(RuleBasedStateMachine):
    """With a small bound, and with bytes that change on the disk: what is delivered is in order and
    as it was, and what is missing has been counted.
    """

    @initialize(most_bytes=st.integers(4_000, 12_000), seed=st.integers(0, 1 << 32))
    def begin(self, most_bytes, seed):
        self.place = Path(tempfile.mkdtemp(prefix="spool"))
        self.bounds = SpoolRules(max_bytes=most_bytes, segment_bytes=600)
        self.dice = random.Random(seed)
        self.seq = self.lost = self.read_now = 0
        self.got: list[int] = []
        self.decayed = False
        self.spool = Spool(self.place, self.bounds)
        self.spool.open()

    def _count(self):
        self.lost += sum(sum(loss.levels.values()) for loss in self.spool.losses())

    @rule(count=st.integers(1, 9))
    def append(self, count):
        batch = [held(event(self.seq + n, session="s-1")) for n in range(1, count + 1)]
        fresh = self.spool.fresh(batch)
        assert self.decayed or len(fresh) == count
        self.spool.append(fresh)
        # What is taken for a repetition behind decayed numbers of its session was never there.
        self.seq += count
        self._count()

    @rule(
        most=st.integers(1, 20),
        part=st.floats(0, 1),
        meanwhile=st.lists(st.integers(1, 9), max_size=9),
    )
    def deliver(self, most, part, meanwhile):
        got = self.spool.read(most, 5_000)
        for count in meanwhile:
            self.append(count)
        count = int(len(got) * part)
        self.got += [stamped.seq for stamped, _ in got[:count]]
        assert all(one == held(event(one[0].seq, session="s-1")) for one in got)
        self.spool.ack(count, 0.0)
        self._count()

    @rule()
    def decay(self):
        """A byte of a segment that is not written to any more."""
        sizes = self.spool._files.sizes
        if len(sizes) < 2:
            return
        first = self.dice.choice(list(sizes)[:-1])
        path = Path(self.spool._files.path(first))
        data = bytearray(path.read_bytes())
        data[self.dice.randrange(len(data))] ^= 1 << self.dice.randrange(8)
        path.write_bytes(data)
        self.decayed = True

    # What goes ahead of the position is known to that process alone.
    @precondition(lambda self: self.spool._files.oldest <= self.spool.position)
    @rule()
    def crash(self):
        self.spool.close()
        self.spool = Spool(self.place, self.bounds)
        self.spool.open()

    @invariant()
    def adds_up(self):
        if hasattr(self, "spool"):
            assert self.seq == len(self.got) + self.lost + self.spool.waiting
            assert self.got == sorted(set(self.got))
            assert 0 <= self.spool.waiting_bytes <= self.spool.size_bytes <= self.bounds.max_bytes

    def teardown(self):
        if not hasattr(self, "spool"):
            return
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.place)
            stack.callback(lambda: self.spool.close())
            for _ in range(self.seq + 5):
                self.deliver(20, 1.0, [])
            assert self.seq == len(self.got) + self.lost
            assert 0 == self.spool.waiting


STEPS = settings(max_examples=60, stateful_step_count=25, deadline=None)
Durable.TestCase.settings = STEPS
Decaying.TestCase.settings = STEPS
TestDurable = Durable.TestCase
TestDecaying = Decaying.TestCase

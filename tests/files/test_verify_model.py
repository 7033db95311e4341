"""`verify` finds what a naive model finds, for random sessions and random damage.

The model keeps every number in sets and looks at nothing but its own list of lines.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.files.archive import archive_name
from mplog.files.verify import verify

EVENT, DROP, END, TORN = "event", "drop", "end", "torn"


def text(item):
    kind, session, first, last, filtered = item
    told = {"filtered": filtered} if filtered else {}
    if kind == EVENT:
        return json.dumps(
            {"timestamp": "t", "message": "…", **told, "session": session, "seq": last}
        )
    if kind == TORN:
        return '{"timestamp": "2026'
    keys = {"logger": "mplog", "session": session, "last": last, **told}
    if kind == DROP:
        keys |= {"event_name": "mplog.drop", "first": first, "count": last - first + 1}
    else:
        dropped = last - first - filtered
        keys |= {"event_name": "mplog.session.end", "delivered": first, "dropped": dropped}
    return json.dumps(keys)


@st.composite
def whole_session(draw, name):
    """Runs of events and of announced drops, each behind what was filtered; perhaps an end line."""
    lines, seq, delivered, filtered = [], 0, 0, 0
    for kind in draw(st.lists(st.sampled_from([EVENT, EVENT, EVENT, DROP]), max_size=12)):
        length = draw(st.integers(1, 3)) if kind == DROP else 1
        took = draw(st.sampled_from([0, 0, 1, 2]))
        lines.append((kind, name, seq + took + 1, seq + took + length, took))
        seq += took + length
        filtered += took
        delivered += kind == EVENT
    if draw(st.booleans()):
        took = draw(st.integers(0, 2))
        lines.append((END, name, delivered, seq + took, filtered + took))
    return lines


@st.composite
def damaged_log(draw):
    """Sessions interleaved, then removed, doubled, swapped and torn lines; and where files end."""
    parts = [draw(whole_session(name)) for name in "abc"]
    lines = []
    while any(parts):
        part = draw(st.sampled_from([part for part in parts if part]))
        lines.append(part.pop(0))
    for what in draw(st.lists(st.sampled_from(["remove", "double", "swap", "tear"]), max_size=5)):
        if not lines:
            break
        i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        if what == "remove":
            del lines[i]
        elif what == "double":
            lines.insert(j, lines[i])
        elif what == "swap":
            lines[i], lines[j] = lines[j], lines[i]
        else:
            lines[i] = (TORN, None, 0, 0, 0)
    return lines, draw(st.integers(0, len(lines)))


class Model:
    """One session as sets."""

    def __init__(self):
        self.seen, self.dropped, self.filtered = set(), set(), set()
        self.top, self.end = 0, None
        self.count, self.disputed = Counter(), False

    @property
    def told(self):
        return self.seen | self.dropped | self.filtered

    def take(self, numbers):
        if not self.told.isdisjoint(numbers):
            self.contradict()
        self.filtered |= numbers - self.told

    def event(self, seq, before):
        if seq in self.dropped | self.filtered:
            self.contradict()
        elif seq in self.seen:
            self.count["doubled"] += 1
        else:
            if self.end and seq > self.top:
                self.contradict()
            else:
                self.take(before)
            if seq <= self.top:
                self.count["out_of_order"] += 1
            self.seen.add(seq)
        self.top = max(self.top, seq)

    def drop(self, numbers, before):
        if not self.end and min(numbers) not in self.told:
            self.take(before)
        new = numbers - self.told
        if any(n <= self.top for n in new):
            self.count["out_of_order"] += 1
        if numbers & (self.dropped | self.filtered):
            self.count["doubled"] += 1
        if numbers & self.seen:
            self.contradict()
        if self.end and max(numbers) > self.top:
            self.contradict()
        self.count["dropped"] += len(new)
        self.dropped |= new
        self.top = max(self.top, *numbers)

    def ended(self, delivered, last, filtered):
        if self.end is not None:
            self.count["doubled"] += 1
            return
        if last < self.top:
            self.contradict()
        left = max(filtered - len(self.filtered), 0)
        self.filtered |= {n for n in range(last - left + 1, last + 1) if n > self.top}
        self.end = (delivered, filtered)
        self.top = max(self.top, last)

    def contradict(self):
        self.disputed = True
        self.count["contradictions"] += 1

    def finish(self):
        missing = set(range(1, self.top + 1)) - self.told
        self.count["missing"] = len(missing)
        if self.end and not self.disputed:
            here = (len(self.seen), len(self.filtered))
            told = zip(here, self.end, strict=True)
            if not all(low <= said <= low + len(missing) for low, said in told):
                self.contradict()
        return missing


def model_of(lines):
    """Counts, and the missing numbers of each session."""
    sessions, total = {}, Counter()
    for kind, name, first, last, filtered in lines:
        before = set(range(first - filtered, first))
        if kind == TORN:
            total["torn"] += 1
            continue
        session = sessions.setdefault(name, Model())
        if kind == EVENT:
            session.event(last, before)
        elif kind == DROP:
            session.drop(set(range(first, last + 1)), before)
        else:
            session.ended(first, last, filtered)
    missing = {(name, n) for name, session in sessions.items() for n in session.finish()}
    for session in sessions.values():
        total += session.count
    return total, missing, {name for name, session in sessions.items() if not session.end}


@settings(max_examples=200, deadline=None)
@given(damaged_log())
def test_verify_agrees_with_the_model(log):
    """Every count, every missing number, every open session; over an archive and an active file."""
    lines, split = log
    with tempfile.TemporaryDirectory() as directory:
        active = Path(directory, "app.jsonl")
        old = Path(directory, archive_name("app.jsonl", 1, 0))
        for path, part in ((old, lines[:split]), (active, lines[split:])):
            path.write_text("".join(text(item) + "\n" for item in part), encoding="utf-8")
        report = verify([active])
    total, missing, open_sessions = model_of(lines)
    found = {
        (f.session, number)
        for f in report.findings
        if f.kind == "missing"
        for number in range(f.first, f.last + 1)
    }
    # A file of nothing but torn lines still begins like JSON, so it is never refused.
    kinds = ("missing", "doubled", "out_of_order", "torn", "contradictions", "dropped")

    assert {kind: total[kind] for kind in kinds} == {k: getattr(report, k) for k in kinds}
    assert missing == found
    assert open_sessions == set(report.open_sessions)

"""Whatever a program logs is one event, whole, once; from several processes at the same time."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from content import LOGGED_BY_CHILD, LOGGED_INSIDE
from oracle import files_of, lines_of

from mplog.files.verify import verify

WAYS = ("field", "nested", "template", "context")


@pytest.mark.process
def test_hostile_values_are_each_one_event(program, logs, tell):
    """Values whose repr raises, logs or forks, of 1 MB, 10,000 keys, depth 1,000: once each."""
    log_file = logs / "app.jsonl"

    found = program("content", 170, file=str(log_file))

    report = verify([log_file])
    lines = [msgspec.json.decode(raw) for _, raw in lines_of(files_of(log_file))]
    marks = Counter(line["mark"] for line in lines if line["logger"] == "stress" and "mark" in line)
    messages = Counter(line["message"] for line in lines)
    turns = [(k, t) for k in range(1, 1 + found["workers"]) for t in range(found["rounds"])]
    wanted = {f"{k}/{t}/{name}/{way}" for k, t in turns for name in found["names"] for way in WAYS}
    both = {f"{k}/{t}/both" for k, t in turns}
    tell(f"{report.events:,} events of {len(found['names'])} kinds of values, {report.cut:,} cut")
    assert {"exit 0": found["workers"]} == found["exits"]
    assert (False, [], 0) == (report.damaged, report.open_sessions, report.dropped)
    assert wanted | both == marks.keys()
    assert {1} == {marks[mark] for mark in wanted}
    assert {2} == {marks[mark] for mark in both}, "the child's copy of a call is an event too"
    assert len(turns) <= messages[LOGGED_INSIDE]
    assert len(turns) <= messages[LOGGED_BY_CHILD]
    assert report.cut > 0

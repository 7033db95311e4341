"""Whole logs, however they are cut into files, are clean; one piece of known damage is found alone.

Sessions with drops and filtered events are interleaved and cut into archives, compressed ones,
retired ones and moved ones; then perhaps one line is removed, doubled or torn. What must be said
follows from how the log was made.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.config import Retention
from mplog.files.archive import archive_name
from mplog.files.manifest import Entry, append, manifest_path
from mplog.files.retention import retire
from mplog.files.scan import summarise
from mplog.files.verify import verify


@st.composite
def sessions(draw):
    """Lines of up to four sessions in their order: (session, first and last number told, line)."""
    parts = []
    for name in "abcd"[: draw(st.integers(1, 4))]:
        lines, seq, dropped, filtered = [], 0, 0, 0
        for kind in draw(st.lists(st.sampled_from("eeeedf"), min_size=1, max_size=9)):
            took = draw(st.integers(1, 3)) if kind == "f" else 0
            many = draw(st.integers(1, 4)) if kind == "d" else 1
            first, seq = seq + 1, seq + took + many
            filtered += took
            dropped += many if kind == "d" else 0
            told = {"filtered": took} if took else {}
            if kind == "d":
                told |= {"logger": "mplog", "event_name": "mplog.drop", "first": first}
                told |= {"session": name, "last": seq, "count": many}
            else:
                told |= {"process.pid": 7, "session": name, "seq": seq}
            lines.append((name, first, seq, told))
        if draw(st.booleans()):
            counts = {"delivered": seq - dropped - filtered, "dropped": dropped}
            told = {"logger": "mplog", "event_name": "mplog.session.end", "session": name}
            lines.append((name, 0, 0, told | counts | {"last": seq, "filtered": filtered}))
        parts.append(lines)
    merged = []
    while any(parts):
        part = draw(st.sampled_from([part for part in parts if part]))
        merged.append(part.pop(0))
    stamped = [({"timestamp": f"2026-11-22T08:00:00.{i:09}Z"}) for i in range(len(merged))]
    return [
        (name, first, last, json.dumps(stamp | told).encode() + b"\n")
        for stamp, (name, first, last, told) in zip(stamped, merged, strict=True)
    ]


def lay_out(directory, pieces, shapes, keep):
    """Files of the pieces, the last one active; *shapes* of those before, *keep* archives stay."""
    generation = 0
    for number, (piece, shape) in enumerate(zip(pieces[:-1], shapes, strict=False)):
        content = b"".join(line for *_, line in piece)
        if shape == "moved":
            (directory / f"app.jsonl.{len(pieces) - number}").write_bytes(content)
            continue
        generation += 1
        path = directory / archive_name("app.jsonl", generation, 0)
        path.write_bytes(content)
        entry = Entry(path.name, generation, len(content), summarise(path))
        append(manifest_path(directory, "app.jsonl"), entry)
        if shape == "packed":
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
            path.unlink()
    active = directory / "app.jsonl"
    active.write_bytes(b"".join(line for *_, line in pieces[-1]))
    if keep is not None:
        retire(directory, "app.jsonl", Retention(count=keep), None)
    return active


def cut(lines, cuts):
    marks = sorted({min(cut, len(lines)) for cut in cuts})
    return [lines[i:j] for i, j in zip([0, *marks], [*marks, len(lines)], strict=True)]


CUTS = st.lists(st.integers(0, 40), max_size=4)
SHAPES = st.lists(st.sampled_from(["plain", "packed"]), min_size=5, max_size=5)
MOVED = st.lists(st.sampled_from(["plain", "packed", "moved"]), min_size=5, max_size=5)


@settings(max_examples=120, deadline=None)
@given(sessions(), CUTS, SHAPES, st.sampled_from([None, 0, 1, 2]))
def test_a_whole_log_is_clean_however_it_lies(lines, cuts, shapes, keep):
    """Archives plain and compressed, and what retention has deleted of them."""
    with tempfile.TemporaryDirectory() as directory:
        report = verify([lay_out(Path(directory), cut(lines, cuts), shapes, keep)])

    assert (0, []) == (report.exit_code, report.findings)


@settings(max_examples=60, deadline=None)
@given(sessions(), CUTS, MOVED)
def test_a_whole_log_is_clean_also_where_files_were_moved_away(lines, cuts, shapes):
    """Between archives, before them, after them."""
    pieces = [piece for piece in cut(lines, cuts)[:-1] if piece] + cut(lines, cuts)[-1:]
    with tempfile.TemporaryDirectory() as directory:
        report = verify([lay_out(Path(directory), pieces, shapes, None)])

    assert (0, []) == (report.exit_code, report.findings)


@settings(max_examples=120, deadline=None)
@given(sessions(), CUTS, SHAPES, st.data())
def test_one_piece_of_damage_is_found_alone(lines, cuts, shapes, data):
    """A removed line is missing, a doubled one doubled, a torn one torn and missing: its own
    numbers, unless nothing after it tells that they were.
    """
    index = data.draw(st.integers(0, len(lines) - 1))
    what = data.draw(st.sampled_from(["remove", "double", "tear"]))
    name, first, last, raw = lines[index]
    damaged = list(lines)
    if what == "double":
        damaged.insert(index, lines[index])
    else:
        damaged[index : index + 1] = [] if what == "remove" else [(name, 0, 0, raw[:30] + b"\n")]
    with tempfile.TemporaryDirectory() as directory:
        report = verify([lay_out(Path(directory), cut(damaged, cuts), shapes, None)])
    later = [one for one in lines[index + 1 :] if one[0] == name]
    numbers = last - first + 1 if first else 0
    if all(one[1] == 0 for one in later):
        numbers -= json.loads(raw).get("filtered", 0) if first else 0  # the end line tells those

    if what == "double":
        assert (0, 0) == (report.missing, report.torn)
        assert report.doubled or report.contradictions
    else:
        assert (numbers if later else 0) == report.missing
        assert (what == "tear") == bool(report.torn)
    assert {name, None} >= {finding.session for finding in report.findings}

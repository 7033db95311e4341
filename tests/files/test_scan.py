"""Files are cut into lines exactly, whatever the chunks, and in bounded memory."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from mplog.files import scan
from mplog.files.manifest import SessionRange


def chunks(*parts):
    """A `read` that returns these, then nothing."""
    queue = iter([*parts, b""])
    return lambda: next(queue)


@given(st.lists(st.binary(min_size=1).map(lambda b: b.replace(b"a", b"\n")), max_size=20))
def test_chunks_do_not_matter(parts):
    """Lines, offsets and the unfinished end come out as if read at once."""
    data = b"".join(parts)
    batches = list(scan.batches(chunks(*parts)))
    whole = [line for batch in batches if batch.whole for line in batch.lines]
    tail = [line for batch in batches if not batch.whole for line in batch.lines]

    assert data == b"\n".join([*whole, *(tail or [b""])])
    for batch in batches:
        joined = b"\n".join(batch.lines)
        assert joined == data[batch.offset : batch.offset + len(joined)]


def test_an_endless_line_is_cut_and_offsets_still_hold(monkeypatch):
    """It is kept as a beginning that is no JSON; what follows stands at its true offset."""
    monkeypatch.setattr(scan, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(scan, "_KEPT_BYTES", 2)
    data = b"{}\n" + b"{}" + b" " * 997 + b"\n{}\n[]\n" + b"{}" + b" " * 500
    parts = [data[i : i + 60] for i in range(0, len(data), 60)]
    batches = list(scan.batches(chunks(*parts)))
    placed = []
    for batch in batches:
        offsets = itertools.accumulate((len(x) + 1 for x in batch.lines), initial=batch.offset)
        placed += zip(offsets, batch.lines, strict=False)

    assert [0, 3, 1003, 1006, 1009] == [offset for offset, _ in placed]
    assert [b"{}", b"{}", b"[]"] == [placed[i][1] for i in (0, 2, 3)]
    for i in (1, 4):
        assert placed[i][1].startswith(b"{}")
        assert placed[i][1].endswith(b"\0")
        assert len(placed[i][1]) < 100
    assert not batches[-1].whole


def test_a_summary_is_what_the_manifest_holds(tmp_path):
    """Numbers, drops and end lines of each session; other lines do not matter."""
    path = tmp_path / "app.jsonl"
    path.write_text(
        '{"session":"a","seq":3}\n{"session":"a","seq":4}\ntorn\n{"other":1}\n\n'
        '{"event_name":"mplog.drop","session":"a","first":5,"last":7,"count":3}\n'
        '{"event_name":"mplog.session.end","session":"b","last":9,"delivered":9}\n'
    )

    assert {
        "a": SessionRange(3, 7, 2),
        "b": SessionRange(9, 9, 0, True),
    } == scan.summarise(path)

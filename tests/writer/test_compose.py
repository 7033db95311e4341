"""Items of a drain become lines that fit, with gaps told where they are."""

from __future__ import annotations

import json

import msgspec
import pytest

from mplog._native import ITEM_FILTERED
from mplog.format import formatter
from mplog.writer.compose import compose, drop_notice, file_notice, homeless_notice, session_end

FMT = formatter("json")


def item(seq, session="s", gap=None, payload=None, text="hello", flags=0, untold=0):
    content = msgspec.msgpack.encode(("shop", text, {})) if payload is None else payload
    return ((session, 7, "work"), seq, 1_000_000_000 + seq, 20, 0, flags, content, gap, untold)


def composed(items, room=1 << 20, staging=1 << 20, at=0):
    batch, data = compose(items, FMT, room, staging, at)
    assert len(data) == batch.size_bytes
    return batch, [json.loads(line) for line in data.splitlines()]


def numbers(lines):
    return [line["seq"] for line in lines if "seq" in line]


def test_every_item_is_a_line():
    """In order."""
    batch, lines = composed([item(1), item(1, "t"), item(2)])

    assert ([1, 1, 2], 3) == (numbers(lines), batch.count)


def test_what_does_not_fit_is_left_for_the_next_batch():
    """Only whole lines, up to the room; nothing of the rest is counted."""
    size = composed([item(1)])[0].size_bytes
    batch, lines = composed([item(1), item(2), item(3)], room=2 * size + 5)

    assert ([1, 2], 2) == (numbers(lines), batch.count)


def test_the_first_line_may_go_over_the_room():
    """A line longer than a file still gets into one."""
    assert [1] == numbers(composed([item(1), item(2)], room=10)[1])


def test_no_batch_goes_over_the_staging_area():
    """A line larger than that becomes a short one that says so; what is taken already counts."""
    batch, lines = composed([item(1, text="x" * 5000), item(2)], staging=2000)
    none, _ = composed([item(1)], staging=2000, at=1990)

    assert (1, True) == (lines[0]["seq"], batch.size_bytes <= 2000)
    assert (0, 0) == (none.count, none.size_bytes)


def test_what_a_filter_took_is_in_the_batch_and_leaves_no_line():
    """The session's next line tells how many; nothing else of it is written."""
    gone = item(2, flags=ITEM_FILTERED, payload=b"")
    batch, lines = composed([item(1), gone, item(3, untold=1)], room=10_000)
    alone, nothing = composed([gone], room=0)

    assert ([1, 3], 3) == (numbers(lines), batch.count)
    assert [None, 1] == [line.get("filtered") for line in lines]
    assert ([], 1, 0) == (nothing, alone.count, alone.size_bytes)


def test_a_gap_before_what_a_filter_took_is_told_at_once():
    """With what was filtered before it."""
    gap = (3, 4, {"lane_full": {"INFO": 2}}, 0, 0)
    batch, lines = composed([item(5, gap=gap, flags=ITEM_FILTERED, untold=2), item(6, untold=1)])

    assert ["mplog.drop", None] == [line.get("event_name") for line in lines]
    assert ([2, 1], 2) == ([line["filtered"] for line in lines], batch.count)


def test_a_gap_is_told_before_the_event_after_it():
    """First, last, count and reasons; the session's range begins with the gap."""
    gap = (2, 4, {"lane_full": {"INFO": 3}}, 0, 0)
    batch, lines = composed([item(1), item(5, gap=gap)])

    assert [None, "mplog.drop", None] == [line.get("event_name") for line in lines]
    assert (2, 4, 3) == (lines[1]["first"], lines[1]["last"], lines[1]["count"])
    assert gap[2] == lines[1]["reasons"]
    assert 2 == batch.count


def test_an_event_that_cannot_be_decoded_is_a_line_of_its_own():
    """Counted, and its number stands in the file."""
    batch, lines = composed([item(1, payload=b"\xc1"), item(2)])

    assert ([1, 2], 1) == (numbers(lines), batch.unreadable)


def end(last, settled, delivered, clean=True, filtered=0, untold=0):
    dropped = settled - delivered - filtered
    account = (last, settled, delivered, filtered, dropped)
    return (0, "s", 7, "work", 1, *account, clean, {}, untold, 0, 0)


@pytest.mark.parametrize("clean", [True, False])
def test_the_end_of_a_session_tells_its_account(clean):
    """Last number, delivered, dropped, and whether it said goodbye."""
    text, dropped = session_end(FMT, 1, end(10, 10, 9, clean))
    told = json.loads(text)

    assert 1 == dropped
    assert (10, 9, 1, clean) == tuple(told[k] for k in ("last", "delivered", "dropped", "clean"))
    assert clean == ("without detaching" not in told["message"])


def test_numbers_dropped_at_the_very_end_are_told_too():
    """No event came after them that could have brought the notice."""
    text, dropped = session_end(FMT, 1, end(10, 7, 7))
    drop, last = map(json.loads, text.splitlines())

    assert (3, 8, 10) == (dropped, drop["first"], drop["last"])
    assert "mplog.session.end" == last["event_name"]


def test_the_end_tells_what_was_filtered():
    """In all; a drop notice before it tells those directly before the dropped ones."""
    text, dropped = session_end(FMT, 1, end(10, 8, 5, filtered=3, untold=2))
    drop, last = map(json.loads, text.splitlines())

    assert (2, 2, 3) == (dropped, drop["filtered"], last["filtered"])
    assert 10 == last["delivered"] + last["filtered"] + last["dropped"]
    assert "2 dropped, 3 filtered" in last["message"]


def test_notices_read_well():
    """One event, several events, and what befell the file."""
    one = json.loads(drop_notice(FMT, 1, "s", (1, 1, {}, 0, 0), 0))
    lost = {"lane_full": {"DEBUG": 1190, "INFO": 14}}
    many = json.loads(drop_notice(FMT, 1, "s", (1, 1204, lost, 10**9, 2 * 10**9), 0))
    two = {"oldest": {}, "overflow": {"INFO": 1}}
    vague = json.loads(drop_notice(FMT, 1, "s", (1, 3, two, 0, 0), 0))
    none = json.loads(homeless_notice(FMT, 1, {"INFO": 2}, 10**9, 10**9))
    file = json.loads(file_notice(FMT, 1, "foreign_bytes", 12345, 7))

    assert "1 event dropped" == one["message"]
    first, last = "1970-01-01T00:00:01.000000000Z", "1970-01-01T00:00:02.000000000Z"
    told = "1,204 events dropped: lane full, DEBUG 1,190, INFO 14"
    assert f"{told}, between {first} and {last}" == many["message"]
    assert (first, last) == (many["lost.since"], many["lost.until"])
    assert "3 events dropped: oldest; overflow, INFO 1" == vague["message"]
    assert none["message"].startswith("2 events dropped: no lane, INFO 2, between ")
    assert "the log file: foreign bytes at byte 12,345" == file["message"]

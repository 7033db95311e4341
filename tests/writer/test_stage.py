"""A batch in the staging area: the same bytes and the same account, in C and in Python."""

from __future__ import annotations

import json
import os

import pytest
from one_writer import PAYLOADS, STAGING_BYTES

from mplog import _native
from mplog._native import Producer
from mplog.config import Rotation, Settings
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.files.manifest import SessionRange
from mplog.files.verify import verify
from mplog.ring import bell_id, create_bell, hold
from mplog.writer import stage
from mplog.writer.loop import Loop
from mplog.writer.recover import begin
from mplog.writer.state import Signals


def test_plain_and_other_events_come_in_their_order(place):
    """Whoever makes a line, it stands where its event was logged."""
    producers = [place.producer("web"), place.producer("wörker\n")]
    for index, payload in enumerate(PAYLOADS * 3):
        assert producers[index % 2].publish(20 + index, payload, 0, index % 2)

    batch, lines = place.both()

    assert (18, 3) == (batch.count, batch.unreadable)
    assert [index // 2 + 1 for index in range(18)] == [json.loads(line)["seq"] for line in lines]
    assert [SessionRange(1, 9, 9)] * 2 == list(place.deliver(batch).ranges.values())


def test_no_event_is_an_empty_batch(place):
    """Nothing is staged."""
    place.producer()

    assert (0, []) == (place.both()[0].count, place.both()[1])


@pytest.mark.parametrize("room_bytes", [0, 1, 400, 5_000, 12_345, STAGING_BYTES])
@pytest.mark.parametrize("at", [0, 777, STAGING_BYTES - 2_000, STAGING_BYTES])
def test_a_batch_ends_where_a_line_does_not_fit(place, room_bytes, at):
    """The first line may go over the file's room, none over the staging area."""
    producer = place.producer()
    for payload in PAYLOADS * 8:
        assert producer.publish(20, payload)

    batch, lines = place.both(at, room_bytes)

    assert batch.count == len(lines)
    assert batch.count <= 1 or batch.size_bytes <= room_bytes
    assert at + batch.size_bytes <= STAGING_BYTES
    assert batch.count or at


def test_batches_follow_each_other_until_all_is_there(place):
    """What did not fit comes first in the next batch."""
    producer = place.producer()
    for payload in PAYLOADS * 20:
        assert producer.publish(20, payload)
    seqs = []
    while True:
        batch, lines = place.both(0, 20_000)
        if not batch.count:
            break
        seqs += [json.loads(line)["seq"] for line in lines]
        place.deliver(batch)

    assert list(range(1, 121)) == seqs


def test_a_gap_is_told_before_the_next_line(place):
    """Numbers that were dropped are in the account and in a notice."""
    producer = place.producer(policy=_native.DROP_NEWEST)
    while producer.publish(20, PAYLOADS[5]):
        pass
    accepted = producer.seq - 1
    while (batch := place.both()[0]).count:
        place.deliver(batch)
    assert producer.publish(20, PAYLOADS[0])

    batch, (notice, line) = place.both()

    told = place.deliver(batch)
    assert (1, 1) == (batch.count, told.dropped)
    assert "mplog.drop" == json.loads(notice)["event_name"]
    assert accepted + 2 == json.loads(line)["seq"]
    assert [SessionRange(accepted + 1, accepted + 2, 1)] == list(told.ranges.values())


def test_an_event_larger_than_the_staging_area_leaves_its_number(place):
    """Its line says what it was; the events around it are whole."""
    producer = place.producer()
    large = ENCODER.encode(Event("shop", "\x01" * 20_000))
    for payload in (PAYLOADS[0], large, PAYLOADS[0]):
        assert producer.publish(20, payload)
    lines = []
    for expected in (1, 2):  # to learn that it is too large it must come first
        batch = stage.drain(place.job, 0, 1 << 20, STAGING_BYTES)
        lines += bytes(memoryview(place.job.journal))[: batch.size_bytes].splitlines()
        assert expected == batch.count
        place.deliver(batch)

    assert [False, True, False] == [b'"unreadable":' in line for line in lines]
    assert [1, 2, 3] == [json.loads(line)["seq"] for line in lines]


@pytest.mark.parametrize("answer", [None, (b"x",), ("x", False), (b"", False), 1 / 2])
def test_a_fallback_that_answers_nonsense_is_refused(place, answer):
    """No byte of it is staged."""
    assert place.producer().publish(20, PAYLOADS[1])
    assert 1 == place.job.reader.drain_count(1 << 20)

    with pytest.raises(TypeError, match="the fallback returns"):
        place.compose(lambda item: answer)


def test_an_error_of_the_fallback_comes_out(place):
    """And the items are still there afterwards."""
    assert place.producer().publish(20, PAYLOADS[1])
    assert 1 == place.job.reader.drain_count(1 << 20)

    with pytest.raises(ZeroDivisionError):
        place.compose(lambda item: 1 / 0)
    assert 1 == place.both()[0].count


def test_nobody_drains_while_a_batch_is_composed(place):
    """The items would change under its hands."""
    assert place.producer().publish(20, PAYLOADS[1])
    assert 1 == place.job.reader.drain_count(1 << 20)

    with pytest.raises(RuntimeError):
        place.compose(lambda item: place.job.reader.drain(1 << 20))
    with pytest.raises(RuntimeError):
        place.compose(lambda item: item, STAGING_BYTES + 1)


def delivered(directory, log, native):
    """What a service's writer has written of all payloads, in all its files."""
    directory.mkdir(mode=0o700)
    log.parent.mkdir()
    settings = Settings(file=str(log), rotation=Rotation(size_bytes=30_000))
    create_bell(directory, "shop", settings)
    supervisor = hold(directory, "shop", _native.LOCK_SUPERVISOR)
    producer = Producer(str(directory), "shop", "web")
    producer.attach()
    for payload in PAYLOADS * 15:
        assert producer.publish(20, payload)
    producer.detach(True)
    job = begin(directory, "shop", settings, Signals(), bell_id(directory, "shop"))
    job.native = native
    job.sinks[0].notices.append(("truncated", 1, 2))
    Loop(job).run()
    job.file.close()
    os.close(job.sinks[0].lock)
    os.close(supervisor)
    report = verify([log])
    assert (90, 1, []) == (report.events, report.ended_clean, report.open_sessions)
    files = [*sorted(log.parent.glob("app.2*.jsonl")), log]
    assert len(files) > 1
    return [json.loads(line) for path in files for line in path.read_bytes().splitlines()]


def test_a_service_writes_the_same_lines_either_way(shm, logdir):
    """The notice, the events and the session's end, but for times, pids and the session's name."""
    lines = {}
    for way, native in (("C", True), ("Python", False)):
        lines[way] = delivered(shm / way, logdir / way / "app.jsonl", native)
        for line in lines[way]:
            for key in ("timestamp", "session", "process.pid"):
                line.pop(key, None)

    assert lines["Python"] == lines["C"]
    assert 92 == len(lines["C"])


def test_of_several_files_each_gets_the_same_events(two):
    """As many as have room in all of them; the rest comes first in the next batch."""
    one = two()
    for number in range(6):
        one.log_one(f"event {number}")
    share = one.job.share_bytes
    whole, room = stage.Room(0, share), stage.Room(0, 400)
    full = stage.Room(share, share)

    def counts(*rooms):
        one.job.reader.rewind()
        return [batch.count for batch in stage.drain_all(one.job, 1 << 20, rooms)]

    assert [6, 6] == counts(whole, whole)
    few = counts(whole, room)
    assert few == counts(room, whole)
    assert 0 < few[0] == few[1] < 6
    assert [0, 0] == counts(whole, full)
    assert [0, 0] == counts(full, whole)
    one.job.reader.rewind()
    one.turn()
    assert [6, 6] == one.whole()


def test_an_event_that_one_file_has_no_room_for_waits_for_all_of_them(two):
    """What is told of the second file fills its share: its events come with the next batch, and
    none is left out there.
    """
    one = two()
    one.turn()
    sink, line = one.second, b""
    while len(line) < one.job.share_bytes - 100:
        text = "x" * min(60_000, one.job.share_bytes - 400 - len(line))
        line += sink.fmt.notice(1, 30, "mplog.test", text, {})
    sink.lines.append(line[: line.rfind(b"\n") + 1])
    one.log_one("first")
    one.turn()
    one.log_one("second")
    one.turn()
    one.turn()

    assert [2, 2] == one.whole()

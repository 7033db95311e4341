"""A durable queue on disk: what was appended is read in order until it is acknowledged."""

from __future__ import annotations

import errno
import os
import stat

import msgspec
import pytest
from disk import MUCH, append, drained, opened, read, segments
from given import event, events

from mplog.resilience import segment
from mplog.resilience.spool_rules import SpoolRules
from mplog.resilience.store import held
from mplog.sinks.base import Outgoing


def test_what_goes_in_comes_out_whole(tmp_path):
    """An event has everything that it had."""
    spool = opened(tmp_path)
    one = held(event(7, 40, text="what\nis\0 it \U0001f600"))
    spool.append([one])

    assert [one] == spool.read(9, MUCH)


def test_it_is_read_again_until_it_is_acknowledged(tmp_path):
    """After a restart too."""
    spool = opened(tmp_path)
    append(spool, events(5))
    assert [1, 2, 3] == read(spool, 3)
    assert [1, 2, 3] == read(spool, 3)
    spool.ack(2, 0.0)
    assert [3, 4, 5] == read(spool)
    spool.close()

    assert [3, 4, 5] == read(opened(tmp_path))


def test_the_order_is_kept_over_segments_and_restarts(tmp_path):
    """Many small segments, opened anew between appends."""
    for first in range(1, 300, 10):
        spool = opened(tmp_path)
        append(spool, events(10, first))
        spool.close()

    assert len(segments(tmp_path)) > 5
    assert list(range(1, 301)) == drained(opened(tmp_path))


def test_what_a_killed_writer_appends_again_is_left_out(tmp_path):
    """By session and number, found from the end at open; also where it comes in other batches."""
    spool = opened(tmp_path)
    append(spool, events(100))
    append(spool, [event(1, session="other"), *events(20, 101)])
    spool.close()
    spool = opened(tmp_path)

    assert 0 == append(spool, events(20, 101))
    assert 5 == append(spool, [event(1, session="other"), *events(15, 111)])
    assert [*range(1, 101), 1, *range(101, 126)] == drained(spool)


def test_its_files_are_its_users_alone(tmp_path):
    """Modes are final from the beginning: 0700 for the directory, 0600 for what is in it."""
    before = os.umask(0)
    try:
        append(opened(tmp_path), events(1))
    finally:
        os.umask(before)
    place = tmp_path / "spool"

    assert 0o700 == stat.S_IMODE(place.stat().st_mode)
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}
    assert 3 == len(list(place.iterdir()))


def test_a_directory_that_anybody_may_write_is_refused(tmp_path):
    """Whoever may write there can have anything sent."""
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(0o777)

    with pytest.raises(PermissionError, match="may write"):
        opened(tmp_path)


def test_two_writers_do_not_share_a_spool(tmp_path):
    """The second one is told, and the first one goes on."""
    spool = opened(tmp_path)
    with pytest.raises(OSError, match="another writer") as raised:
        opened(tmp_path)
    append(spool, events(1))

    assert errno.EBUSY == raised.value.errno
    assert [1] == read(spool)


def test_when_it_is_full_the_oldest_segment_goes_and_is_told(tmp_path):
    """The bound holds, and what is lost is counted by level."""
    spool = opened(tmp_path, SpoolRules(max_bytes=20_000, segment_bytes=2_000))
    for first in range(1, 400, 4):
        append(spool, events(4, first, level=30))
        assert spool.size_bytes <= 20_000
        assert spool.size_bytes == sum(path.stat().st_size for path in segments(tmp_path))
    (losses,) = [lost_ for lost_ in [spool.losses()] if lost_]
    gone = sum(sum(loss.levels.values()) for loss in losses)
    got = drained(spool)

    assert {"spool_full"} == {loss.reason for loss in losses}
    assert {"WARNING"} == {level for loss in losses for level in loss.levels}
    assert list(range(gone + 1, 401)) == got
    assert [] == spool.losses()


def test_what_is_being_delivered_is_not_lost_by_a_full_spool(tmp_path):
    """A batch in the far side's hands counts as delivered when it says so, and nothing twice."""
    spool = opened(tmp_path, SpoolRules(max_bytes=20_000, segment_bytes=2_000))
    append(spool, events(4))
    assert [1, 2, 3, 4] == read(spool)
    for first in range(5, 400, 4):
        append(spool, events(4, first))
    told = sum(sum(loss.levels.values()) for loss in spool.losses())
    assert 400 == 4 + told + spool.waiting - 4
    spool.ack(4, 0.0)
    got = drained(spool)

    assert 400 == 4 + told + len(got)
    assert list(range(5 + told, 401)) == got


def test_a_batch_that_failed_while_its_segment_was_dropped_is_counted(tmp_path):
    """What is neither on the disk nor with the far side is a loss."""
    spool = opened(tmp_path, SpoolRules(max_bytes=20_000, segment_bytes=2_000))
    append(spool, events(4))
    read(spool)
    for first in range(5, 400, 4):
        append(spool, events(4, first))
    spool.ack(1, 0.0)
    got = drained(spool)
    told = sum(sum(loss.levels.values()) for loss in spool.losses())

    assert 400 == 1 + told + len(got)


def test_an_acknowledged_segment_is_kept_for_its_time(tmp_path):
    """Then it goes; until then all of it can be delivered again."""
    spool = opened(tmp_path, SpoolRules(segment_bytes=500, hold_s=120.0))
    for first in range(1, 41, 4):
        append(spool, events(4, first))
    count = len(segments(tmp_path))
    while numbers := read(spool, 7):
        spool.ack(len(numbers), 100.0)
    assert count == len(segments(tmp_path))
    assert 40 == spool.rewind()
    while numbers := read(spool, 7):
        spool.ack(len(numbers), 200.0)
    append(spool, events(1, 41))
    read(spool)
    spool.ack(1, 321.0)

    # The one before the last was still written to when its events were acknowledged.
    assert 2 == len(segments(tmp_path))


def test_held_segments_give_way_before_anything_is_lost(tmp_path):
    """What is acknowledged is the first to go when room is needed."""
    spool = opened(tmp_path, SpoolRules(max_bytes=20_000, segment_bytes=2_000, hold_s=1e9))
    for first in range(1, 2_000, 4):
        append(spool, events(4, first))
        spool.ack(len(read(spool)), 0.0)

    assert [] == spool.losses()
    assert spool.size_bytes <= 20_000


def test_repetitions_are_looked_for_where_a_killed_writer_may_have_been(tmp_path, monkeypatch):
    """In the last megabytes, found from the end; a segment before that is not gone through."""
    monkeypatch.setattr("mplog.resilience.spool._TAIL_BYTES", 3_000)
    spool = opened(tmp_path, SpoolRules(segment_bytes=1 << 20))
    append(spool, events(500))
    spool.close()
    seen = []
    record = segment.record
    monkeypatch.setattr(segment, "record", lambda *row: seen.append(row) or record(*row))
    spool = opened(tmp_path, SpoolRules(segment_bytes=1 << 20))

    assert 20 < len(seen) < 40
    assert 1 == append(spool, events(30, 472))
    assert 501 == spool.waiting


def test_opening_reads_the_end_and_not_the_backlog(tmp_path, monkeypatch):
    """A backlog of any length costs two segments to open."""
    spool = opened(tmp_path)
    for first in range(1, 2_000, 10):
        append(spool, events(10, first))
    spool.close()
    seen = []
    pread = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, n, at: seen.append(got := pread(fd, n, at)) or got)
    opened(tmp_path)

    assert len(segments(tmp_path)) > 30
    assert sum(map(len, seen)) < 3 * 4_000


def test_an_event_larger_than_a_piece_is_read(tmp_path):
    """A megabyte, between small ones."""
    spool = opened(tmp_path, SpoolRules(segment_bytes=1 << 16))
    big = event(2, text="x" * (1 << 20))
    spool.append([held(one) for one in (event(1), big, event(3))])
    spool.close()
    spool = opened(tmp_path, SpoolRules(segment_bytes=1 << 16))

    assert [held(one) for one in (event(1), big, event(3))] == spool.read(9, 1 << 22)
    assert [1] == read(spool, 1)
    spool.ack(1, 0.0)
    assert [2] == [stamped.seq for stamped, _ in spool.read(9, 10)]


def test_a_batch_larger_than_the_spool_is_refused(tmp_path):
    """Everything else would have to go for it, and it would not fit then either."""
    spool = opened(tmp_path, SpoolRules(max_bytes=20_000, segment_bytes=2_000))
    append(spool, events(3))
    with pytest.raises(OSError, match="larger than the spool") as raised:
        append(spool, [event(4, text="x" * 20_000)])

    assert errno.EFBIG == raised.value.errno
    assert [1, 2, 3] == read(spool)


def test_an_append_is_on_the_disk_when_that_is_wanted(tmp_path, monkeypatch):
    """By fsync, of the file and of its name; behind a failed one another segment is begun."""
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    spool = opened(tmp_path, SpoolRules(fsync=True))
    append(spool, events(3))
    (path,) = segments(tmp_path)
    assert {str(tmp_path / "spool"), str(path)} == set(synced)

    def failing(fd):
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(OSError, match="input/output"):
        append(spool, events(3, 4))
    monkeypatch.setattr(os, "fsync", fsync)
    append(spool, events(3, 4))

    assert 2 == len(segments(tmp_path))
    assert [1, 2, 3, 4, 5, 6] == drained(spool)


def test_sessions_are_not_remembered_for_ever(tmp_path, monkeypatch):
    """A service that runs for a year has had many; those that were quiet the longest go."""
    monkeypatch.setattr("mplog.resilience.seen._MOST_SESSIONS", 10)
    spool = opened(tmp_path)
    append(spool, [event(1, session=f"s-{n}") for n in range(100)])

    assert 10 == len(spool._seen._last)
    assert 0 == append(spool, [event(1, session="s-99")])


def test_a_process_may_call_itself_anything(tmp_path):
    """A name that is no text for a file is shown escaped."""
    spool = opened(tmp_path)
    one = event(1)
    stamped = msgspec.structs.replace(one.stamped, process_name="w\udcff", wall_ns=-1, level=400)
    spool.append([held(Outgoing(stamped, one.event))])
    ((got, _),) = spool.read(1, MUCH)

    assert ("w\\udcff", 144) == (got.process_name, got.level)

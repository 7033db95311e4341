"""What a spool makes of files that are not as it left them."""

from __future__ import annotations

import os

import pytest
from disk import append, drained, lost, opened, read, segments
from given import event, events

from mplog.resilience import segment
from mplog.resilience.spool_rules import SpoolRules
from mplog.resilience.store import held


def test_a_torn_end_is_cut(tmp_path):
    """A record that was being written when its writer was killed is gone, and nothing else."""
    spool = opened(tmp_path)
    append(spool, events(3))
    spool.close()
    (path,) = segments(tmp_path)
    whole = path.read_bytes()
    record = segment.framed(4, segment.salt_of(whole), held(event(4)))
    for torn in range(1, len(record)):
        path.write_bytes(whole + record[:torn])
        spool = opened(tmp_path)
        assert torn == spool.torn_bytes
        assert whole == path.read_bytes()
        spool.close()
    spool = opened(tmp_path)
    assert 1 == append(spool, [event(4)])

    assert [1, 2, 3, 4] == drained(spool)


def test_a_segment_that_was_only_begun_is_begun_again(tmp_path):
    """A kill between its making and its head leaves a file without a use."""
    spool = opened(tmp_path)
    append(spool, events(3))
    spool.close()
    for size in (0, 5, 47):
        (tmp_path / "spool" / segment.name_of(4)).write_bytes(bytes(size))
        spool = opened(tmp_path)
        assert 1 == len(segments(tmp_path))
        spool.close()
    append(spool := opened(tmp_path), events(1, 4))

    assert [1, 2, 3, 4] == drained(spool)


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit_costs_the_record_that_it_is_in(tmp_path, bit):
    """A broken record in the middle is skipped and counted; the others come out."""
    spool = opened(tmp_path, SpoolRules(segment_bytes=300))
    append(spool, events(3))
    append(spool, events(3, 4))
    spool.close()
    first, _ = segments(tmp_path)
    whole = first.read_bytes()
    for at in range(bit, len(whole), 8):
        broken = bytearray(whole)
        broken[at] ^= 1 << bit
        first.write_bytes(broken)
        (tmp_path / "spool" / "position").unlink(missing_ok=True)
        spool = opened(tmp_path, SpoolRules(segment_bytes=300, hold_s=1e9))
        got = drained(spool)
        told = lost(spool).get("spool_broken", {}).get("unknown", 0)
        assert got == sorted(set(got) & set(range(1, 7))), at
        assert 6 == len(got) + told, at
        assert told <= 1, at
        spool.close()


def test_bytes_of_an_event_that_look_like_a_record_are_none(tmp_path):
    """An event that holds a whole frame cannot have it read behind a broken record."""
    spool = opened(tmp_path)
    forged = segment.framed(2, 0x1122334455667788, held(event(999)))
    one = event(1)
    one.event.fields["evil"] = forged
    append(spool, [one, event(2), event(3)])
    spool.close()
    (path,) = segments(tmp_path)
    data = bytearray(path.read_bytes())
    data[segment.HEAD_BYTES + 5] ^= (
        0xFF  # the length of the first record: it is unknown where it ends
    )
    path.write_bytes(data)
    assert forged in bytes(data)

    assert [2, 3] == drained(opened(tmp_path))


def test_a_segment_that_is_all_noise_is_skipped_and_counted(tmp_path):
    """Whatever stands there, the ones behind it are read."""
    spool = opened(tmp_path, SpoolRules(segment_bytes=300))
    append(spool, events(3))
    append(spool, events(3, 4))
    spool.close()
    first, _ = segments(tmp_path)
    first.write_bytes(os.urandom(first.stat().st_size))
    spool = opened(tmp_path, SpoolRules(segment_bytes=300))

    assert [4, 5, 6] == drained(spool)
    assert {"spool_broken": {"unknown": 3}} == lost(spool)


def test_a_segment_that_somebody_has_removed_is_counted(tmp_path):
    """Under the feet of the reader, and under those of the writer."""
    spool = opened(tmp_path, SpoolRules(segment_bytes=300))
    append(spool, events(3))
    append(spool, events(3, 4))
    for path in segments(tmp_path):
        path.unlink()
    assert [] == drained(spool)
    assert {"spool_broken": {"unknown": 6}} == lost(spool)
    append(spool, events(3, 7))

    assert [7, 8, 9] == drained(spool)
    assert 0 == spool.waiting


@pytest.mark.parametrize("slots", [(0,), (1,), (0, 1)])
def test_a_broken_position_makes_events_come_again_and_loses_none(tmp_path, slots):
    """One broken slot costs the last acknowledgement, two of them all that are still kept."""
    spool = opened(tmp_path)
    append(spool, events(9))
    for _ in range(3):
        assert 2 == len(read(spool, 2))
        spool.ack(2, 0.0)
    spool.close()
    path = tmp_path / "spool" / "position"
    data = bytearray(path.read_bytes())
    for slot in slots:
        data[slot * 256 + 20] ^= 1
    path.write_bytes(data)
    got = drained(opened(tmp_path))

    assert {7, 8, 9} <= set(got) == set(range(10 - len(got), 10))
    assert len(got) == {(0,): 3, (1,): 5, (0, 1): 9}[slots]


def test_an_acknowledged_number_is_never_given_again(tmp_path):
    """Whoever removes the segments and leaves the position gets what is new nevertheless."""
    spool = opened(tmp_path)
    append(spool, events(9))
    spool.ack(len(read(spool)), 0.0)
    spool.close()
    for path in segments(tmp_path):
        path.unlink()
    spool = opened(tmp_path)
    append(spool, events(3, 10))

    assert [10, 11, 12] == drained(spool)
    assert [] == spool.losses()


def two_segments(place):
    """Numbers 1-3 and 4-6."""
    spool = opened(place, SpoolRules(segment_bytes=300))
    append(spool, events(3))
    append(spool, events(3, 4))
    spool.close()
    return segments(place)


@pytest.mark.parametrize("size", [1, 7, 8, 47])
def test_the_torn_end_of_an_older_segment_costs_nothing(tmp_path, size):
    """Fewer bytes than a record has stand behind its last one, and others behind those."""
    first, _ = two_segments(tmp_path)
    first.write_bytes(first.read_bytes() + b"\x05" * size)
    spool = opened(tmp_path, SpoolRules(segment_bytes=300))

    assert [1, 2, 3, 4, 5, 6] == drained(spool)
    assert {} == lost(spool)


@pytest.mark.parametrize("body", [b"\xc1", b"", b"\x96\x01\x01\x01\x01\x01\x01"])
def test_a_whole_record_that_holds_no_event_is_skipped_and_counted(tmp_path, body):
    """Its check sum is right, and its bytes are those of something else."""
    spool = opened(tmp_path)
    append(spool, events(3))
    spool.close()
    (path,) = segments(tmp_path)
    salt = segment.salt_of(path.read_bytes())
    with path.open("ab") as file:
        file.write(segment._frame(4, salt, (0, 20, 0, 0), body))
    spool = opened(tmp_path)
    append(spool, events(1, 5))

    assert [1, 2, 3, 5] == drained(spool)
    assert {"spool_broken": {"unknown": 1}} == lost(spool)


def test_a_segment_cut_behind_the_position_gives_no_event_again(tmp_path):
    """What was acknowledged is known by its number, wherever it stands."""
    spool = opened(tmp_path)
    append(spool, events(1))
    size = segments(tmp_path)[0].stat().st_size
    append(spool, events(2, 2))
    assert [1, 2] == read(spool, 2)
    spool.ack(2, 0.0)
    spool.close()
    os.truncate(segments(tmp_path)[0], size)
    spool = opened(tmp_path)
    append(spool, events(1, 4))

    assert [4] == drained(spool)

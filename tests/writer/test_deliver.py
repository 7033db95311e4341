"""What stands between a batch and its file: syncs and rotations that fail."""

from __future__ import annotations

import os

import msgspec
import pytest
from one_writer import PAYLOADS

from mplog._native import IDLE
from mplog.files.active import AbsentFile
from mplog.files.archive import list_archives
from mplog.files.verify import verify
from mplog.writer import deliver
from mplog.writer.loop import Loop


def archives(log):
    """How many there are."""
    return len(list_archives(log.parent, log.name))


def test_a_file_that_is_absent_is_not_set_aside(place):
    """There is nothing at its path that is ours."""
    sink, file = place.job.sinks[0], place.job.file
    sink.file = AbsentFile(sink.path)
    assert not deliver.rotate(place.job)
    sink.file = file
    assert 0 == archives(sink.path)


def test_a_file_that_cannot_be_synced_is_set_aside_once(place):
    """A rotation syncs it first where that was asked for; the failed sync has rotated already."""
    job, sink = place.job, place.job.sinks[0]
    producer = place.producer()
    assert producer.publish(20, PAYLOADS[0])
    one = Loop(job)
    one._pass()
    job.settings = msgspec.structs.replace(job.settings, fsync="interval", fsync_interval_s=1e12)
    kept, read_only = os.dup(sink.file.fd), os.pipe()
    os.dup2(read_only[1], sink.file.fd, inheritable=False)  # of which fsync says EINVAL
    try:
        assert deliver.rotate(job)
    finally:
        for fd in (kept, *read_only):
            os.close(fd)
    assert 1 == archives(sink.path)
    assert IDLE == job.journal.state
    assert "could not be brought onto the disk" in job.problem
    assert producer.publish(20, PAYLOADS[0])
    one._pass()
    assert b'"what":"suspect"' in sink.path.read_bytes()
    assert 2 == verify([sink.path]).events


@pytest.mark.parametrize("left", ["ours", "theirs", "nothing"])
def test_of_several_files_nobody_waits_for_a_rotation(two, left):
    """It stops where it stands; the other file goes on, and this one gets all of it later."""
    one = two()
    one.log_one()
    one.turn()
    one.take_away(one.other)
    begin = deliver._begin

    def begun(*args):
        begin(*args)
        if left != "ours":
            os.rename(one.other, one.other.with_name("moved.jsonl"))
        if left == "theirs":
            one.other.write_bytes(b"")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(deliver, "_begin", begun)
        assert not one.loop._rotate(one.second)
    assert one.second.file.absent
    assert IDLE == one.job.journal.state
    assert f"cannot rotate {one.other}: " in one.job.problem
    assert "the other files go on" in one.job.problem
    one.log_one()
    one.turn()
    one.give_back()
    one.turn()
    one.log_one()
    one.turn()

    assert "" == one.job.problem
    assert not one.second.file.absent
    assert 3 == verify([one.log]).events
    files = sorted(one.other.parent.glob("*.jsonl"))
    assert (2 if left != "ours" else 1) == len(files)
    assert 3 == sum(verify([path]).events for path in files)

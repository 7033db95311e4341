"""A file that is owed its lines while the other one goes on: paid once it takes them, told where
it lost some.
"""

from __future__ import annotations

import errno
import json
import os

import pytest
from bounded_files import files_of
from two_files import FAR_S

from mplog.config import Rotation
from mplog.files.archive import list_archives
from mplog.files.verify import verify
from mplog.writer import deliver
from mplog.writer import owing as owing_module
from mplog.writer.loop import STUCK_S


def owing(two, rules=None, **settings):
    """A service whose second file takes nothing, and is owed three events of four."""
    one = two(rules, **settings)
    one.log_one("first")
    one.turn()
    one.refuse()
    for text in ("second", "third", "fourth"):
        one.log_one(text)
        one.turn()
    assert one.owed_bytes
    assert f"cannot write {one.other}: " in one.job.problem
    return one


def events(path):
    """The messages in one file, or what its notices tell."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [line.get("what", line["message"]) for line in lines]


def test_what_a_file_is_owed_it_gets_in_order(two):
    """Nothing is told of it any more."""
    one = owing(two)
    one.give_back()
    one.turn()

    assert ["first", "second", "third", "fourth"] == events(one.other)
    assert (0, "", False) == (one.owed_bytes, one.job.problem, one.second.owed)
    assert [4, 4] == one.whole()


def test_a_file_that_is_owed_nothing_any_more_is_written_as_before(two):
    """Whoever has seen to it: nobody tells of it any longer."""
    one = owing(two)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(one.loop.owing, "_pay", lambda sink, now_s: None)
        one.job.journal.spool_forget(1)
        one.give_back()
        deliver.take(one.job, one.second, None)
        one.turn()

    assert (False, "") == (one.second.owed, one.job.problem)
    one.log_one("fifth")
    one.turn()
    assert "fifth" == events(one.other)[-1]


def test_a_file_whose_lock_is_anothers_at_the_start_is_owed_all(two):
    """It is tried again, told, and gets all of it once the other one has left."""
    one = two()
    one.end()
    one.take_away(one.other)
    one.begin()
    one.log_one()
    one.turn()
    one.turn()
    told, lock = one.job.problem, one.second.lock
    one.give_back()
    one.turn()

    assert "another service writes it" in told
    assert -1 == lock
    assert one.second.lock >= 0
    assert [1, 1] == one.whole()


def test_archives_of_a_file_that_was_owed_much_hold_what_the_manifest_says(two):
    """It is set aside again and again while it is paid; what is accepted meanwhile comes later."""
    one = two({"rotation": Rotation(size_bytes=2_000)})
    one.end()
    one.take_away(one.other)
    one.begin()
    for number in range(60):
        one.log_one(f"number {number}")
        one.turn()
    one.give_back()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(owing_module, "PAY_S", -FAR_S)  # a frame a turn
        for number in range(60, 90):
            one.log_one(f"number {number}")
            one.turn()
    while one.owed_bytes:
        one.turn()
    for number in range(90, 120):
        one.log_one(f"number {number}")
        one.turn()

    assert len(list_archives(one.other.parent, one.other.name)) > 5
    assert [120, 120] == one.whole()


def test_what_had_got_into_a_file_that_is_moved_away_goes_whole_into_the_next(two):
    """Half of the first batch that is owed stands there already."""
    one = owing(two)
    length = one.job.journal.spool_load(1, one.job.place(one.second), one.job.share_bytes)
    place, before = one.job.place(one.second), one.other.stat().st_size
    half = bytes(memoryview(one.job.journal)[place : place + length // 2])
    away = one.other.with_name("moved.jsonl")
    os.rename(one.other, away)
    fd = os.open(away, os.O_RDWR)
    os.pwrite(fd, half, before)
    os.dup2(fd, one.second.file.fd, inheritable=False)
    os.close(fd)
    one.give_back()
    one.turn()

    assert ["first"] == events(away)
    assert ["second", "third", "fourth", "replaced"] == events(one.other)


def test_lines_that_somebody_has_damaged_are_lines_no_more(two):
    """They are forgotten, which is told and counted; the file goes on, and so does the other."""
    one = owing(two)
    (spool,) = one.directory.glob("*.spool")
    with spool.open("r+b") as file:
        file.seek(20)
        file.write(b"\xff\xff")
    one.give_back()
    one.turn()
    one.log_one("fifth")
    one.turn()

    assert ["first", "owed lines damaged", "fifth"] == [
        text.replace("_", " ") for text in events(one.other)
    ]
    assert one.job.reader.counters()["errors"]
    report = verify([one.other])
    assert (2, 3) == (report.events, report.missing)
    assert 5 == verify([one.log]).events


@pytest.mark.parametrize("refused", [False, True])
def test_a_file_that_is_paid_is_rotated_where_it_is_full(two, refused):
    """No file gets larger than its limit; where it cannot be rotated it goes on being owed."""
    one = owing(two, {"rotation": Rotation(size_bytes=400)})
    one.give_back()
    if refused:
        begin = deliver._begin

        def begun(*args):
            begin(*args)
            one.take_away(one.other)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(deliver, "_begin", begun)
            one.turn()
        assert one.second.file.absent
        assert one.owed_bytes
        one.give_back()
    one.turn()
    one.turn()
    files = sorted(one.other.parent.glob("*.jsonl"))

    assert not one.owed_bytes
    assert len(files) > 1
    assert all(path.stat().st_size <= 400 for path in files)
    assert [4, 4] == one.whole()


def test_bytes_of_others_in_a_file_that_is_owed_are_told(two):
    """Somebody has written into it meanwhile."""
    one = owing(two)
    with one.other.open("ab") as file:
        file.write(b"not ours\n")
    one.give_back()
    one.turn()
    one.turn()

    assert "foreign_bytes" in events_of_ours(one.other)
    assert 1 == one.job.reader.counters()["foreign"]
    assert 4 == verify([one.other]).events


def events_of_ours(path):
    """As `events`, without the lines of others."""
    lines = [line for line in path.read_bytes().splitlines() if line.startswith(b"{")]
    return [json.loads(line).get("what", "") for line in lines]


def test_a_lead_that_is_not_written_whole_is_written_again(two):
    """A new file begins with it, before what is owed."""
    one = two()
    one.log_one("first")
    one.turn()
    one.job.journal.disbelieve(1)
    deliver.leave_unsynced(one.job, OSError(errno.EIO, "Input/output error"))
    lead = one.job.journal.lead(1)
    assert len(lead) > 10
    with files_of(10), pytest.raises(OSError, match="Input/output error"):
        one.loop.owing._lead(one.second)
    assert lead == one.job.journal.lead(1)
    one.loop.owing._lead(one.second)

    assert b"" == one.job.journal.lead(1)
    assert lead == one.other.read_bytes()


def test_a_file_that_nothing_more_can_be_owed_loses_what_comes(two):
    """Shared memory takes no more: what is lost is told there, and the other file has it all."""
    one = owing(two)
    with files_of(64):
        one.loop.owing.look(0.0)
    assert 2 == one.job.losing
    one.log_one("lost")
    one.turn()
    one.give_back()
    one.turn()
    one.log_one("last")
    one.turn()

    assert 0 == one.job.losing
    first, second = verify([one.log]), verify([one.other])
    assert (6, 0) == (first.events, first.dropped)
    assert (5, 1, 0) == (second.events, second.dropped, second.exit_code)


def test_nothing_is_drained_where_no_file_takes_anything(two, monkeypatch):
    """Both are owed as much as there is room for: events wait in their lanes, and none is lost."""
    one, pauses = owing(two), []
    one.take_away(one.log)
    fd = os.open(one.log, os.O_RDONLY)
    os.dup2(fd, one.first.file.fd, inheritable=False)
    os.close(fd)
    one.log_one("fifth")
    one.turn()
    one.loop.owing.look(0.0)
    assert one.first.owed
    one.log_one("sixth")
    with files_of(64):
        one.loop.owing.look(0.0)
    assert one.loop.owing.stuck
    with monkeypatch.context() as patched:
        patched.setattr("mplog.writer.loop.time.sleep", pauses.append)
        assert 0 == one.loop._pass()
    assert [STUCK_S] == pauses
    assert one.job.reader.pending()
    one.give_back()
    one.turn()
    one.turn()

    assert [6, 6] == one.whole()

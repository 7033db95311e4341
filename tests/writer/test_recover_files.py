"""What a writer finds at its start: files that are another's, and a dead writer's last batch for
files that somebody has moved, written into or taken away.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import resource
import signal

import pytest

from mplog.files.verify import verify
from mplog.ring.ownership import lock_path, take_ownership
from mplog.writer import recover


def kinds(path):
    """What the notices of a file tell."""
    lines = [line for line in path.read_bytes().splitlines() if line.startswith(b"{")]
    return [told["what"] for line in lines if "what" in (told := json.loads(line))]


def die_in_a_commit(one):
    """The writer is gone with a batch that is accepted, and of which no file has a byte: its first
    write is one byte behind the limit of files, which kills it.
    """
    one.log_one("first")
    one.turn()
    one.end()
    one.log_one("second")
    size = min(one.log.stat().st_size, one.other.stat().st_size)
    child = os.fork()
    if child == 0:
        gc.disable()  # what other tests have left has threads, and they are not here
        try:
            recover._set_apart = lambda job, look: None  # a hand's thread would hear no signal
            one.begin()
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            one.loop._pass()
        finally:
            os._exit(1)
    assert signal.SIGXFSZ == os.WTERMSIG(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("named", [True, False])
def test_the_owner_of_a_file_is_waited_for_and_named(place, monkeypatch, named):
    """As long as it is there; one that has just left is another writer."""
    job, told = place.job, []
    held = take_ownership(job.path, "other", place.directory)
    waiting = recover.Waiting(job.reader, job.signals, job.path)
    if not named:
        monkeypatch.setattr(recover, "owner_of", lambda path: None)

    def wait(pause_s):
        told.append(job.reader.problem)
        if len(told) == 2:
            os.close(held)

    monkeypatch.setattr(recover.time, "sleep", wait)
    fd = recover._own(waiting, "shop", place.directory, once=False)
    os.close(fd)

    whose = f"the service other in {place.directory}" if named else "another writer"
    assert [f"{job.path} is written by {whose}; events wait in shared memory"] * 2 == told


def test_of_several_files_nobody_waits_for_one_that_cannot_be_opened(two):
    """Its lock can be had, but a directory stands at its path: it is owed its lines."""
    one = two()
    one.end()
    one.other.unlink()
    one.other.mkdir()
    one.begin()
    assert one.second.lock >= 0
    assert one.second.file.absent
    one.log_one()
    one.turn()
    one.other.rmdir()
    one.turn()
    assert [1, 1] == one.whole()


def test_of_several_files_nobody_waits_for_a_lock_that_cannot_be_made(two):
    """A directory stands in its place."""
    one = two()
    one.end()
    os.unlink(lock_path(one.other))
    os.mkdir(lock_path(one.other))
    one.begin()
    assert -1 == one.second.lock
    one.log_one()
    one.turn()
    os.rmdir(lock_path(one.other))
    one.turn()
    assert [1, 1] == one.whole()


def test_a_dead_writers_batch_goes_into_both_files(two):
    """Once, and in order."""
    one = two()
    die_in_a_commit(one)
    one.begin()

    assert [2, 2] == one.whole()
    assert 1 == one.job.reader.counters()["redone"]


def test_bytes_that_others_have_put_where_a_dead_writers_batch_goes_are_told(two):
    """They are kept, and the batch stands behind them."""
    one = two()
    die_in_a_commit(one)
    with one.other.open("ab") as file:
        file.write(b"not ours, and longer than the batch" * 20 + b"\n")
    one.begin()
    one.turn()

    assert ([], ["foreign_bytes"]) == (kinds(one.log), kinds(one.other))
    assert 1 == one.job.reader.counters()["foreign"]
    assert [2, 2] == [verify([log]).events for log in (one.log, one.other)]


def test_a_dead_writers_batch_follows_its_file_to_another_name(two):
    """Somebody has renamed it meanwhile; the next lines stand in a new one."""
    one = two()
    die_in_a_commit(one)
    away = one.other.with_name("moved.jsonl")
    os.rename(one.other, away)
    one.begin()
    one.log_one("third")
    one.turn()

    assert 2 == verify([away]).events
    assert ["replaced"] == kinds(one.other)
    assert b"third" in one.other.read_bytes()


@pytest.mark.parametrize("gone", ["elsewhere", "unreadable"])
def test_a_dead_writers_batch_whose_file_is_nowhere_goes_into_the_new_one(two, monkeypatch, gone):
    """Also where its directory cannot be looked through: the other file is not held up by that."""
    one = two()
    die_in_a_commit(one)
    if gone == "elsewhere":
        os.rename(one.other, one.log.with_name("elsewhere.jsonl"))
    else:
        os.rename(one.other, one.other.with_name("moved.jsonl"))

        def refuse(path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr(recover, "Folder", refuse)
    one.begin()
    monkeypatch.undo()
    one.turn()

    assert 2 == verify([one.log]).events
    assert b"second" in one.other.read_bytes()
    assert b"first" not in one.other.read_bytes()


def test_what_stood_before_a_failed_sync_is_suspect_to_the_next_writer(two):
    """Its predecessor died before it could say so; who waits for the disk is told."""
    one = two(fsync="interval", fsync_interval_s=1e12)
    one.log_one("first")
    one.turn()
    one.turn()
    one.log_one("second")
    one.turn()
    one.job.journal.disbelieve(1)
    one.end()
    one.begin()
    one.turn()

    assert [] == kinds(one.log)
    assert "suspect" in kinds(one.other)
    assert 2 == verify([one.log]).events

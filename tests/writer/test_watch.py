"""The writer's eye on the owners of lanes: bounded, and handed down."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from mplog import _native
from mplog.writer.fate import UNKNOWN
from mplog.writer.keeper import Keeper
from mplog.writer.watch import Watch, most_descriptors


def descriptors():
    gc.collect()  # what other tests have left is none of this one's
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def keeper():
    made = Keeper()
    yield made
    made.close()


def test_as_many_are_watched_as_there_are_descriptors_for(place):
    """Three sessions of this process are one process; with no room nobody is watched."""
    producers = [place.producer(f"web {i}") for i in range(3)]
    before = descriptors()
    watch = Watch(place.job.reader, 10)
    watch.look(True)
    if not watch.seen(producers[0].session):
        pytest.skip("a kernel before 6.9")
    assert before + 1 == descriptors()
    watch.close()
    assert before == descriptors()
    blind = Watch(place.job.reader, 0)
    blind.look(True)
    assert not blind.seen(producers[0].session)
    assert UNKNOWN == blind.fate(producers[0].session, os.getpid(), 7, 0.0)
    assert before == descriptors()


def test_half_of_the_descriptors_are_for_it():
    """Whatever the limit is, and never more than there can be lanes."""
    assert 0 < most_descriptors() <= 2048


def test_a_session_is_watched_until_it_is_told(place):
    """It is forgotten, its descriptor closed."""
    session = place.producer().session
    before = descriptors()
    watch = Watch(place.job.reader, 10)
    watch.look(True)
    watch.forget(session)

    assert before == descriptors()
    assert not watch.seen(session)


def test_a_second_writer_finds_what_the_first_has_watched(place, keeper):
    """The first is gone; the descriptor is still there, once, however often it is handed down."""
    place.producer()
    watch = Watch(place.job.reader, 10, keeper)
    watch.look(True)
    watch.close()
    ino = _native.owners(place.job.reader)[0][2]
    if not ino:
        pytest.skip("a kernel before 6.9")
    for _ in range(3):
        before = descriptors()
        heir = Watch(place.job.reader, 10, keeper)
        assert before + 1 == descriptors()
        assert [ino] == list(heir._fds)
        heir.close()


def test_what_nobody_asks_for_any_more_is_let_go(place, keeper):
    """After many deaths the keeper holds only those who live."""
    watch = Watch(place.job.reader, 10, keeper)
    for number in range(200):
        producer = place.producer(f"short {number}")
        watch.look(False)
        watch.forget(producer.session)
        producer.detach(True)
        place.job.reader.ends(True)
        watch.look(True)

    kept = keeper.look()
    for fd in kept:
        os.close(fd)
    assert len(kept) <= 140


def test_a_mark_of_a_dead_writer_does_no_harm(keeper):
    """Killed in the middle of a look, it has left its mark between the messages."""
    fd = os.open("/dev/null", os.O_RDONLY)
    keeper.put([fd])
    keeper._into.send(b"m0123456789abcdef")
    keeper.put([fd])
    found = keeper.look()

    assert 2 == len(found)
    for one in (*found, fd):
        os.close(one)
    keeper.clear()
    assert [] == keeper.look()


def test_what_there_is_no_room_for_is_not_kept(keeper):
    """The socket is full: no error, no wait."""
    fd = os.open("/dev/null", os.O_RDONLY)
    for _ in range(2_000):
        keeper.put([fd])
    os.close(fd)
    found = keeper.look()
    for one in found:
        os.close(one)

    assert len(found) < 2_000


# A process whose first thread has ended and that lives on by another one: it has ended neither for
# the kernel, nor for who asks /proc.
HALF = (
    "import ctypes, sys, threading\n"
    "threading.Thread(target=sys.stdin.read).start()\n"
    "print(flush=True)\n"
    "ctypes.CDLL(None).pthread_exit(None)\n"
)


def test_a_process_that_is_about_to_end_for_long_ends_unknown(place, wait_for):
    """Asked again for two seconds, as often as somebody wants; its session is not held up."""
    half = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", HALF], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    stat = Path("/proc", str(half.pid), "stat")
    assert half.stdout.readline()
    wait_for(lambda: ") Z " in stat.read_text(), 10.0, "the end of its first thread")
    fd = os.pidfd_open(half.pid)
    ino = _native.pidfd_ino(fd)
    os.close(fd)
    watch = Watch(place.job.reader, 10)
    try:
        found = [watch.fate("half", half.pid, ino, now_s) for now_s in (7.0, 8.9, 9.1)]
    finally:
        watch.close()
        half.stdin.close()
        half.wait()
        half.stdout.close()
    if not ino:
        pytest.skip("a kernel before 6.9")

    assert [None, None, UNKNOWN] == found


def test_nobody_is_watched_where_there_are_no_descriptors(place):
    """Nobody knows then how they ended; nothing raises."""
    session = place.producer().session
    ((_, pid, ino, _),) = _native.owners(place.job.reader)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    watch = Watch(place.job.reader, 10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        watch.look(True)
        found = watch.fate(session, pid, ino, 0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    watch.close()

    assert UNKNOWN == found
    assert not watch.seen(session)

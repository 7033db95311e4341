"""Sessions that are over, and what processes without a lane have lost: told once, when it fits."""

from __future__ import annotations

import json
import os
import signal

import msgspec
from bounded_files import files_of
from one_writer import PAYLOADS

from mplog import _native
from mplog._native import Producer
from mplog.config.sink import canonical
from mplog.writer import endings
from mplog.writer.deaths import DEATH, crash_path
from mplog.writer.endings import ENDING_S
from mplog.writer.fate import Fate
from mplog.writer.loop import Loop
from mplog.writer.reload import route_anew

NO_LANE, END = "mplog.no_lane", "mplog.session.end"


def told(path):
    """The service's own lines in a file."""
    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    return [line["event_name"] for line in lines if "event_name" in line]


def lose_one(place):
    """An event that has no lane: there is no room for one."""
    producer = Producer(str(place.directory), "shop", "homeless")
    with files_of(64):
        assert not producer.publish(40, PAYLOADS[0])
    producer.close()


def kill_one(place):
    """A process that is killed after its first event."""
    child = os.fork()
    if child == 0:
        try:
            producer = Producer(str(place.directory), "shop", "short")
            producer.attach()
            producer.publish(20, PAYLOADS[0])
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def wrapped(job, **instead):
    """The job's reader, with other answers to a few questions."""
    real = job.reader

    class Reader:
        def __getattr__(self, name):
            return instead.get(name) or getattr(real, name)

    return Reader()


def test_events_without_a_lane_are_told_once_it_fits(place):
    """A batch that is full already leaves them to the next one."""
    one = Loop(place.job)
    lose_one(place)
    full = one.endings.look([100], [0])
    assert [b""] == full.lines
    assert place.job.reader.homeless()[0]
    place.job.reader.rewind()
    one.endings.departures = -1
    one._pass()
    one.endings.departures = -1
    one._pass()

    assert [NO_LANE] == told(place.job.path)
    assert not place.job.reader.homeless()[0]


def test_events_without_a_lane_are_told_to_the_sinks_too(place, wait_for):
    """As to the files, once."""
    job = place.job
    sinks = canonical([{"type": "memory", "name": "all", "batch_wait": "0 s"}])
    job.settings = msgspec.structs.replace(job.settings, sinks=sinks)
    route_anew(job)
    one = Loop(job)
    lose_one(place)
    for _ in range(2):
        one.endings.departures = -1
        one._pass()
    memory = job.outlets._outlets[0]._sink
    wait_for(lambda: job.outlets.idle, 10.0, "the queue")
    shown = [event.event.fields["event_name"] for event in memory.events]
    job.outlets.close(1.0)

    assert ([NO_LANE], [NO_LANE]) == (shown, told(job.path))


def test_an_owner_that_is_just_ending_is_asked_about_again_at_once(place, monkeypatch):
    """How it ended is known a moment later: nothing is told before."""
    job, pauses = place.job, []
    one = Loop(job)
    kill_one(place)
    one._pass()
    answers = [None, None, Fate("signal", 9)]
    monkeypatch.setattr(one.endings._deaths._watch, "fate", lambda *_: answers.pop(0))
    monkeypatch.setattr(endings.time, "sleep", pauses.append)
    for left in (2, 1):
        one.endings.departures = job.reader.departures - 1
        one._pass()
        assert (left, -1, []) == (len(answers), one.endings.departures, told(job.path))
    one._pass()

    assert [DEATH, END] == told(job.path)
    assert [ENDING_S] * 2 == pauses
    assert b"killed by SIGKILL" in job.path.read_bytes()


def test_a_session_that_a_batch_has_no_room_for_ends_with_a_later_one(place):
    """There is a bound on the sessions of a batch."""
    job = place.job
    producers = [place.producer(f"web {number}") for number in range(3)]
    for producer in producers:
        assert producer.publish(20, PAYLOADS[0])
    one = Loop(job)
    one._pass()
    for producer in producers:
        producer.detach(True)
    real, answers = job.reader, [True, False]

    def close_session(index):
        if not answers[0]:
            job.reader = real
        return answers.pop(0) and real.close_session(index)

    job.reader = wrapped(job, close_session=close_session)
    one._pass()
    assert [END] == told(job.path)
    one.endings.departures = -1
    one._pass()

    assert [END] * 3 == told(job.path)


def test_the_end_of_a_session_tells_what_one_file_has_lost(two):
    """Of numbers that nobody could tell that file any more: they are a gap there."""
    one = two()
    one.log_one("first")
    one.turn()
    one.job.reader.set_losing(2)
    one.job.losing = 2
    one.log_one("second")
    one.loop._pass()
    one.producer.detach(True)
    one.job.reader.set_losing(0)
    one.job.losing = 0
    one.loop.endings.departures = -1
    one.loop._pass()
    lines = {
        log: [json.loads(line) for line in log.read_bytes().splitlines()]
        for log in (one.log, one.other)
    }
    (whole,) = [line for line in lines[one.log] if line.get("event_name") == END]
    (less,) = [line for line in lines[one.other] if line.get("event_name") == END]

    assert ((2, 2, 0), (2, 1, 1)) == tuple(
        (line["last"], line["delivered"], line["dropped"]) for line in (whole, less)
    )
    assert "mplog.drop" in told(one.other)
    assert [2, 1] == one.whole()


def test_a_crash_tells_the_signal_where_the_kernel_does_not(place):
    """It is the worker's own word for how it ended; taken away once it is told."""
    job, one = place.job, Loop(place.job)
    one.endings._deaths._watch._most = 0  # nobody can be watched
    kill_one(place)
    one.endings.scan()
    ((session, *_),) = _native.owners(job.reader)
    crash = crash_path(job, session)
    crash.write_text("Fatal Python error: Bus error\n\nCurrent thread")
    one._pass()
    one.endings.departures = -1
    one._pass()
    one._pass()

    assert [DEATH, END] == told(job.path)
    assert b"killed by SIGBUS" in job.path.read_bytes()
    one.endings.close()
    assert not crash.exists()

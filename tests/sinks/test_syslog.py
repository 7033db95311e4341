"""The syslog sink beside far sides that are scripted: what has arrived is said, to the event."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import socket
import threading
import time

import peers
import pytest
import rfc5424
import told

from mplog.errors import TargetError, UsageError
from mplog.format.json import JsonFormat
from mplog.sinks.base import Sink
from mplog.sinks.syslog import SyslogSettings, SyslogSink


def sink_of(target, **options):
    """A sink that leads there."""
    return SyslogSink(SyslogSettings(target=target, **{"timeout_s": 20, **options}))


def tcp(peer, **options):
    """A sink that leads to that peer."""
    return sink_of(f"tcp://127.0.0.1:{peer.port}", **options)


def refused(sink, batch):
    """The error of a write that must fail."""
    with pytest.raises(TargetError) as caught:
        sink.write(batch)
    assert caught.value.temporary
    return caught.value


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"target": "nowhere"}, "target"),
        ({"framing": "crlf"}, "framing"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"key_file": "k"}, "key_file"),
        ({"facility": "x"}, "facility"),
        ({"max_bytes": 1}, "max_bytes"),
    ],
)
def test_wrong_settings_are_named(options, place):
    """The place, the value, and what would be right."""
    with pytest.raises(UsageError, match=rf"^syslog {place}: .*; (give|did you mean) "):
        SyslogSink(SyslogSettings(**options))


def test_it_is_a_sink_and_makes_the_text_by_another_format():
    """JSON in the text, over TCP, octets counted."""
    with peers.Peer() as peer:
        sink = SyslogSink(SyslogSettings(target=f"tcp://127.0.0.1:{peer.port}"), JsonFormat())
        assert isinstance(sink, Sink)
        sink.open()
        sink.write([told.outgoing(1)])
        sink.close()
    (_, frame) = peer.frames[0]
    assert rfc5424.read(frame).text.startswith('{"timestamp"')


def test_nobody_there_is_an_error_that_may_pass(short_path):
    """For every kind of target; nothing of the batch has arrived."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        paths = [f"{kind}:{short_path}/nobody" for kind in ("unix", "unix-dgram", "unix-stream")]

        for target in [*paths, f"tcp://127.0.0.1:{port}", f"tls://127.0.0.1:{port}"]:
            error = refused(sink_of(target), told.batch(1, 3))
            assert 0 == error.done
            assert target in error.text


def test_what_is_closed_meanwhile_is_noticed_before_anything_is_written():
    """A connection that the far side has ended gets nothing more; the next batch opens another."""
    with peers.Peer(lambda peer, conn: peer.go_on.wait()) as peer:
        sink = tcp(peer)
        sink.open()
        peer.go_on.set()  # and the script closes
        assert sink._link is not None
        link = sink._link
        poll = select.poll()
        poll.register(link._sock, select.POLLIN)
        assert poll.poll(10_000)
        sink.write(told.batch(1, 3))
        assert link is not sink._link
        sink.close()
    assert (1, 2) == (peer.fired, peer.connections)
    assert [1, 2, 3] == peer.seqs()


def test_what_the_far_side_s_kernel_has_is_done_and_nothing_else():
    """A reader that stops: the write fails in time, with exactly as many as can be read then; the
    rest follows on another connection.
    """

    def stop(peer, conn):
        peer.go_on.wait(peers.LIMIT_S)
        peer.read(conn)

    events = told.batch(1, 1_500)
    with peers.Peer(stop, buffer_bytes=4_096) as peer:
        sink = tcp(peer, timeout_s=0.3)
        error = refused(sink, events)
        sink._timeout_s = 20
        assert 0 < error.done < 1_500
        peer.go_on.set()
        sink.write(events[error.done :])
        sink.close()
    assert 1 == peer.fired
    first = [number for number, _ in peer.frames if number == 1] or peer.frames
    assert list(range(1, 1_501)) == sorted(peer.seqs())
    assert first
    assert len(peer.torn) <= 1  # the one that the cut has gone through


def test_a_reader_that_is_killed_loses_what_it_had_not_read_and_nothing_else():
    """Its kernel had more than it had read; what comes next begins right behind that."""
    left: list[int] = []

    def die(peer, conn):
        peer.go_on.wait(peers.LIMIT_S)
        left.append(peers.unread_bytes(conn))
        peers.reset(conn)

    events = told.batch(1, 1_500)
    frames = []
    with peers.Peer(die, buffer_bytes=4_096) as peer:
        sink = tcp(peer, timeout_s=20)
        errors = []
        thread = threading.Thread(target=lambda: errors.append(refused(sink, events)))
        thread.start()
        while peer.connections == 0 or not _is_stuck(sink):
            time.sleep(0.005)
        peer.go_on.set()
        thread.join()
        done = errors[0].done
        sink.write(events[done:])
        frames = [sink._form.message(one.event, one.stamped) for one in events[:done]]
        sink.close()
    taken = sum(len(b"%d " % len(frame)) + len(frame) for frame in frames)
    assert left[0] - 1_500 < taken <= left[0]
    assert list(range(done + 1, 1_501)) == peer.seqs()


def _is_stuck(sink):
    """Whether the far side's kernel takes no more of what ours has: two looks, one answer."""
    link = sink._link
    if link is None:
        return False
    looks = []
    for _ in range(2):
        looks.append((link._unacked(), link._taken, link._arrived()))
        threading.Event().wait(0.1)
    return looks[0] == looks[1] and looks[0][0] > 0


def test_connections_dropped_at_random_lose_nothing_and_double_nothing():
    """The far side ends its connections again and again, after reading what it was sent."""

    def drop_after(count):
        def act(peer, conn):
            read = b""
            while len(read) < count:
                more = conn.recv(count - len(read))
                if not more:
                    break
                read += more
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_WR)
            peer.read(conn, read)

        return act

    drops = [drop_after(count) for count in (1, 700, 5_000, 40, 12_345, 999, 3)]
    with peers.Peer(*drops) as peer:
        sink = tcp(peer, timeout_s=10)
        last, deadline_s = 0, time.monotonic() + peers.LIMIT_S
        while peer.connections < 8 and time.monotonic() < deadline_s:
            sink.write(told.batch(last + 1, last + 20))
            last += 20
        sink.close()
    assert 7 == peer.fired
    assert list(range(1, last + 1)) == peer.seqs()
    assert [] == peer.torn


def test_a_batch_cut_in_its_middle_goes_on_where_it_was_left():
    """Whatever the far side has read when it resets: no event is missing that its kernel had not
    acknowledged, none is torn but the last of a connection.
    """

    def cut(peer, conn):
        conn.recv(10)
        peers.reset(conn)

    with peers.Peer(cut, cut, cut, buffer_bytes=4_096) as peer:
        sink = tcp(peer, timeout_s=10)
        rest, lost = told.batch(1, 300), 0
        while rest:
            try:
                sink.write(rest)
                rest = []
            except TargetError as error:
                lost += error.done
                rest = rest[error.done :]
        sink.write([told.outgoing(301)])
        sink.close()
    assert 3 == peer.fired
    assert 301 == peer.seqs()[-1]
    assert list(range(302 - len(peer.seqs()), 302)) == peer.seqs()
    assert 301 - len(peer.seqs()) == lost


def test_a_unix_stream_is_framed_by_line_feeds_and_octets_can_be_asked_for(short_path):
    """One line an event, whatever it holds."""
    path = str(short_path / "s")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        for options in ({}, {"framing": "octets"}):
            sink = sink_of(f"unix:{path}", **options)
            sink.write(told.batch(1, 5))
            conn, _ = listener.accept()
            sink.close()
            data = b""
            while more := conn.recv(65_536):
                data += more
            conn.close()
            if options:
                assert data.startswith(
                    b"%d <" % (data.index(b"<", data.index(b" ")) and _size(data))
                )
            else:
                lines = data.split(b"\n")
                assert b"" == lines.pop()
                seqs = [rfc5424.read(line).data["mplog@32473"]["seq"] for line in lines]
                assert ["1", "2", "3", "4", "5"] == seqs


def _size(data):
    return int(data.split(b" ", 1)[0])


def test_a_far_side_that_talks_is_not_listened_to(wait_for):
    """What it says is thrown away, and does not fill up its way to us."""

    def talk(peer, conn):
        conn.sendall(b"x" * 100_000)
        peer.read(conn)

    with peers.Peer(talk) as peer:
        sink = tcp(peer)
        for first in range(1, 11):
            sink.write([told.outgoing(first)])
        wait_for(lambda: len(peer.seqs()) == 10, 10.0, "all: what it says later cuts it")
        sink.close()
    assert (1, list(range(1, 11))) == (peer.connections, peer.seqs())


def test_a_close_is_orderly_also_where_something_lies_unread():
    """The kernel would cut the connection for that, and a reader would take it for a fault."""

    def answer(peer, conn):
        read = conn.recv(65_536)
        conn.sendall(b"thanks")
        peer.read(conn, read)

    with peers.Peer(answer) as peer:
        sink = tcp(peer)
        sink.write([told.outgoing(1)])
        poll = select.poll()
        poll.register(sink._link._sock, select.POLLIN)
        assert poll.poll(10_000)
        sink.close()
    assert ([1], 1) == (peer.seqs(), peer.orderly)


def test_no_descriptor_is_left_behind():
    """Of ten connections that were refused or cut."""
    with peers.Peer() as peer:
        sink = tcp(peer)
        sink.write([told.outgoing(1)])
        gc.collect()  # what other tests have left is none of this one's
        before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        refused(sink, [told.outgoing(2)])
    assert before >= len(os.listdir("/proc/self/fd"))
    sink.close()
    sink.close()

"""A connection's own rules, where a real far side would not show them."""

from __future__ import annotations

import select
import socket

import peers
import pytest

from mplog.sinks import stream
from mplog.sinks.datagrams import connect_udp
from mplog.sinks.stream import Broken, Stream

FRAMES = [b"%06d " % number + b"x" * 993 for number in range(3_000)]


def test_frames_go_out_in_pieces_of_a_bounded_size():
    """However many there are; one that is larger goes alone."""
    chunks = list(stream._chunks([b"a" * 10_000, b"b" * 10_000, b"c" * 50_000, b"d"]))

    assert [1, 1, 1, 1] == [len(chunk) for chunk in chunks]
    assert [[b"a", b"b"]] == list(stream._chunks([b"a", b"b"]))


def test_an_answer_that_never_comes_is_waited_for_no_longer_than_said():
    """Also where the kernel itself would wait on."""

    def stop(peer, conn):
        peer.go_on.wait(peers.LIMIT_S)

    with peers.Peer(stop, buffer_bytes=4_096) as peer:
        sock = stream.connect("127.0.0.1", peer.port, 0.2)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        with pytest.raises(Broken) as caught:
            Stream(sock, 0.2).deliver(FRAMES[:200])
        assert "no answer for 0.2 s" in str(caught.value.why)
        assert 0 < caught.value.done < 200


def test_a_local_reader_that_stops_is_given_up_in_time(short_path):
    """What the kernel has taken of whole frames counts."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(short_path / "s"))
        listener.listen()
        link = Stream(stream.connect_unix(str(short_path / "s"), 0.2), 0.2)
        conn, _ = listener.accept()
        with conn, pytest.raises(Broken) as caught:
            link.deliver(FRAMES)
        assert "nothing taken for 0.2 s" in str(caught.value.why)
        assert 0 < caught.value.done < 3_000


def test_an_encryption_that_must_read_first_is_let_read():
    """As OpenSSL may ask for in the middle of a write."""
    ours, theirs = socket.socketpair()

    class Wants(BlockingIOError):
        pass

    class Asks(Stream):
        WANTS_TO_READ = (Wants,)
        asked = 0

    class Once:
        """The socket, whose first write asks to read."""

        family = socket.AF_UNIX

        def __getattr__(self, name):
            return getattr(ours, name)

        def send(self, data):
            Asks.asked += 1
            if Asks.asked == 1:
                theirs.send(b"!")
                raise Wants
            return ours.send(data)

    Asks(Once(), 5.0).deliver([b"frame"])  # type: ignore[arg-type]
    assert b"frame" == theirs.recv(10)
    assert 2 == Asks.asked
    ours.close()
    theirs.close()


def test_a_far_side_that_never_stops_talking_does_not_hold_us():
    """A bounded part of it is read at a time."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    link = Stream(ours, 1.0)

    class Endless:
        """A socket that always has more."""

        reads = 0

        def recv(self, size):
            self.reads += 1
            return b"x" * size

    link._sock = endless = Endless()  # type: ignore[assignment]
    assert not link.ended()
    assert 0 < endless.reads < 100
    assert not select.select([theirs], [], [], 0)[0]
    ours.close()
    theirs.close()


def test_an_address_that_datagrams_may_not_go_to_is_told():
    """The last reason, of all addresses that the host has."""
    with pytest.raises(PermissionError):
        connect_udp("255.255.255.255", 514, 1.0)


def test_ipv6_is_connected_to():
    """By its number."""
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen()
        stream.connect("::1", listener.getsockname()[1], 5.0).close()


def test_a_far_side_that_only_stops_talking_is_waited_for():
    """It has ended its half of the connection, and still takes what is under way."""

    def half_closed(peer, conn):
        conn.shutdown(socket.SHUT_WR)
        peer.go_on.wait(peers.LIMIT_S)
        peer.got = b""
        while data := conn.recv(65_536):
            peer.got += data

    with peers.Peer(half_closed, buffer_bytes=4_096) as peer:
        link = Stream(stream.connect("127.0.0.1", peer.port, peers.LIMIT_S), peers.LIMIT_S)
        link._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        look = link._raise_if_cut

        def then_read():
            look()
            peer.go_on.set()

        link._raise_if_cut = then_read  # type: ignore[method-assign]
        link.deliver(FRAMES[:100])
        assert peer.go_on.is_set()
        link.close()
    assert b"".join(FRAMES[:100]) == peer.got


def test_a_descriptor_that_somebody_has_closed_is_a_broken_connection():
    """What has arrived cannot be told any more: none of the frames counts."""
    with peers.Peer() as peer:
        sock = stream.connect("127.0.0.1", peer.port, 5.0)
        link = Stream(sock, 5.0)
        socket.socket(fileno=sock.detach()).close()
        with pytest.raises(Broken, match="Bad file descriptor") as caught:
            link.deliver(FRAMES[:3])

    assert 0 == caught.value.done

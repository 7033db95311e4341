"""TLS: nobody gets an event who is not who he should be, and a broken handshake ends in time.

Each fault is followed by a far side that is in order, and by a fresh event that arrives there.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import warnings

import peers
import pytest
import told

from mplog.errors import TargetError
from mplog.sinks.syslog import SyslogSettings, SyslogSink


def sink_to(peer, certs, **options):
    """A sink that trusts the test's own CA."""
    settings = {
        "target": f"tls://localhost:{peer.port}", "ca_file": str(certs / "ca.pem"),
        "timeout_s": 20, **options,
    }  # fmt: skip
    return SyslogSink(SyslogSettings(**settings))


def gibberish(peer, conn):
    """What is no TLS."""
    conn.recv(65_536)
    conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 10)


def half_a_record(peer, conn):
    """A header of TLS, and then nothing."""
    conn.recv(65_536)
    conn.sendall(b"\x16\x03\x03\x40\x00\x02")
    conn.close()


def hang_up(peer, conn):
    """In the middle of the handshake."""
    conn.recv(10)
    peers.reset(conn)


def stall(peer, conn):
    """Take the greeting, and say nothing."""
    peer.go_on.wait(peers.LIMIT_S)


def nonsense_afterwards(certs):
    """A handshake that is in order, and then bytes that are no record."""

    def act(peer, conn):
        raw = conn.detach()
        with socket.socket(fileno=raw) as bare:
            bare.sendall(b"\x17\x03\x03\x00\x20" + b"?" * 32)
            peer.go_on.wait(peers.LIMIT_S)

    return peers.over_tls(certs, act=act)


def old(context):
    """TLS 1.1, for whoever takes it."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1


FAULTS = {
    "gibberish": (lambda certs: gibberish, "(?i)ssl|tls"),
    "half a record": (lambda certs: half_a_record, "(?i)eof|reset"),
    "hangs up": (lambda certs: hang_up, "(?i)reset|eof"),
    "stalls": (lambda certs: stall, "timed out"),
    "nonsense afterwards": (nonsense_afterwards, "(?i)ssl|tls"),
    "expired": (lambda certs: peers.over_tls(certs, "expired"), "certificate has expired"),
    "another host": (lambda certs: peers.over_tls(certs, "other"), "(?i)hostname mismatch"),
    "another CA": (lambda certs: peers.over_tls(certs, "stranger"), "unable to get local issuer"),
    "old protocol": (lambda certs: peers.over_tls(certs, prepare=old), "(?i)protocol|version"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_far_side_that_is_not_in_order_gets_nothing(name, certs):
    """The write fails, says why, and may be tried again; a good far side then gets the event."""
    act, says = FAULTS[name]
    with peers.Peer(act(certs), then=peers.over_tls(certs)) as peer:
        sink = sink_to(peer, certs, timeout_s=0.5 if name == "stalls" else 20)

        with pytest.raises(TargetError, match=says) as caught:
            sink.write(told.batch(1, 3))
        sink._timeout_s = 20
        assert (True, 0) == (caught.value.temporary, caught.value.done)
        assert peer.met(1)
        assert [] == peer.frames

        sink.write(told.batch(1, 3))
        sink.close()
    assert [1, 2, 3] == peer.seqs()


@pytest.mark.parametrize("maximum", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_a_certificate_is_refused_before_it_has_sent_anything(certs, maximum):
    """Also in TLS 1.3, where the client learns it after the handshake."""

    def ask(context):
        context.maximum_version = maximum
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certs / "ca.pem")

    act = peers.over_tls(certs, prepare=ask)
    with peers.Peer(act, then=act) as peer:
        for _ in range(2):
            with pytest.raises(TargetError, match=r"(?i)certificate|handshake|reset") as caught:
                sink_to(peer, certs).write(told.batch(1, 3))
            assert 0 == caught.value.done
        assert [] == peer.frames
        cert, key = str(certs / "client.pem"), str(certs / "client.key")
        sink = sink_to(peer, certs, cert_file=cert, key_file=key)
        sink.write(told.batch(1, 3))
        sink.close()
    assert [1, 2, 3] == peer.seqs()


def test_another_name_can_be_asked_for(certs):
    """The certificate of another host, where `server_name` names that one."""
    act = peers.over_tls(certs, "other")
    with peers.Peer(act, then=act) as peer:
        sink = sink_to(peer, certs, server_name="elsewhere.example")
        sink.write([told.outgoing(1)])
        sink.close()
        with pytest.raises(TargetError, match=r"(?i)hostname mismatch"):
            sink_to(peer, certs, server_name="elsewhere").write([told.outgoing(1)])
    assert [1] == peer.seqs()


def test_without_a_ca_file_the_system_s_are_trusted(certs):
    """So a CA of one's own is not."""
    refused = pytest.raises(TargetError, match="CERTIFICATE_VERIFY_FAILED")
    with peers.Peer(then=peers.over_tls(certs)) as peer, refused:
        sink_to(peer, certs, ca_file="").write([told.outgoing(1)])
    assert [] == peer.frames


@pytest.mark.parametrize("place", ["ca_file", "cert_file"])
def test_a_file_that_is_missing_may_come(place, certs, tmp_path):
    """The error may pass: with the file there the next write arrives."""
    path = tmp_path / "late.pem"
    with peers.Peer(then=peers.over_tls(certs)) as peer:
        sink = sink_to(peer, certs, **{place: str(path)})
        with pytest.raises(TargetError, match=r"(?i)no such file") as caught:
            sink.write([told.outgoing(1)])
        assert caught.value.temporary
        name = {"ca_file": ("ca.pem",), "cert_file": ("client.pem", "client.key")}[place]
        path.write_bytes(b"".join((certs / one).read_bytes() for one in name))
        sink.write([told.outgoing(1)])
        sink.close()
    assert [1] == peer.seqs()


def test_what_has_arrived_over_tls_is_done(certs):
    """A reader that stops behind the handshake: none that is done is missing, and the rest comes.

    Records hide where a frame ends from the kernel, so some frames may come twice.
    """

    def stop(peer, conn):
        peer.go_on.wait(peers.LIMIT_S)
        peer.read(conn)

    events = told.batch(1, 1_500)
    act = peers.over_tls(certs, act=stop)
    with peers.Peer(act, then=peers.over_tls(certs), buffer_bytes=100_000) as peer:
        sink = sink_to(peer, certs, timeout_s=0.5)
        with pytest.raises(TargetError) as caught:
            sink.write(events)
        sink._timeout_s = 20
        done = caught.value.done
        assert 0 < done < 1_500
        peer.go_on.set()
        sink.write(events[done:])
        sink.close()
    assert 1 == peer.fired
    seqs = peer.seqs()
    assert list(range(1, 1_501)) == sorted(set(seqs))
    assert len(seqs) - 1_500 < 100


def encrypted_key(certs, tmp_path, password: str) -> str:
    """The client's key, encrypted."""
    path = tmp_path / "encrypted.key"
    command = ["openssl", "pkey", "-in", certs / "client.key", "-aes256", "-passout", "env:WORD"]
    subprocess.run([*command, "-out", path], check=True, env={**os.environ, "WORD": password})
    return str(path)


def test_the_password_of_a_key_is_read_from_its_file(certs, tmp_path):
    """For each connection, without its line break; where it is wrong or missing it is not told."""

    def ask(context):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certs / "ca.pem")

    files = {
        "cert_file": str(certs / "client.pem"),
        "key_file": encrypted_key(certs, tmp_path, "canary-3b7e"),
    }
    place = tmp_path / "password"
    act = peers.over_tls(certs, prepare=ask)
    with peers.Peer(act, then=act) as peer:
        sink = sink_to(peer, certs, **files, key_password_file=str(place))
        for content in (None, "", "canary-wrong\n", "x" * 2_000):
            if content is not None:
                place.write_text(content)
            with pytest.raises(TargetError) as refused:
                sink.write([told.outgoing(1)])
            assert "canary" not in str(refused.value)
        assert [] == peer.frames
        place.write_text("canary-3b7e\n")
        sink.write(told.batch(1, 3))
        sink.close()
        with pytest.raises(TargetError, match="key_password_file"):
            sink_to(peer, certs, **files).write([told.outgoing(1)])
    assert [1, 2, 3] == peer.seqs()

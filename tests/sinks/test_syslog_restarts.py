"""Real servers that die, come back, refuse, or are sent more than they take in one piece."""

from __future__ import annotations

import random

import pytest
import rfc5424
import told
from test_syslog_servers import SERVERS, agrees, sink_for

from mplog.errors import TargetError
from mplog.resilience.chain import Around, Chain
from mplog.resilience.retry import RetryRules
from mplog.resilience.store import Limits

BEFORE, WHILE, AFTER = 200, 300, 200
LAST = BEFORE + WHILE + AFTER


def judged(seqs, before, last):
    """Lost and doubled numbers; fails where order, or anything behind the return, is not right.

    Args:
        seqs: what the server has written, in its order.
        before: how many stood there when it was killed.
        last: the number of the last event.
    """
    first = list(dict.fromkeys(seqs))
    assert sorted(first) == first, "the first line of each event, out of order"
    lost = sorted(set(range(1, last + 1)) - set(seqs))
    if lost:
        assert lost[0] > seqs[before - 1], "lost although it was written before the kill"
        assert list(range(lost[0], lost[-1] + 1)) == lost, "lost in more than one piece"
    return lost, len(seqs) - len(first)


@pytest.mark.process
@pytest.mark.parametrize("kind", ["unix-dgram", "tcp", "tls"])
@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_killed_and_comes_back_gets_what_follows(
    name, kind, receiver, certs, wait_for, record_property
):
    """Through retry and breaker: nothing is lost but what it had taken and not yet written, and no
    line is torn; a fresh event flows.
    """
    server = receiver(name)
    chain = Chain(sink_for(server, kind, certs), Around(retry=RetryRules(limit_s=30)), name="s")
    queue = chain.queue
    queue.open()
    for first in range(1, BEFORE + 1, 20):
        queue.put(told.batch(first, first + 19))
    wait_for(lambda: len(server.lines()) >= BEFORE // 2, 20, "half of them")
    server.kill()
    before = len(server.lines())
    for first in range(BEFORE + 1, BEFORE + WHILE + 1, 20):
        queue.put(told.batch(first, first + 19))
    wait_for(lambda: chain.breaker.state.failures or chain.breaker.state.error, 20, "the failure")

    server.start()
    for first in range(BEFORE + WHILE + 1, LAST + 1, 20):
        queue.put(told.batch(first, first + 19))

    wait_for(lambda: server.seqs()[-1:] == [LAST], 30, "the last event")
    queue.close("graceful")
    lost, doubled = judged(server.seqs(), before, LAST)
    record_property("lost", len(lost))
    record_property("doubled", doubled)
    print(f"{name} {kind}: lost {len(lost)}, doubled {doubled}")
    assert len(lost) <= BEFORE
    counts = queue.counts
    assert (LAST, 0, 0) == (counts.delivered, counts.dropped, counts.in_flight)


@pytest.mark.process
@pytest.mark.parametrize("name", SERVERS)
def test_a_client_is_asked_for_its_certificate(name, receiver, certs, wait_for):
    """Without one nothing counts as delivered; with one everything arrives."""
    server = receiver(name, client_certificates=True)
    for _ in range(2):
        with pytest.raises(TargetError, match=r"(?i)certificate|handshake|reset|closed") as caught:
            sink_for(server, "tls", certs).write(told.batch(1, 20))
        assert 0 == caught.value.done
    assert [] == server.lines()
    files = {"cert_file": str(certs / "client.pem"), "key_file": str(certs / "client.key")}
    sink = sink_for(server, "tls", certs, **files)
    sink.write(told.batch(1, 20))
    sink.close()
    wait_for(lambda: len(server.lines()) >= 20, 20, "the last event")
    assert list(range(1, 21)) == server.seqs()


@pytest.mark.process
@pytest.mark.parametrize("kind", ["unix-dgram", "udp", "tcp", "lf"])
@pytest.mark.parametrize("name", SERVERS)
def test_a_long_message_is_one_line_whole_or_marked_as_cut(name, kind, receiver, certs, wait_for):
    """At what the server takes (64 KiB) and at the default; the next one is not touched by it."""
    server = receiver(name)
    large = sink_for(server, kind, certs, max_bytes=65_000)
    usual = sink_for(server, kind, certs)
    whole = told.outgoing(1, "x" * 20_000)

    large.write([whole, told.outgoing(2, "é𝄞" * 40_000), told.outgoing(3)])
    wait_for(lambda: len(server.lines()) >= 3, 20, "three lines")
    usual.write([told.outgoing(4, "é𝄞" * 40_000), told.outgoing(5)])
    wait_for(lambda: len(server.lines()) >= 5, 20, "five lines")

    large.close()
    usual.close()
    lines = server.lines()
    assert [1, 2, 3, 4, 5] == [line.seq for line in lines]
    assert 20_000 < len(lines[0].text) < 20_010
    assert "cut" not in lines[0].data
    assert ["true", "true"] == [lines[number].data["cut"] for number in (1, 3)]
    agrees(lines[2], told.outgoing(3))
    assert rfc5424.BOM.decode() not in lines[1].text


@pytest.mark.process
@pytest.mark.stress
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["unix-dgram", "tcp", "lf", "tls"])
@pytest.mark.parametrize("name", SERVERS)
def test_kills_under_load_lose_one_piece_each_at_most(name, kind, seed, receiver, certs, wait_for):
    """What the server held in memory when it was killed; the order of all the others is whole."""
    count, kills, chance = 20_000, 4, random.Random(seed)
    server = receiver(name)
    limits = Limits(max_events=2 * count, max_bytes=1 << 30)
    chain = Chain(sink_for(server, kind, certs), Around(limits=limits), name="s")
    chain.queue.open()
    chain.queue.put([told.outgoing(seq, "plain") for seq in range(1, count + 1)])
    for number in range(kills):
        wanted = number * 4_000 + chance.randrange(1_000, 3_000)
        wait_for(lambda: server.wrote(wanted), 30, f"{wanted} lines")  # noqa: B023
        server.kill()
        server.start()

    wait_for(lambda: server.wrote(1) and server.seqs()[-1:] == [count], 60, "the last event")
    chain.queue.close("graceful")
    seqs = server.seqs()
    first = list(dict.fromkeys(seqs))
    assert sorted(first) == first
    lost = sorted(set(range(1, count + 1)) - set(first))
    pieces = sum(1 for seq in lost if seq - 1 not in set(lost))
    print(f"{name} {kind} seed {seed}: {len(lost)} lost in {pieces} pieces by {kills} kills, "
          f"{len(seqs) - len(first)} doubled")  # fmt: skip
    assert pieces <= kills

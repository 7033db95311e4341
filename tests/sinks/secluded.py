"""A network and a resolver of one's own; run under `unshare -mn` by test_own_network.py.

A service logs to a syslog server by its name. Each scenario prints what came of it as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import AF_INET, SOCK_DGRAM, socket
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "format")]

import peers  # noqa: E402

import mplog  # noqa: E402

NAME = "logs.example.test"
LIMIT_S = 80.0
GOOD, BAD = b"\x7f\0\0\1", b"\x7f\0\0\x09"  # nobody listens on 127.0.0.9
SILENT, REFUSING = b"", b"x"
_A = b"\0\1\0\1"
_HEADER_BYTES = 12


class Resolver:
    """A name server on port 53.

    Attributes:
        mood: the address that it gives for every name; SILENT: no answer; REFUSING: SERVFAIL.
        asked: how many questions came in each mood.
    """

    def __init__(self) -> None:
        self.mood = SILENT
        self.asked: dict[bytes, int] = {}
        self._unanswered: list[tuple[bytes, Any]] = []
        self._sock = socket(AF_INET, SOCK_DGRAM)
        self._sock.bind(("127.0.0.53", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            question, who = self._sock.recvfrom(512)
            mood = self.mood
            self.asked[mood] = self.asked.get(mood, 0) + 1
            if mood == SILENT:
                self._unanswered.append((question, who))
            else:
                self._sock.sendto(_answer(question, mood), who)

    def answer(self) -> None:
        """Give the right address from now on, also to those who have asked in vain."""
        self.mood = GOOD
        for question, who in self._unanswered:
            self._sock.sendto(_answer(question, GOOD), who)


def _answer(question: bytes, mood: bytes) -> bytes:
    end = question.index(b"\0", _HEADER_BYTES) + 5
    asked = question[_HEADER_BYTES:end]
    if mood == REFUSING:
        return question[:2] + b"\x81\x82\0\1\0\0\0\0\0\0" + asked
    if asked[-4:] != _A:
        return question[:2] + b"\x81\x80\0\1\0\0\0\0\0\0" + asked
    record = b"\xc0\x0c" + _A + b"\0\0\0\0\0\4" + mood
    return question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + asked + record


def numbers(peer: peers.Peer) -> list[int]:
    """Those of the program's events that have arrived."""
    return [int(data["n"]) for data in peer.told() if "n" in data]


def in_file() -> list[int]:
    """Those in the log."""
    with contextlib.suppress(FileNotFoundError), open(os.environ["LOG"]) as file:
        return [json.loads(line)["n"] for line in file.read().split("\n")[:-1] if '"n":' in line]
    return []


def wait_for(done: Callable[[], Any], what: str) -> None:
    """Until it is so."""
    deadline_s = time.monotonic() + LIMIT_S
    while not done():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.02)


def say(first: int, last: int, padding: int = 200) -> None:
    """Log these numbers, each with so many characters."""
    log = mplog.get_logger("shop")
    for n in range(first, last + 1):
        assert log.info("sold {n}", n=n, padding="x" * padding)


@contextlib.contextmanager
def service(host: str) -> Iterator[peers.Peer]:
    """A far side, and a service that sends to it as *host*."""
    with peers.Peer() as peer:
        target = f"tcp://{host}:{peer.port}"
        mplog.configure(os.environ["LOG"], sinks=[{"type": "syslog", "target": target}])
        yield peer
        mplog.shutdown(LIMIT_S)


def names() -> dict[str, Any]:
    """The resolver hangs, is broken, knows another address, and at last the right one."""
    own = Path(os.environ["LOG"]).with_name("resolv.conf")
    own.write_text("nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", own, "/etc/resolv.conf"], check=True)
    resolver = Resolver()
    told: dict[str, Any] = {}
    with service(NAME) as peer:
        for number, mood in enumerate((SILENT, REFUSING, BAD)):
            resolver.mood = mood
            say(100 * number + 1, 100 * number + 100)
            wait_for(lambda n=number: in_file() == list(range(1, 100 * n + 101)), "the file")
            wait_for(lambda mood=mood: resolver.asked.get(mood), f"a question in mood {mood!r}")
        told["early"] = numbers(peer)
        resolver.mood = GOOD
        say(301, 400)
        wait_for(lambda: numbers(peer)[-1:] == [400], "a fresh event")
        told["arrived"] = numbers(peer) == list(range(1, 401))
    return told


def hanging_names() -> dict[str, Any]:
    """The resolver does not answer: what flush and the end of the service make of that."""
    own = Path(os.environ["LOG"]).with_name("resolv.conf")
    own.write_text("nameserver 127.0.0.53\noptions timeout:30 attempts:1\n")
    subprocess.run(["mount", "--bind", own, "/etc/resolv.conf"], check=True)
    resolver = Resolver()
    with service(NAME) as peer:
        say(1, 100)
        wait_for(lambda: resolver.asked, "a question")
        assert mplog.sync(LIMIT_S)  # the file: what is left is the sink's alone
        flushed, report = mplog.flush(0.2), mplog.shutdown(0.2)
        wait_for(lambda: in_file() == list(range(1, 101)), "the file")
        resolver.answer()
        say(101, 200)
        wait_for(lambda: numbers(peer)[-1:] == [200], "a fresh event")
    return {"flushed": flushed, "where": sorted(report.where)}


def bandwidth() -> dict[str, Any]:
    """64 kbit/s, then as fast as it goes."""
    shape = ["burst", "4kb", "limit", "16kb"]
    subprocess.run(["tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", "64kbit", *shape],
                   check=True)  # fmt: skip
    with service("127.0.0.1") as peer:
        say(1, 300, 5_000)  # three minutes of such a line
        wait_for(lambda: in_file() == list(range(1, 301)), "the file")
        early = len(numbers(peer))
        shape[1] = "1mb"
        subprocess.run(["tc", "qdisc", "change", "dev", "lo", "root", "tbf", "rate", "8gbit",
                        *shape], check=True)  # fmt: skip
        say(301, 400)
        wait_for(lambda: numbers(peer)[-1:] == [400], "a fresh event")
        # What a connection that was given up had under way comes again, and may come twice.
        arrived = list(dict.fromkeys(numbers(peer)))
        return {"early": early, "arrived": arrived == list(range(1, 401))}


if __name__ == "__main__":
    subprocess.run(["ip", "link", "set", "lo", "up", "mtu", "1500"], check=True)
    scenarios = {"names": names, "hanging_names": hanging_names, "bandwidth": bandwidth}
    print(json.dumps(scenarios[sys.argv[1]]()))

"""How soon a sink is in service again after its far side is: from the moment at which the server
listens until it has the first event, after outages of several lengths.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from figures import Figure, Row, Runs, Target, spread_of
from servers import LOOK_S, UNPACKED, Server
from suite import Benchmark, Plan, main
from timing import percentile

import mplog
from mplog.config.sink import SinkSettings
from mplog.resilience.breaker import Breaker, BreakerRules
from mplog.resilience.outage import hold_s, judge
from mplog.resilience.pause import Pause
from mplog.resilience.retry import Retry, RetryRules

SEED = 5
SHORTEST_S, LONGEST_S = 0.5, 60.0
OUTAGES = 40
LIMIT_MS = 500
RATE = 100
MANY_TRIES = 1_000_000


class Virtual(Pause):
    """A clock that only waits move, and a sink that is away until a moment."""

    def __init__(self) -> None:
        super().__init__()
        self.time_s, self.back_s = 0.0, 0.0

    def now_s(self) -> float:
        return self.time_s

    def wall_ns(self) -> int:
        return int(self.time_s * 1e9)

    def wait(self, timeout_s: float) -> bool:
        self.time_s += timeout_s
        return False

    def open(self) -> None:
        if self.time_s < self.back_s:
            raise ConnectionRefusedError("away")

    def write(self, batch: Sequence[Any]) -> None:
        self.open()

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def outage(length_s: float, chance: random.Random, settings: SinkSettings) -> float:
    """Seconds from the end of an outage of this length to the first event, by what stands around
    every sink, in a time that nobody waits for.
    """
    world = Virtual()
    world.back_s = length_s
    retry = RetryRules(tries=MANY_TRIES, limit_s=settings.retry_for_s)
    rules = BreakerRules(failures=settings.breaker_failures, longest_s=settings.breaker_reset_s)
    inner = Retry(world, retry, pause=world, clock=world, draw=chance.random)
    breaker = Breaker(inner, rules, probe=inner.attempt, clock=world, draw=chance.random)
    failures = 0
    while True:
        try:
            breaker.write([None])  # type: ignore[list-item]
        except Exception as error:
            failures += 1
            world.wait(hold_s(judge(error, 1), failures))
        else:
            return world.time_s - length_s


def virtual(plan: Plan, logs: Path) -> Row:
    """By the rules alone: outages of all lengths, as many short ones as long ones."""
    chance, settings = random.Random(SEED), SinkSettings(kind="syslog")
    took_ms = []
    for _ in range(OUTAGES):
        length_s = SHORTEST_S * (LONGEST_S / SHORTEST_S) ** chance.random()
        took_ms.append(outage(length_s, chance, settings) * 1e3)
    return told(took_ms)


def told(took_ms: list[float]) -> Row:
    """The middle and the worst."""
    took_ms.sort()
    return {"back_ms": percentile(took_ms, 0.5), "worst_ms": took_ms[-1], "samples": len(took_ms)}


def back_after(server: Server, length_s: float, answers: list[float]) -> None:
    """Kill it, let it be away for so long; milliseconds until it has something once it is back."""
    while not server.size():
        time.sleep(LOOK_S)
    server.kill()
    time.sleep(length_s)
    before = server.size()
    listens_s = server.start()
    while server.size() == before:
        time.sleep(LOOK_S)
    answers.append((time.monotonic() - listens_s) * 1e3)


def log_until(ending: threading.Event) -> None:
    """Events without an end."""
    log = mplog.get_logger("breaker")
    while not ending.wait(1 / RATE):
        log.info("an event")


def real(kind: str, lengths_s: Sequence[float], logs: Path) -> Row:
    """Servers that are killed and started again, all at the same time, each with a sink of its
    own.
    """
    servers = []
    for number in range(len(lengths_s)):
        place = logs / f"{number}"
        place.mkdir()
        servers.append(Server(kind, place))
        servers[-1].start()
    sinks = [
        {"type": "syslog", "name": f"s{number}", "target": f"tcp://127.0.0.1:{server.port}"}
        for number, server in enumerate(servers)
    ]
    mplog.configure(str(logs / "app.jsonl"), sinks=sinks)
    ending, took_ms = threading.Event(), []
    work = [threading.Thread(target=log_until, args=(ending,))]
    for server, length_s in zip(servers, lengths_s, strict=True):
        work.append(threading.Thread(target=back_after, args=(server, length_s, took_ms)))
    for one in work:
        one.start()
    for one in work[1:]:
        one.join()
    ending.set()
    work[0].join()
    mplog.shutdown()
    for server in servers:
        server.kill()
    return told(took_ms)


CELLS = {
    "virtual": f"{OUTAGES} outages of {SHORTEST_S:g} to {LONGEST_S:g} s, by the rules alone",
    "plain": "a server of a few lines, over TCP",
    "rsyslog": "rsyslog, over TCP",
    "syslog-ng": "syslog-ng, over TCP",
}


class Back(Benchmark):
    """From the far side's return to the first event there."""

    name = "breaker"
    title = "Back in service"
    repeat = 2
    method = (
        "A syslog server is killed while events flow, and started again after a while; from the "
        "moment at which its port is seen to listen until it has written the first event, looked "
        "at every millisecond. Sinks as they are by default. The rules alone: the breaker and the "
        f"retry with a clock that only their own waits move, seed {SEED}, the lengths spread "
        "evenly over their logarithm."
    )

    def cells(self, plan: Plan) -> list[str]:
        return list(CELLS)

    def label(self, cell: str) -> str:
        return CELLS[cell]

    def missing(self, cell: str) -> str:
        needed = cell in ("rsyslog", "syslog-ng") and not (UNPACKED / cell).is_dir()
        return f".ci/receivers {UNPACKED} has not been run" if needed else ""

    def measure(self, cell: str, plan: Plan, logs: Path) -> Row:
        if cell == "virtual":
            return virtual(plan, logs)
        count = plan.pick(7 if cell == "plain" else 3, 1)
        lengths_s = [SHORTEST_S * 1.6**number for number in range(count)]
        return real(cell, lengths_s, logs)

    def figures(self, runs: Runs) -> list[Figure]:
        found = []
        for cell, label in CELLS.items():
            found += [
                Figure(
                    f"worst_{cell}", f"back in service, the worst: {label}",
                    spread_of(runs, cell, "worst_ms"), "ms",
                    target=Target(at_most=LIMIT_MS, of="value"),
                ),
                Figure(
                    f"back_{cell}", f"back in service, the middle: {label}",
                    spread_of(runs, cell, "back_ms"), "ms",
                ),
            ]  # fmt: skip
        return found


if __name__ == "__main__":
    sys.exit(main(Back()))

"""The shop under gunicorn, with customers, a killed worker and a killed writer; then the proof.

    python examples/run_shop.py [--seconds 10] [--clients 4] [--workers 4] [--dir D] [--no-kill]

Exits 0 when every answered request stands in the log exactly once and ``mplog verify`` finds
nothing; 1 when something is wrong, and says what; 2 when the run could not be started.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil
from driver import kills, oracle, page, service
from driver.server import EXAMPLES, Failed, Server

MARK = ".run_shop"
LEAVE_TIMEOUT_S = 20.0
CLIENT_GRACE_S = 45.0
WHOLE_RUN_GRACE_S = 240.0
PROGRESS_S = 2.0
TICK_S = 0.05


class Unusable(Exception):
    """The run may not begin; the text says why."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of this program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="how long customers shop")
    parser.add_argument("--clients", type=int, default=4, help="customers at the same time")
    parser.add_argument("--workers", type=int, default=4, help="gunicorn workers")
    parser.add_argument("--dir", type=Path, default=EXAMPLES.parent / "logs" / "run")
    parser.add_argument("--no-kill", action="store_true", help="let everybody live")
    options = parser.parse_args(arguments)
    if options.seconds <= 0 or options.clients < 1 or options.workers < 1:
        parser.error("--seconds, --clients and --workers must be greater than 0")
    return options


def prepare(directory: Path) -> Path:
    """*directory*, absolute and empty but for a mark; only what carries the mark is emptied."""
    directory = directory.absolute()
    if directory.exists() and not directory.is_dir():
        raise Unusable(f"{directory} is no directory")
    if directory.exists() and any(directory.iterdir()) and not (directory / MARK).exists():
        raise Unusable(f"{directory} is not empty, and no earlier run has left it; name another")
    running = service.find(directory / "shop.jsonl") if directory.exists() else None
    if running is not None and service.pid_of(running, "writer"):
        pid = service.pid_of(running, "writer")
        raise Unusable(f"a service (writer {pid}) still writes into {directory}; stop it first")
    if running is not None:
        # Else the ends of its sessions would stand in the log of this run.
        service.finish(directory / "shop.jsonl")
    directory.mkdir(parents=True, exist_ok=True)
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != MARK:
            entry.unlink()
    (directory / MARK).touch()
    return directory


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def whole_run_limit(seconds: float) -> Iterator[None]:
    """The last resort against hanging: after *seconds* the run is given up."""

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise Failed(f"the whole run was not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Crowd:
    """The customers, each a process with a file of notes."""

    def __init__(self, port: int, clients: int, seconds: float, directory: Path) -> None:
        notes = directory / "customers"
        notes.mkdir()
        self.notes = [notes / f"customer-{number}.jsonl" for number in range(clients)]
        self._members = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "driver.customers",
                    *map(str, (port, number, seconds, path)),
                ],
                cwd=EXAMPLES,
                stdin=subprocess.DEVNULL,
            )
            for number, path in enumerate(self.notes)
        ]

    def noted(self) -> int:
        """The requests that have been noted so far."""
        return sum(path.read_bytes().count(b"\n") for path in self.notes if path.exists())

    def busy(self) -> bool:
        """Whether somebody is still shopping."""
        return any(member.poll() is None for member in self._members)

    def end(self) -> None:
        """See that all have ended well."""
        bad = [member.poll() for member in self._members if member.poll() != 0]
        if bad:
            raise Failed(f"customers ended with {bad} (None: still there)")

    def kill(self) -> None:
        """End whoever is left."""
        for member in self._members:
            if member.poll() is None:
                member.kill()
                member.wait(10)


def shop(
    server: Server,
    crowd: Crowd,
    writer: psutil.Process,
    file: Path,
    options: argparse.Namespace,
) -> list[kills.Kill]:
    """Let the crowd shop to its end; at a third a worker is killed, at three fifths the writer."""
    started_s = time.monotonic()
    todo = [] if options.no_kill else [("worker", 0.33), ("writer", 0.6)]
    done: list[kills.Kill] = []
    told_s = started_s
    while crowd.busy():
        passed_s = time.monotonic() - started_s
        if passed_s > options.seconds + CLIENT_GRACE_S:
            raise Failed(f"customers were there {CLIENT_GRACE_S:g} s after closing time")
        if started_s + passed_s >= told_s + PROGRESS_S:
            told_s = started_s + passed_s
            say(f"{passed_s:4.0f} s  {crowd.noted():,} requests")
        if todo and passed_s >= options.seconds * todo[0][1]:
            done.append(strike(todo.pop(0)[0], server, writer, file, started_s))
        time.sleep(TICK_S)
    crowd.end()
    if todo:
        raise Failed(f"the customers were gone before the {todo[0][0]} could be killed")
    return done


def strike(
    role: str, server: Server, writer: psutil.Process, file: Path, started_s: float
) -> kills.Kill:
    """Kill the *role* and see it back."""
    if role == "worker":
        hit = kills.kill_worker(server, file, started_s)
    else:
        hit = kills.kill_writer(server, writer, file, started_s)
    say(f"{hit.at_s:4.0f} s  killed {role} {hit.pid}, back after {hit.back_s:.2f} s")
    return hit


@dataclass(frozen=True)
class Ran:
    """What is left when all processes are gone."""

    notes: list[Path]
    probes: list[str]
    kills: list[kills.Kill]
    seconds: float
    stop_s: float
    stayed: list[int]


def run(options: argparse.Namespace, file: Path) -> Ran:
    """Open the shop, let people in, hurt it, close it; no process outlives this."""
    with contextlib.ExitStack() as cleaning:
        cleaning.callback(service.end, file, LEAVE_TIMEOUT_S)
        server = Server(file.parent, options.workers)
        cleaning.callback(server.kill)
        server.wait_until_ready()
        say(f"the shop is open on port {server.port}, {options.workers} workers")
        writer = kills.writer_of(file)
        started_s = time.monotonic()
        crowd = Crowd(server.port, options.clients, options.seconds, file.parent)
        cleaning.callback(crowd.kill)
        done = shop(server, crowd, writer, file, options)
        seconds = time.monotonic() - started_s
        members = service.processes(file)
        say("closing")
        stop_s = server.stop()
        stayed = [one.pid for one in service.wait_until_gone(members, LEAVE_TIMEOUT_S)]
        if not stayed:
            cleaning.pop_all()
    return Ran(crowd.notes, server.probes, done, seconds, stop_s, stayed)


def conclude(ran: Ran, file: Path) -> page.Outcome:
    """Hold files, notes and the verdict of ``mplog verify`` against each other."""
    say("verifying")
    verdict = service.verify(file)
    files = oracle.files_of(file)
    notes = oracle.read_notes(ran.notes)
    found = oracle.read(oracle.lines_of(files))
    killed = {kill.pid for kill in ran.kills if kill.role == "worker"}
    problems = oracle.judge(found, notes, ran.probes, killed)
    if verdict.status != 0:
        problems.append(f"mplog verify ended with {verdict.status}")
    problems += [f"process {pid} of the service did not leave by itself" for pid in ran.stayed]
    return page.Outcome(
        notes=notes,
        found=found,
        files=[(path.name, path.stat().st_size) for path in files],
        directory=shown(file.parent),
        seconds=ran.seconds,
        stop_s=ran.stop_s,
        kills=ran.kills,
        verdict=verdict.counts(),
        problems=problems,
    )


def leave(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the run as the keyboard does: with everything cleaned up."""
    raise KeyboardInterrupt


def shown(directory: Path) -> Path:
    """*directory* as people would type it from here."""
    here = Path(os.getcwd())
    return directory.relative_to(here) if directory.is_relative_to(here) else directory


def main(arguments: list[str]) -> int:
    """Run it; the exit status."""
    options = parse(arguments)
    signal.signal(signal.SIGTERM, leave)
    try:
        with whole_run_limit(options.seconds + WHOLE_RUN_GRACE_S):
            file = prepare(options.dir) / "shop.jsonl"
            outcome = conclude(run(options, file), file)
    except Unusable as reason:
        print(f"run_shop: {reason}", file=sys.stderr)
        return 2
    except Failed as reason:
        print(f"run_shop: FAILED: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(page.render(outcome))
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

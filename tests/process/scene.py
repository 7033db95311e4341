"""A service under load whose file something befalls; the oracle is what its workers have noted.

Three kinds of numbers matter of each worker: what was accepted (noted after the call), what had
been accepted when the change was made (`mark`), and what stands in the files. Whatever was logged
after the mark must be there once, whole, in order; before it only what the change itself has taken
away may be missing.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import proof
import pytest

from mplog import _native
from mplog.files.report import Report
from mplog.files.verify import verify

WORKERS = ("w0", "w1")
# Every call must return True, whatever the file does; the exit codes tell.
LOAD = f"""
import json, multiprocessing
settings = json.loads(sys.argv[1])
padding, pause_s = settings.pop("padding"), settings.pop("pause_s")
mplog.configure(LOG, **settings)
def work(name):
    producer = proof.Producer(name, padding=padding)
    while not os.path.exists(os.environ[proof.STOP]):
        if not producer.event():
            proof.note("refused")
        time.sleep(pause_s)
    producer.event()
fork = multiprocessing.get_context("fork")
workers = [fork.Process(target=work, args=(name,)) for name in {WORKERS!r}]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * len(workers) == [one.exitcode for one in workers]
"""


class Scene:
    """One service, its workers, and what is known of them from outside."""

    def __init__(self, world: Any, *, prefix: Sequence[str] = (), **settings: Any) -> None:
        self.world, self.log = world, world.log
        self.troubled = False  # whether the programs may tell of a problem with the file
        given = {"when_full": "overflow", "retention": None, "rotation": None}
        load = {"padding": 100, "pause_s": 0.001}
        arguments = json.dumps(given | load | settings)
        self._program = world.start(LOAD, arguments, prefix=prefix)
        world.wait_for(lambda: self.last().keys() >= set(WORKERS), 40.0, "both workers")
        world.fresh_file()
        self.flows()

    # ---- what can be seen ----------------------------------------------------------------------
    def reader(self) -> _native.Reader:
        """The service's shared memory."""
        (bell,) = self.world.directory.glob("*.bell")
        service = bell.name.removesuffix(f".{_native.ABI}.bell")
        return _native.Reader(str(self.world.directory), service, False, 1 << 16)

    def count(self, name: str) -> int:
        """One of the service's counters."""
        return self.reader().counters()[name]

    def last(self) -> dict[str, int]:
        """By worker, the last number that was accepted."""
        return {name: numbers[-1] for name, numbers in proof.accepted(self.world.acks).items()}

    def waits(self, *words: str) -> str:
        """The fault has fired: the service tells of it, in these words; and log calls return."""
        self.world.wait_for(
            lambda: all(word in self.reader().problem for word in words), 60.0, f"{words} told"
        )
        told, before, self.troubled = self.reader().problem, self.last(), True
        self.world.wait_for(
            lambda: all(n > before[name] + 20 for name, n in self.last().items()),
            60.0,
            "calls that return while events wait",
        )
        return told

    def flows(self) -> float:
        """Wait until an event that is logged after this call is in the file: seconds, to tell."""
        began_s, before = time.monotonic(), self.last()
        self.world.wait_for(
            lambda: any(n > before[name] + 1 for name, n in self._tail()), 60.0, "a fresh event"
        )
        return time.monotonic() - began_s

    def resumes(self) -> None:
        """The cause is gone: writing goes on by itself, and a fresh event flows; tells how soon."""
        reader = self.reader()
        reader.scan(None)
        backlog = reader.pending()
        began_s, size = time.monotonic(), self._size()
        self.world.wait_for(lambda: self._size() != size, 60.0, "writing to go on")
        grew_s = time.monotonic() - began_s
        fresh_s = grew_s + self.flows()
        print(f"resumed after {grew_s:.2f} s ({backlog:,} B waited), fresh after {fresh_s:.2f} s")
        self.world.wait_for(lambda: self.reader().problem == "", 20.0, "nothing told any more")

    def _size(self) -> int:
        try:
            return self.log.stat().st_size
        except OSError:
            return -1

    def _tail(self) -> Iterable[tuple[str, int]]:
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log.stat().st_size - 100_000, 0))
                lines = file.read().split(b"\n")[1:-1]
        except OSError:
            return
        for raw in lines:
            try:
                line = json.loads(raw)
            except ValueError:
                continue
            if line.get("p") in WORKERS:
                yield line["p"], line["n"]

    # ---- the end -------------------------------------------------------------------------------
    def end(self, leave: Callable[[], Any] = lambda: None, starts: bool = False) -> None:
        """A fresh event flows; the workers leave, then the writer, which was the same all along; no
        call was refused.

        Args:
            leave: what has to be done for the writer to leave.
            starts: the writer was killed, and is another one by now.
        """
        self.flows()
        failed = self.count("starts") > 1 and not starts
        self.world.stop()
        out, err = self.world.finish(self._program)
        told = [line for line in err.splitlines() if self.troubled and f" {self.log}: " in line]
        assert ("", told) == (out, err.splitlines()), err
        leave()
        self.world.gone()
        assert "refused" not in proof.noted(self.world.acks)
        assert not failed, "a writer has failed"

    def whole(self, *before: bytes, leave: Callable[[], Any] = lambda: None) -> Report:
        """The end; the pieces that were taken away and what is there hold every event once."""
        self.end(leave)
        return self.held(*before, *(proof.content_of(p) for p in proof.log_files(self.log)))

    def held(self, *pieces: bytes) -> Report:
        """Hold these pieces, together, against the notes."""
        whole = self.world.root / "whole.jsonl"
        whole.write_bytes(b"".join(pieces))
        return proof.check(whole, self.world.acks)

    def since(self, mark: dict[str, int]) -> dict[str, list[int]]:
        """The end; what was logged after the mark is in the files once, in order; the rest of what
        was accepted and is not there.
        """
        self.end()
        wanted, there = proof.accepted(self.world.acks), self._there()
        missing = {}
        for name in WORKERS:
            assert there[name] == sorted(set(there[name])), f"{name}: doubled or out of order"
            missing[name] = sorted(set(wanted[name]) - set(there[name]))
            late = [n for n in missing[name] if n > mark[name] + 1]
            assert [] == late, f"{name}: {len(late)} logged after the change are lost: {late[:5]}"
        return missing

    def _there(self) -> dict[str, list[int]]:
        """By worker, the numbers in the files; a line that was torn by the change is none."""
        found: dict[str, list[int]] = {name: [] for name in WORKERS}
        for raw in b"".join(map(proof.content_of, proof.log_files(self.log))).split(b"\n"):
            try:
                line = json.loads(raw.strip(b"\0"))
            except ValueError:
                continue
            if "data" in line and proof.content(line["p"], line["n"]) == line["data"]:
                found[line["p"]].append(line["n"])
        return found

    def verified(self) -> Report:
        """What `mplog verify` says of the log as it is."""
        return verify([self.log])


def long(*values: Any) -> Any:
    """One of the kind that only `make stress` runs."""
    return pytest.param(*values, marks=pytest.mark.stress)


def fill(ballast: Path) -> None:
    """Write until there is no room for one more byte."""
    with ballast.open("ab", buffering=0) as file:
        for block in (b"x" * 65_536, b"x"):
            try:
                while True:
                    file.write(block)
            except OSError:
                continue


@contextlib.contextmanager
def injected(world: Any, rule: str) -> Iterator[Path]:
    """strace at the writer: *rule* for its pwrite64 calls, until the end of the block."""
    trace = world.root / "trace"
    words = ["strace", "-o", str(trace), "-p", str(world.writer())]
    words += ["-e", "trace=pwrite64", "-e", f"inject=pwrite64:{rule}"]
    tracer = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        assert tracer.stderr is not None
        assert "attached" in tracer.stderr.readline()
        yield trace
    finally:
        tracer.terminate()
        tracer.communicate(timeout=30)


def run(*words: str | Path) -> str:
    """A command of the system that must not fail; what it prints."""
    return subprocess.run(
        [str(word) for word in words], check=True, capture_output=True, text=True
    ).stdout


def mplog(world: Any, *words: str | Path) -> int:
    """A command of mplog's; its exit code."""
    command = [sys.executable, "-m", "mplog", *map(str, words), "--timeout", "60"]
    return subprocess.run(command, env=world.environment(), check=False).returncode

"""A place for real programs: their log, their notes, and the writer that serves them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

import progress  # noqa: E402
import proof  # noqa: E402

from mplog.files.report import Report  # noqa: E402

TIMEOUT_S = 120.0


def state_of(pid: int) -> str:
    """The letter that proc(5) has for what *pid* does: T where it is stopped; empty: it is gone."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


def alive(pid: int) -> bool:
    """Whether *pid* runs; a zombie does not."""
    return state_of(pid) not in ("", "Z")


def parent_of(pid: int) -> int:
    """The parent of *pid*; 0 when it is gone."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


class World:
    """One log, one private place in shared memory, and the programs of one test."""

    def __init__(self, root: Path, directory: Path, wait_for: Callable[..., Any]) -> None:
        self.root, self.directory, self.wait_for = root, directory, wait_for
        self.log = root / "log" / "app.jsonl"
        self.acks = root / "acks"
        self._count = 0
        self._started: list[subprocess.Popen[str]] = []

    def environment(self, **changes: str | None) -> dict[str, str]:
        """What a program of this test finds in its environment; None takes a name out."""
        path = os.pathsep.join([str(ROOT), str(HERE)])
        own = {"PYTHONPATH": path, "LOG": str(self.log), proof.ACKS: str(self.acks)}
        own[proof.STOP] = str(self.root / "stop")
        merged = {**os.environ, **own, **changes}
        return {name: value for name, value in merged.items() if value is not None}

    def program(self, source: str) -> Path:
        """Write a program down; `os, sys, time, mplog, proof` and LOG are there for it."""
        self._count += 1
        path = self.root / f"program_{self._count}.py"
        head = "import os, sys, time, mplog, proof\nLOG = os.environ.get('LOG', '')\n"
        path.write_text(head + textwrap.dedent(source))
        return path

    def start(
        self, source: str | Path, *args: str, prefix: Collection[str] = (), **changes: str | None
    ) -> subprocess.Popen[str]:
        """Start a program; both its streams are pipes."""
        path = source if isinstance(source, Path) else self.program(source)
        started = subprocess.Popen(
            [*prefix, sys.executable, str(path), *args],
            env=self.environment(**changes),
            cwd=self.root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(started)
        return started

    def run(
        self, source: str | Path, *args: str, code: int = 0, quiet: bool = True, **changes: Any
    ) -> tuple[str, str]:
        """Run a program to its end; what it wrote to stdout and stderr, as `finish` has it."""
        out, err = self.finish(self.start(source, *args, **changes), code)
        if quiet:
            assert "" == err
        return out, err

    def finish(self, started: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
        """Wait for a program that was started; what it wrote, without lines of progress."""
        out, err = started.communicate(timeout=TIMEOUT_S)
        assert code == started.returncode, err
        return out, progress.without(err)

    def go_on(self, started: subprocess.Popen[str]) -> None:
        """Let a program go past its `sys.stdin.readline()`."""
        assert started.stdin is not None
        started.stdin.write("\n")
        started.stdin.flush()

    def stop(self) -> None:
        """End what `proof.load` does in every program of this test."""
        (self.root / "stop").touch()

    def fresh(self) -> None:
        """Wait until something comes into the log: events flow."""
        before = self._tip()

        def grown() -> bool:
            tip = self._tip()
            return tip != before and tip[1] > 0

        self.wait_for(grown, 20.0, "a fresh event in the log")

    def fresh_file(self) -> None:
        """Wait until there is a log with something in it."""
        self.wait_for(lambda: self._tip()[1] > 0, 20.0, "a log")

    def _tip(self) -> tuple[int, int]:
        """Which file the log is now, and its size; archives come and go under a look at them."""
        try:
            found = self.log.stat()
        except OSError:
            return 0, 0
        return found.st_ino, found.st_size

    def writers(self) -> tuple[list[int], list[int]]:
        """The pids of all supervisors and of all writers on this test's directory."""
        mark = os.fsencode(self.directory)
        found = set()
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = Path("/proc", name, "cmdline").read_bytes()
            except OSError:
                continue
            if b"mplog.writer" in command and mark in command and alive(int(name)):
                found.add(int(name))
        children = {pid for pid in found if parent_of(pid) in found}
        orphans = {p for p in found - children if parent_of(p) == 1 and _was_writer(p)}
        return sorted(found - children - orphans), sorted(children | orphans)

    def writer(self) -> int:
        """The pid of the one writer, once there is one."""
        return int(self.wait_for(lambda: self.writers()[1], 20.0, "a writer")[0])

    def supervisor(self) -> int:
        """The pid of the one supervisor, once there is one."""
        return int(self.wait_for(lambda: self.writers()[0], 20.0, "a supervisor")[0])

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Kill a process and see it dead."""
        os.kill(pid, number)
        self.wait_for(lambda: not alive(pid), 20.0, f"the death of {pid}")

    @contextlib.contextmanager
    def standing(self) -> Iterator[int]:
        """The writer stands still for the time of a block, not even in a call; its pid."""
        writer = self.writer()
        os.kill(writer, signal.SIGSTOP)
        try:
            self.wait_for(lambda: state_of(writer) == "T", 20.0, "the writer to stand still")
            yield writer
        finally:
            os.kill(writer, signal.SIGCONT)

    def noted(self, count: int) -> None:
        """Wait until *count* lines are noted."""
        self.wait_for(lambda: len(proof.noted(self.acks)) >= count, 40.0, f"{count} notes")

    def gone(self) -> None:
        """Wait until the writer has left and nothing of the service stays in shared memory."""
        deadline_s = time.monotonic() + 90.0
        while (there := (*self.writers(), self.left())) != ([], [], []):
            assert time.monotonic() < deadline_s, there
            time.sleep(0.02)

    def left(self) -> list[str]:
        """What of the service is in shared memory."""
        try:
            return sorted(os.listdir(self.directory))
        except FileNotFoundError:
            return []

    def check(self, **how: Any) -> Report:
        """Wait for the writer to leave; then hold the log against the notes."""
        self.gone()
        return proof.check(self.log, self.acks, **how)

    def close(self) -> None:
        """End what a failed test has left running; forked workers look for the stop."""
        self.stop()
        for one in self._started:
            if one.poll() is None:
                one.kill()
            one.communicate()


def _was_writer(pid: int) -> bool:
    """A writer whose supervisor has died holds a journal open or mapped; a supervisor does not."""
    try:
        return b".journal" in Path("/proc", str(pid), "maps").read_bytes()
    except OSError:
        return False


@pytest.fixture
def world(shm: Path, logdir: Path, wait_for: Callable[..., Any]) -> Iterator[World]:
    """Programs, their log and their notes; see `World`."""
    made = World(logdir, shm, wait_for)
    made.log.parent.mkdir()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def place(world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the sinks of `sinkside` leave what they are given."""
    made = world.root / "sinks"
    made.mkdir()
    monkeypatch.setenv("SINKSIDE", str(made))
    return made


@pytest.fixture
def outside(shm: Path, wait_for: Callable[..., Any]) -> Iterator[World]:
    """A world that belongs to the user nobody; its root is open to all."""
    place = Path(tempfile.mkdtemp(prefix="mplog-nobody-"))
    place.chmod(0o755)
    made = World(place, shm, wait_for)
    made.log.parent.mkdir()
    for path in (place, shm, made.log.parent):
        os.chown(path, 65534, 65534)
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(place)


class Mounts:
    """File systems of one test: unmounted at its end, whatever still looks at them."""

    def __init__(self) -> None:
        self._places: list[Path] = []

    def tmpfs(self, place: Path, options: str) -> Path:
        """One in memory."""
        return self.mount(place, "-t", "tmpfs", "-o", f"{options},mode=0755", "tmpfs")

    def ext4(self, image: Path, place: Path, size_bytes: int, options: str = "") -> Path:
        """One in a sparse file."""
        with image.open("wb") as file:
            file.truncate(size_bytes)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        return self.loop(image, place, options)

    def loop(self, image: Path, place: Path, options: str = "") -> Path:
        """One that a file holds already."""
        return self.mount(place, "-o", f"loop{options and ',' + options}", str(image))

    def mount(self, place: Path, *words: str) -> Path:
        """As mount(8) has it."""
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", *words, str(place)], check=True)
        self._places.append(place)
        return place

    def close(self) -> None:
        """All of them, the last first; one that is gone already is no matter."""
        for place in reversed(self._places):
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """File systems for a test; name it before `world`, so that it outlives the writer."""
    made = Mounts()
    yield made
    made.close()

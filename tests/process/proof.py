"""The oracle of the process tests, for programs and tests alike.

A program logs events whose content follows from (producer, number), and notes each number that a
log call has accepted in a file that mplog knows nothing of. The test holds the log against it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mplog.files.archive import list_archives
from mplog.files.report import Report
from mplog.files.verify import verify

ACKS = "PROOF_ACKS"
STOP = "PROOF_STOP"


_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def content(producer: str, number: int) -> str:
    """What event *number* of *producer* carries: 8 to 64 letters that nobody can guess wrong.

    Of digits alone, one in a hundred thousand would be taken for a card number, and redacted.
    """
    digest = hashlib.sha256(f"{producer}:{number}".encode()).hexdigest()
    return digest[: 8 + number % 57].translate(_LETTERS)


class Producer:
    """One source of numbered events inside a program."""

    def __init__(self, name: str, acks: str | None = None, padding: int = 0) -> None:
        import mplog

        self.name = name
        self.number = 0
        self._padding = "x" * padding
        self._path = acks or os.environ[ACKS]
        self._log = mplog.get_logger(name)

    def event(self) -> bool:
        """Log the next event; note it when it was accepted."""
        self.number += 1
        p, n = self.name, self.number
        more = {"padding": self._padding} if self._padding else {}
        accepted = self._log.info("event {n} of {p}", p=p, n=n, data=content(p, n), **more)
        if accepted:
            note(f"{p} {n}", self._path)
        return accepted

    def events(self, count: int, pause_s: float = 0.0) -> None:
        """Log *count* events."""
        for _ in range(count):
            self.event()
            if pause_s:
                time.sleep(pause_s)


def load(name: str, pause_s: float = 0.0005) -> None:
    """Log until the test says stop (by a file), then once more."""
    producer = Producer(name)
    while not os.path.exists(os.environ[STOP]):
        producer.event()
        time.sleep(pause_s)
    producer.event()


def note(line: str, path: str | None = None) -> None:
    """Append a line that is whole or absent, whoever is killed meanwhile."""
    fd = os.open(path or os.environ[ACKS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(fd, line.encode() + b"\n")
    finally:
        os.close(fd)


def noted(path: Path | None = None) -> list[str]:
    """All lines noted so far; one that is just being written is not there yet."""
    path = path or Path(os.environ[ACKS])
    return path.read_text().split("\n")[:-1] if path.exists() else []


def accepted(path: Path) -> dict[str, list[int]]:
    """By producer, the numbers that its log calls have accepted."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in noted(path):
        producer, _, number = line.rpartition(" ")
        if number.isdigit() and not producer.endswith(":"):
            found[producer].append(int(number))
    return found


def log_files(log: Path) -> list[Path]:
    """The archives of *log*, oldest first, and the active file."""
    archives = [log.parent / one.name for one in list_archives(log.parent, log.name)]
    return [*archives, *([log] if log.exists() else [])]


def content_of(path: Path) -> bytes:
    """What stands in a file, compressed or not."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def lines_of(log: Path) -> list[dict[str, Any]]:
    """All lines of a log, archives first."""
    text = b"".join(content_of(path) for path in log_files(log))
    return [json.loads(line) for line in text.splitlines()]


def lines_so_far(log: Path) -> list[dict[str, Any]]:
    """The lines of a log that is being written: its last one may be under way, and a file may be
    set aside, compressed or deleted between two looks.
    """
    while True:
        try:
            text = b"".join(content_of(path) for path in log_files(log))
        except FileNotFoundError:
            continue
        return [json.loads(line) for line in text.split(b"\n")[:-1]]


def delivered(log: Path, lines: list[dict[str, Any]] | None = None) -> dict[str, list[int]]:
    """By producer, the numbers in the log (or in these *lines* of it), in its order; content is
    checked on the way.
    """
    found: dict[str, list[int]] = defaultdict(list)
    for line in lines_of(log) if lines is None else lines:
        if "data" in line:
            assert content(line["p"], line["n"]) == line["data"], line
            found[line["p"]].append(line["n"])
    return found


def check(log: Path, acks: Path, *, killed: Collection[str] = (), retired: bool = False) -> Report:
    """Hold the log against what was accepted.

    Args:
        log: the active file.
        acks: where the programs have noted what was accepted.
        killed: producers that may have died between a publish and its note: one event more each.
        retired: archives were deleted on purpose: of each producer the newest events are there.

    Returns:
        What `verify` says of the files.
    """
    wanted, there = accepted(acks), delivered(log)
    report = verify([log])
    assert 0 == report.exit_code, (report.findings[:5], report.unreadable, report.refused)
    assert wanted, "nothing was accepted, so nothing is shown"
    for producer in wanted.keys() | there.keys():
        _compare(producer, wanted[producer], there[producer], producer in killed, retired)
    return report


def _compare(
    producer: str, wanted: list[int], there: list[int], killed: bool, retired: bool
) -> None:
    assert there == sorted(set(there)), f"{producer}: doubled or out of order"
    surplus = set(there) - set(wanted)
    most = 1 if killed else 0
    assert len(surplus) <= most, f"{producer}: never accepted: {sorted(surplus)[:9]}"
    assert not surplus or surplus == {max(there)}, f"{producer}: a phantom in the middle"
    if retired:
        wanted = [number for number in wanted if there and number >= there[0]]
    lost = set(wanted) - set(there)
    assert not lost, f"{producer}: {len(lost)} accepted and lost, as {sorted(lost)[:9]}"

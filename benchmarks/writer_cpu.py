"""What an event with three fields costs the writer, from its lane to staged bytes: the way through
Python objects, and the way through C. CPU time; drain and format alone, without the write. Then
the way through C in its parts: drain, format, and commit with the write into a file in memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

from mplog._native import FORMATS, Journal, Producer, Reader, bell_create
from mplog.config import Settings
from mplog.event.codec import ENCODER
from mplog.files.active import ActiveFile
from mplog.format import formatter
from mplog.writer import stage
from mplog.writer.compose import line_of
from mplog.writer.state import ARENA_BYTES, FileSink, Job, Signals

SERVICE = "bench"
FILL = 3_000
STAGING_BYTES = 4 << 20
TARGET_TIMES = 5.0


def payload(number: int) -> bytes:
    """A call of `log.info("user {user} logged in from {ip}", user=…, ip=…, attempt=…)`."""
    fields = {"user": "alice", "ip": "10.0.0.1", "attempt": number}
    place = ("/srv/shop/accounts.py", 12, "login", 140_375_761_468_288, "MainThread", None)
    return ENCODER.encode(
        ("shop", "user {user} logged in from {ip}", fields, None, *place, None, None)
    )


def job_in(place: Path) -> Job:
    """A writer without a supervisor."""
    directory = str(place)
    reader = Reader(directory, SERVICE, True, ARENA_BYTES)
    journal = Journal(directory, SERVICE, STAGING_BYTES)
    reader.scan(journal)
    path = place / "app.jsonl"
    file = ActiveFile(path, 0o600)
    journal.set_file(file.dev, file.ino, 0, 0)
    settings = Settings(file=str(path))
    return Job(
        place, SERVICE, settings, reader, journal,
        [FileSink(0, settings, path, formatter("json"), file)], Signals(), None,
    )  # fmt: skip


def measured(job: Job, fill: Callable[[], None]) -> float:
    """CPU time an event, ns, of one full lane."""
    fill()
    before_ns = time.process_time_ns()
    batch = stage.drain(job, 0, ARENA_BYTES, STAGING_BYTES)
    used_ns = time.process_time_ns() - before_ns
    if batch.count != FILL or batch.unreadable:
        raise SystemExit(f"{batch.count} of {FILL} events came through")
    job.reader.accept(batch.count)
    job.journal.commit(job.reader, job.file.fd, batch.size_bytes)
    return used_ns / FILL


def parted(job: Job, fill: Callable[[], None]) -> tuple[float, ...]:
    """CPU time an event, ns: drain, format, commit."""
    fill()
    reader, journal = job.reader, job.journal
    times_ns = [time.process_time_ns()]
    reader.drain_count(ARENA_BYTES)
    times_ns.append(time.process_time_ns())
    fallback = partial(line_of, job.sinks[0].fmt, STAGING_BYTES)
    count, size, _ = reader.compose(journal, 0, STAGING_BYTES, FORMATS["json"], fallback)
    times_ns.append(time.process_time_ns())
    reader.accept(count)
    journal.commit(reader, job.file.fd, size)
    times_ns.append(time.process_time_ns())
    if count != FILL:
        raise SystemExit(f"{count} of {FILL} events came through")
    return tuple([(after - before) / FILL for before, after in pairwise(times_ns)])


def main() -> int:
    """Print both and their ratio; 1 when the ratio is under the target."""
    parser = argparse.ArgumentParser(description="CPU time of the writer an event")
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="mplog-bench-") as name:
        os.chmod(name, 0o700)
        bell_create(name, SERVICE, b"{}")
        producer = Producer(name, SERVICE, "bench")
        producer.attach()
        payloads = [payload(number) for number in range(FILL)]

        def fill() -> None:
            for one in payloads:
                producer.publish(20, one)

        job = job_in(Path(name))
        spent: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(rounds):  # in turns, so that both meet the same machine
            for job.native in spent:
                spent[job.native].append(measured(job, fill))
        parts = [parted(job, fill) for _ in range(rounds)]
        producer.detach(True)
    python_ns, native_ns = (statistics.median(spent[way]) for way in (False, True))
    print(f"Python: {python_ns:,.0f} ns an event")
    print(f"C:      {native_ns:,.0f} ns an event")
    print(f"ratio:  {python_ns / native_ns:.1f} (target {TARGET_TIMES:.0f})")
    names = ("drain", "format", "commit")
    each = [statistics.median(one) for one in zip(*parts, strict=True)]
    print(
        "in C:   " + ", ".join(f"{name} {ns:,.0f} ns" for name, ns in zip(names, each, strict=True))
    )
    return 1 if python_ns / native_ns < TARGET_TIMES else 0


if __name__ == "__main__":
    sys.exit(main())

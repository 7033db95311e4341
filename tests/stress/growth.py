"""What a soak counts each minute, and what may not have grown at its end."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import msgspec

GROWTH_BYTES = 8 << 20  # a process's memory at the end above that at the beginning
GROWTH_SHARE = 0.25


class Sample(msgspec.Struct):
    """What is there at the end of a stretch."""

    minute: float = 0.0
    events: int = 0
    kills: int = 0
    writer_rss_bytes: int = 0
    writer_fds: int = 0
    worker_rss_bytes: int = 0
    worker_fds: int = 0
    shared_files: int = 0
    log_files: int = 0
    processes: int = 0
    rotations: int = 0
    retired: int = 0
    wrong: list[str] = []

    def line(self) -> str:
        """For people."""
        return (
            f"minute {self.minute:5.1f}: {self.events:>11,} events, {self.kills:>5,} kills, "
            f"{self.rotations:,} rotations, {self.retired:,} archives deleted; writer "
            f"{self.writer_rss_bytes >> 20} MiB {self.writer_fds} fds, worker "
            f"{self.worker_rss_bytes >> 20} MiB {self.worker_fds} fds; {self.shared_files} files "
            f"in shared memory, {self.log_files} beside the log, {self.processes} processes: "
            f"{'; '.join(self.wrong) or 'the books balance'}"
        )


BOUNDS = {
    "writer_rss_bytes": GROWTH_BYTES,
    "worker_rss_bytes": GROWTH_BYTES,
    "writer_fds": 0,
    "worker_fds": 0,
    "shared_files": 2,  # chunks of overflow come and go
}


def grown(samples: Sequence[Sample], retention: int, bounds: dict[str, int] = BOUNDS) -> list[str]:
    """What has grown from the first third of the samples to the last.

    Args:
        samples: of the whole run.
        retention: archives that are kept of each log.
        bounds: what is looked at, and how much more of it there may be.
    """
    third = len(samples) // 3
    if third < 1:
        return []
    wrong = []
    for name, more in bounds.items():
        early = statistics.median(getattr(sample, name) for sample in samples[1 : third + 1])
        late = statistics.median(getattr(sample, name) for sample in samples[-third:])
        if late > early + more and late > early * (1 + GROWTH_SHARE * (more > 0)):
            wrong.append(f"{name} has grown from {early:,.0f} to {late:,.0f}")
    most = max(sample.log_files for sample in samples)
    if most > 2 * retention + 40:  # and what half a minute brings, by which a slow look may be late
        wrong.append(f"{most} files beside two logs with a retention of {retention}")
    return wrong

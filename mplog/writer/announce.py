"""Lines of the service's own, for whoever gets lines."""

from __future__ import annotations

from typing import Any

from mplog.writer.compose import file_notice
from mplog.writer.state import FileSink, Job, now_ns


def announce(job: Job, level: int, event_name: str, text: str, keys: dict[str, Any]) -> None:
    """A line in every file, and an event for every other sink, with the next batch."""
    wall_ns = now_ns()
    for sink in job.sinks:
        sink.lines.append(sink.fmt.notice(wall_ns, level, event_name, text, keys))
    if job.outlets is not None:
        job.outlets.notices.notice(wall_ns, level, event_name, text, keys)
        job.outlets.notices.keep()


def tell_of_file(job: Job, sink: FileSink, count: int) -> None:
    """The first *count* notices about a file, which this batch holds, go to the other sinks too."""
    if job.outlets is not None:
        for notice in sink.notices[:count]:
            file_notice(job.outlets.notices, now_ns(), *notice)
        job.outlets.notices.keep()

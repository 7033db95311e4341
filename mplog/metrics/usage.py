"""How much of each of its limits a service uses, read from shared memory and its spools by anybody,
without asking it.
"""

from __future__ import annotations

import os

import msgspec

from mplog import _native
from mplog._native import Reader
from mplog.config import Settings
from mplog.config.sink import parse_sinks, spool_place
from mplog.config.wrong import WrongValue
from mplog.metrics.board import read_board
from mplog.ring import configuration

_SMALLEST_ARENA_BYTES = 1 << 16


class Usage(msgspec.Struct, frozen=True):
    """One limit and what is used of it.

    Attributes:
        what: "memory", "lanes", "overflow", "owed to FILE", "queue of SINK", "spool of SINK".
        setting: that sets the limit; empty where none does.
        used: in that unit.
        limit: None where there is none.
        unit: "bytes" or "events".
    """

    what: str
    setting: str
    used: int
    limit: int | None
    unit: str = "bytes"


def usage_of(directory: str | os.PathLike[str], service: str) -> tuple[Usage, ...]:
    """The limits of a service.

    Raises:
        MplogError, OSError: there is no such service, or it cannot be read.
    """
    settings = configuration(directory, service)
    try:
        reader = Reader(os.fspath(directory), service, False, _SMALLEST_ARENA_BYTES)
    except RuntimeError as error:
        from mplog.errors.results import from_result  # seldom

        raise from_result(error.args[1], f"read the service {service} in {directory}") from None
    rows = memory_usage(settings, os.fspath(directory), reader.lane_bytes, reader.overflow_bytes)
    owed = owed_usage(settings, os.fspath(directory), service)
    return (*rows, *owed, *sink_usage(settings, directory, service))


def memory_usage(
    settings: Settings, directory: str, lanes: int, overflow: int
) -> tuple[Usage, ...]:
    """Of the memory that a service has, from what its bell says, in bytes."""
    beside = settings.overflow_dir in (None, directory)
    return (
        Usage("memory", "memory", lanes + overflow * beside, settings.memory_bytes or None),
        Usage("lanes", "", lanes, None),
        Usage("overflow", "overflow", overflow, settings.overflow_bytes),
    )


def owed_usage(settings: Settings, directory: str, service: str) -> list[Usage]:
    """Of the memory that holds lines for files that cannot be written; only where there is another
    file, which goes on meanwhile. None where the journal cannot be read.
    """
    files = settings.all_files
    if len(files) < 2:
        return []
    try:
        owed = _native.owed(directory, service)
    except (OSError, RuntimeError):  # of another build, or damaged: the writer will replace it
        return []
    limit = settings.spool_bytes
    return [
        Usage(f"owed to {file.file}", "spool", owed_bytes, limit)
        for file, owed_bytes in zip(files, owed, strict=False)
    ]


def sink_usage(settings: Settings, directory: str | os.PathLike[str], service: str) -> list[Usage]:
    """Of the queues and spools of its sinks that are no files."""
    rows = {row.name: row for row in read_board(directory, service)[1]}
    found = []
    try:
        sinks = parse_sinks(settings.sinks)
    except WrongValue:  # of another build: what lies in shared memory is not trusted
        return []
    for sink in sinks:
        row = rows.get(sink.name)
        queue = f"queue of {sink.name}"
        found.append(Usage(queue, "queue", row.queued if row else 0, sink.queue, "events"))
        used_bytes = row.queued_bytes if row else 0
        found.append(Usage(queue, "queue_bytes", used_bytes, sink.queue_bytes))
        if sink.spool_bytes and settings.file is not None:
            place = spool_place(settings.file, sink.name)
            spool = f"spool of {sink.name}"
            found.append(Usage(spool, "spool", _on_disk(place), sink.spool_bytes))
    return found


def _on_disk(place: str) -> int:
    """Bytes of the files in a directory; those that go away meanwhile are not counted."""
    total = 0
    try:
        for name in os.listdir(place):
            total += _size(os.path.join(place, name))
    except OSError:
        return 0
    return total


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0

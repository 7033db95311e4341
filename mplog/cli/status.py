"""`mplog status`: what the services of this machine are doing, read from shared memory without
asking anybody.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil

from mplog._native import Reader
from mplog.cli.ask import default_directory
from mplog.cli.diagnostics import printable
from mplog.errors import MplogError
from mplog.metrics.board import read_board
from mplog.metrics.usage import memory_usage, owed_usage, sink_usage
from mplog.ring import configuration, presence, services
from mplog.ring.relic import Relic, relics

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the parser of this command."""
    parser = subparsers.add_parser(
        "status",
        help="show what the services are doing",
        description="Show the services of this user, or of --dir: writer, processes, what is "
        "pending. Looks only; "
        "neither a writer nor a process notices.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--dir", type=Path, action="append", metavar="D", help="of the shared memory; also again"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the state of all services; 0."""
    directories = args.dir or [default_directory()]
    rows = [row for d in directories for name in services(d) if (row := describe(d, name))]
    if args.json:
        print(msgspec.json.encode({"services": rows}).decode())
    elif not rows:
        print(f"no service in {', '.join(str(d) for d in directories)}")
    for row in rows if not args.json else []:
        print("\n".join(map(printable, _page(row))))
    for directory in directories if not args.json else []:
        for relic in _relics(directory):
            other = f"{relic.service} of another version (layout {relic.abi}): see mplog recover"
            print(printable(other))
    return 0


def _relics(directory: Path) -> list[Relic]:
    try:
        return relics(directory)
    except OSError:
        return []


def describe(directory: Path, name: str) -> dict[str, Any] | None:
    """The state of one service; None when it has just gone, or is another version's."""
    try:
        settings = configuration(directory, name)
        found = presence(directory, name)
        reader = Reader(str(directory), name, False, 1 << 16)
        reader.scan(None)
    except (MplogError, OSError, RuntimeError):
        return None
    lanes = [lane for lane in reader.lanes() if lane["live"] or lane["open"]]
    return {
        "name": name,
        "file": settings.file,
        "dir": str(directory),
        "writer": _process(reader.writer_pid) if found and found.writer else None,
        "supervisor": _process(reader.supervisor_pid) if found and found.supervisor else None,
        "problem": reader.problem or None,
        "pending_bytes": sum(lane["pending_bytes"] for lane in lanes),
        "usage": [
            msgspec.structs.asdict(row)
            for row in (
                *memory_usage(settings, str(directory), reader.lane_bytes, reader.overflow_bytes),
                *owed_usage(settings, str(directory), name),
                *sink_usage(settings, directory, name),
            )
        ],
        "lanes": lanes,
        "counters": reader.counters(),
        "sinks": [msgspec.structs.asdict(row) for row in read_board(directory, name)[1]],
    }


def _process(pid: int) -> dict[str, Any] | None:
    try:
        process = psutil.Process(pid)
        memory_bytes, began = process.memory_info().rss, process.create_time()
    except (psutil.Error, ValueError):
        return None
    return {"pid": pid, "rss_bytes": memory_bytes, "start": began}


def _page(row: dict[str, Any]) -> list[str]:
    writer, supervisor, counters = row["writer"], row["supervisor"], row["counters"]
    lines = [
        f"{row['name']}",
        f"  file        {row['file']}",
        f"  memory      {row['dir']}",
        f"  writer      {'pid ' + str(writer['pid']) if writer else 'none'}"
        f", supervisor {'pid ' + str(supervisor['pid']) if supervisor else 'none'}",
        f"  delivered   {counters['events']:,} events, {counters['bytes']:,} bytes, "
        f"{counters['rotations']:,} rotations",
        f"  dropped     {counters['dropped'] + counters['homeless']:,} events"
        f", filtered {counters['filtered']:,}, late {counters['late']:,}",
        f"  pending     {row['pending_bytes']:,} bytes",
    ]
    if row["problem"]:
        lines.append(f"  problem     {row['problem']}")
    lines += [_limit_line(limit) for limit in row["usage"] if limit["limit"] is not None]
    lines += [_sink_line(sink) for sink in row["sinks"]]
    for lane in row["lanes"]:
        state = "" if lane["live"] else "  (ended)"
        state += "  (set aside)" if lane["quarantined"] else ""
        lines.append(
            f"  process     {lane['pid']:>7}  {lane['name']:<24} {lane['settled']:>12,} delivered, "
            f"{lane['pending_bytes']:,} bytes pending, {lane['dropped']:,} dropped{state}"
        )
    return lines


def _limit_line(limit: dict[str, Any]) -> str:
    of = f"{limit['used']:,} of {limit['limit']:,} {limit['unit']}"
    return f"  limit       {limit['what']:<16} {of} ({limit['setting']})"


def _sink_line(sink: dict[str, Any]) -> str:
    text = (
        f"  sink        {sink['name']:<16} {sink['delivered']:>12,} delivered, "
        f"{sink['queued']:,} queued, {sink['dropped']:,} dropped, {sink['failures']:,} failures"
    )
    if sink["spooled"]:
        text += f", {sink['spooled']:,} in its spool"
    if sink["breaker"] != "closed":
        text += f"  ({sink['breaker']})"
    return f"{text}: {sink['error']}" if sink["error"] else text

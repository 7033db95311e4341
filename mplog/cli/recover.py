"""`mplog recover`: get events out of shared memory that another version of mplog has left."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mplog.cli import exits
from mplog.cli.ask import default_directory
from mplog.cli.diagnostics import DIAGNOSTICS, add_on_error
from mplog.errors import UsageError
from mplog.event.codec import decode
from mplog.event.event import Stamped
from mplog.format import FORMATS, Format, formatter
from mplog.format.base import RECOVERED
from mplog.ring.relic import Relic, in_use, relics, settings_of, staged
from mplog.ring.unread import Unread, unread
from mplog.writer.compose import drop_notice

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers

_EPILOG = """\
The lines are those that the log would have got, each with "recovered": true, and
`mplog verify LOG --also FILE` reads them with the log. Nothing is removed unless --remove is
given."""


def add(subparsers: Subparsers) -> None:
    """Add the parser of this command."""
    parser = subparsers.add_parser(
        "recover",
        help="get events out that another version of mplog has left in shared memory",
        description="Write the events that processes of another version of mplog have left unread "
        "in shared memory. A version never touches another's files by itself.",
        epilog=_EPILOG,
    )
    parser.add_argument("--dir", type=Path, metavar="D", help="of the shared memory")
    parser.add_argument("--service", metavar="NAME", help="only this one's")
    parser.add_argument("--output", "-o", type=Path, metavar="FILE", help="else standard output")
    parser.add_argument("--remove", action="store_true", help="remove what was written out")
    add_on_error(
        parser,
        "stop",
        "write nothing where one service of another version cannot be read",
        "leave such a service alone, and write out the others",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write what is there; 0.

    Raises:
        UsageError: it is in use, its layout is not known, or the output exists.
    """
    directory = args.dir or default_directory()
    if args.remove and args.output is None:
        raise UsageError("--remove needs --output: what is removed must have been written down")
    try:
        found = relics(directory, args.service)
    except FileNotFoundError:
        found = []
    refused = 0
    if args.on_error == "continue":
        every, found = found, [relic for relic in found if not _refused(relic)]
        refused = len(every) - len(found)
    for relic in found:
        _refuse(relic)
    if not found:
        if not refused:
            DIAGNOSTICS.say(f"no shared memory of another version in {directory}")
        return exits.USAGE if refused else 0
    try:
        count = _write(args.output, found)
    except FileExistsError:
        right = "name a file that is not there"
        raise UsageError(f"{args.output} exists: {right}") from None
    for relic in found if args.remove else []:
        _remove(relic)
    where = args.output or "standard output"
    DIAGNOSTICS.say(f"{count:,} events of {len(found)} services written to {where}")
    return exits.USAGE if refused else 0


def _refused(relic: Relic) -> bool:
    """Whether it is left alone, which is told."""
    try:
        _refuse(relic)
    except UsageError as error:
        DIAGNOSTICS.fail(error)
        return True
    return False


def _refuse(relic: Relic) -> None:
    what = f"{relic.service} in {relic.directory} (layout {relic.abi})"
    if not relic.readable:
        raise UsageError(
            f"{what} is of a version whose layout this one does not know: install the version of "
            "mplog that wrote it, and start `mplog serve` with it"
        )
    if in_use(relic):
        raise UsageError(
            f"processes of that version still run on {what}: their own writer delivers its events; "
            "end them, and try again"
        )


def _write(output: Path | None, found: Iterable[Relic]) -> int:
    count = 0
    with contextlib.ExitStack() as stack:
        if output is None:
            out = sys.stdout.buffer
        else:
            fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            out = stack.enter_context(os.fdopen(fd, "wb"))
        for relic in found:
            out.write(committed_rest(relic))
            events = unread(relic)
            count += len(events)
            for line in lines(events, _format_of(relic)):
                out.write(line)
        out.flush()
        if output is not None:
            os.fsync(out.fileno())
    return count


def committed_rest(relic: Relic) -> bytes:
    """The lines of a batch that was committed and is not in the log, from the first that is not
    whole there.
    """
    batch, offset = staged(relic)
    path = settings_of(relic).get("file")
    if not batch or not isinstance(path, str):
        return batch
    try:
        with open(path, "rb") as log:
            log.seek(offset)
            there = log.read(len(batch))
    except OSError:
        return batch
    same = len(os.path.commonprefix([batch, there]))
    return batch[batch.rfind(b"\n", 0, same) + 1 :]


def lines(events: Iterable[Unread], fmt: Format) -> Iterator[bytes]:
    """The line of each event, and before it that of a gap in its session's numbers."""
    expected: dict[str, int] = {}
    for event in events:
        first = expected.get(event.session)
        # Of those that were settled before, the writer has told all but `untold`.
        filtered = event.untold if first is None else 0
        if first is None:
            first = event.settled + 1
        notice = b""
        if event.seq > first:
            gap = (first, event.seq - 1)
            notice = drop_notice(fmt, event.wall_ns, event.session, (*gap, {}, 0, 0), filtered)
            filtered = 0
        expected[event.session] = event.seq + 1
        stamped = Stamped(
            event.wall_ns,
            event.level,
            event.kind,
            event.flags | RECOVERED,
            event.session,
            event.seq,
            event.pid,
            event.name,
            filtered,
        )
        decoded = decode(event.payload)
        if decoded is None:
            yield notice + fmt.unreadable(event.payload, stamped)
        else:
            yield notice + fmt.line(decoded, stamped)


def _format_of(relic: Relic) -> Format:
    name = settings_of(relic).get("format")
    return formatter(name if isinstance(name, str) and name in FORMATS else "json", redacts=True)


def _remove(relic: Relic) -> None:
    # The bell last: without it nobody would see that the rest belongs to a service.
    for name in sorted(relic.names, key=lambda name: name.endswith(".bell")):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(relic.directory / name)

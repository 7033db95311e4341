"""`mplog verify FILE…`: prove from log files alone that nothing is lost, doubled or torn."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mplog.cli.diagnostics import DIAGNOSTICS, add_on_error
from mplog.errors import TargetError
from mplog.files.report import Finding, Report
from mplog.files.verify import verify

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

SHOWN_FINDINGS = 20
SHOWN_REMARKS = 5
_QUIET_S = 2.0
_BETWEEN_S = 1.0
_SHOWN_CHARACTERS = 300


def add(subparsers: Subparsers) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "verify",
        help="prove from the files that nothing is lost, doubled or torn",
        description="Read log files and tell, for every event that was ever accepted, whether"
        " it stands there once, whole and in order.",
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        type=Path,
        help="an active file (its archives are read with it, and what logrotate has moved away),"
        " archives (read alone), or a directory: all logs of mplog's in it",
    )
    parser.add_argument(
        "--only", action="store_true", help="read an active file without its archives"
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="MOVED",
        type=Path,
        help="a file that was moved away from the log, to be read with it; also again",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="announced drops, late events and suspect ranges count as damage",
    )
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    add_on_error(
        parser,
        "continue",
        "read them one after the other, and stop at the first that is not clean",
        "read all files, and judge them together",
    )
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Verify, print the report on stdout, and return the exit status."""
    if args.on_error == "continue":
        return _verified(args, args.files)
    for file in args.files:
        code = _verified(args, [file])
        if code:
            return code
    return 0


def _verified(args: argparse.Namespace, files: Sequence[Path]) -> int:
    progress = _Progress(time.monotonic) if sys.stderr.isatty() else None
    try:
        report = verify(
            files, strict=args.strict, only=args.only, also=args.also, progress=progress
        )
    except ValueError as error:
        args.parser.error(f"--also: {error}")
    if progress is not None:
        progress.clear()
    for problem in (*report.refused, *report.unreadable):
        text = f"{_shown(problem.path)}: {_shown(problem.text)}"
        DIAGNOSTICS.fail(TargetError(text, code="MPL-T005", path=problem.path), text)
    if args.json:
        # Escaped to ASCII by the standard library: paths may hold bytes that are not UTF-8.
        content = msgspec.to_builtins(report) | {"exit_code": report.exit_code}
        print(json.dumps(content))
        return report.exit_code
    if report.files:
        print("\n".join(page(report)))
    return report.exit_code


def page(report: Report) -> Iterator[str]:
    """Put the report on one short page, line by line."""
    yield (
        f"{_many(len(report.files), 'file')}, {report.bytes:,} bytes,"
        f" {_many(report.events, 'event')}, {_many(report.sessions, 'session')}"
        f" ({_sessions(report)})"
    )
    if report.retired_archives:
        began = f", {_many(report.retired_sessions, 'session')} began there"
        yield (
            f"{_many(report.retired_archives, 'archive')} deleted by retention before, with"
            f" at least {_many(report.retired, 'event')}{began if report.retired_sessions else ''}"
        )
    if report.moved_files:
        yield f"{_many(report.moved_files, 'file')} that others have moved away from the log"
    if report.partial:
        yield "not all files of the log were read: where sessions begin was not checked"
    yield f"{report.missing:,} missing, {report.doubled:,} duplicated, {report.torn:,} torn"
    yield (
        f"{report.out_of_order:,} out of order, {report.late:,} late,"
        f" {report.dropped:,} dropped (announced){_reasons(report.dropped_by_reason)}"
    )
    others = [
        (report.contradictions, "contradictions"),
        (report.filtered, "filtered"),
        (report.cut, "cut"),
        (report.recovered, "recovered"),
        (report.unreadable_events, "unreadable events"),
        (report.foreign, "foreign lines"),
        (report.suspect, "suspect ranges"),
        (report.inversions, "times before the line above"),
        *((count, f"notices of {_shown(what)}") for what, count in report.notices.items()),
    ]
    told = [f"{count:,} {what}" for count, what in others if count]
    if told:
        yield ", ".join(told)
    yield from (f"note: {_shown(note)}" for note in report.notes)
    yield from _told(report.findings, SHOWN_FINDINGS, report.findings_left_out)
    yield from _told(report.remarks, SHOWN_REMARKS, 0)


def _told(findings: Sequence[Finding], most: int, left_out: int) -> Iterator[str]:
    """The first of them, each cause and its advice once, and how many more there are."""
    before = ("", "")
    for finding in findings[:most]:
        yield _finding(finding)
        words = (finding.cause, finding.advice)
        if finding.cause and words != before:
            yield f"    likely  {_shown(finding.cause)}"
            yield f"    do      {_shown(finding.advice)}"
        before = words
    more = max(len(findings) - most, 0) + left_out
    if more > 0:
        yield f"… and {more:,} more"


def _sessions(report: Report) -> str:
    parts = [
        f"{report.ended_clean:,} ended clean",
        f"{report.ended_unclean:,} ended without detaching",
        f"{len(report.open_sessions):,} open",
    ]
    if report.ended_unread:
        parts.append(f"{report.ended_unread:,} ended in files not read")
    return ", ".join(parts)


def _reasons(reasons: dict[str, dict[str, int]]) -> str:
    told = [f"{_shown(reason)} {sum(levels.values()):,}" for reason, levels in reasons.items()]
    return f": {', '.join(told)}" if told else ""


def _finding(finding: Finding) -> str:
    where = f"{_shown(finding.file)}:{finding.line}" if finding.line else _shown(finding.file)
    what = finding.kind.replace("_", " ")
    if finding.session is not None:
        what += f": session {_shown(finding.session)}{_process(finding)}"
    if finding.first is not None:
        same = finding.first == finding.last
        what += f" number {finding.first}" if same else f" numbers {finding.first}-{finding.last}"
    if finding.byte is not None:
        what += f" from byte {finding.byte:,} on"
    return f"{where}: {what}: {_shown(finding.text)}"


def _process(finding: Finding) -> str:
    if finding.pid is None:
        return ""
    name = f", {_shown(finding.process)}" if finding.process else ""
    return f" (pid {finding.pid}{name})"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _shown(text: str) -> str:
    """Text from files and file names, so that it cannot drive a terminal or fill it."""
    if len(text) > _SHOWN_CHARACTERS:
        text = text[:_SHOWN_CHARACTERS] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


class _Progress:
    """A line on stderr, every second once the work takes long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_s = clock()
        self._next_s = self._began_s + _QUIET_S
        self._told = False

    def __call__(self, files: int, lines: int) -> None:
        """Tell it when it is time."""
        now_s = self._clock()
        if now_s < self._next_s:
            return
        self._next_s = now_s + _BETWEEN_S
        self._told = True
        rate = lines / (now_s - self._began_s)
        text = f"\r\x1b[K{_many(files, 'file')} done, {lines:,} lines, {rate:,.0f} lines/s"
        print(text, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._told:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

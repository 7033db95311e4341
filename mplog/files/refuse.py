"""What is not for `verify`, and in words why: logs of others, or for people; mplog's own files."""

from __future__ import annotations

from mplog.files import logfmt
from mplog.files.report import Problem, Report
from mplog.files.snapshot import Snapshot
from mplog.files.source import Log

_HEAD_LINES = 10
_OWN = {
    ".manifest": "is the manifest that mplog keeps beside a log",
    ".lock": "is the lock that mplog keeps beside a log",
    ".mplog": "is the plate that mplog keeps beside a log",
    ".ring": "is shared memory of mplog's, not a log; events in it are not written yet",
    ".bell": "is shared memory of mplog's, not a log",
    ".journal": "is shared memory of mplog's, not a log",
    ".overflow": "is an overflow of mplog's, not a log; events in it are not written yet",
}


def refusal(snapshot: Snapshot) -> Problem | None:
    """Say why a file that was asked for by name is not for `verify`: no line begins like one."""
    log = snapshot.log
    for source in snapshot.sources:
        named = source.archive is None or source.archive.name in log.names
        if not named or source.fd < 0:
            continue
        try:
            head = source.head()
        except OSError:
            continue  # told when it is read
        lines = [line.lstrip() for line in head.split(b"\n") if line.strip()][:_HEAD_LINES]
        if lines and not any(line.startswith((b"{", logfmt.START)) for line in lines):
            text = (
                "is no log that can be verified: its first lines are neither JSON objects nor"
                ' logfmt of mplog\'s. Only files with format="json" or "logfmt" carry the numbers'
            )
            return Problem(str(source.path), text)
    return None


def own_file(log: Log) -> Problem | None:
    """Say what a file is that mplog keeps for itself."""
    for ending, what in _OWN.items():
        hidden = log.active.startswith(".") or ending not in (".manifest", ".lock", ".mplog")
        if log.with_active and hidden and log.active.endswith(ending):
            name = log.active.removesuffix(ending).lstrip(".")
            right = f": name the log, {name}" if log.active.startswith(".") and name else ""
            return Problem(str(log.directory / log.active), what + right)
    return None


def of_others(log: Log, report: Report) -> Report | None:
    """A refusal where there are lines, whole JSON all of them, and none is mplog's."""
    ours = report.events or report.own_lines or report.retired_archives
    if not report.foreign or ours or report.findings or report.unreadable:
        return None
    text = "holds JSON, but no line of mplog's: it carries no numbers that can be verified"
    return Report(refused=[Problem(str(log.directory / log.active), text)])

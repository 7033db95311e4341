"""What has most likely brought a finding about, and what to do: pure, from what the files say.

The causes are told apart by what else the log holds: the service's own notices, torn lines beside a
gap, archives that the manifest knows and that are gone, a file whose every line is doubled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec

from mplog.files.report import (
    BROKEN_ARCHIVE,
    CUT_ARCHIVE,
    GONE_ARCHIVE,
    NULS,
    OTHER_TEXT,
    RETIRED_AGAIN,
    TAIL,
    Finding,
    Place,
    Report,
)

Words = tuple[str, str]
"""A cause, and what to do."""

_REPORT = "keep the files as they are and report it: mplog itself never leaves a log like this"


class Circumstances(msgspec.Struct):
    """What else is known of a log, and what follows from it for the findings.

    Attributes:
        notices: of each kind of file notice, the first place.
        events: how many events each file holds.
        oldest: the file that was read first.
        manifest: whether there is one.
        torn, doubled: how many findings of that kind each file has.
        broken: files that could not be read, and why.
    """

    notices: dict[str, Place] = {}
    events: dict[str, int] = {}
    oldest: str = ""
    manifest: bool = False
    torn: Counter[str] = msgspec.field(default_factory=Counter)
    doubled: Counter[str] = msgspec.field(default_factory=Counter)
    broken: dict[str, str] = {}


def explain(report: Report, known: Circumstances) -> None:
    """Complete all findings and remarks of one log with a cause and with advice."""
    known.torn = Counter(f.file for f in report.findings if f.kind == "torn")
    known.doubled = Counter(f.file for f in report.findings if f.kind == "doubled")
    known.broken = {problem.path: problem.text for problem in report.unreadable}
    for finding in (*report.findings, *report.remarks):
        finding.cause, finding.advice = _EXPLAINED[finding.kind](finding, known)


def _missing(finding: Finding, known: Circumstances) -> Words:
    if finding.text == GONE_ARCHIVE:
        return (
            "somebody other than mplog's retention has deleted or moved this archive",
            "bring it back beside the log, or name it with --also; let only `retention` delete",
        )
    if finding.text in (CUT_ARCHIVE, BROKEN_ARCHIVE):
        return (
            "the archive was cut short or edited after it was rotated, or its copy broke off",
            "bring the whole archive back from a copy; look at the disk it lies on",
        )
    if known.broken:
        path, why = next(iter(known.broken.items()))
        return f"{path} could not be read ({why}): it may hold them", "make it readable, try again"
    if known.torn[finding.file]:
        return (
            f"{known.torn[finding.file]} lines of this file are torn: their numbers are among them",
            "see the torn lines: what has torn those has taken these numbers",
        )
    if "truncated" in known.notices:
        return (
            "somebody has truncated the log file while it was written "
            f"({_at(known, 'truncated')}): what stood there is gone",
            "do not use copytruncate: let mplog rotate, or have logrotate run `mplog reopen`",
        )
    if finding.first == 1 and finding.file == known.oldest:
        return _missing_beginning(known)
    if "replaced" in known.notices:
        return _moved_away(known)
    return (
        "the lines were taken out after they were written (an editor, a filter, a restored copy)",
        f"compare with a copy of the file; if nobody has edited it, {_REPORT}",
    )


def _missing_beginning(known: Circumstances) -> Words:
    if "replaced" in known.notices:
        return _moved_away(known)
    if known.manifest:
        return (
            "the session begins before the oldest file that was read, and retention has not "
            "deleted that: somebody has moved or deleted it",
            "name the file with --also if you have it; let only `retention` delete archives",
        )
    return (
        "the session begins before the oldest file that was read, and no manifest is there to say "
        "whether retention has deleted that",
        "copy the manifest (.NAME.manifest) with the logs, or name the older files with --also",
    )


def _moved_away(known: Circumstances) -> Words:
    return (
        f"the log file was moved away or deleted while it was written ({_at(known, 'replaced')}), "
        "and what it held is not among the files read",
        "name the moved file with --also; of a deleted one the events are gone",
    )


def _doubled(finding: Finding, known: Circumstances) -> Words:
    if finding.text == RETIRED_AGAIN:
        return (
            "retention had deleted the archive that held it: that archive was restored, or its "
            "lines were added again",
            "take the restored file out of the log's directory and verify it by itself",
        )
    count = known.events.get(finding.file, 0)
    if count > 1 and known.doubled[finding.file] >= count:
        return (
            "all of this file stands in another one already: it is a copy of it",
            "take the copy out of the log's directory",
        )
    return (
        "lines were copied into the file a second time (a restore, an editor, a tool that appends)",
        f"compare with a copy of the file; if nobody has touched it, {_REPORT}",
    )


def _torn(finding: Finding, known: Circumstances) -> Words:
    if finding.text == TAIL:
        return (
            "its writing was broken off: the machine stopped, a copy was cut short, or its"
            " writer was killed and none has come since",
            "start a program that logs there, or `mplog serve`: a writer completes what it began",
        )
    if finding.text == NULS:
        return (
            "the bytes were never written: the machine lost power before they were on the disk, or "
            "the file was truncated under a program that went on at its old offset",
            'set fsync="batch" or "interval" where power may fail; do not use copytruncate',
        )
    if finding.text == OTHER_TEXT:
        return (
            "another program has written into the file, or the disk has damaged it",
            "find who has the file open (fuser, lsof); give that program a file of its own",
        )
    return (
        "bytes within the line were cut out or written over after it was written",
        f"compare with a copy of the file; if nobody has touched it, {_REPORT}",
    )


def _out_of_order(finding: Finding, known: Circumstances) -> Words:
    return (
        "the lines were sorted, merged or moved by another program, or files were renamed so that "
        "they are read in another order",
        f"verify the files as mplog has written and named them; if those are these, {_REPORT}",
    )


def _contradiction(finding: Finding, known: Circumstances) -> Words:
    return (
        "lines were edited, or those of another log were mixed in",
        f"compare with a copy of the file; if nobody has touched it, {_REPORT}",
    )


def _late(finding: Finding, known: Circumstances) -> Words:
    return (
        "its process was stopped for more than 50 ms within the log call (a debugger, SIGSTOP, "
        "a machine with too little processor time)",
        "nothing is lost; sort by `timestamp` where the order of all processes matters",
    )


def _foreign(finding: Finding, known: Circumstances) -> Words:
    return (
        "another program has written into the file",
        "find who has the file open (fuser, lsof); give that program a file of its own",
    )


def _suspect(finding: Finding, known: Circumstances) -> Words:
    return (
        "the system could not say that these bytes have reached the disk",
        "look at the disk; after a loss of power verify this range again",
    )


def _at(known: Circumstances, what: str) -> str:
    place = known.notices[what]
    return f"told in {place.file}:{place.line}"


_EXPLAINED: dict[str, Callable[[Finding, Circumstances], Words]] = {
    "missing": _missing,
    "doubled": _doubled,
    "torn": _torn,
    "out_of_order": _out_of_order,
    "contradiction": _contradiction,
    "late": _late,
    "foreign": _foreign,
    "suspect": _suspect,
}

"""What `verify` has found: counts, findings with their places, and the verdict."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

Kind = Literal["missing", "doubled", "out_of_order", "torn", "contradiction"]
Remark = Literal["late", "foreign", "suspect"]

KEPT_FINDINGS = 10_000  # of each kind; all are counted
KEPT_REMARKS = 1_000

# Texts of findings that lead to a cause of their own.
NO_LINE = "no line tells it"
GONE_ARCHIVE = "the manifest says that they stood in this file, which is gone"
CUT_ARCHIVE = "the manifest says that they stand in this file"
BROKEN_ARCHIVE = "the file cannot be read that far"
RETIRED_AGAIN = "is there again; retention had deleted it"
TAIL = "the file ends within this line"
NULS = "holds NUL bytes where text should stand"
FOREIGN_JSON = "is JSON of another program"
OTHER_TEXT = "is no text of mplog's"


class Place(msgspec.Struct, frozen=True, gc=False):
    """A line of a file; line 0 is the file as a whole."""

    file: str
    line: int


class Gap(NamedTuple):
    """Numbers that no line has told by `place`, where that was noticed."""

    first: int
    last: int
    place: Place
    text: str = NO_LINE


class Finding(msgspec.Struct):
    """Something that is wrong, or worth a remark: what, of which session, which numbers, where, and
    in words.

    `byte` is where the line begins, of those that are no line of ours; `pid` and `process` are the
    session's. `cause` is what has most likely brought it about, `advice` what to do.
    """

    kind: Kind | Remark
    text: str
    file: str
    line: int
    session: str | None = None
    first: int | None = None
    last: int | None = None
    byte: int | None = None
    pid: int | None = None
    process: str | None = None
    cause: str = ""
    advice: str = ""


class FileRead(msgspec.Struct):
    """A file that was read; `bytes` before any decompression."""

    path: str
    bytes: int
    lines: int = 0


class Problem(msgspec.Struct, frozen=True):
    """A path that could not be read, or that is not for `verify`, and why."""

    path: str
    text: str


class Report(msgspec.Struct):
    """All that the files say.

    `missing` counts numbers; `doubled`, `out_of_order`, `torn` and `contradictions` count lines.
    `dropped` counts announced numbers; `dropped_by_reason` is what each session has said last,
    summed. `partial`: not all archives were read, so what a session began with was not asked for.
    `inversions`: events with an earlier time than the line before, not marked late. `retired`
    counts events in archives that retention has deleted, of sessions that the manifest still
    knows, `retired_sessions` those sessions with lines here that began there. `remarks` are about
    what is no damage: late events, foreign lines, ranges that the service itself calls suspect.
    """

    files: list[FileRead] = []
    bytes: int = 0
    lines: int = 0
    events: int = 0
    own_lines: int = 0
    sessions: int = 0
    ended_clean: int = 0
    ended_unclean: int = 0
    ended_unread: int = 0
    open_sessions: list[str] = []
    missing: int = 0
    doubled: int = 0
    out_of_order: int = 0
    torn: int = 0
    contradictions: int = 0
    torn_tails: int = 0
    foreign: int = 0
    late: int = 0
    dropped: int = 0
    dropped_by_reason: dict[str, dict[str, int]] = {}
    filtered: int = 0
    retired: int = 0
    retired_archives: int = 0
    retired_sessions: int = 0
    moved_files: int = 0
    cut: int = 0
    recovered: int = 0
    unreadable_events: int = 0
    inversions: int = 0
    suspect: int = 0
    notices: dict[str, int] = {}
    findings: list[Finding] = []
    findings_left_out: int = 0
    remarks: list[Finding] = []
    notes: list[str] = []
    unreadable: list[Problem] = []
    refused: list[Problem] = []
    partial: bool = False
    strict: bool = False

    @property
    def damaged(self) -> bool:
        """Something was lost, doubled, torn, out of order or contradicts itself."""
        return bool(
            self.missing or self.doubled or self.torn or self.out_of_order or self.contradictions
        )

    @property
    def exit_code(self) -> int:
        """0 clean, 1 damaged (when strict: or drops, late events, suspect ranges), 2 refused, 3
        unreadable.
        """
        if self.refused:
            return 2
        if self.unreadable:
            return 3
        strictly = self.dropped or self.late or self.suspect
        return int(self.damaged or (self.strict and bool(strictly)))

    def add(self, other: Report) -> None:
        """Add what was found in another log."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, bool):
                setattr(self, name, mine or theirs)
            elif isinstance(mine, int):
                setattr(self, name, mine + theirs)
            elif isinstance(mine, list):
                mine.extend(theirs)
            else:
                add_counts(mine, theirs)


def add_counts(into: dict[str, Any], more: dict[str, Any]) -> None:
    """Add counts to counts of the same names, on every level."""
    for name, value in more.items():
        if isinstance(value, dict):
            add_counts(into.setdefault(name, {}), value)
        else:
            into[name] = into.get(name, 0) + value


class Ledger:
    """Where findings are written down: the report's counts, and the first of each kind in words."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self._kept: dict[str, int] = {}

    def add(self, finding: Finding, count: int = 1) -> None:
        """Write damage down that stands for `count` numbers or lines."""
        report = self.report
        if finding.kind == "missing":
            report.missing += count
        elif finding.kind == "doubled":
            report.doubled += count
        elif finding.kind == "out_of_order":
            report.out_of_order += count
        elif finding.kind == "torn":
            report.torn += count
        else:
            report.contradictions += count
        if self._keep(finding.kind, KEPT_FINDINGS):
            report.findings.append(finding)
        else:
            report.findings_left_out += 1

    def remark(self, finding: Finding) -> None:
        """Write down what is no damage; whoever calls has counted it."""
        if self._keep(finding.kind, KEPT_REMARKS):
            self.report.remarks.append(finding)

    def _keep(self, kind: str, most: int) -> bool:
        kept = self._kept.get(kind, 0)
        self._kept[kind] = min(kept + 1, most)
        return kept < most

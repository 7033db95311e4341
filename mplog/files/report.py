"""What `verify` has found: counts, findings with their places, and the verdict."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Kind = Literal["missing", "doubled", "out_of_order", "torn", "contradiction"]

KEPT_FINDINGS = 10_000  # of each kind; all are counted


class Place(msgspec.Struct, frozen=True, gc=False):
    """A line of a file; line 0 is the file as a whole."""

    file: str
    line: int


class Finding(msgspec.Struct, frozen=True):
    """Something that is wrong: what, of which session, which numbers, where, and in words."""

    kind: Kind
    text: str
    file: str
    line: int
    session: str | None = None
    first: int | None = None
    last: int | None = None


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
    `inversions`: events with an earlier time than the line before, not marked late.
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
    cut: int = 0
    recovered: int = 0
    unreadable_events: int = 0
    inversions: int = 0
    notices: dict[str, int] = {}
    findings: list[Finding] = []
    findings_left_out: int = 0
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
        """0 clean, 1 damaged (when strict: or drops, or late events), 2 refused, 3 unreadable."""
        if self.refused:
            return 2
        if self.unreadable:
            return 3
        return int(self.damaged or (self.strict and bool(self.dropped or self.late)))

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
        self._kept: dict[Kind, int] = {}

    def add(self, finding: Finding, count: int = 1) -> None:
        """Write one down that stands for `count` numbers or lines."""
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
        kept = self._kept.get(finding.kind, 0)
        if kept < KEPT_FINDINGS:
            self._kept[finding.kind] = kept + 1
            report.findings.append(finding)
        else:
            report.findings_left_out += 1

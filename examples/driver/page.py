"""The page that a run ends with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from driver.kills import Kill
from driver.oracle import Found, Notes

SHOWN = 10


@dataclass(frozen=True)
class Outcome:
    """All that the page tells."""

    notes: Notes
    found: Found
    files: list[tuple[str, int]]
    directory: Path
    seconds: float
    stop_s: float
    kills: list[Kill]
    verdict: tuple[int, int, int]
    problems: list[str]


def size(count_bytes: int) -> str:
    """*count_bytes* for people."""
    if count_bytes < 1_000_000:
        return f"{count_bytes / 1_000:,.1f} kB"
    return f"{count_bytes / 1_000_000:,.1f} MB"


def render(outcome: Outcome) -> str:
    """The page, without a line end at its end."""
    notes, found = outcome.notes, outcome.found
    rows: list[tuple[str, str]] = [
        ("requests", f"{notes.sent:,} in {outcome.seconds:.1f} s"),
        ("", by_status(notes)),
        ("events", f"{found.events:,}, {found.events / outcome.seconds:,.0f} events/s"),
        ("files", f"{len(outcome.files)} in {outcome.directory}"),
        *(("", f"{name}  {size(count_bytes)}") for name, count_bytes in _shown(outcome.files)),
        *_killed(outcome.kills),
        ("stopped", f"with SIGTERM, gunicorn was gone after {outcome.stop_s:.2f} s"),
        ("verify", "{:,} missing, {:,} duplicated, {:,} torn".format(*outcome.verdict)),
        ("customers", _witness(notes, found)),
        *(("PROBLEM", problem) for problem in outcome.problems[:SHOWN]),
    ]
    if len(outcome.problems) > SHOWN:
        rows.append(("PROBLEM", f"and {len(outcome.problems) - SHOWN:,} more"))
    rows.append(("result", "FAILED" if outcome.problems else "all as it should be"))
    return "\n".join(f"{label:<10} {text}".rstrip() for label, text in rows)


def by_status(notes: Notes) -> str:
    """How often each status was answered."""
    counts = sorted(Counter(notes.answered.values()).items())
    parts = [f"{status}: {count:,}" for status, count in counts]
    if notes.unanswered:
        parts.append(f"no answer: {len(notes.unanswered):,}")
    return "  ".join(parts)


def _shown(files: list[tuple[str, int]]) -> list[tuple[str, int]]:
    if len(files) <= SHOWN:
        return files
    left = files[SHOWN // 2 : -SHOWN // 2]
    middle = (f"… {len(left)} more …", sum(count_bytes for _, count_bytes in left))
    return [*files[: SHOWN // 2], middle, *files[-SHOWN // 2 :]]


def _killed(kills: list[Kill]) -> list[tuple[str, str]]:
    return [
        (
            "killed" if index == 0 else "",
            f"{kill.role} {kill.pid} with SIGKILL at {kill.at_s:.1f} s;"
            f" {kill.back_s:.2f} s until its successor {kill.new_pid} was seen at work",
        )
        for index, kill in enumerate(kills)
    ] or [("killed", "nothing")]


def _witness(notes: Notes, found: Found) -> str:
    told = sum(len(found.requests.get(one, [])) == 1 for one in notes.answered)
    access = sum(found.access[one] == 1 for one in notes.answered)
    return (
        f"{len(notes.answered):,} answers: {told:,} with one application event,"
        f" {access:,} with one access event"
    )

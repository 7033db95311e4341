"""The files against the customers' notes: an opinion that owes nothing to ``mplog verify``."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REQUEST_LOGGER = "shop.request"
ACCESS_LOGGER = "gunicorn.access"


@dataclass
class Notes:
    """What the customers saw."""

    answered: dict[str, int] = field(default_factory=dict)
    unanswered: dict[str, str] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """All requests, answered or not."""
        return len(self.answered) + len(self.unanswered)


@dataclass
class Session:
    """The numbers that one session has in the files."""

    highest: int = 0
    events: int = 0
    announced: int = 0
    last: int | None = None


@dataclass
class Found:
    """What stands in the files."""

    events: int = 0
    torn: int = 0
    duplicated: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    requests: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    access: Counter[str] = field(default_factory=Counter)

    @property
    def dropped(self) -> int:
        """Events that the service says it has dropped."""
        return sum(session.announced for session in self.sessions.values())

    @property
    def missing(self) -> int:
        """Numbers that should be there, were not dropped, and are not."""
        return sum(
            max(one.highest, one.last or 0) - one.events - one.announced
            for one in self.sessions.values()
        )

    @property
    def open(self) -> int:
        """Sessions whose end is not told, so that a lost tail could not be seen."""
        return sum(session.last is None for session in self.sessions.values())


def files_of(active: Path) -> list[Path]:
    """The archives of *active*, oldest first, and the active file itself."""
    archive = re.compile(re.escape(active.stem) + r"\.\d{8}T\d{6}Z\.(\d{6,})" + active.suffix)
    matches = [(archive.fullmatch(path.name), path) for path in active.parent.iterdir()]
    archives = sorted((int(match[1]), path) for match, path in matches if match)
    return [path for _, path in archives] + ([active] if active.exists() else [])


def lines_of(files: Iterable[Path]) -> Iterator[bytes]:
    """All lines of *files*, with their ends."""
    for path in files:
        with open(path, "rb") as handle:
            yield from handle


def read(lines: Iterable[bytes]) -> Found:
    """Count what stands in *lines*; a line that is no whole JSON object is torn."""
    found = Found()
    for line in lines:
        try:
            event = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            event = None
        if not isinstance(event, dict):
            found.torn += 1
        elif "seq" in event:
            _take(found, event)
        elif event.get("event_name") == "mplog.session.end":
            found.sessions.setdefault(event["session"], Session()).last = event["last"]
        elif event.get("event_name") == "mplog.drop":
            found.sessions.setdefault(event["session"], Session()).announced += event["count"]
    return found


def _take(found: Found, event: dict[str, Any]) -> None:
    session = found.sessions.setdefault(event["session"], Session())
    if event["seq"] <= session.highest:
        # Numbers only grow in a session, so a smaller one is an old one come again.
        found.duplicated += 1
        return
    found.events += 1
    session.events += 1
    session.highest = event["seq"]
    request_id = event.get("request_id")
    if request_id is None:
        return
    if event["logger"] == REQUEST_LOGGER and "status" in event:
        seen = found.requests.setdefault(request_id, [])
        seen.append((event["status"], event["process.pid"]))
    elif event["logger"] == ACCESS_LOGGER:
        found.access[request_id] += 1


def read_notes(files: Iterable[Path]) -> Notes:
    """The notes of all customers."""
    notes = Notes()
    for line in lines_of(files):
        note = json.loads(line)
        if "status" in note:
            notes.answered[note["id"]] = note["status"]
        else:
            notes.unanswered[note["id"]] = note["fault"]
    return notes


def judge(found: Found, notes: Notes, probes: Iterable[str], killed: set[int]) -> list[str]:
    """Everything that is wrong; nothing is what should come.

    A sync worker serves one request at a time, so one killed worker explains one missing answer,
    and one missing access event: gunicorn logs access after the answer has left.
    """
    problems = _judge_numbers(found)
    if len(notes.unanswered) > len(killed):
        some = dict(list(notes.unanswered.items())[:3])
        problems.append(f"{len(notes.unanswered)} requests without an answer: {some}")
    bare: Counter[int] = Counter()
    for request_id, status in notes.answered.items():
        seen = found.requests.get(request_id, [])
        if [told for told, _ in seen] != [status]:
            problems.append(f"{request_id} was answered {status}, application events: {seen}")
        elif not found.access[request_id]:
            bare[seen[0][1]] += 1
    for pid, count in bare.items():
        if pid not in killed or count > 1:
            problems.append(f"{count} requests of process {pid} have no access event")
    return problems + _judge_strangers(found, notes, set(probes))


def _judge_numbers(found: Found) -> list[str]:
    counts = {
        "missing": found.missing,
        "duplicated": found.duplicated,
        "torn": found.torn,
        "dropped": found.dropped,
        "sessions without an end": found.open,
    }
    return [f"the files: {count} {what}" for what, count in counts.items() if count]


def _judge_strangers(found: Found, notes: Notes, probes: set[str]) -> list[str]:
    problems = []
    for request_id in found.requests.keys() | found.access.keys():
        told = len(found.requests.get(request_id, []))
        if told > 1 or found.access[request_id] > 1:
            problems.append(
                f"{request_id} stands there {told} and {found.access[request_id]} times"
            )
        if not (
            request_id in notes.answered or request_id in notes.unanswered or request_id in probes
        ):
            problems.append(f"{request_id} stands there, and nobody has sent it")
    return problems

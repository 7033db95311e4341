"""Prove from the files alone that every event stands there once, whole and in order.

The files of a log are read oldest generation first, the active one last, each as long as it was
when it was opened. Every line is judged by its session (`session.py`); this module reads and hands
out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mplog.files import remarks
from mplog.files.doubt import Doubt
from mplog.files.explain import Circumstances, explain
from mplog.files.lead import SUSPECT, Before, skipping, told_of
from mplog.files.manifest import Entry
from mplog.files.refuse import of_others, own_file, refusal
from mplog.files.report import (
    FOREIGN_JSON,
    TAIL,
    FileRead,
    Finding,
    Ledger,
    Place,
    Problem,
    Report,
)
from mplog.files.scan import (
    NOT_JSON,
    Batch,
    FileNotice,
    Line,
    batches,
    decode_line,
    decode_logfmt,
    decode_notice,
    is_json,
    reader,
    who,
)
from mplog.files.session import Session
from mplog.files.snapshot import TRIES, Snapshot, Unstable, take
from mplog.files.source import Log, Source, logs_of
from mplog.files.stray import Strays, what_is_wrong
from mplog.files.tables import Tables

_OURS = ("mplog.session.end", "mplog.drop", "mplog.file", "mplog.no_lane")

Progress = Callable[[int, int], None]
"""Is told, after each piece, how many files are done, and how many lines, of one log."""


def verify(
    paths: Sequence[str | os.PathLike[str]],
    *,
    strict: bool = False,
    only: bool = False,
    also: Sequence[str | os.PathLike[str]] = (),
    progress: Progress | None = None,
) -> Report:
    """Check log files; an active file takes its archives and its manifest along.

    Whatever is wrong with the files is in the report; nothing is raised for it.

    Args:
        paths: active files, or archives (which are then the only ones read); a directory stands
            for all logs of mplog's in it.
        strict: announced drops, late events and suspect ranges count as damage for `exit_code`.
        only: read an active file without its archives.
        also: files that were moved away from the one log in `paths`.
        progress: told after each piece that was read.

    Raises:
        ValueError: `also` is given, and `paths` names more than one log.
    """
    report = Report(strict=strict)
    logs = logs_of([Path(path) for path in paths], only=only, also=[Path(path) for path in also])
    if also and len(logs) > 1:
        raise ValueError(f"files were moved away from one log; {len(logs)} are named")
    for log in logs:
        found = _verify_log(log, progress or (lambda files, lines: None))
        if log.found and found.refused and len(logs) > 1:
            report.notes += [f"{each.path} {each.text}" for each in found.refused]
            continue
        report.add(found)
    order = {file.path: number for number, file in enumerate(report.files)}
    for findings in (report.findings, report.remarks):
        findings.sort(key=lambda finding: (order.get(finding.file, len(order)), finding.line))
    return report


def _verify_log(log: Log, progress: Progress) -> Report:
    own = own_file(log)
    if own is not None:
        return Report(refused=[own])
    for _ in range(TRIES):
        with take(log) as snapshot:
            refused = refusal(snapshot)
            if refused is not None:
                return Report(refused=[refused])
            try:
                report = _LogReader(snapshot, progress).run()
            except Unstable:
                continue
            return of_others(log, report) or report
    text = "archives were deleted each time before they could be read"
    return Report(unreadable=[Problem(str(log.directory / log.active), text)])


class _LogReader:
    """Reads one log from its snapshot."""

    def __init__(self, snapshot: Snapshot, progress: Progress) -> None:
        self._snapshot = snapshot
        self._progress = progress
        self.report = Report(partial=snapshot.log.partial)
        self.report.unreadable += snapshot.problems
        ledger = Ledger(self.report)
        retired = snapshot.retired()
        self._tables = Tables(self.report, ledger, retired.retired, partial=self.report.partial)
        self.report.retired = sum(held.count for held in retired.retired.values())
        self.report.retired_archives = retired.archives
        self._ledger = ledger
        self._strays = Strays(ledger)
        self._known = Circumstances(manifest=snapshot.manifest.present)
        self._file = FileRead("", 0)
        self._timestamp = ""
        self._before = Before([])  # what the next file tells of the one being read
        self._doubt = Doubt(self._tables.sessions)
        self._done_lines = 0
        self._last_offset = (-1, 0, 0)
        self._growing: Callable[[], bool] = lambda: False

    def run(self) -> Report:
        """Read all, judge, and return the report.

        Raises:
            Unstable: a file that was listed is gone.
        """
        self.report.notes += self._snapshot.notes()
        steps = self._snapshot.order()
        for number, (source, entry) in enumerate(steps):
            following = next((later for later, _ in steps[number + 1 :] if later), None)
            self._before = told_of(following) if source else Before([])
            was_read = source is not None and self._read(source)
            if entry is not None and not (was_read and self._before.repeated):
                self._hold_against(entry, was_read)
        self._strays.finish()
        self._tables.finish()
        self._known.oldest = self.report.files[0].path if self.report.files else ""
        explain(self.report, self._known)
        self.report.lines = sum(file.lines for file in self.report.files)
        self.report.bytes = sum(file.bytes for file in self.report.files)
        return self.report

    def _hold_against(self, entry: Entry, was_read: bool) -> None:
        snapshot = self._snapshot
        place = Place(str(snapshot.log.directory / entry.archive), 0)
        there = any(problem.path.startswith(place.file) for problem in self.report.unreadable)
        if was_read:
            self._tables.read(entry, Place(self._file.path, self._file.lines))
        elif snapshot.log.partial or there:
            self._tables.elsewhere(entry, place)
        else:
            self._tables.gone(entry, place)
            text = f"{place.file} is in the manifest, but gone, and not by retention"
            self.report.notes.append(text)

    def _read(self, source: Source) -> bool:
        path = str(source.path)
        try:
            source.open()
            self._done_lines += self._file.lines
            self._last_offset = (-1, 0, 0)
            self._file = FileRead(path, source.size_bytes)
            self.report.files.append(self._file)
            self._growing = source.still_grows
            self.report.moved_files += source.moved
            events = self.report.events
            read = reader(source.fd, source.size_bytes, source.compression)
            self._doubt.begin(self._before.suspect_from)
            for batch in batches(skipping(read, self._before.repeated)):
                for piece in self._doubt.pieces(batch):
                    self._lines(piece)
                self._progress(len(self.report.files) - 1, self._done_lines + self._file.lines)
            self._doubt.end()
            self._known.events[path] = self.report.events - events
        except FileNotFoundError as error:
            raise Unstable from error
        except (OSError, EOFError) as error:
            text = getattr(error, "strerror", None) or str(error)
            self.report.unreadable.append(Problem(path, text))
            return False
        finally:
            source.close()
        return True

    def _lines(self, batch: Batch) -> None:
        """The hot path: one turn for each line."""
        tables, report, path = self._tables, self.report, self._file.path
        sessions = tables.sessions
        number, timestamp = self._file.lines, self._timestamp
        for raw in batch.lines:
            number += 1
            line: Line | None
            try:
                line = decode_line(raw)
            except NOT_JSON:
                line = decode_logfmt(raw) if batch.whole else None
            if line is None:
                self._stray(batch, number)
                continue
            seq, name = line.seq, line.session
            if seq is None or name is None:
                self._own(raw, line.event_name or "", Place(path, number))
                continue
            session = sessions.get(name) or self._met(tables.session(name), raw)
            if session.expected == seq and not line.filtered:
                session.expected = seq + 1
                session.count += 1
            else:
                if session.pid is None:
                    self._met(session, raw)
                session.event(seq, Place(path, number), line.filtered)
            report.events += 1
            report.cut += line.cut
            if line.recovered:
                report.recovered += 1
                session.recovered = True
            report.unreadable_events += line.unreadable
            if line.late:
                report.late += 1
                self._ledger.remark(remarks.late(session, seq, Place(path, number)))
            else:
                report.inversions += line.timestamp < timestamp
                timestamp = line.timestamp
        self._file.lines, self._timestamp = number, timestamp

    def _met(self, session: Session, raw: bytes) -> Session:
        """Note whose session it is, from a line of it."""
        told = who(raw)
        if told.pid:
            session.pid, session.process = told.pid, told.name or None
        return session

    def _own(self, raw: bytes, event_name: str, place: Place) -> None:
        notice = decode_notice(raw, event_name)
        if notice is None and (event_name in _OURS or not event_name.startswith("mplog.")):
            self.report.foreign += 1
            self._ledger.remark(Finding("foreign", FOREIGN_JSON, place.file, place.line))
            return
        self.report.own_lines += 1
        if isinstance(notice, FileNotice):
            self.report.notices[notice.what] = self.report.notices.get(notice.what, 0) + 1
            self._known.notices.setdefault(notice.what, place)
            self._strays.notice(len(self.report.files), notice)
            if notice.what == SUSPECT:
                self.report.suspect += 1
                self._ledger.remark(remarks.suspect(notice, place))
        elif notice is not None:
            self._tables.notice(notice, place)

    def _stray(self, batch: Batch, number: int) -> None:
        """Take a line that is no line of ours: blank, other JSON, or no JSON at all."""
        index = number - self._file.lines - 1
        raw = batch.lines[index]
        if not raw.strip():
            return
        if is_json(raw):
            self.report.foreign += 1
            place = Place(self._file.path, number)
            self._ledger.remark(Finding("foreign", FOREIGN_JSON, place.file, place.line))
            return
        text = what_is_wrong(raw)
        if self._doubt.here:
            self._ledger.remark(remarks.not_whole(text, Place(self._file.path, number)))
            return
        if not batch.whole:
            if self._growing():
                return
            self.report.torn_tails += 1
            text = TAIL
        start = self._offset_of(batch, index)
        place = Place(self._file.path, number)
        self._strays.line(len(self.report.files), (start, start + len(raw) + 1), place, text)

    def _offset_of(self, batch: Batch, index: int) -> int:
        """Offset of a line; goes on from the one asked for last, so that many cost no more."""
        known = self._last_offset
        if known[0] != batch.offset:
            known = (batch.offset, 0, batch.offset)
        length = sum(map(len, batch.lines[known[1] : index])) + index - known[1]
        self._last_offset = (batch.offset, index, known[2] + length)
        return self._last_offset[2]

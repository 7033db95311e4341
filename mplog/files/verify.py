"""Prove from the files alone that every event stands there once, whole and in order.

The files of a log are read oldest generation first, the active one last, each as long as it was
when it was opened. Every line is judged by its session (`session.py`); this module reads and hands
out.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mplog.files import logfmt
from mplog.files.manifest import Entry
from mplog.files.report import FileRead, Ledger, Place, Problem, Report
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
)
from mplog.files.snapshot import TRIES, Log, Snapshot, Source, Unstable, logs_of, take
from mplog.files.stray import Strays
from mplog.files.tables import Tables

_HEAD_BYTES = 65536
_HEAD_LINES = 10
_TAIL_CHECKS = 10
_BETWEEN_TAIL_CHECKS_S = 0.02
_OURS = ("mplog.session.end", "mplog.drop", "mplog.file")

Progress = Callable[[int, int], None]
"""Is told, after each piece, how many files are done, and how many lines, of one log."""


def verify(
    paths: Sequence[str | os.PathLike[str]],
    *,
    strict: bool = False,
    only: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Check log files; an active file takes its archives and its manifest along.

    Whatever is wrong with the files is in the report; nothing is raised for it.

    Args:
        paths: active files, or archives (which are then the only ones read).
        strict: announced drops and late events count as damage for `exit_code`.
        only: read an active file without its archives.
        progress: told after each piece that was read.
    """
    report = Report(strict=strict)
    for log in logs_of([Path(path) for path in paths], only=only):
        report.add(_verify_log(log, progress or (lambda files, lines: None)))
    order = {file.path: number for number, file in enumerate(report.files)}
    report.findings.sort(key=lambda finding: (order.get(finding.file, len(order)), finding.line))
    return report


def _verify_log(log: Log, progress: Progress) -> Report:
    for _ in range(TRIES):
        with take(log) as snapshot:
            refused = _refusal(snapshot)
            if refused is not None:
                return Report(refused=[refused])
            try:
                report = _LogReader(snapshot, progress).run()
            except Unstable:
                continue
            return _of_others(log, report) or report
    text = "archives were deleted each time before they could be read"
    return Report(unreadable=[Problem(str(log.directory / log.active), text)])


def _refusal(snapshot: Snapshot) -> Problem | None:
    """Say why a file that was asked for by name is not for `verify`: no line begins like one."""
    for source in snapshot.sources:
        compression = source.archive.compression if source.archive else ""
        named = source.archive is None or source.archive.name in snapshot.log.names
        if not named or compression or source.fd < 0:
            continue
        head = os.pread(source.fd, _HEAD_BYTES, 0)
        lines = [line.lstrip() for line in head.split(b"\n") if line.strip()][:_HEAD_LINES]
        if lines and not any(line.startswith((b"{", logfmt.START)) for line in lines):
            text = (
                "is no log that can be verified: its first lines are neither JSON objects nor"
                ' logfmt of mplog\'s. Only files with format="json" or "logfmt" carry the numbers'
            )
            return Problem(str(source.path), text)
    return None


def _of_others(log: Log, report: Report) -> Report | None:
    """A refusal where there are lines, whole JSON all of them, and none is mplog's."""
    ours = report.events or report.own_lines or report.retired_archives
    if not report.foreign or ours or report.findings or report.unreadable:
        return None
    text = "holds JSON, but no line of mplog's: it carries no numbers that can be verified"
    return Report(refused=[Problem(str(log.directory / log.active), text)])


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
        self._strays = Strays(ledger)
        self._file = FileRead("", 0)
        self._timestamp = ""
        self._done_lines = 0
        self._last_offset = (-1, 0, 0)
        self._growing: Callable[[], bool] = lambda: False

    def run(self) -> Report:
        """Read all, judge, and return the report.

        Raises:
            Unstable: a file that was listed is gone.
        """
        self.report.notes += self._snapshot.notes()
        for source, entry in self._snapshot.order():
            was_read = source is not None and self._read(source)
            if entry is not None:
                self._hold_against(entry, was_read)
        self._strays.finish()
        self._tables.finish()
        self.report.lines = sum(file.lines for file in self.report.files)
        self.report.bytes = sum(file.bytes for file in self.report.files)
        return self.report

    def _hold_against(self, entry: Entry, was_read: bool) -> None:
        snapshot = self._snapshot
        place = Place(str(snapshot.log.directory / entry.archive), 0)
        if was_read:
            self._tables.read(entry, Place(self._file.path, self._file.lines))
        elif snapshot.log.partial or snapshot.has_problem(place.file):
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
            self._growing = _growth(source)
            compression = source.archive.compression if source.archive else ""
            for batch in batches(reader(source.fd, source.size_bytes, compression)):
                self._lines(batch)
                self._progress(len(self.report.files) - 1, self._done_lines + self._file.lines)
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
            session = sessions.get(name) or tables.session(name)
            if session.expected == seq and not line.filtered:
                session.expected = seq + 1
                session.count += 1
            else:
                session.event(seq, Place(path, number), line.filtered)
            report.events += 1
            report.cut += line.cut
            report.recovered += line.recovered
            report.unreadable_events += line.unreadable
            if line.late:
                report.late += 1
            else:
                report.inversions += line.timestamp < timestamp
                timestamp = line.timestamp
        self._file.lines, self._timestamp = number, timestamp

    def _own(self, raw: bytes, event_name: str, place: Place) -> None:
        notice = decode_notice(raw, event_name)
        if notice is None and (event_name in _OURS or not event_name.startswith("mplog.")):
            self.report.foreign += 1
            return
        self.report.own_lines += 1
        if isinstance(notice, FileNotice):
            self.report.notices[notice.what] = self.report.notices.get(notice.what, 0) + 1
            self._strays.notice(len(self.report.files), notice)
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
            return
        text = "is not whole logfmt" if raw.startswith(logfmt.START) else "is not whole JSON"
        if not batch.whole:
            if self._growing():
                return
            self.report.torn_tails += 1
            text = "the file ends within this line"
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


def _growth(source: Source) -> Callable[[], bool]:
    """Make the function that tells whether a file without a last line end is just being written."""

    def grows() -> bool:
        if source.archive is not None:
            return False
        for _ in range(_TAIL_CHECKS):
            if os.fstat(source.fd).st_size > source.size_bytes:
                return True
            time.sleep(_BETWEEN_TAIL_CHECKS_S)
        return False

    return grows

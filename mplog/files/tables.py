"""The sessions of one log: one judge each, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping

from mplog.files.manifest import Entry, SessionRange
from mplog.files.report import CUT_ARCHIVE, GONE_ARCHIVE, Ledger, Place, Report, add_counts
from mplog.files.scan import Drop, NoLane, SessionEnd
from mplog.files.session import Session


class Tables:
    """Finds the judge of a session, and totals all of them into the report."""

    def __init__(
        self, report: Report, ledger: Ledger, retired: Mapping[str, SessionRange], *, partial: bool
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self._report = report
        self._ledger = ledger
        self._retired = retired
        self._partial = partial

    def session(self, name: str) -> Session:
        """The judge of this session; made when it is first met."""
        session = self.sessions.get(name)
        if session is None:
            retired = self._retired.get(name)
            session = Session(name, self._ledger, retired, partial=self._partial)
            self.sessions[name] = session
        return session

    def notice(self, notice: Drop | SessionEnd | NoLane, place: Place) -> None:
        """Take one of the service's own lines about a session, or about events that have none."""
        if isinstance(notice, NoLane):
            self._report.dropped += notice.count
            add_counts(self._report.dropped_by_reason, notice.reasons)
            return
        session = self.session(notice.session)
        if isinstance(notice, Drop):
            self._report.dropped += session.drop(notice, place)
        else:
            if notice.pid:
                session.pid, session.process = notice.pid, notice.name or None
            session.ended(notice, place)

    def read(self, entry: Entry, place: Place) -> None:
        """Hold the manifest's word about an archive, just read, against what stood in it."""
        for name, held in entry.sessions.items():
            self.session(name).reach(held.last, place, CUT_ARCHIVE)

    def gone(self, entry: Entry, place: Place) -> None:
        """Note that an archive is not there, though retention has not deleted it."""
        for name, held in entry.sessions.items():
            session = self.session(name)
            session.reach(held.last, place, GONE_ARCHIVE)
            session.ended_unread |= held.ended

    def elsewhere(self, entry: Entry, place: Place) -> None:
        """Note that an archive exists and is not read this time."""
        for name, held in entry.sessions.items():
            session = self.session(name)
            session.elsewhere(held, place)
            session.ended_unread |= held.ended

    def finish(self) -> None:
        """Judge what is open, and total."""
        report = self._report
        for name, session in self.sessions.items():
            session.finish()
            report.retired_sessions += session.retired is not None
            add_counts(report.dropped_by_reason, session.reasons)
            report.sessions += 1
            report.filtered += session.end.filtered if session.end else session.filtered
            if session.end is not None:
                report.ended_clean += session.end.clean
                report.ended_unclean += not session.end.clean
            elif session.recovered:
                report.ended_unclean += 1
            elif session.ended_unread:
                report.ended_unread += 1
            else:
                report.open_sessions.append(name)
        for finding in report.findings:
            named = self.sessions.get(finding.session or "")
            if named is not None and finding.pid is None:
                finding.pid, finding.process = named.pid, named.process

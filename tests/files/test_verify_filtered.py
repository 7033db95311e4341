"""What a filter took is told by the next line of its session, and by the end line; nothing else may
lack a line.
"""

from __future__ import annotations

import json

import pytest

from mplog.config import Retention
from mplog.event.event import Event, Stamped
from mplog.files.archive import archive_name
from mplog.files.manifest import Entry, SessionRange, append, manifest_path
from mplog.files.retention import retire
from mplog.files.scan import summarise
from mplog.files.verify import verify
from mplog.format import formatter
from mplog.writer.compose import drop_notice, session_end


class Lines:
    """Lines of one session as the writer makes them."""

    def __init__(self, name):
        self.form = formatter(name)

    def event(self, seq, filtered=0, session="a"):
        stamped = Stamped(seq, 20, 0, 0, session, seq, 7, "web", filtered)
        return self.form.line(Event("shop", "hello"), stamped)

    def drop(self, first, last, filtered=0):
        return drop_notice(self.form, 1, "a", (first, last, {}, 0, 0), filtered)

    def end(self, last, delivered, filtered=0):
        settled = (last, last, delivered, filtered, last - delivered - filtered)
        return session_end(self.form, 1, (0, "a", 7, "web", 1, *settled, True, {}, 0, 0, 0))[0]


@pytest.fixture(params=["json", "logfmt"])
def lines(request):
    """In either format that can be verified."""
    return Lines(request.param)


@pytest.fixture
def check(tmp_path):
    """Verify lines as an active file."""

    def write_and_verify(*lines):
        (tmp_path / "app.log").write_bytes(b"".join(lines))
        return verify([tmp_path / "app.log"])

    return write_and_verify


def test_filtered_numbers_are_not_missing(lines, check):
    """Before an event, before a drop notice, and behind the last line."""
    told = [lines.event(3, 2), lines.event(4), lines.drop(7, 8, 2), lines.event(10, 1)]
    open_session, ended = check(*told), check(*told, lines.end(12, 3, 7))

    assert (0, 0, 5, 2) == (
        open_session.exit_code, open_session.missing, open_session.filtered, open_session.dropped
    )  # fmt: skip
    assert (0, 0, 7, 2, []) == (
        ended.exit_code, ended.missing, ended.filtered, ended.dropped, ended.findings
    )  # fmt: skip


def test_nothing_else_explains_a_gap(lines, check):
    """Not an end line that counts more, nor a line further down."""
    hidden = check(lines.event(1), lines.event(4), lines.end(4, 2, 2))
    elsewhere = check(lines.event(1), lines.event(4), lines.event(6, 1))

    assert (2, 1) == (hidden.missing, hidden.exit_code)
    assert (2, 1) == (elsewhere.missing, elsewhere.filtered)


def test_a_lost_line_is_missing_with_what_it_told(lines, check):
    """Its own number, and those before it."""
    report = check(lines.event(1), lines.event(5))

    assert [("missing", 2, 4)] == [(f.kind, f.first, f.last) for f in report.findings]


@pytest.mark.parametrize("filtered", [2, 3, 100])
def test_a_number_that_was_there_cannot_have_been_filtered(lines, check, filtered):
    """Nor one below 1."""
    report = check(lines.event(1), lines.event(3, filtered))

    assert (1, 0, 1) == (report.contradictions, report.missing, report.filtered)


def test_a_filtered_number_that_is_there_contradicts(lines, check):
    """Whichever of the two is wrong."""
    report = check(lines.event(3, 2), lines.event(2))

    assert ["contradiction"] == [f.kind for f in report.findings]


@pytest.mark.parametrize(("filtered", "contradictions"), [(1, 1), (2, 0)])
def test_the_end_line_counts_what_lines_told(lines, check, filtered, contradictions):
    """No less; what is more must stand behind the last line."""
    report = check(lines.event(3, 2), lines.drop(4, 4), lines.end(4, 1, filtered))

    assert contradictions == report.contradictions


def test_more_at_the_end_than_was_filtered_is_missing(lines, check):
    """The end line explains as many as it counts."""
    report = check(lines.event(1), lines.end(9, 4, 5))

    assert (3, 2, 4) == (report.missing, report.findings[0].first, report.findings[0].last)


def test_a_file_of_an_archive_tells_what_it_filtered(lines, tmp_path):
    """Its least number is one that was filtered; retired, it explains no number twice."""
    old = tmp_path / archive_name("app.log", 1, 0)
    old.write_bytes(lines.event(3, 2) + lines.drop(6, 6, 2))
    (tmp_path / "app.log").write_bytes(lines.event(9, 2) + lines.end(10, 2, 7))
    ranges = summarise(old)
    append(manifest_path(tmp_path, "app.log"), Entry(old.name, 1, old.stat().st_size, ranges))

    assert {"a": SessionRange(1, 6, 1)} == ranges
    assert [] == verify([tmp_path / "app.log"]).findings
    assert [] == verify([tmp_path / "app.log"], only=True).findings
    retire(tmp_path, "app.log", Retention(count=0), {"a"})
    report = verify([tmp_path / "app.log"])
    assert (1, 0, []) == (report.retired_archives, report.exit_code, report.findings)


def test_a_word_of_the_users_own_explains_nothing(lines, check):
    """A field of that name stands under another."""
    stamped = Stamped(1, 20, 0, 0, "a", 3, 7, "web")
    fields = {"filtered": 1, "x": '"filtered":1,', "y": " filtered=1", "z": "=1 filtered=1"}

    assert 1 == check(lines.event(1), lines.form.line(Event("shop", "x", fields), stamped)).missing


@pytest.mark.parametrize("value", ["-1", '"2"', "2.5", str(2**64)])
def test_a_count_that_is_none_makes_a_line_foreign(check, value):
    """Its number is missing then."""
    line = json.loads(Lines("json").event(2, 1))
    text = json.dumps(line | {"filtered": 0}).replace('"filtered": 0', f'"filtered": {value}')
    report = check(Lines("json").event(1), text.encode() + b"\n", Lines("json").event(3))

    assert (1, 1) == (report.foreign, report.missing)

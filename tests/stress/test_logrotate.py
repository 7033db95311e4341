"""The real logrotate at the file while workers log: nothing is lost but what copytruncate loses."""

from __future__ import annotations

import os
import shutil

import pytest
from oracle import Row, judge
from pieces import gaps, pieces_of

from mplog.files.archive import list_archives
from mplog.files.verify import verify

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(
        shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None,
        reason="needs logrotate: what an outside rotation does was NOT tested",
    ),
]
STYLES = {
    "create": ("create 0640", True, "off"),
    "create-compress": ("create 0640\ncompress", True, "off"),
    "nocreate": ("nocreate", True, "off"),
    "unasked": ("create 0640", False, "off"),
    "unasked-nocreate": ("nocreate", False, "off"),
    "racing": ("create 0640", True, "300 KB"),
    "racing-nocreate": ("nocreate", False, "300 KB"),
}


def rotated(program, tell, logs, style, rounds):
    """What must hold of every style, but for what copytruncate loses."""
    directives, reopen, own = STYLES.get(style, (style, False, "off"))
    log = logs / "log" / "app.jsonl"
    arguments = {"directives": directives, "reopen": reopen, "rotation": own}
    found = program("rotator", 600, file=str(log), rounds=rounds, **arguments)
    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    files = pieces_of(log)
    verdict, report = judge(log, rows, longest=200, files=files), verify([log])
    between, within = gaps(files)
    tell(
        f"{style}: {found['rotated']} rotations by logrotate, "
        f"{found['counters']['rotations']} by mplog; missing {between}; {verdict.equation()}"
    )
    assert {"exit 0": 4} == found["exits"]
    assert not found["failed"], "mplog reopen has failed"
    assert (1, []) == (rows[0].accepted, [n for n in verdict.lost if "of producer 0 " in n])
    assert [] == within, "lost where nobody has cut"
    assert {0o640} == {path.stat().st_mode & 0o777 for path in files}
    return found, verdict, report, between


def whole(program, tell, logs, style, rounds):
    """Nothing lost, and verify finds the pieces by itself."""
    found, verdict, report, between = rotated(program, tell, logs, style, rounds)
    assert found["rotated"] > rounds // 2, "logrotate did not rotate"
    assert ({}, 0) == (verdict.wrong, between)
    assert verdict.balances()
    assert [] == report.findings, report.findings[:4]
    assert 0 == report.exit_code
    return found


@pytest.mark.parametrize("style", ["create-compress", "unasked-nocreate"])
def test_a_file_moved_away_by_logrotate_loses_nothing(program, tell, logs, style):
    """With and without `mplog reopen`; what is compressed at once was left before that."""
    whole(program, tell, logs, style, 5)


def test_logrotate_and_mplog_rotate_the_same_file(program, tell, logs):
    """Both take it away from each other; every line is in one of the pieces, once."""
    found = whole(program, tell, logs, "racing", 5)

    assert found["counters"]["rotations"] > 3


@pytest.mark.stress
@pytest.mark.parametrize("style", STYLES)
def test_many_outside_rotations_lose_nothing(program, tell, logs, style):
    """Forty of each style."""
    whole(program, tell, logs, style, 40)


def copytruncated(program, tell, logs, rounds):
    """The log goes on at once, on a line of its own; the loss is at the cuts alone, and told."""
    found, verdict, report, between = rotated(program, tell, logs, "copytruncate", rounds)
    cuts = found["rotated"]
    wrong = verdict.wrong
    assert cuts > rounds // 2
    assert found["counters"]["truncated"] == cuts
    assert set(wrong) <= {"lost", "torn"}, wrong
    assert len(verdict.lost) == between == report.missing
    assert len(verdict.torn) <= cuts, "a copy may end within a line, and nothing else"
    assert verdict.notices.count("truncated") == cuts
    assert [] == list_archives(logs / "log", "app.jsonl")
    assert {"missing", "torn"} >= {finding.kind for finding in report.findings}
    tell(f"copytruncate: {cuts} cuts lost {between} of {verdict.accepted:,} events")


def test_copytruncate_loses_what_is_written_before_its_cut_and_nothing_else(program, tell, logs):
    """No gap within a piece; what is missing between two is what `mplog verify` names."""
    copytruncated(program, tell, logs, 5)


@pytest.mark.stress
def test_many_copytruncates_lose_nothing_else(program, tell, logs):
    """Two hundred of them."""
    copytruncated(program, tell, logs, 200)

"""Everything at once, and everybody killed: where every event is can be said to the last one."""

from __future__ import annotations

import re

import pytest
from mixed_storm import POLICIES, RETENTION
from oracle import Row, judge

from mplog.files.verify import verify

TAKES_BACK = POLICIES.index("drop_oldest")
LOST = re.compile(r"\d+ of producer (\d+) ")


def stormed(program, logs, tell, seed, seconds, workers=6):
    """One storm, and all that must hold after it."""
    kept = logs / "kept"
    kept.mkdir()
    log = logs / "app.jsonl"
    arguments = {"file": str(log), "kept": str(kept), "seed": seed, "seconds": seconds}
    found = program("mixed_storm", seconds + 300, workers=workers, **arguments)
    assert [] == found["missed"], "deleted before they were kept: nothing can be said"
    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    verdict, all_of_it = judge(kept / log.name, rows, filters=True), verify([kept / log.name])
    # Whoever takes its oldest events back has been told that they were accepted.
    taken = {text for text in verdict.lost if producer_of(text) % len(POLICIES) == TAKES_BACK}
    verdict.lost = [text for text in verdict.lost if text not in taken]
    offered = verdict.accepted + verdict.refused + verdict.unacknowledged
    told = all_of_it.events + all_of_it.filtered + all_of_it.dropped
    tell(
        f"seed {seed}: killed {found['killed']}, {len(rows)} lives, {found['archives']} archives, "
        f"{found['retired']} of them deleted; "
        f"offered {offered:,} = delivered {all_of_it.events:,} + filtered {all_of_it.filtered:,} + "
        f"dropped {all_of_it.dropped:,}, "
        f"{told - offered} of them by calls that were killed before they could say so; "
        f"{len(taken):,} taken back"
    )
    assert {} == verdict.wrong
    assert (0, []) == (all_of_it.exit_code, all_of_it.open_sessions), all_of_it.findings[:3]
    assert 0 == verify([log]).exit_code, "what retention has left verifies, too"
    assert 0 <= told - offered <= found["exits"]["signal 9"]
    assert found["fresh"], "an event after the storm did not get through"
    assert [] == found["left"]
    return found


def producer_of(text):
    """Whose event it is, of the oracle's words."""
    match = LOST.match(text)
    assert match, text
    return int(match[1])


@pytest.mark.process
@pytest.mark.timeout(400)
def test_a_short_storm_with_everything_on_accounts_for_every_event(program, logs, tell, seed):
    """Some seconds: delivered + filtered + dropped = all that was offered."""
    found = stormed(program, logs, tell, seed, 2.5, workers=4)

    assert min(found["killed"].values()) > 0


@pytest.mark.stress
@pytest.mark.timeout(3_600)
def test_a_long_storm_with_everything_on_accounts_for_every_event(
    program, logs, tell, seed, seconds
):
    """MPLOG_STRESS_SECONDS (ten minutes): the same, and retention has deleted archives."""
    found = stormed(program, logs, tell, seed, seconds(600.0))

    assert found["archives"] > RETENTION
    assert found["retired"] > 0

"""A process that writes over its own lane harms its own events, and nobody else's."""

from __future__ import annotations

import msgspec
import pytest
from oracle import Line, Row, files_of, judge, lines_of
from vandal import CERTAIN


def beside_vandals(program, logs, tell, **arguments):
    """Honest workers beside vandals: every event of theirs is there, and the writer lives."""
    log_file = logs / "app.jsonl"
    found = program("vandal", 900, file=str(log_file), **arguments)
    rows = {int(k): Row(*row) for k, row in found["rows"].items()}
    own = logs / "honest.jsonl"
    own.write_bytes(b"".join(raw for raw in whole_lines(log_file) if honest(raw, rows)))
    verdict = judge(own, rows, longest=100)
    told = {k: found[k] for k in ("counters", "vandal_exits", "writers")}
    tell(f"{told}; {verdict.equation()}")
    assert {} == verdict.wrong
    assert verdict.balances()
    assert ({"exit 0": 3}, True) == (found["exits"], found["settled"])
    assert 1 == len(found["writers"]), "a writer died"
    return found, log_file


def whole_lines(log_file):
    """Every line; all must be whole, whatever stood in the lane."""
    for place, raw in lines_of(files_of(log_file)):
        assert raw.endswith(b"\n"), place
        msgspec.json.decode(raw)
        yield raw


def honest(raw, rows):
    """Whether a line is an event of a producer of *rows*."""
    try:
        return msgspec.json.decode(raw, type=Line).producer in rows
    except msgspec.ValidationError:
        return False  # a vandal's: any msgpack may stand where its event stood


@pytest.mark.process
def test_a_lane_that_cannot_be_right_is_set_aside_and_told(program, logs, tell):
    """Positions that lie, forged records: the writer lives, counts it, says so in the log; the
    vandals themselves log on elsewhere.
    """
    vandals = len(CERTAIN)
    found, log_file = beside_vandals(program, logs, tell, vandals=vandals, seed=0, damages=CERTAIN)

    lines = [msgspec.json.decode(raw, type=Line) for _, raw in lines_of(files_of(log_file))]
    assert vandals == found["counters"]["quarantines"], found["counters"]
    told = [line for line in lines if line.what]
    assert ["quarantined"] * vandals == [line.what for line in told]
    kept = [path.name.split("-") for path in logs.glob(".app.jsonl.quarantine-*")]
    assert sorted(int(name[-2]) for name in kept) == sorted(line.lane for line in told)
    assert all(f"lane {line.lane} of segment " in line.message for line in told)
    assert 10 * vandals == sum(line.body == "after the quarantine" for line in lines)
    assert {"exit 0": vandals} == found["vandal_exits"]
    assert vandals == len(list(logs.glob(".app.jsonl.quarantine-*")))


@pytest.mark.process
def test_random_bytes_in_a_lane_harm_nobody_else(program, logs, tell, seed):
    """Some vandals, one after the other."""
    beside_vandals(program, logs, tell, vandals=8, seed=seed, damages=[])


@pytest.mark.stress
def test_random_bytes_of_many_vandals_harm_nobody_else(program, logs, tell, seed):
    """Three hundred of them."""
    beside_vandals(program, logs, tell, vandals=300, seed=seed, damages=[])

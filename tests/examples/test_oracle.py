"""The oracle of the shop's driver: it must see whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from driver import oracle

WORKER, KILLED = 100, 200


def line(seq: int, logger: str, request_id: str, *, pid: int = WORKER, **fields: Any) -> bytes:
    """An event of the session of process *pid*."""
    event = {"logger": logger, "request_id": request_id, "process.pid": pid, **fields}
    return json.dumps({**event, "session": f"s-{pid}", "seq": seq}).encode() + b"\n"


def end(last: int, *, pid: int = WORKER) -> bytes:
    """The end of that session."""
    event = {"logger": "mplog", "event_name": "mplog.session.end", "session": f"s-{pid}"}
    return json.dumps({**event, "last": last}).encode() + b"\n"


def whole() -> list[bytes]:
    """Two requests, each with both events."""
    return [
        line(1, "shop.request", "a", status=200),
        line(2, "gunicorn.access", "a"),
        line(3, "shop.request", "b", status=404),
        line(4, "gunicorn.access", "b"),
        end(4),
    ]


def problems(lines: list[bytes], unanswered: dict[str, str] | None = None) -> str:
    """What the oracle says of *lines* when a and b were answered."""
    notes = oracle.Notes({"a": 200, "b": 404}, unanswered or {})
    return "\n".join(oracle.judge(oracle.read(lines), notes, ["probe-0"], {KILLED}))


def test_whole_log_has_no_problems():
    """Nothing to say when all is there once."""
    assert problems(whole()) == ""


@pytest.mark.parametrize("index", range(5))
def test_any_missing_line_is_seen(index):
    """Whichever line is taken away, it is missed."""
    lines = whole()
    del lines[index]

    assert problems(lines)


@pytest.mark.parametrize("index", range(4))
def test_any_doubled_line_is_seen(index):
    """Whichever event stands there twice, with its number, it is noticed."""
    assert "1 duplicated" in problems([*whole()[:4], whole()[index], *whole()[4:]])


def test_event_logged_twice_is_seen():
    """Two events of one request with different numbers are one too many."""
    lines = [*whole()[:4], line(5, "shop.request", "a", status=200), end(5)]

    assert "a was answered 200, application events: [(200, 100), (200, 100)]" in problems(lines)


@pytest.mark.parametrize("torn", [b'{"seq": 5, "se\n', b"\0\0\0\n", b'{"logger": "mplog"}', b"1\n"])
def test_torn_line_is_seen(torn):
    """Half a line, a line of zeros, a line without its end and a line of no object are torn."""
    assert "1 torn" in problems([*whole(), torn])


def test_lost_tail_is_seen_by_the_end_line():
    """The end line tells a last number that is not there."""
    assert "2 missing" in problems([*whole()[:4], end(6)])


def test_announced_drop_is_not_missing_but_told():
    """A drop line explains the gap and is a problem of its own."""
    drop = {"event_name": "mplog.drop", "session": "s-100", "first": 5, "last": 6, "count": 2}
    said = problems([*whole()[:4], json.dumps(drop).encode() + b"\n", end(6)])

    assert said == "the files: 2 dropped"


def test_wrong_status_is_seen():
    """The event must tell the status that the customer saw."""
    lines = [line(1, "shop.request", "a", status=500), *whole()[1:]]

    assert "a was answered 200" in problems(lines)


def test_killed_worker_explains_one_missing_access_event():
    """gunicorn logs access after the answer, so a kill may come between, once."""
    mine = [line(1, "shop.request", "b", pid=KILLED, status=404), end(1, pid=KILLED)]
    lines = [*whole()[:2], end(2), *mine]

    assert problems(lines) == ""


def test_living_worker_explains_no_missing_access_event():
    """A worker that was not killed logs access for every answer."""
    lines = [*whole()[:3], end(3)]

    assert problems(lines) == "1 requests of process 100 have no access event"


def test_killed_worker_explains_one_missing_answer_only():
    """One request was with the killed worker; a second one without an answer is a problem."""
    assert problems(whole(), {"c": "ConnectionResetError"}) == ""
    assert "2 requests without an answer" in problems(whole(), {"c": "reset", "d": "reset"})


def test_request_that_nobody_sent_is_seen():
    """An id that is in no customer's notes, and is no probe, is told; a probe is not."""
    extra = [line(5, "shop.request", "probe-0", status=200), end(5)]
    stranger = [line(5, "shop.request", "x", status=200), end(5)]

    assert problems(whole()[:4] + extra) == ""
    assert "x stands there, and nobody has sent it" in problems(whole()[:4] + stranger)


def test_archives_come_before_the_active_file_in_the_order_of_their_generations(tmp_path: Path):
    """Generations are numbers: 1,000,000 comes after 999,999; other files are not read."""
    names = [
        "shop.20261122T080001Z.1000000.jsonl",
        "shop.20261122T080000Z.999999.jsonl",
        "shop.jsonl",
        "shop.old.jsonl",
        ".shop.jsonl.manifest",
    ]
    for name in names:
        (tmp_path / name).touch()

    assert [path.name for path in oracle.files_of(tmp_path / "shop.jsonl")] == [
        "shop.20261122T080000Z.999999.jsonl",
        "shop.20261122T080001Z.1000000.jsonl",
        "shop.jsonl",
    ]

"""The page of the shop's driver."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from driver import oracle, page
from driver.kills import Kill

OUTCOME = page.Outcome(
    notes=oracle.Notes({"a": 200, "b": 200, "c": 404}, {"d": "reset"}),
    found=oracle.Found(events=12_000, requests={"a": [(200, 1)], "b": [(200, 1)], "c": [(404, 1)]}),
    files=[("shop.20261122T080000Z.000001.jsonl", 4_000_000), ("shop.jsonl", 1_500)],
    directory=Path("logs/run"),
    seconds=10.0,
    stop_s=0.5,
    kills=[Kill("worker", 11, 12, 3.3, 0.25)],
    verdict=(0, 0, 0),
    problems=[],
)


def test_page_of_a_good_run_tells_what_was_counted():
    """Requests by status, events a second, files, kills and the verdict stand there."""
    text = page.render(OUTCOME)

    for part in (
        "4 in 10.0 s",
        "200: 2  404: 1  no answer: 1",
        "12,000, 1,200 events/s",
        "4.0 MB",
        "1.5 kB",
        "worker 11 with SIGKILL at 3.3 s; 0.25 s until its successor 12 was seen at work",
        "0 missing, 0 duplicated, 0 torn",
        "result     all as it should be",
    ):
        assert part in text


def test_page_of_a_bad_run_says_so():
    """Ten problems are shown, the rest is counted, and the result is FAILED."""
    text = page.render(replace(OUTCOME, problems=[f"problem {n}" for n in range(25)]))

    assert text.count("PROBLEM") == 11
    assert "and 15 more" in text
    assert text.endswith("result     FAILED")


def test_many_files_are_summed_up():
    """More than ten files: five at each end, the sum of the others between."""
    files = [(f"f{number}", 1_000_000) for number in range(30)]
    text = page.render(replace(OUTCOME, files=files))

    assert "… 20 more …  20.0 MB" in text
    assert "f4 " in text
    assert "f5 " not in text
    assert "f25 " in text

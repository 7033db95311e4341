"""`mplog check --explain` tells what happens to an event; what it says is what a writer does."""

from __future__ import annotations

import json

import pytest

import mplog
from mplog.cli import main
from mplog.cli.explain import explain, lines, threshold
from mplog.config.load import load
from mplog.event.level import NAMES


def outcome(logger, number, /, **arguments):
    """What happens to one event by these settings."""
    settings = load(arguments={"file": "/logs/app.jsonl", **arguments}).settings
    return next(one for one in explain(settings, logger) if one.level == number)


def test_every_level_is_explained():
    """Those that have a name, the lowest first."""
    settings = load(arguments={"file": "/logs/app.jsonl"}).settings
    assert sorted(NAMES) == [one.level for one in explain(settings, "a")]


def test_below_the_level_nothing_happens():
    """The call returns at once; from it up the event is logged."""
    assert not outcome("a", 20, level="WARNING").logged
    assert outcome("a", 30, level="WARNING").logged


RULES = (("app", 30), ("app.db", 40))


@pytest.mark.parametrize(
    ("logger", "least"),
    [("app", 30), ("app.http", 30), ("app.db", 40), ("app.db.pool", 40), ("app.dbx", 30), ("x", 5)],
)
def test_the_longest_prefix_decides(logger, least):
    """A prefix ends where a dot begins."""
    assert least == threshold(RULES, 5, logger)[0]


def test_each_file_and_sink_has_its_own():
    """Level, filter and format of each."""
    files = [{"file": "/logs/e.log", "format": "text", "file_level": "ERROR", "filter": "pid > 1"}]
    sinks = [{"type": "console", "level": "CRITICAL"}]
    found = outcome("a", 40, files=files, sinks=sinks).outcomes

    assert [True, True, False] == [one.gets for one in found]
    assert ["/logs/app.jsonl", "/logs/e.log"] == [one.to for one in found[:2]]
    assert ("text", "pid > 1") == (found[1].format, found[1].filter)
    assert "CRITICAL" in found[2].why


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("overflow", "into the overflow, three quarters of 256 MiB"),
        ("block", "waits up to 10 s"),
        ("drop_newest", "but for the last eighth"),
        ("drop_oldest", "the oldest unread events make room"),
    ],
)
def test_a_full_lane_is_explained(policy, told):
    """By the policy; WARNING and above may use what is kept for them."""
    assert told in outcome("a", 20, when_full=policy).when_full
    assert "eighth" not in outcome("a", 30, when_full=policy).when_full


def test_people_and_programs_get_the_same(tmp_path, capsys):
    """The page, and --json; secrets' keys are named, values that drive a terminal escaped."""
    path = tmp_path / "app.toml"
    path.write_text('file = "/logs/app.jsonl"\nlevel = "WARNING"\nlevels = "app.db=ERROR"\n')
    assert 0 == main.main(["check", "--explain", "--logger", "app.db\x1b", str(path)])
    page = capsys.readouterr().out
    assert 0 == main.main(["check", "--explain", "--json", "--logger", "app.db", str(path)])
    found = json.loads(capsys.readouterr().out)

    assert "an event of the logger app.db\\x1b:" in page
    assert "not logged: level is WARNING" in page
    assert "redacted before it leaves the process: password" in page
    assert {"name": "WARNING"}.items() <= found["events"][4].items()
    assert not found["events"][4]["outcomes"][0]["gets"]
    assert "levels app.db=ERROR" == found["events"][4]["outcomes"][0]["why"]


@pytest.mark.process
def test_the_writer_does_what_is_explained(shm, logdir):
    """Of every level and four loggers the file holds what was foretold."""
    log, levels = logdir / "app.jsonl", {"app": "WARNING", "app.db": "ERROR"}
    settings = {"level": "DEBUG", "file_level": "INFO", "levels": levels}
    mplog.configure(log, **settings)
    told, wanted = load(arguments={"file": str(log), **settings}).settings, set()
    for logger in ("app", "app.db.pool", "app.dbx", "other"):
        for one in explain(told, logger):
            mplog.get_logger(logger).log(one.level, f"{logger} {one.level}")
            if one.logged and one.outcomes[0].gets:
                wanted.add(f"{logger} {one.level}")
    assert mplog.flush(60)
    mplog.shutdown()

    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert wanted == {row["message"] for row in rows if row.get("logger") != "mplog"} - {
        row["message"] for row in rows if "session" in row.get("event.name", "")
    }


def test_a_destination_that_an_event_does_not_get_to_is_told():
    """By which setting; and that the call waits for the disk where it does."""
    given = {"file": "/logs/app.jsonl", "file_level": "ERROR", "durable_level": "CRITICAL"}
    page = list(lines(load(arguments=given).settings, "a"))
    rows = {line.split()[0]: page[at + 1 : at + 3] for at, line in enumerate(page) if "(" in line}

    kept_out = "  kept out of /logs/app.jsonl by file_level ERROR, and counted"
    assert kept_out == rows["WARNING"][0]
    assert "  into /logs/app.jsonl as json (file_level ERROR)" == rows["ERROR"][0]
    assert "  the call returns when it is on the disk (durable_level)" == rows["CRITICAL"][1]
    assert 1 == sum("durable_level" in line for line in page)


def test_an_event_that_goes_nowhere_is_told():
    """Neither a file nor a sink is named."""
    page = list(lines(load().settings, "a"))

    assert "  logged, and written nowhere: no file and no sink is named" in page


def test_what_is_added_to_each_event_is_told():
    """Where there is something, and without what looks like a secret."""
    given = {"file": "/logs/app.jsonl", "enrich": ["host", "password=canary-5c0d"]}
    text = "\n".join(lines(load(arguments=given).settings, "a"))
    assert "added to each event of a process: host, password=[redacted]" in text
    plain = "\n".join(lines(load(arguments={"file": "/logs/app.jsonl"}).settings, "a"))
    assert "added to" not in plain

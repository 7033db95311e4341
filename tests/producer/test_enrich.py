"""What every event of a process has: found out once, under its context, however it is made."""

from __future__ import annotations

import logging
import os
import sys
import threading

import pytest

import mplog
from mplog import _native
from mplog.config import Settings
from mplog.config.schema import KEYS
from mplog.producer import tell
from mplog.producer.enrich import enrich
from mplog.producer.gate import GATE
from mplog.producer.handler import RecordHandler

BYTES = 4096


@pytest.fixture(autouse=True)
def _forgotten():
    tell.forget()
    yield
    tell.forget()


def on(*given: object) -> None:
    """As `configure(enrich=…)` has it."""
    enrich(KEYS["enrich"].parse(list(given)), BYTES)


def contexts(lane) -> list[dict]:
    """What has come."""
    return [event.context for event in lane.events()]


def test_every_way_of_an_event_has_them(lane):
    """By C, by Python, cut, by `logging` and its LogRecords."""
    on("team=payments")
    log = mplog.get_logger("a")
    log.info("plain")
    log.info("a set", x={1})
    log.info("cut", x="x" * 200_000)
    handler = RecordHandler()
    for exc_info in (None, (ValueError, ValueError("x"), None)):
        handler.handle(logging.LogRecord("b", 20, "f", 1, "m", (), exc_info))
    assert [{"team": "payments"}] * 5 == contexts(lane)


def test_what_the_program_says_itself_wins(lane):
    """A field of the context over an enricher's; the other ones stay."""
    on("team=payments", "zone=a")
    log = mplog.get_logger("a")
    with mplog.context(team="mine", b=1):
        for _ in range(3):
            log.info("kept, and kept")
        log.info("in Python", x={1})
    with mplog.context(team=["a", "list"]):
        log.info("encoded each time")
    both = {"team": "mine", "zone": "a", "b": 1}
    assert [both] * 4 + [{"team": ["a", "list"], "zone": "a"}] == contexts(lane)


def test_a_key_of_a_class_of_its_own_goes_through_python(lane):
    """Comparing it could run anybody's code, which C does not."""

    class Key(str):
        """It could have an `__eq__`."""

    on("team=payments")
    with mplog.context(**{Key("own"): 1}):
        mplog.get_logger("a").info("x")
    assert [{"team": "payments", "own": 1}] == contexts(lane)


def test_a_clear_context_leaves_them(lane):
    """They are the process's, and no context's; `context.size()` does not count them."""
    on("team=payments")
    with mplog.context(a=1):
        mplog.context.clear()
        mplog.get_logger("a").info("x")
        assert 0 == mplog.context.size()
    assert [{"team": "payments"}] == contexts(lane)


def test_a_callable_is_asked_once(lane):
    """At once, however many events and threads there are; what it has given is a copy."""
    asked = []

    def who():
        asked.append({"n": len(asked), "list": [1]})
        return asked[-1]

    on(who)
    asked[0]["list"].append(2)
    asked[0]["later"] = True
    log = mplog.get_logger("a")
    threads = [threading.Thread(target=log.info, args=("x",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.info("x", x={1})
    assert 1 == len(asked)
    assert [{"n": 0, "list": [1]}] * 5 == contexts(lane)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: sys.exit(3), "SystemExit: 3"),
        (lambda: [("a", 1)], "it gives a list"),
        (lambda: {1: "a"}, "no dict of names"),
        ("nobody.knows:this", "ModuleNotFoundError"),
        ("carried:of.another@7", "no name by which"),
    ],
)
def test_an_enricher_that_fails_is_told_and_costs_nothing_else(lane, capfd, wrong, said):
    """The others' fields are there, and the error goes to listeners and stderr, not to the call."""
    on(wrong, "team=payments")
    assert mplog.get_logger("a").info("x")
    err = capfd.readouterr().err
    assert [{"team": "payments"}] == contexts(lane)
    assert said in err
    assert err.count("[MPL-U003]") == 1


def test_all_stands_for_every_enricher_that_there_is(lane, monkeypatch):
    """Those of mplog's own; what is given by name still wins over them."""
    monkeypatch.setenv("RANK", "3")
    on("all", "rank=mine", "team=payments")
    assert mplog.get_logger("a").info("x")
    (context,) = contexts(lane)

    assert {"host.name", "service.name", "rank", "team"} <= context.keys()
    assert ("mine", "payments") == (context["rank"], context["team"])
    assert "all" not in context


def test_an_environment_that_a_program_has_patched_costs_its_fields_alone(lane, monkeypatch, capfd):
    """Reading it raises: that is told, and the others are there."""

    class Patched(dict):
        def get(self, *args):
            raise RuntimeError("not here")

    monkeypatch.setattr(os, "environ", Patched(os.environ))
    on("slurm", "team=payments")
    assert mplog.get_logger("a").info("x")

    assert [{"team": "payments"}] == contexts(lane)
    assert "the enricher slurm gives no fields: RuntimeError: not here" in capfd.readouterr().err


def test_an_enricher_that_logs_does_not_ask_itself(lane):
    """Its own event has what is known by then."""

    def who():
        mplog.get_logger("a").info("from inside")
        return {"who": 1}

    on(who)
    mplog.get_logger("a").info("x")
    assert [None, {"who": 1}] == contexts(lane)


def test_secrets_and_sizes_are_held(lane, capfd):
    """By key as in any event; what is too large is cut, which is told."""
    on(lambda: {"db_password": "canary-77", "many": "x" * 100_000})
    assert mplog.get_logger("a").info("x")
    (payload,) = lane.payloads()
    assert b"canary-77" not in payload
    assert len(payload) < 2 * BYTES
    assert "is cut to 4096 bytes" in capfd.readouterr().err


def test_values_of_any_kind_become_plain(lane):
    """An object is shown by its repr, once."""
    on(lambda: {"path": os, "none": None, "empty": "", "set": {1}})
    mplog.get_logger("a").info("x")
    (context,) = contexts(lane)
    assert {"path", "set"} == set(context)
    assert "module 'os'" in context["path"]


def test_another_setting_takes_the_place_of_the_one_before(lane):
    """And none leaves none, also in what was kept of a context."""
    log = mplog.get_logger("a")
    with mplog.context(b=1):
        on("team=payments")
        log.info("x")
        on("team=other")
        log.info("x")
        lane.settings = Settings()
        GATE.connect(lane, 0)
        log.info("x")
    assert [{"team": "payments", "b": 1}, {"team": "other", "b": 1}, {"b": 1}] == contexts(lane)


def test_settings_put_them_in_force(lane):
    """As a service's settings do in each of its processes."""
    lane.settings = Settings(enrich=("team=payments",))
    GATE.connect(lane, 0)
    mplog.get_logger("a").info("x")
    assert [{"team": "payments"}] == contexts(lane)
    GATE.reset()
    assert _native.enriched() is None

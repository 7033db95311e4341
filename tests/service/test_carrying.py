"""Objects of sinks cross with the writer that this process starts; the console is lent to it."""

from __future__ import annotations

import msgspec
import pytest

import mplog
from mplog import launch
from mplog.config.load import load
from mplog.ring import create_bell
from mplog.service.carrying import carry, lend


class Sink:
    """It has a number, so it has no name that a writer could import."""

    def __init__(self, number):
        self.number = number

    def __call__(self, batch):
        pass


def sinks_of(*tables):
    """The setting, as text."""
    return load(arguments={"file": "/logs/app.jsonl", "sinks": list(tables)}).settings.sinks


def carried(service):
    """The words that the writer of *service* is given."""
    return set(msgspec.msgpack.decode(launch.CARRY[service]))


def test_an_object_of_another_process_is_not_carried(alone):
    """Its word is known from the service's settings, and nothing that it could stand for."""
    carry("shop", '[{"type":"callable","target":"carried:of.another@7"}]')
    assert {} == launch.CARRY


@pytest.mark.parametrize(
    ("table", "lent"),
    [
        ({"type": "null", "name": "console"}, set()),
        ({"type": "console", "name": "shown"}, {"shop"}),
        ({"type": "console", "target": "stdout"}, {"shop"}),
    ],
)
def test_only_a_console_is_lent_stderr_and_stdout(alone, table, lent):
    """A sink may be called what it is not."""
    lend("shop", sinks_of(table))
    assert lent == launch.LENDS


def test_the_writer_is_given_the_sinks_that_are_in_force(alone, logdir):
    """Not those of a later call, which are told as a difference."""
    path, place = str(logdir / "app.jsonl"), {"type": "callable", "name": "mine"}
    first = load(arguments={"file": path, "sinks": [{**place, "target": Sink(1)}]}).settings
    name = mplog.configure(path, sinks="off").name
    mplog.shutdown(0)
    for left in alone.iterdir():
        left.unlink()
    create_bell(alone, name, first)
    service = mplog.configure(path, level="ERROR", sinks=[{**place, "target": lambda batch: None}])

    assert any("sinks" in sentence for sentence in service.differences)
    (word,) = carried(name)
    assert word in first.sinks

"""What a service uses of its limits is read from outside, whatever goes away meanwhile."""

from __future__ import annotations

import os

import pytest

from mplog import _native
from mplog.config import Settings
from mplog.config.load import load
from mplog.config.sink import spool_place
from mplog.errors import SegmentError
from mplog.metrics import usage
from mplog.ring import create_bell


def test_each_limit_of_a_service_is_told(shm, logdir):
    """Its memory, and the queue and the spool of each sink."""
    sink = {"type": "null", "name": "far", "queue": 50, "spool": "1 MB"}
    given = {"file": str(logdir / "app.jsonl"), "sinks": [sink]}
    create_bell(shm, "shop", load(arguments=given).settings)

    assert [
        ("memory", 0, None), ("lanes", 0, None), ("overflow", 0, 256 << 20),
        ("queue of far", 0, 50), ("queue of far", 0, 16 << 20), ("spool of far", 0, 1_000_000),
    ] == [(one.what, one.used, one.limit) for one in usage.usage_of(shm, "shop")]  # fmt: skip


def test_what_is_owed_to_files_is_told_unless_it_cannot_be_read(shm):
    """Nothing before there was a writer; a damaged journal says nothing, and hides no rest."""
    given = {"file": "/logs/app.jsonl", "files": [{"file": "/logs/errors.jsonl"}]}
    create_bell(shm, "shop", load(arguments=given).settings)
    told = ["owed to /logs/app.jsonl", "owed to /logs/errors.jsonl"]
    rest = ["memory", "lanes", "overflow"]

    assert [*rest, *told] == [one.what for one in usage.usage_of(shm, "shop")]
    for garbage in (b"", b"\xff" * 70_000):
        (shm / f"shop.{_native.ABI}.journal").write_bytes(garbage)
        assert rest == [one.what for one in usage.usage_of(shm, "shop")]


def test_a_service_that_breaks_between_two_looks_is_told_as_one_that_is_broken(shm, monkeypatch):
    """Its settings were read; then somebody has cut its memory."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    configuration = usage.configuration

    def then_cut(directory, service):
        settings = configuration(directory, service)
        os.truncate(_native.bell_path(str(directory), service), 3000)
        return settings

    monkeypatch.setattr(usage, "configuration", then_cut)
    with pytest.raises(SegmentError, match=f"read the service shop in {shm}") as raised:
        usage.usage_of(shm, "shop")

    assert "MPL-S005" == raised.value.code


def test_a_piece_of_a_spool_that_goes_away_meanwhile_is_not_counted(logdir, monkeypatch):
    """Its writer has delivered it; the others are counted."""
    settings = load(
        arguments={
            "file": str(logdir / "app.jsonl"),
            "sinks": [{"type": "null", "name": "far", "spool": "1 MB"}],
        }
    ).settings
    place = spool_place(settings.file, "far")
    os.makedirs(place)
    for name in ("1", "2"):
        with open(os.path.join(place, name), "wb") as file:
            file.write(b"x" * 700)
    listdir = os.listdir

    def then_delivered(path):
        names = listdir(path)
        os.unlink(os.path.join(path, "1"))
        return names

    monkeypatch.setattr(usage.os, "listdir", then_delivered)
    found = usage.sink_usage(settings, logdir, "shop")

    assert [700] == [one.used for one in found if one.what == "spool of far"]

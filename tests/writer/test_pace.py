"""What costs the more the more archives there are is done for a small part of the time only."""

from __future__ import annotations

import os

import msgspec

from mplog.config.schema import KEYS
from mplog.files.archive import archive_name, list_archives
from mplog.files.manifest import Entry, append, manifest_path
from mplog.writer import deliver, pace
from mplog.writer.pace import FREE_S, LONGEST_S, SHARE, Pace
from mplog.writer.retiring import delete_old

ARCHIVES, ROTATIONS = 300, 20


def test_a_cheap_look_is_taken_whenever_it_is_wanted():
    """Up to FREE_S; nothing is left waiting."""
    one = Pace()
    for now_s in (1.0, 1.0 + FREE_S, 1.0 + 2 * FREE_S):
        assert one.due(now_s)
        one.took(now_s, now_s + FREE_S / 2)
        assert not one.waits


def test_a_dear_look_waits_until_it_is_a_small_part_of_the_time():
    """It is remembered meanwhile, and done at once where there is no later."""
    one = Pace()
    one.took(10.0, 11.0)
    early, waits = one.due(11.0 + SHARE - 0.1), one.waits
    late, over = one.due(11.0 + SHARE), one.waits
    one.took(40.0, 41.0)
    one.hurry()

    assert (early, waits, late, over, one.due(41.0)) == (False, True, True, False, True)


def test_a_look_that_took_very_long_is_not_put_off_for_twenty_times_that():
    """A disk that hung for half a minute suspended retention for ten: the archives were twice as
    many as are kept.
    """
    one = Pace()
    one.took(10.0, 40.0)

    assert (False, True) == (one.due(40.0 + LONGEST_S - 0.1), one.due(40.0 + LONGEST_S))


def test_a_rotation_costs_no_call_an_archive_once_they_are_many(place, monkeypatch):
    """Where a look at 300 archives is dear: one for the name and one for retention, and one more
    at the end; the names go on, and what is left is what retention keeps.
    """
    job, sink = place.job, place.job.sinks[0]
    folder, name = sink.path.parent, sink.path.name
    for number in range(1, ARCHIVES + 1):
        archive = archive_name(name, number, 0)
        (folder / archive).write_text("{}\n")
        append(manifest_path(folder, name), Entry(archive, number, 3, {}))
    monkeypatch.setattr(pace, "FREE_S", -1.0)
    monkeypatch.setattr(pace, "SHARE", 1e9)
    monkeypatch.setattr(pace, "LONGEST_S", 1e9)
    kept = KEYS["retention"].parse({"count": ARCHIVES, "total": "1 TB"})
    sink.settings = msgspec.structs.replace(sink.settings, retention=kept)
    looks, scandir, stat = [], os.scandir, os.stat

    def looked(path="."):
        looks.append("scandir")
        return scandir(path)

    def asked(path, **more):
        looks.append("stat")
        return stat(path, **more)

    monkeypatch.setattr(os, "scandir", looked)
    monkeypatch.setattr(os, "stat", asked)
    first = len(looks)
    assert deliver.rotate(job, sink)
    once = len(looks) - first
    for _ in range(ROTATIONS):
        assert deliver.rotate(job, sink)
    each = (len(looks) - first - once) / ROTATIONS
    waits = sink.deletes.waits
    sink.deletes.hurry()
    delete_old(job, sink)
    monkeypatch.undo()
    archives = list_archives(folder, name)

    assert once > ARCHIVES
    assert each < 10
    assert waits
    assert ARCHIVES + 1 + ROTATIONS == archives[-1].generation
    assert ARCHIVES == len(archives)
    assert len(archives) == len({archive.generation for archive in archives})

"""The manifest survives torn lines, repeated entries and links, and never grows without need."""

from __future__ import annotations

import errno
import itertools
import os
import stat

import pytest

from mplog.files.manifest import (
    Entry,
    Manifest,
    Retired,
    SessionRange,
    append,
    compact,
    load,
    manifest_path,
    merge,
)


def entry(generation, **sessions):
    return Entry(f"a.{generation}", generation, 100, sessions)


@pytest.fixture
def path(tmp_path):
    return manifest_path(tmp_path, "app.jsonl")


def test_it_stands_beside_the_file(tmp_path):
    """The name is the documented one."""
    assert ".app.jsonl.manifest" == manifest_path(tmp_path, "app.jsonl").name


def test_no_manifest_is_an_empty_one(path):
    """A log that has never rotated has none."""
    assert Manifest() == load(path)


def test_entries_read_back(path):
    """What is appended is loaded, and nobody else may read the file."""
    first, second = entry(1, s=SessionRange(1, 9, 9)), entry(2, s=SessionRange(10, 11, 2, True))
    append(path, first)
    append(path, second)

    assert {"a.1": first, "a.2": second} == load(path).entries
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_the_last_of_repeated_entries_wins(path):
    """A step done again after a kill is harmless."""
    append(path, entry(1))
    append(path, entry(1, s=SessionRange(1, 1, 1)))

    assert {"a.1": entry(1, s=SessionRange(1, 1, 1))} == load(path).entries


def test_a_torn_line_is_ignored_and_the_next_one_is_whole(path):
    """An entry after a torn one begins on a line of its own."""
    append(path, entry(1))
    with path.open("ab") as file:
        file.write(b'{"archive":"a.2","gener')
    append(path, entry(3))
    manifest = load(path)

    assert ["a.1", "a.3"] == list(manifest.entries)
    assert 1 == manifest.ignored


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"5",
        b"{}",
        b"\xff\x00",
        b'{"archive":5}',
        b'{"retired":[]}',
        b'{"archive":"a","generation":1,"bytes":1,"sessions":{"s":[1]}}',
        b"[" * 100_000,
    ],
)
def test_a_line_of_another_kind_is_ignored(path, line):
    """Nothing that stands in the file stops the reading of the rest."""
    path.write_bytes(line + b"\n")
    append(path, entry(1))

    assert (["a.1"], 1) == (list(load(path).entries), load(path).ignored)


def test_the_last_retired_counts(path):
    """Of two claims the later one is meant."""
    path.write_bytes(
        b'{"retired":{"s":[1,5,5,false]},"archives":1,"bytes":10,"through":1}\n'
        b'{"retired":{"s":[1,9,8,true]},"archives":2,"bytes":30,"through":2}\n'
    )

    assert Retired({"s": SessionRange(1, 9, 8, True)}, 2, 30, 2) == load(path).retired


def test_an_entry_that_is_retired_does_not_come_back(path):
    """A rotation's entry, written again after its archive was retired, is not believed."""
    compact(path, Manifest(), [entry(3)], set())
    append(path, entry(3))

    assert {} == load(path).entries


def test_a_link_in_its_place_is_not_followed(path, tmp_path):
    """Neither reading nor writing goes through a symbolic link."""
    target = tmp_path / "target"
    target.write_bytes(b"")
    path.symlink_to(target)

    with pytest.raises(OSError, match="symbolic links"):
        append(path, entry(1))
    with pytest.raises(OSError, match="symbolic links"):
        load(path)
    assert b"" == target.read_bytes()


def test_a_pipe_in_its_place_does_not_hang(path):
    """Something that is no regular file is refused at once."""
    os.mkfifo(path)

    with pytest.raises(OSError, match="regular file"):
        load(path)
    with pytest.raises(OSError, match="regular file"):
        append(path, entry(1))


def test_an_entry_is_one_write(path, monkeypatch):
    """Line and the newline before it go out together."""
    path.write_bytes(b"torn")
    writes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: writes.append(data) or real(fd, data))
    append(path, entry(1))

    assert 1 == len(writes)
    assert writes[0].startswith(b'\n{"archive"')


def test_a_short_write_is_an_error(path, monkeypatch):
    """A disk that takes half a line is told."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:5]))

    with pytest.raises(OSError, match="wrote 5 of"):
        append(path, entry(1))


def test_ranges_merge():
    """Least first, greatest last, sum of counts, ended when either is."""
    merged = merge(
        [
            {"s": SessionRange(1, 5, 5), "t": SessionRange(2, 2, 1)},
            {"s": SessionRange(7, 9, 2, True)},
        ]
    )

    assert {"s": SessionRange(1, 9, 7, True), "t": SessionRange(2, 2, 1)} == merged


def test_compacting_claims_and_forgets(path):
    """Ended sessions are forgotten unless a remaining archive or the active file still has them."""
    ended, open_ = SessionRange(1, 2, 2, True), SessionRange(1, 2, 2)
    gone = entry(1, lost=ended, going_on=open_, in_active=ended, in_archive=ended)
    for item in (gone, entry(2, in_archive=SessionRange(3, 3, 1))):
        append(path, item)
    manifest = compact(path, load(path), [gone], {"in_active"})

    assert ["a.2"] == list(manifest.entries)
    assert (
        Retired({"going_on": open_, "in_active": ended, "in_archive": ended}, 1, 100, 1)
        == manifest.retired
    )
    assert manifest == load(path)


def test_compacting_forgets_nothing_when_sessions_are_unknown(path):
    """Without knowing who is alive, everybody is kept."""
    gone = entry(1, s=SessionRange(1, 2, 2, True))

    assert ["s"] == list(compact(path, Manifest(), [gone], None).retired.retired)


def test_a_full_disk_leaves_the_old_manifest(path, monkeypatch):
    """What could not be written whole never takes the place of what stands there, and is none."""
    append(path, entry(1))
    before = path.read_bytes() + b"\n" * 10_000
    path.write_bytes(before)
    said = load(path)
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:5]))

    with pytest.raises(OSError, match="wrote 5 of"):
        compact(path, load(path), [entry(1)], set())
    assert path.read_bytes().startswith(before)
    assert (said.entries, said.retired) == (load(path).entries, load(path).retired)
    assert [path.name] == os.listdir(path.parent)


def test_a_claim_that_is_not_written_whole_is_none(path, monkeypatch):
    """The manifest says what it said before, and takes the next line."""
    append(path, entry(1))
    before = load(path)
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda fd, data: real(fd, data[:5]))
        with pytest.raises(OSError, match="wrote 5 of"):
            compact(path, before, [entry(1)], set())
    after = load(path)

    assert (before.entries, before.retired) == (after.entries, after.retired)
    assert compact(path, after, [entry(1)], set()).retired == load(path).retired


def test_a_claim_finds_room_on_a_disk_that_has_none(path, monkeypatch):
    """In what is left of the manifest's own last block, whatever was written before; a new
    manifest, which would need a block, is made another time.
    """
    real = os.write

    def full(fd, data):
        size = os.fstat(fd).st_size
        left = -size % 4096 if size else 0
        if not left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:left])

    for generation in range(1, 300):
        append(path, entry(generation, s=SessionRange(generation, generation, 1)))
        manifest = load(path)
        with monkeypatch.context() as disk:
            disk.setattr(os, "write", full)
            compact(path, manifest, [entry(generation)], None)
        assert generation == load(path).retired.through
        assert [path.name] == os.listdir(path.parent)
        compact(path, load(path), [], None)


def test_a_manifest_does_not_grow_for_ever(path):
    """A thousand claims are lines that are written anew from time to time; each of them counts."""
    sizes = []
    for generation in range(1, 1001):
        append(path, entry(generation, s=SessionRange(generation, generation, 1)))
        compact(path, load(path), [entry(generation)], None)
        sizes.append(path.stat().st_size)
    manifest = load(path)

    assert ({}, 1000, 1000) == (
        manifest.entries,
        manifest.retired.archives,
        manifest.retired.through,
    )
    assert 4_096 < max(sizes) < 6_000
    assert 20 < sum(after < before for before, after in itertools.pairwise(sizes)) < 100


def test_names_that_are_not_utf8_read_back(path):
    """File names are bytes; the manifest keeps them."""
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    append(path, Entry(name, 1, 0, {}))

    assert [name] == list(load(path).entries)

"""Names of archives are made and recognised exactly; files of other logs never match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mplog.files.archive import (
    Archive,
    active_of,
    archive_name,
    describe,
    list_archives,
    next_generation,
    parse_archive,
)
from mplog.files.manifest import Entry, Manifest, Retired

EIGHT = 1_795_334_400 * 10**9  # 2026-11-22T08:00:00Z


@pytest.mark.parametrize(
    ("active", "name"),
    [
        ("app.jsonl", "app.20261122T080000Z.000001.jsonl"),
        ("app.old.jsonl", "app.old.20261122T080000Z.000001.jsonl"),
        ("app", "app.20261122T080000Z.000001"),
        (".app", ".app.20261122T080000Z.000001"),
        (".app.jsonl", ".app.20261122T080000Z.000001.jsonl"),
        ("app.", "app.20261122T080000Z.000001."),
        ("app.gz", "app.gz.20261122T080000Z.000001"),
        ("a b[1]+.log", "a b[1]+.20261122T080000Z.000001.log"),
    ],
)
def test_a_name_is_stem_time_generation_suffix(active, name):
    """The name is as documented, and reads back to the same log, also compressed."""
    assert name == archive_name(active, 1, EIGHT)
    assert Archive(1, "20261122T080000Z", name) == parse_archive(active, name)
    for ending in (".gz", ".zst"):
        packed = parse_archive(active, name + ending)
        assert packed == Archive(1, "20261122T080000Z", name + ending, ending)
        assert name == packed.plain_name
    assert active == active_of(name)


def test_a_generation_may_have_more_than_six_digits():
    """The millionth archive sorts after the one before it."""
    names = [archive_name("a.log", n, 0) for n in (1_000_000, 999_999)]

    assert [999_999, 1_000_000] == sorted(parse_archive("a.log", n).generation for n in names)


@pytest.mark.parametrize(
    "name",
    [
        "app.jsonl",
        "app.old.20261122T080000Z.000001.jsonl",
        "app.20261122T080000Z.000001",
        "app.20261122T080000Z.000001.json",
        "app.20261122T080000Z.000001.jsonl.bz2",
        "app.20261122T080000Z.000001.jsonl\n",
        "app.20261122T080000Z.00001.jsonl",
        "app.20261122T080000Z.0000001.jsonl",
        "app.20261122T080000Z.000000.jsonl",
        "app.20261122T080000.000001.jsonl",
        "app.20261122T080000Z.٠٠٠٠٠١.jsonl",
        "appx20261122T080000Z.000001.jsonl",
        ".app.20261122T080000Z.000001.jsonl",
        "",
    ],
)
def test_other_names_are_no_archives(name):
    """What differs in one place belongs to somebody else."""
    assert parse_archive("app.jsonl", name) is None


ACTIVES = ["app.jsonl", "app.old.jsonl", "app", "app.gz", "app.zst", "app.jsonl.gz", ".app", "app."]


@pytest.mark.parametrize("active", ACTIVES)
@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_no_two_logs_share_an_archive(active, ending):
    """Every archive of one log is refused by all the others."""
    name = archive_name(active, 7, EIGHT) + ending

    assert [active] == [other for other in ACTIVES if parse_archive(other, name)]


@given(
    st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=20),
    st.integers(1, 10**12),
    st.integers(-(2**63), 2**70),
)
def test_every_name_reads_back(active, generation, wall_ns):
    """Any log name, generation and clock give a name that reads back."""
    if active in (".", ".."):
        return
    archive = parse_archive(active, archive_name(active, generation, wall_ns))

    assert archive is not None
    assert generation == archive.generation


@pytest.mark.parametrize("active", ["", ".", "..", "logs/app.jsonl"])
def test_a_path_is_no_base_name(active):
    """What is no base name is refused by name."""
    with pytest.raises(ValueError, match="base name"):
        archive_name(active, 1, 0)


def test_generation_zero_is_refused():
    """Generations count from 1."""
    with pytest.raises(ValueError, match="counts from 1"):
        archive_name("app.jsonl", 0, 0)


def test_listing_sorts_by_generation_not_by_time(tmp_path):
    """A clock that went back does not change the order, and folders do not count."""
    later, earlier = (archive_name("a.log", g, w) for g, w in ((1, EIGHT), (2, 0)))
    for name in (earlier, later, "a.log", "b.20261122T080000Z.000009.log"):
        (tmp_path / name).touch()
    (tmp_path / archive_name("a.log", 3, 0)).mkdir()

    assert [later, earlier] == [archive.name for archive in list_archives(tmp_path, "a.log")]


def test_the_next_generation_is_above_all_that_ever_were():
    """Files, entries and what was retired all count."""
    archive = Archive(4, "", "x")
    entry = Manifest({"y": Entry("y", 6, 0, {})})

    assert 1 == next_generation([], Manifest())
    assert 5 == next_generation([archive], Manifest())
    assert 7 == next_generation([archive], entry)
    assert 10 == next_generation([archive], Manifest(retired=Retired(through=9)))


def test_an_archive_that_is_gone_in_every_form_is_not_described(tmp_path):
    """Deleted by somebody else: there is nothing to say, and the error says what was not there."""
    archive = parse_archive("app.jsonl", archive_name("app.jsonl", 1, 0))
    (tmp_path / archive_name("app.jsonl", 2, 0)).touch()
    with pytest.raises(FileNotFoundError, match="000001"):
        describe(tmp_path, "app.jsonl", archive)

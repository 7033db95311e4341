"""A service is there when its bell is, keeps its settings, and shows who holds its locks."""

from __future__ import annotations

import errno
import os

import pytest

from mplog import _native
from mplog.config import Settings
from mplog.config.retention import Retention
from mplog.errors import MplogError
from mplog.ring import bell

SETTINGS = Settings(file="/logs/app.jsonl", retention=Retention(count=3))


@pytest.fixture
def there(shm):
    assert bell.create_bell(shm, "shop", SETTINGS)
    return shm


def test_the_first_creates_and_the_second_finds(there):
    """What the first one set is kept, whatever the second one wants."""
    other = Settings(file="/logs/app.jsonl", retention=Retention(count=9))
    assert not bell.create_bell(there, "shop", other)
    assert SETTINGS == bell.configuration(there, "shop")


def test_creating_leaves_no_other_file(there):
    """No temporary name stays."""
    assert [f"shop.{_native.ABI}.bell"] == os.listdir(there)
    assert ["shop"] == bell.services(there)


def test_a_service_that_is_not_there_is_told_apart(shm):
    """No bell: no settings, no identity, no presence; and no services where there is no place."""
    with pytest.raises(FileNotFoundError):
        bell.configuration(shm, "shop")
    assert (None, None) == (bell.bell_id(shm, "shop"), bell.presence(shm, "shop"))
    assert [] == bell.services(shm) == bell.services(shm / "nowhere")


def test_a_bell_made_anew_has_another_identity(there):
    """That is how producers see that somebody removed it."""
    path = _native.bell_path(str(there), "shop")
    kept = os.open(path, os.O_RDONLY)  # so that its inode is not given out again
    before = bell.bell_id(there, "shop")
    os.unlink(path)
    bell.create_bell(there, "shop", SETTINGS)
    os.close(kept)

    assert before is not None
    assert before != bell.bell_id(there, "shop")


@pytest.mark.parametrize(
    ("byte", "expected"),
    [
        (_native.LOCK_SUPERVISOR, bell.Presence(True, False)),
        (_native.LOCK_WRITER, bell.Presence(False, True)),
        (_native.LOCK_SPAWN, bell.Presence(False, False)),
    ],
)
def test_presence_shows_who_holds_a_lock(there, byte, expected):
    """Each lock for itself, until it is given back; nobody gets it twice."""
    fd = bell.hold(there, "shop", byte)
    assert fd is not None
    assert expected == bell.presence(there, "shop")
    assert bell.hold(there, "shop", byte) is None
    os.close(fd)

    assert bell.Presence(False, False) == bell.presence(there, "shop")


def test_a_lock_that_the_kernel_refuses_leaves_no_descriptor(there):
    """A process that asks once a second would run out of them."""
    free = os.dup(0)
    os.close(free)
    with pytest.raises(OSError, match="Invalid argument"):
        bell.hold(there, "shop", -1)

    following = os.dup(0)
    os.close(following)
    assert following <= free


@pytest.mark.parametrize("broken", [b"", b"no bell", b"\0" * 8192], ids=["empty", "short", "zeros"])
def test_broken_bytes_are_refused_and_kept(shm, broken):
    """They may be somebody's: neither believed nor replaced."""
    path = shm / f"shop.{_native.ABI}.bell"
    path.write_bytes(broken)

    with pytest.raises(MplogError):
        bell.create_bell(shm, "shop", SETTINGS)
    with pytest.raises(MplogError):
        bell.configuration(shm, "shop")
    assert broken == path.read_bytes()


@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT])
def test_a_directory_without_room_is_told_as_that(shm, monkeypatch, reason):
    """With the code of memory that is full, and with the place."""

    def full(*given):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(bell._native, "bell_create", full)
    with pytest.raises(MplogError) as told:
        bell.create_bell(shm, "shop", SETTINGS)

    assert "MPL-S003" == told.value.code
    assert str(shm) in told.value.text

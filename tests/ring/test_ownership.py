"""The lock beside a log file says whose it is, for as long as its holder lives."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from mplog import _native
from mplog.errors import FileOwnedError
from mplog.ring import ownership
from mplog.ring.ownership import (
    Owner,
    lock_path,
    owner_of,
    plate_path,
    refuse_foreign_owner,
    take_ownership,
)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "app.jsonl"


@pytest.fixture
def owned(log, tmp_path):
    fd = take_ownership(log, "shop", tmp_path)
    assert fd is not None
    yield log
    os.close(fd)


def test_a_file_nobody_has_taken_has_no_owner(log):
    """Neither without a lock file nor with one that nobody holds."""
    assert owner_of(log) is None
    Path(lock_path(log)).touch()
    Path(plate_path(log)).write_text('{"service":"dead","dir":"/d"}')
    assert owner_of(log) is None


def test_the_owner_is_named_with_its_place(owned, tmp_path):
    """Service and directory, as the holder wrote them."""
    assert Owner("shop", str(tmp_path)) == owner_of(owned)


def test_a_second_one_does_not_get_it(owned, tmp_path):
    """Not even under the same name; the first one's words stay."""
    assert take_ownership(owned, "other", tmp_path) is None
    assert Owner("shop", str(tmp_path)) == owner_of(owned)


def test_it_is_free_when_the_holder_is_gone(log, tmp_path):
    """A shorter text of the next one leaves nothing of a longer one."""
    os.close(take_ownership(log, "a-very-long-name-of-a-service", tmp_path))
    fd = take_ownership(log, "b", tmp_path)
    try:
        assert Owner("b", str(tmp_path)) == owner_of(log)
    finally:
        os.close(fd)


def test_a_writer_that_is_about_to_own_the_file_is_nobodys_foreigner(tmp_path, monkeypatch):
    """Its plate is written before it owns the file: no process finds it owned by somebody unknown,
    or by the one before.
    """
    log, found, write = tmp_path / "app.jsonl", [], ownership._write_plate
    os.close(take_ownership(log, "before", tmp_path))

    def slow(path, said):
        found.append((owner_of(log), take_ownership(log, "other", tmp_path)))
        write(path, said)

    monkeypatch.setattr(ownership, "_write_plate", slow)
    fd = take_ownership(log, "shop", tmp_path)

    assert [(None, None)] == found
    assert ("shop", str(tmp_path)) == owner_of(log)
    os.close(fd)


@pytest.mark.parametrize("place", [lock_path, plate_path])
def test_a_link_in_its_place_is_not_followed(log, tmp_path, place):
    """Somebody else's link cannot make us write elsewhere."""
    target = tmp_path / "target"
    target.write_text("untouched")
    Path(place(log)).symlink_to(target)

    with pytest.raises(OSError, match="symbolic"):
        take_ownership(log, "shop", tmp_path)
    assert owner_of(log) is None
    assert "untouched" == target.read_text()


def test_broken_words_in_a_held_lock_are_no_error(owned):
    """Whoever it is, it is held."""
    Path(plate_path(owned)).write_bytes(b"\xff{")
    assert Owner("unknown", "") == owner_of(owned)


@pytest.mark.parametrize("place", [lock_path, plate_path])
def test_a_fifo_in_its_place_holds_nobody_up(log, tmp_path, place):
    """It is refused, and nobody waits for somebody at its other end."""
    os.mkfifo(place(log))

    with pytest.raises(OSError, match="regular"):
        take_ownership(log, "shop", tmp_path)
    assert owner_of(log) is None


def test_no_other_user_can_open_the_lock(log, tmp_path):
    """Who can open it can lock it; who cannot still reads the plate."""
    before = os.umask(0)  # as the writer has it
    os.close(take_ownership(log, "shop", tmp_path))
    os.umask(before)
    modes = [os.stat(place(log)).st_mode & 0o777 for place in (lock_path, plate_path)]

    assert [0o600, 0o644] == modes


def test_a_lock_that_was_open_to_others_is_closed_to_them(log, tmp_path):
    """One of another make, or of somebody's chmod."""
    Path(lock_path(log)).touch(mode=0o666)
    os.close(take_ownership(log, "shop", tmp_path))

    assert 0o600 == os.stat(lock_path(log)).st_mode & 0o777


@pytest.fixture
def public():
    """A log in a directory that every user may enter."""
    place = Path(tempfile.mkdtemp(prefix="mplog-test-"))
    place.chmod(0o755)
    yield place / "app.jsonl"
    shutil.rmtree(place)


def as_nobody(function):
    """What *function* returns in a process of the user nobody, as text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            said = repr(function())
        except BaseException as error:
            said = f"raised {error!r}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with open(read, "rb") as pipe:
        return pipe.read().decode()


@pytest.mark.needs_root
def test_another_user_learns_whose_the_file_is_and_cannot_lock_it(public):
    """Also when the writer is gone: the file is no more that user's than before."""
    fd = take_ownership(public, "shop", public.parent)
    owner = Owner("shop", str(public.parent))
    locked = as_nobody(lambda: os.open(lock_path(public), os.O_RDONLY))
    live = as_nobody(lambda: owner_of(public))
    refused = as_nobody(lambda: refuse_foreign_owner(public, "other", Path("/elsewhere")))
    os.close(fd)

    assert "PermissionError" in locked
    assert repr(owner) == live == as_nobody(lambda: owner_of(public))
    assert "FileOwnedError" in refused
    assert owner_of(public) is None


@pytest.mark.needs_root
def test_in_a_directory_that_is_closed_to_a_user_nobody_is_known_to_own_a_file(public):
    """What cannot be looked at is told by whoever tries to write there."""
    os.close(take_ownership(public, "shop", public.parent))
    public.parent.chmod(0o700)

    assert "None" == as_nobody(lambda: owner_of(public))


def test_where_nobody_can_ask_for_a_lock_nobody_is_known_to_own_a_file(owned, monkeypatch):
    """On a file system without locks: its writer is told why as it tries to take one."""

    def locked(fd, byte):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(_native, "locked", locked)
    assert owner_of(owned) is None


def test_the_own_service_is_not_refused(owned, tmp_path):
    """The same name in the same directory is we ourselves."""
    refuse_foreign_owner(owned, "shop", tmp_path)


def test_a_foreign_service_is_refused_by_name(owned, tmp_path):
    """The error names file, service and directory."""
    with pytest.raises(FileOwnedError) as refused:
        refuse_foreign_owner(owned, "other", tmp_path)

    assert all(text in str(refused.value) for text in (str(owned), "shop", str(tmp_path)))


def test_the_same_name_elsewhere_is_refused_after_its_patience(owned, tmp_path):
    """No patience: at once."""
    with pytest.raises(FileOwnedError):
        refuse_foreign_owner(owned, "shop", tmp_path / "elsewhere", patience_s=0.0)

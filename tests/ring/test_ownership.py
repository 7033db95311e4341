"""The lock beside a log file says whose it is, for as long as its holder lives."""

from __future__ import annotations

import os

import pytest

from mplog.errors import FileOwnedError
from mplog.ring.ownership import Owner, lock_path, owner_of, refuse_foreign_owner, take_ownership


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
    lock_path(log).write_text('{"service":"dead","dir":"/d"}')
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


def test_a_link_in_its_place_is_not_followed(log, tmp_path):
    """Somebody else's link cannot make us write elsewhere."""
    target = tmp_path / "target"
    target.write_text("untouched")
    lock_path(log).symlink_to(target)

    with pytest.raises(OSError, match="symbolic"):
        take_ownership(log, "shop", tmp_path)
    assert owner_of(log) is None
    assert "untouched" == target.read_text()


def test_broken_words_in_a_held_lock_are_no_error(owned):
    """Whoever it is, it is held."""
    lock_path(owned).write_bytes(b"\xff{")
    assert Owner("unknown", "") == owner_of(owned)


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

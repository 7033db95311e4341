"""The file system says no: a permission is lost, an attribute is set."""

from __future__ import annotations

import os

import pytest
from scene import Scene, mplog, run

from mplog.files.archive import list_archives

pytestmark = [pytest.mark.process, pytest.mark.needs_root]


def test_a_file_that_may_not_be_changed_is_waited_for(tmp_path, mounts, world):
    """F8: chattr +i, EPERM for every write; it goes on when the attribute is gone."""
    place = mounts.ext4(tmp_path / "image", tmp_path / "disk", 64 << 20)
    world.log = place / "app.jsonl"
    scene = Scene(world)
    run("chattr", "+i", world.log)
    try:
        scene.waits("cannot write", "EPERM")
    finally:
        run("chattr", "-i", world.log)
    scene.resumes()
    report = scene.whole()

    assert (0, {}) == (report.torn, report.notices)


def test_a_file_that_may_not_be_renamed_goes_on_growing(tmp_path, mounts, world):
    """F8: chattr +a lets lines in and no rotation; the first one after it is made."""
    place = mounts.ext4(tmp_path / "image", tmp_path / "disk", 64 << 20)
    world.log = place / "app.jsonl"
    scene = Scene(world)
    run("chattr", "+a", world.log)
    scene.troubled = True
    try:
        for _ in range(3):
            assert 1 == mplog(world, "rotate", world.log)
            assert "EPERM" in scene.reader().problem
            scene.flows()
        assert [] == [name for name in os.listdir(place) if name.endswith(".new")]
    finally:
        run("chattr", "-a", world.log)
    assert 0 == mplog(world, "rotate", world.log)
    report = scene.whole()

    assert 1 == len(list_archives(place, world.log.name))
    assert (0, {}) == (report.torn, report.notices)


NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def test_a_directory_that_is_closed_to_the_writer_is_waited_for(outside):
    """F8: no rotation, and no new file, until it is open again; what is open goes on. Root may ask
    the writer of another user.
    """
    world = outside
    scene = Scene(world, prefix=AS_NOBODY)
    assert NOBODY == world.log.stat().st_uid
    folder = world.log.parent
    folder.chmod(0o555)
    assert 1 == mplog(world, "rotate", world.log)
    assert "EACCES" in scene.reader().problem
    scene.flows()
    fd = os.open(world.log, os.O_RDONLY)
    world.log.unlink()
    scene.waits("cannot write", "EACCES")
    folder.chmod(0o755)
    scene.resumes()
    assert 0 == mplog(world, "rotate", world.log)
    before = os.pread(fd, os.fstat(fd).st_size, 0)
    os.close(fd)
    scene.whole(before)

"""The file system says no: a permission is lost, an attribute is set."""

from __future__ import annotations

import os
from types import SimpleNamespace

import proof
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


@pytest.mark.parametrize(("attribute", "word"), [("a", "append-only"), ("i", "immutable")])
def test_a_file_that_cannot_be_begun_with_says_what_to_do(tmp_path, mounts, world, attribute, word):
    """F8: chattr +a or +i from before the start; events wait, and flow when it is gone."""
    world.log = mounts.ext4(tmp_path / "image", tmp_path / "disk", 64 << 20) / "app.jsonl"
    world.log.touch()
    run("chattr", f"+{attribute}", world.log)
    try:
        program = world.start("mplog.configure(LOG)\nproof.load('w')")
        world.noted(50)
        shown = Scene.reader(SimpleNamespace(world=world))
        world.wait_for(lambda: word in shown.problem, 20.0, "what is wrong")
        assert f"`chattr -{attribute}` it" in shown.problem
        world.noted(len(proof.noted(world.acks)) + 50)  # log calls return
    finally:
        run("chattr", f"-{attribute}", world.log)
    world.fresh()
    world.stop()
    program.communicate(timeout=60)
    world.check()


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

"""The file system fails, once, for a while, or for good: workers never notice, nothing is lost."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess

import pytest
from scene import Scene, fill, injected, long, run

pytestmark = [pytest.mark.process]
root = pytest.mark.needs_root
traced = pytest.mark.skipif(
    not shutil.which("strace"), reason="strace is missing: failing writes were NOT tested"
)
EXT4_IOC_SHUTDOWN = 0x8004587D
DEFAULT = 0  # what was written before is brought onto the disk first


@traced
@pytest.mark.parametrize("when", ["when=1", long("when=2+3")])
def test_a_write_that_fails_now_and_then_is_done_again(world, when):
    """F4: EIO once, and at every third call; each line is there once all the same."""
    scene = Scene(world)
    scene.troubled = True  # a worker looks once a second, and that may be while the writer waits
    with injected(world, f"error=EIO:{when}") as trace:
        world.wait_for(lambda: "INJECTED" in trace.read_text(), 20.0, "a failed write")
        scene.flows()
    assert scene.count("errors") > 0
    report = scene.whole()

    assert (0, {}) == (report.torn, report.notices)


@traced
@pytest.mark.parametrize("number", ["EIO", "EDQUOT", long("ENOSPC")])
def test_writes_that_fail_for_a_while_are_waited_for(world, number):
    """F4, F8: every write fails; nothing is lost, and it goes on by itself afterwards."""
    scene = Scene(world)
    with injected(world, f"error={number}"):
        told = scene.waits("cannot write", number)
    scene.resumes()
    report = scene.whole()

    assert str(world.log) in told
    assert (0, {}) == (report.torn, report.notices)


class Disk:
    """An ext4 in a file below a read-only place, so that nothing can be written in its stead."""

    def __init__(self, mounts, tmp_path, options="", image=None):
        self.mounts, self.outer = mounts, mounts.tmpfs(tmp_path / "outer", "size=1m")
        self.image, self.place = image or tmp_path / "image", self.outer / "disk"
        mounts.ext4(self.image, self.place, 64 << 20, options)
        run("mount", "-o", "remount,ro", self.outer)

    def device(self):
        """What is mounted there."""
        return run("findmnt", "-n", "-o", "SOURCE", self.place).split()[0]

    def back(self):
        """Repaired, and mounted again from another device: the dead one may still be open."""
        run("umount", "-l", self.place)
        repaired = subprocess.run(["e2fsck", "-fy", self.image], check=False, capture_output=True)
        assert repaired.returncode < 4, repaired.stdout
        device = run("losetup", "-f", "--show", self.image).strip()
        try:
            self.mounts.mount(self.place, device)
        finally:
            run("losetup", "-d", device)  # when nobody has it mounted any more


@pytest.fixture
def disk(tmp_path, mounts):
    """Make it with its mount options."""
    return lambda *more: Disk(mounts, tmp_path, *more)


@root
def test_a_file_system_that_dies_and_is_repaired_is_gone_on_in(disk, world):
    """F5: EIO for everything; after the repair the same file is opened anew, by itself."""
    made = disk()
    world.log = made.place / "app.jsonl"
    scene = Scene(world)
    fd = os.open(made.place, os.O_RDONLY)
    fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, DEFAULT.to_bytes(4, "little"))
    os.close(fd)
    scene.waits("cannot write", "EIO")
    made.back()
    scene.resumes()
    scene.whole()


@root
def test_a_disk_that_turns_out_full_behind_the_page_cache(tmp_path, mounts, disk, world):
    """F1: ext4 in a sparse image on a full tmpfs takes lines, cannot keep them, and turns
    read-only; those that are logged from then on wait for room and repair.
    """
    below = mounts.tmpfs(tmp_path / "below", "size=16m")
    made = disk("", below / "image")
    world.log = made.place / "app.jsonl"
    scene = Scene(world, padding=300)
    fill(below / "ballast")
    scene.flows()
    full = subprocess.run(["sync", "-f", made.place], check=False, capture_output=True)
    assert full.returncode, "there was room"
    scene.waits("cannot write", "EROFS")
    mark = scene.last()
    scene.waits("cannot write", "EROFS")
    (below / "ballast").unlink()
    made.back()
    scene.resumes()
    missing = scene.since(mark)
    print({name: len(numbers) for name, numbers in missing.items()}, "were only in the page cache")


@root
def test_a_file_system_that_turns_read_only_is_gone_on_in(disk, world):
    """F7: errors=remount-ro under an open descriptor. What the kernel had not yet brought onto the
    disk goes with it, as in a power loss; what is logged from then on waits for the repair.
    """
    made = disk("errors=remount-ro")
    world.log = made.place / "app.jsonl"
    scene = Scene(world)
    with open(f"/sys/fs/ext4/{os.path.basename(made.device())}/trigger_fs_error", "w") as file:
        file.write("x")
    scene.waits("cannot write", "EROFS")
    mark = scene.last()
    scene.waits("cannot write", "EROFS")
    made.back()
    scene.resumes()
    missing = scene.since(mark)
    print({name: len(numbers) for name, numbers in missing.items()}, "were only in the page cache")

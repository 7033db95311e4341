"""The file system has no room: workers never notice, nothing is lost, writing goes on by itself."""

from __future__ import annotations

import os
import resource

import pytest
from scene import Scene, fill, mplog, run

from mplog.files.archive import list_archives

pytestmark = [pytest.mark.process]
root = pytest.mark.needs_root


@root
@pytest.mark.parametrize(
    "load",
    [
        {"when_full": "overflow", "padding": 1000},
        {"when_full": "block", "pause_s": 0.01},
    ],
    ids=["overflow", "block"],
)
def test_a_full_disk_is_waited_for(tmp_path, mounts, world, load):
    """F1: ENOSPC in the middle of a batch; its rest follows when there is room again."""
    place = mounts.tmpfs(tmp_path / "disk", "size=4m")
    world.log = place / "app.jsonl"
    scene, ballast = Scene(world, **load), place / "ballast"
    fill(ballast)
    scene.waits("ENOSPC")
    if load["when_full"] == "overflow":
        world.wait_for(lambda: list(world.directory.glob("*.overflow")), 40.0, "overflow")
    run("mount", "-o", "remount,size=256m", place)
    scene.resumes()
    report = scene.whole()

    assert (0, {}) == (report.torn, report.notices)


@root
@pytest.mark.stress
def test_a_disk_that_is_full_again_and_again_loses_nothing(tmp_path, mounts, world):
    """F1: ten times, each until the tries are as far apart as they get; how soon it goes on is
    printed.
    """
    place = mounts.tmpfs(tmp_path / "disk", "size=200m")
    world.log = place / "app.jsonl"
    scene, ballast = Scene(world), place / "ballast"
    for _ in range(10):
        fill(ballast)
        tries = scene.count("errors")
        scene.waits("ENOSPC")
        world.wait_for(lambda before=tries: scene.count("errors") > before + 8, 60.0, "long pauses")
        ballast.unlink()
        scene.resumes()
    report = scene.whole()

    assert (0, {}) == (report.torn, report.notices)


@root
def test_a_file_that_is_deleted_to_make_room_gives_it_back(tmp_path, mounts, world):
    """F1: the writer lets go of it, though a batch of its own is half in it."""
    place = mounts.tmpfs(tmp_path / "disk", "size=4m")
    world.log = place / "app.jsonl"
    scene = Scene(world, padding=1000)
    world.wait_for(lambda: world.log.stat().st_size > 1_000_000, 20.0, "a large file")
    ballast = place / "ballast"
    fill(ballast)
    scene.waits("ENOSPC")
    fd = os.open(world.log, os.O_RDONLY)
    deleted = os.pread(fd, os.fstat(fd).st_size, 0)
    os.close(fd)
    world.log.unlink()
    world.fresh_file()  # in what was its room, which is too small for all that waits
    ballast.unlink()
    run("mount", "-o", "remount,size=256m", place)
    scene.resumes()
    whole, _, _half = deleted.rpartition(b"\n")
    scene.end()

    scene.held(*once(whole + b"\n", world.log.read_bytes()))


def once(deleted, now):
    """The lines of a deleted file without those that the next one has again."""
    again = set(now.splitlines(keepends=True))
    return [line for line in deleted.splitlines(keepends=True) if line not in again] + [now]


@root
def test_without_an_inode_for_the_next_file_this_one_goes_on(tmp_path, mounts, world):
    """F2: a rotation that fails stops nobody; it is made when there is an inode again."""
    place = mounts.tmpfs(tmp_path / "disk", "size=64m,nr_inodes=40")
    world.log = place / "app.jsonl"
    scene = Scene(world)
    ballast = []
    try:
        while True:
            ballast.append(place / f"ballast{len(ballast)}")
            ballast[-1].touch()
    except OSError:
        ballast.pop()
    size = world.log.stat().st_size
    assert 1 == mplog(world, "rotate", world.log)
    assert "cannot rotate" in scene.reader().problem
    scene.troubled = True
    scene.flows()
    assert world.log.stat().st_size > size
    for path in ballast:
        path.unlink()
    assert 0 == mplog(world, "rotate", world.log)
    scene.whole()

    assert 1 == len(list_archives(place, world.log.name))


@root
def test_a_limit_of_file_size_is_waited_for(world):
    """F3: the kernel takes a part of a batch (a short write), then EFBIG; the rest follows."""
    scene = Scene(world)
    with world.standing() as writer:
        limit = world.log.stat().st_size + 400_011
        resource.prlimit(writer, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    scene.waits("EFBIG")
    while world.log.read_bytes()[limit - 1 : limit] == b"\n":  # by chance not within a line
        limit += 7
        resource.prlimit(writer, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        world.wait_for(lambda: world.log.stat().st_size >= limit, 20.0, "a part of a line")  # noqa: B023
    assert limit == world.log.stat().st_size, "no write was short"
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(writer, resource.RLIMIT_FSIZE, unlimited)
    scene.resumes()
    report = scene.whole()

    assert (0, {}) == (report.torn, report.notices)


HOARD = """
mplog.configure(LOG, rotation="50 kB", retention={"count": 100, "keep_free": "200 kB"})
one = proof.Producer("one", padding=1000)
one.events(1000)
assert mplog.flush(60)
print("full", flush=True)
sys.stdin.readline()
one.events(300)
print(mplog.flush(60), flush=True)
"""


@root
def test_archives_that_are_not_to_stay_make_room_on_a_full_disk(tmp_path, mounts, world):
    """F1: others fill it between two looks at what is free; the oldest archives go, and no more
    than must.
    """
    place = mounts.tmpfs(tmp_path / "disk", "size=4m")
    world.log = place / "app.jsonl"
    program = world.start(HOARD)
    assert "full\n" == program.stdout.readline()
    before = list_archives(place, world.log.name)
    fill(place / "ballast")
    assert 0 == os.statvfs(place).f_bavail
    world.go_on(program)
    out, _ = world.finish(program)
    world.gone()
    after = list_archives(place, world.log.name)

    assert "True\n" == out
    assert before[0] not in after
    assert 0 < len(set(before) & set(after))
    world.check(retired=True)

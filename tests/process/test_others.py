"""What others do to the file while it is written: nothing is lost but what they take away."""

from __future__ import annotations

import os
import shutil
import stat

import pytest
from kept import Kept
from scene import Scene, long, mplog, run

pytestmark = pytest.mark.process


def test_a_deleted_file_is_begun_anew(world):
    """Three times: what stood in the deleted ones and what is there are the whole log."""
    scene, kept = Scene(world), []
    for _ in range(3):
        kept.append(Kept(scene.log))
        scene.log.unlink()
        scene.flows()
    assert 3 == scene.count("replaced")
    scene.end()
    report = scene.held(*(one.content() for one in kept), scene.log.read_bytes())

    assert {"replaced": 3} == report.notices


@pytest.mark.parametrize("place", [".", long("elsewhere")])
def test_a_moved_file_is_left(world, place):
    """Within the directory or out of it: no byte gets lost on the way, and verify reads both."""
    scene, moved = Scene(world), []
    (scene.log.parent / place).mkdir(exist_ok=True)
    for number in range(3, 0, -1):
        moved.append(scene.log.parent / place / f"app.jsonl.{number}")
        scene.log.rename(moved[-1])
        scene.flows()
    scene.end()
    scene.held(*(path.read_bytes() for path in moved), scene.log.read_bytes())

    if place == ".":
        assert (0, []) == (scene.verified().exit_code, scene.verified().findings)


def cut(world, scene, size_of):
    """Stop the writer, keep what is there, cut the file, let it go on; what was cut off before."""
    with world.standing():
        content = scene.log.read_bytes()
        size = size_of(content)
        os.truncate(scene.log, size)
    scene.flows()
    return content, size


def test_a_file_cut_to_nothing_goes_on_from_its_beginning(world):
    """copytruncate's way, three times: no hole, no torn line, nothing lost but what was cut off."""
    scene, before = Scene(world), b""
    for _ in range(3):
        before += cut(world, scene, lambda content: 0)[0]
    assert 3 == scene.count("truncated")
    scene.end()
    now = scene.log.read_bytes()
    lines = [line for line in now.split(b"\n") if line.strip(b"\0")]

    assert scene.held(before, b"\n".join(lines), b"\n").notices["truncated"] == 3


@pytest.mark.parametrize("left", [150, long(-1), long(1), long(-30)])
def test_a_file_cut_inside_a_line_goes_on_on_a_line_of_its_own(world, left):
    """The next event is whole; what is left of the old line stands alone."""
    scene = Scene(world)
    content, size = cut(world, scene, lambda content: left % len(content))
    scene.end()
    now = scene.log.read_bytes()

    assert content[:size] + b"\n" == now[: size + 1]
    assert 1 == scene.held(content, now[size + 1 :].lstrip(b"\0\n")).notices["truncated"]


def test_what_others_append_stays_on_lines_of_its_own(world):
    """Whole lines and half ones: they are told, and verify takes none for a torn one of ours."""
    scene = Scene(world)
    for text in (b"FOREIGN whole\n", b"FOREIGN half", b"FOREIGN two\nFOREIGN lines\n"):
        with scene.log.open("ab") as file:
            file.write(text)
        scene.flows()
    scene.end()
    report, lines = scene.verified(), scene.log.read_bytes().splitlines(keepends=True)
    foreign = [line for line in lines if b"FOREIGN" in line]

    scene.held(*(line for line in lines if line not in foreign))
    assert [b"FOREIGN whole\n", b"FOREIGN half\n", b"FOREIGN two\n", b"FOREIGN lines\n"] == foreign
    assert (0, 4, 0) == (report.exit_code, report.foreign, report.torn)
    assert 3 == report.notices["foreign_bytes"]


def test_another_file_at_the_path_is_taken_as_it_is(world):
    """Its lines stay, its mode and its owner too; a half one gets an end."""
    scene, kept = Scene(world), Kept(world.log)
    other = scene.log.with_name("other")
    other.write_bytes(b"FOREIGN half")
    other.chmod(0o664)
    other.rename(scene.log)
    scene.flows()
    scene.end()
    now = scene.log.read_bytes()

    assert now.startswith(b"FOREIGN half\n")
    assert 0o664 == stat.S_IMODE(scene.log.stat().st_mode)
    scene.held(kept.content(), now.removeprefix(b"FOREIGN half\n"))


def a_link(path):
    """To a file that nobody may write through it."""
    path.with_name("victim").write_bytes(b"precious")
    path.symlink_to("victim")


def a_link_to_nothing(path):
    """O_CREAT would make the file at its end."""
    path.symlink_to("victim")


def a_device(path):
    """/dev/full, where the user may make one; else a link to it."""
    if os.geteuid() == 0:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
    else:
        path.symlink_to("/dev/full")


INSTEAD = {
    "link": (a_link, "symbolic link"),
    "link-to-nothing": (a_link_to_nothing, "symbolic link"),
    "directory": (os.mkdir, "EISDIR"),
    "fifo": (os.mkfifo, "not a regular file"),
    "device": (a_device, ""),
}


@pytest.mark.parametrize(
    "what", ["link", "fifo", long("link-to-nothing"), long("directory"), long("device")]
)
def test_what_is_no_file_is_not_written_through(world, what):
    """Events wait, workers do not; when it is gone the log goes on, and nothing was lost."""
    make, words = INSTEAD[what]
    scene, kept = Scene(world), Kept(world.log)
    with world.standing():
        scene.log.unlink()
        make(scene.log)
    scene.waits("cannot write", words)
    victim = scene.log.with_name("victim")
    assert (b"precious" if what == "link" else None) == (
        victim.read_bytes() if victim.exists() else None
    )
    scene.log.rmdir() if what == "directory" else scene.log.unlink()
    scene.flows()
    scene.end()
    scene.held(kept.content(), scene.log.read_bytes())


@pytest.mark.parametrize("how", ["deleted", long("moved")])
def test_a_directory_that_is_taken_away_is_made_again(world, how):
    """With the lock beside the file: the writer is found there, and no other service gets in."""
    scene, kept = Scene(world), Kept(world.log)
    folder = scene.log.parent
    if how == "moved":
        folder.rename(world.root / "moved")
    else:
        with world.standing():
            shutil.rmtree(folder)
    scene.flows()
    assert 0 == mplog(world, "rotate", scene.log), "the writer is not found by the file any more"
    scene.flows()
    other = world.start(
        "mplog.configure(LOG, service='other', dir=sys.argv[1])", str(world.root / "shm")
    )
    _, err = world.finish(other, code=1)
    assert "is already written by the service" in err
    scene.whole(kept.content())


@pytest.mark.needs_root
def test_a_root_writer_is_not_led_away_by_a_link(world):
    """Another user's, in place of the directory: events wait until that is back."""
    scene = Scene(world)
    folder, theirs = scene.log.parent, world.root / "theirs"
    theirs.mkdir()
    (theirs / "app.jsonl").write_text("precious")
    (world.root / "link").symlink_to(theirs)
    os.lchown(world.root / "link", 65_534, 65_534)
    with world.standing():
        folder.rename(world.root / "moved")
        (world.root / "link").rename(folder)
    scene.waits("another user's symbolic link")
    assert (["app.jsonl"], "precious") == (
        os.listdir(theirs),
        (theirs / "app.jsonl").read_text(),
    )
    with world.standing():
        folder.unlink()
        (world.root / "moved").rename(folder)
    scene.flows()
    scene.whole()


@pytest.mark.needs_root
@pytest.mark.parametrize("how", ["unmounted", "mounted over"])
def test_a_directory_that_is_mounted_or_unmounted_is_gone_on_in(tmp_path, mounts, world, how):
    """The file that the path leads to gets the lines; the one before is left where it is."""
    place = mounts.tmpfs(tmp_path / "disk", "size=64m")
    world.log = place / "log" / "app.jsonl"
    world.log.parent.mkdir()
    scene, kept = Scene(world), Kept(world.log)
    if how == "unmounted":
        run("umount", "-l", place)
    else:
        mounts.tmpfs(place, "size=64m")
    scene.flows()
    scene.whole(kept.content())

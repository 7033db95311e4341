"""What others do to archives, manifest and clock: no name is used twice, no line is lost."""

from __future__ import annotations

import os
import shutil
import stat

import pytest
from kept import Kept
from scene import Scene, long, mplog

from mplog.files.archive import list_archives, parse_archive
from mplog.files.manifest import manifest_path

pytestmark = pytest.mark.process


def test_archives_that_others_delete_are_missed_by_verify_alone(world):
    """The log goes on rotating, no name is used twice, and what is left is whole."""
    scene = Scene(world, rotation="20 KB")
    names, gone = set(), []
    for _ in range(3):
        world.wait_for(lambda: len(archives(scene)) >= 2, 20.0, "archives")
        for archive in archives(scene):
            assert archive.name not in names, "a name was used twice"
            names.add(archive.name)
            gone.append(Kept(scene.log.parent / archive.name))
            (scene.log.parent / archive.name).unlink()
        scene.flows()
    scene.end()
    report = scene.verified()

    scene.held(*(one.content() for one in gone), *contents(scene))
    assert 1 == report.exit_code
    assert report.missing > 0


def archives(scene):
    """Those that are there."""
    return list_archives(scene.log.parent, scene.log.name)


def contents(scene):
    """Of all files of the log, in order."""
    paths = [scene.log.parent / archive.name for archive in archives(scene)]
    return [path.read_bytes() for path in [*paths, scene.log]]


DAMAGE = {
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: os.truncate(path, 0),
    "cut": lambda path: os.truncate(path, path.stat().st_size - 7),
    "noise": lambda path: path.write_bytes(os.urandom(4096)),
    "nulls": lambda path: path.write_bytes(bytes(4096)),
}


@pytest.mark.parametrize(
    "how", ["noise", long("deleted"), long("emptied"), long("cut"), long("nulls")]
)
def test_a_damaged_manifest_costs_no_line_and_no_name(world, how):
    """Rotation and retention go on, and the log verifies."""
    scene = Scene(world, rotation="20 KB")
    manifest = manifest_path(scene.log.parent, scene.log.name)
    world.wait_for(lambda: len(archives(scene)) >= 2 and manifest.exists(), 20.0, "archives")
    before = {archive.name for archive in archives(scene)}
    DAMAGE[how](manifest)
    world.wait_for(lambda: len(archives(scene)) >= len(before) + 2, 20.0, "more archives")
    report = scene.whole()

    generations = [archive.generation for archive in archives(scene)]
    assert sorted(set(generations)) == generations
    assert before <= {archive.name for archive in archives(scene)}
    assert (0, []) == (report.exit_code, scene.verified().findings)


def test_a_clock_that_is_put_back_gives_no_name_twice(world):
    """Rotations before, in and after an hour that comes twice, and one of 1970: by number."""
    clock = world.root / "clock"
    config = world.root / "mplog.toml"
    serve = f"""
        import mplog.writer.deliver as deliver
        from mplog.cli.main import main
        real = deliver.now_ns
        def put_back():
            try:
                return max(real() - int(open({str(clock)!r}).read()), 0)
            except (OSError, ValueError):
                return real()
        deliver.now_ns = put_back
        sys.exit(main(["serve", "--config", {str(config)!r}]))
    """
    config.write_text(f'file = "{world.log}"\nrotation = "off"\nretention = "all"\n')
    server = world.start(serve)
    world.wait_for(lambda: list(world.directory.glob("*.bell")), 20.0, "the service")
    scene = Scene(world)
    for back_s in (0, 3600, 1800, 10**10, 0):
        clock.write_text(str(back_s * 10**9))
        assert 0 == mplog(world, "rotate", scene.log)
        scene.flows()
    found = archives(scene)
    scene.whole(leave=server.terminate)
    world.finish(server)

    assert [1, 2, 3, 4, 5] == [archive.generation for archive in found]
    times = [archive.timestamp for archive in found]
    assert times != sorted(times), "the clock was not put back"
    assert times[3].startswith("1970")
    assert all(parse_archive(scene.log.name, archive.name) for archive in found)


@pytest.mark.needs_root
def test_mode_and_owner_stay_with_the_log(world):
    """After rotation, deletion, and a directory that is made again: those of the file before."""
    scene = Scene(world, mode="0640")
    os.chown(scene.log, 65534, 65533)
    for change in ("rotate", "delete", "rotate", "remove", "rotate"):
        if change == "delete":
            scene.log.unlink()
        elif change == "remove":
            with world.standing():
                shutil.rmtree(scene.log.parent)
        else:
            assert 0 == mplog(world, "rotate", scene.log)
        scene.flows()
        found = scene.log.stat()
        assert (0o640, 65534, 65533) == (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    scene.end()

    for archive in archives(scene):
        found = (scene.log.parent / archive.name).stat()
        assert (0o640, 65534) == (stat.S_IMODE(found.st_mode), found.st_uid)

"""Rotation by time and compression with real programs: without traffic, and under kills."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import proof
import pytest

from mplog._native import Reader
from mplog.files.archive import list_archives

pytestmark = pytest.mark.process


def archives(world):
    return list_archives(world.log.parent, world.log.name)


def compressing(world):
    """The pids of the programs that compress this test's archives."""
    mark, found = os.fsencode(world.log), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path("/proc", name, "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in words and b"gzip" in words:
            found.append(int(name))
    return found


def settled(world):
    """Every archive is compressed, and nobody is at it."""
    world.gone()
    world.wait_for(lambda: not compressing(world), 60.0, "the end of the compression")
    return all(one.compression == ".gz" for one in archives(world))


def test_a_file_is_set_aside_without_traffic(world):
    """A process is attached and logs nothing: the file's time ends anyway, and no empty one's."""
    program = world.start(
        """
        mplog.configure(LOG, rotation="1 s", retention=None)
        proof.Producer("one").event()
        mplog.flush(10)
        sys.stdin.readline()
        """
    )
    world.wait_for(lambda: len(archives(world)) == 1, 20.0, "an archive")
    world.wait_for(lambda: world.log.exists(), 20.0, "a new file")
    assert 0 == world.log.stat().st_size
    (first,) = archives(world)
    world.go_on(program)
    assert ("", "") == world.finish(program)
    report = world.check()

    assert 1 == report.events
    assert first == archives(world)[0]
    # Another one where the writer needs a second to leave: of the session's end line.
    assert all((world.log.parent / one.name).stat().st_size for one in archives(world))


def test_what_fell_due_meanwhile_is_made_at_the_next_start(world):
    """Before its first event: the file of long ago becomes an archive of its own."""
    world.run(
        """
        mplog.configure(LOG, rotation="00:00", retention=None)
        proof.Producer("first").event()
        """
    )
    world.gone()
    old = world.log.read_text()
    long_ago = old.replace(old[old.index('":"2') + 3 : old.index("T")], "2020-02-29")
    assert long_ago != old
    world.log.write_text(long_ago)
    for name in ("second", "third"):
        world.run(
            f"""
            mplog.configure(LOG, rotation="00:00", retention=None)
            proof.Producer("{name}").event()
            """
        )
        world.gone()
    world.check()

    assert 1 == len(archives(world))
    assert long_ago == (world.log.parent / archives(world)[0].name).read_text()


def test_a_callable_decides_in_the_writer(world):
    """It is imported there by its name, from PYTHONPATH, and asked before the next batch."""
    (world.root / "rules").mkdir()
    rule = "def wanted(file): return file.size_bytes > 1000 and file.path.name == 'app.jsonl'\n"
    (world.root / "rules" / "rules.py").write_text(rule)
    path = os.pathsep.join([world.environment()["PYTHONPATH"], str(world.root / "rules")])
    world.run(
        """
        mplog.configure(LOG, rotation="rules:wanted", retention=None)
        one = proof.Producer("one", padding=300)
        for _ in range(20):
            one.event()
            mplog.flush(10)
        """,
        PYTHONPATH=path,
    )
    world.check()

    assert 3 <= len(archives(world)) <= 10


def test_a_callable_that_is_not_found_is_told(world):
    """It is what `mplog status` tells, and the programs; the log goes on."""
    program = world.start(
        """
        mplog.configure(LOG, service="shop", rotation="no_such_rules:wanted", retention=None)
        proof.Producer("one").event()
        mplog.flush(10)
        sys.stdin.readline()
        """
    )
    world.fresh_file()
    reader = Reader(str(world.directory), "shop", False, 1 << 16)
    told = "rotation no_such_rules:wanted of "
    world.wait_for(lambda: told in reader.problem, 20.0, "the problem")
    assert ": it cannot be had: ModuleNotFoundError" in reader.problem
    world.go_on(program)
    world.finish(program)
    world.check()


def test_archives_are_compressed_while_the_writer_works(world):
    """Not only by what is started last, when it leaves: that may be months later."""
    program = world.start(
        """
        mplog.configure(LOG, rotation="20 KB", retention=None, compression="gzip")
        one = proof.Producer("one", padding=300)
        for _ in range(200):
            one.event()
        mplog.flush(10)
        sys.stdin.readline()
        """
    )
    world.wait_for(
        lambda: (found := archives(world)) and all(one.compression for one in found),
        60.0,
        "compressed archives",
    )
    assert program.poll() is None
    world.go_on(program)
    assert ("", "") == world.finish(program)
    world.check()


def test_compression_under_load_and_kills_loses_nothing(world):
    """Writers and whoever compresses are killed again and again; all is there once, compressed."""
    world.acks.touch()
    program = world.start(
        """
        mplog.configure(
            LOG, rotation="100 KB", retention=None, compression="gzip", mode="0640",
            block_timeout="60 s",
        )
        proof.Producer("main", padding=300).event()
        proof.load("load", 0.0003)
        """
    )
    killed = 0
    for _ in range(4):
        at_work = world.wait_for(lambda: compressing(world), 60.0, "somebody who compresses")
        before = len(archives(world))
        for pid in at_work:
            try:
                os.kill(pid, 9)
                killed += 1
            except ProcessLookupError:
                continue
        world.kill(world.writer())
        world.wait_for(lambda so_far=before: len(archives(world)) > so_far, 60.0, "a fresh one")
    world.stop()
    out, err = world.finish(program)
    told = [line for line in err.splitlines() if "it was killed by signal 9; they stay" in line]
    assert ("", told) == (out, err.splitlines())  # of a writer that has seen it before its own end
    assert settled(world)
    proof.check(world.log, world.acks)

    assert killed
    assert 4 <= len(archives(world))
    assert {0o640} == {stat.S_IMODE(path.stat().st_mode) for path in proof.log_files(world.log)}
    assert not [name for name in os.listdir(world.log.parent) if name.endswith(".new")]


def test_an_earlier_run_left_archives(world):
    """Another run's rules hold for them at its start: compressed, and deleted beyond its limit."""
    world.run(
        """
        mplog.configure(LOG, rotation="20 KB", retention=None)
        proof.Producer("first", padding=300).events(300)
        """
    )
    world.gone()
    before = len(archives(world))
    world.run(
        """
        mplog.configure(LOG, rotation="20 KB", retention=3, compression="gzip")
        proof.Producer("second").event()
        """
    )
    assert settled(world)
    proof.check(world.log, world.acks, retired=True)

    assert before > 4
    assert 3 == len(archives(world))


@pytest.mark.needs_root
def test_the_owner_of_the_file_owns_the_next_one(world):
    """A file that was made for somebody else stays theirs across rotation and compression."""
    world.log.touch(0o640)
    os.chown(world.log, 65534, 65533)
    world.run(
        """
        mplog.configure(LOG, rotation="20 KB", retention=None, mode="0640", compression="gzip")
        proof.Producer("one", padding=300).events(200)
        """
    )
    assert settled(world)
    world.check()
    found = [path.stat() for path in proof.log_files(world.log)]

    assert len(found) > 3
    assert {(65534, 65533, 0o640)} == {
        (one.st_uid, one.st_gid, stat.S_IMODE(one.st_mode)) for one in found
    }

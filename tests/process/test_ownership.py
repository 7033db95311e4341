"""One file has one service: whoever comes from another place is told whose it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import proof
import pytest

pytestmark = pytest.mark.process

OWNER = 'mplog.configure(LOG)\nproof.Producer("owner").events(10)\nsys.stdin.readline()\n'
# Only now, with all modules loaded: where they lie may be for root alone.
GIVE_UP_ROOT = """
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
"""
INTRUDER = """
try:
    mplog.configure(LOG, service="intruder")
except mplog.FileOwnedError as error:
    print(error)
else:
    print("not refused")
"""


@pytest.fixture
def world(world, shm, wait_for):
    """Every user may enter: pytest closes its folders again with each session that begins."""
    place = Path(tempfile.mkdtemp(prefix="mplog-test-"))
    place.chmod(0o755)
    made = type(world)(place, shm, wait_for)
    made.log.parent.mkdir()
    yield made
    made.close()
    shutil.rmtree(place)


@pytest.fixture
def owner(world):
    program = world.start(OWNER)
    world.noted(10)
    world.fresh_file()
    yield
    world.go_on(program)
    assert ("", "") == world.finish(program)
    assert 10 == world.check().events


def refused(world, out):
    assert str(world.log) in out
    assert "not refused" not in out
    assert str(world.directory) in out


def test_another_service_is_refused_a_file_that_is_owned(owner, world):
    """The same directory, another name: the message names the file, the service and its place."""
    out, _ = world.run(INTRUDER)
    refused(world, out)


def test_another_directory_is_refused_too(owner, world):
    """MPLOG_DIR elsewhere."""
    other = world.directory.with_name(world.directory.name + "-other")
    other.mkdir(mode=0o700)
    try:
        out, _ = world.run(INTRUDER, MPLOG_DIR=str(other))
    finally:
        left = os.listdir(other)
        other.rmdir()
    refused(world, out)

    assert [] == left


@pytest.mark.needs_root
def test_another_uid_is_refused_too(owner, world):
    """Somebody who may write beside the log, with shared memory of his own."""
    own = world.directory.with_name(world.directory.name + "-nobody")
    world.log.parent.chmod(0o777)
    own.mkdir(mode=0o700)
    os.chown(own, 65534, 65534)
    try:
        out, _ = world.run(GIVE_UP_ROOT + INTRUDER, MPLOG_DIR=str(own))
    finally:
        own.rmdir()
        world.log.parent.chmod(0o755)
    refused(world, out)


@pytest.mark.needs_root
def test_another_mount_namespace_is_refused_too(owner, world):
    """A container with a /dev/shm of its own and the log's directory mounted."""
    out, _ = world.run(
        INTRUDER,
        prefix=[
            *("unshare", "-m", "sh", "-c"),
            'mount -t tmpfs tmpfs /dev/shm && mkdir -m 700 "$MPLOG_DIR" && exec "$@"',
            "sh",
        ],
    )
    refused(world, out)


def test_the_same_service_name_from_elsewhere_is_refused_after_a_while(owner, world):
    """The file's own service in another directory: it may be leaving, so it gets some seconds."""
    other = world.directory.with_name(world.directory.name + "-twin")
    other.mkdir(mode=0o700)
    try:
        out, _ = world.run(INTRUDER.replace(', service="intruder"', ""), MPLOG_DIR=str(other))
    finally:
        other.rmdir()
    refused(world, out)


def test_differences_of_settings_are_told(owner, world):
    """Who comes second with other settings of the service is told, on stderr and by the result."""
    out, err = world.run(
        'print(mplog.configure(LOG, retention=3, rotation="1 MB").differences)', quiet=False
    )

    assert all(key in out and key in err for key in ("retention", "rotation"))
    assert 2 == err.count("mplog: ")
    assert 10 == len(proof.delivered(world.log)["owner"])

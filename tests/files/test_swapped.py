"""A log's directory is replaced by another user's link, before any step of what root does in it:
nothing in the link's directory is touched, and once the log's is back all is done there.
"""

from __future__ import annotations

import contextlib
import os
import shutil

import pytest

from mplog._native import Journal
from mplog.config import Retention
from mplog.event.event import Event, Stamped
from mplog.files import rotation
from mplog.files.active import ActiveFile
from mplog.files.archive import archive_name, list_archives
from mplog.files.compress import compress_all
from mplog.files.retention import retire
from mplog.resilience import segment
from mplog.resilience.spool import Spool
from mplog.resilience.spool_rules import SpoolRules
from mplog.resilience.store import held
from mplog.ring.ownership import take_ownership
from mplog.sinks.base import Outgoing

NOBODY = 65_534
NOW_NS = 1_795_000_000 * 10**9
ACTIVE = "app.jsonl"
SPOOL = f".{ACTIVE}.spool-far"
STEPS = (
    "open", "stat", "lstat", "unlink", "rename", "replace", "scandir", "listdir", "mkdir",
    "statvfs",
)  # fmt: skip
LINE = '{"timestamp":"2026-11-22T08:00:00.000000000Z","session":"s","seq":%d}\n'


class Place:
    """A log with two archives, and a directory that has files of the same names."""

    def __init__(self, root):
        self.log, self.moved, self.theirs = root / "log", root / "moved", root / "theirs"
        self.log.mkdir()
        for generation in (1, 2):
            name = archive_name(ACTIVE, generation, generation * 10**9)
            (self.log / name).write_text(LINE % generation)
        (self.log / ACTIVE).write_text(LINE % 3)
        (self.log / SPOOL).mkdir(mode=0o700)
        shutil.copytree(self.log, self.theirs)
        (self.theirs / SPOOL / segment.name_of(1)).write_text("theirs")
        for name in (f".{ACTIVE}.new", f".{archive_name(ACTIVE, 1, 0)}.gz.new", ".other"):
            (self.theirs / name).write_text("theirs")
        self.before = self.look()

    def look(self):
        """All that is to be seen of the other directory."""
        found = {}
        for path in (self.theirs, *self.theirs.rglob("*")):
            now = path.lstat()
            what = (now.st_ino, now.st_mtime_ns, now.st_ctime_ns, now.st_mode, now.st_nlink)
            found[path.name] = what, path.read_bytes() if path.is_file() else b""
        return found

    def swap(self):
        """Another user's link leads to the other directory."""
        self.log.rename(self.moved)
        self.log.symlink_to(self.theirs)
        os.lchown(self.log, NOBODY, NOBODY)

    def back(self):
        """The log's directory is where it was."""
        self.log.unlink()
        self.moved.rename(self.log)

    def names(self):
        """What is in the log's directory."""
        return sorted(str(path.relative_to(self.log)) for path in self.log.rglob("*"))


def rotate(place, shm):
    """As the writer does, and as the next one goes on."""
    journal = Journal(str(shm), "shop", 1 << 16)
    if journal.rotation is None and len(list_archives(place.log, ACTIVE)) == 2:
        with contextlib.closing(ActiveFile(place.log / ACTIVE, 0o600)) as file:
            journal.set_file(file.dev, file.ino, file.size(), 0)
            rotation.begin(journal, file, 0o600, NOW_NS)
    if journal.rotation is not None:
        done = rotation.finish(journal, place.log / ACTIVE, 0o600, None)
        done.file.close()
        if done.problem is not None:
            raise done.problem


def retention(place, shm):
    """One archive is to stay."""
    retire(place.log, ACTIVE, Retention(count=1), {"s"}, on_disk=True)


def compression(place, shm):
    """Of all archives."""
    compress_all(place.log, ACTIVE, "gzip")


def room(place, shm):
    """Whether there is any."""
    if not rotation.has_room_beside(place.log / ACTIVE):
        raise PermissionError("another user's symbolic link")


def begin(place, shm):
    """A new file, and the lock beside it."""
    lock = take_ownership(place.log / ACTIVE, "shop", shm)
    assert lock is not None
    os.close(lock)
    ActiveFile(place.log / ACTIVE, 0o600).close()


def spool(place, shm):
    """Events on their way to a sink, over several segments."""
    rules = SpoolRules(max_bytes=20_000, segment_bytes=200)
    with contextlib.closing(Spool(place.log / SPOOL, rules)) as queue:
        queue.open()
        for seq in range(queue.next, 9):
            stamped = Stamped(NOW_NS, 20, 0, 0, "s", seq, 7, "p")
            queue.append([held(Outgoing(stamped, Event("shop", "x")))])
        queue.ack(len(queue.read(5 - queue.position, 1 << 20)), 0.0)


def attempt(action, place, shm):
    """What the system said to it; empty when it is done."""
    try:
        action(place, shm)
    except OSError as error:
        return str(error)
    return ""


class Steps:
    """Counts calls of the system, and swaps before the n-th."""

    def __init__(self, monkeypatch, place, n):
        self.left, self._place = n, place
        for name in STEPS:
            monkeypatch.setattr(os, name, self._step(getattr(os, name)))
        noreplace = self._step(rotation.rename_noreplace)
        monkeypatch.setattr(rotation, "rename_noreplace", noreplace)

    def _step(self, call):
        def step(*args, **keys):
            self.left -= 1
            if self.left == 0:
                self._place.swap()
            return call(*args, **keys)

        return step


@pytest.mark.needs_root
@pytest.mark.parametrize("action", [rotate, retention, compression, room, begin, spool])
def test_nothing_behind_another_users_link_is_touched(tmp_path, shm, monkeypatch, action):
    """Whatever is under way goes on where it has begun, or is refused until the link is gone."""
    (tmp_path / "plain" / "shm").mkdir(parents=True)
    plain = Place(tmp_path / "plain")
    action(plain, tmp_path / "plain" / "shm")
    fired, refused, n = True, 0, 0
    while fired:
        n += 1
        root = tmp_path / str(n)
        (root / "shm").mkdir(parents=True)
        place = Place(root)
        with monkeypatch.context() as patched:
            steps = Steps(patched, place, n)
            told = attempt(action, place, root / "shm")
        refused += told != ""
        assert not told or "another" in told
        fired = steps.left <= 0
        assert place.before == place.look()
        if fired:
            place.back()
            action(place, root / "shm")
        assert plain.names() == place.names()

    assert n > 10
    assert 0 < refused < n - 1

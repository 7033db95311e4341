"""Archives never collide, whatever stands where one is to go."""

from __future__ import annotations

import os

from mplog._native import Journal
from mplog.files import rotation
from mplog.files.active import ActiveFile
from mplog.files.archive import archive_name, list_archives

NOW_NS = 1_795_000_000 * 10**9


def rotated(shm, log, between=lambda: None):
    """Rotate *log* once; what `between` does happens after the archive has got its name."""
    journal, file = Journal(str(shm), "shop", 1 << 16), ActiveFile(log, 0o600)
    journal.set_file(file.dev, file.ino, file.size(), 0)
    rotation.begin(journal, file, 0o600, NOW_NS)
    between()
    done = rotation.finish(journal, log, 0o600, {})
    file.close()
    done.file.close()
    return done.archive


def test_a_name_that_is_taken_is_left_to_its_file(shm, logdir):
    """What somebody has put there meanwhile stays as it is; the archive gets the next name."""
    log = logdir / "app.jsonl"
    log.write_bytes(b'{"seq":1}\n')
    planned = logdir / archive_name("app.jsonl", 1, NOW_NS)
    archive = rotated(shm, log, lambda: planned.write_bytes(b"not ours\n"))

    assert b"not ours\n" == planned.read_bytes()
    assert archive_name("app.jsonl", 2, NOW_NS) == archive
    assert b'{"seq":1}\n' == (logdir / archive).read_bytes()


def test_two_rotations_of_one_second_leave_two_archives(shm, logdir):
    """The number in the name makes the difference."""
    log = logdir / "app.jsonl"
    for text in (b"one\n", b"two\n"):
        log.write_bytes(text)
        rotated(shm, log)
        os.unlink(next(shm.glob("*.journal")))
    contents = [(logdir / one.name).read_bytes() for one in list_archives(logdir, "app.jsonl")]

    assert [b"one\n", b"two\n"] == contents

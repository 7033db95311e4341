"""A rotation beside whoever compresses its archive at once."""

from __future__ import annotations

import pytest

from mplog._native import Journal
from mplog.files import rotation
from mplog.files.active import ActiveFile
from mplog.files.archive import archive_name
from mplog.files.compress import compress_all
from mplog.files.manifest import SessionRange, load, manifest_path

NOW_NS = 1_795_000_000 * 10**9
LINE = b'{"session":"s","seq":1}\n'


@pytest.mark.parametrize("known", [None, {"s": SessionRange(1, 1, 1)}], ids=["read", "known"])
def test_an_archive_that_is_compressed_at_once_is_noted_all_the_same(
    shm, logdir, monkeypatch, known
):
    """Between getting its name and being noted in the manifest it becomes a compressed one."""
    log = logdir / "app.jsonl"
    log.write_bytes(LINE)
    journal, file = Journal(str(shm), "shop", 1 << 16), ActiveFile(log, 0o600)
    journal.set_file(file.dev, file.ino, file.size(), 0)
    rotation.begin(journal, file, 0o600, NOW_NS)
    put_new = rotation._put_new

    def compressed_first(path):
        compress_all(logdir, log.name, "gzip")
        put_new(path)

    monkeypatch.setattr(rotation, "_put_new", compressed_first)
    done = rotation.finish(journal, log, 0o600, known)
    file.close()
    done.file.close()
    archive = archive_name(log.name, 1, NOW_NS)
    entry = load(manifest_path(logdir, log.name)).entries[archive]

    assert [f"{archive}.gz"] == [path.name for path in logdir.glob("app.*.gz")]
    assert (archive, None) == (done.archive, done.problem)
    assert {"s": SessionRange(1, 1, 1)} == entry.sessions

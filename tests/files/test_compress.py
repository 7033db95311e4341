"""Archives become compressed ones, once, whole, and with all that a file has beside its bytes."""

from __future__ import annotations

import errno
import gzip
import json
import os
import stat
import threading

import pytest

from mplog import _native
from mplog.config import Retention
from mplog.files import compress
from mplog.files.archive import archive_name, list_archives
from mplog.files.compress import BUSY, NO_LIBRARY, Busy, compress_all, first_plain, main
from mplog.files.compression import ENDINGS
from mplog.files.manifest import Entry, SessionRange, append, load, manifest_path
from mplog.files.retention import retire
from mplog.files.verify import verify
from mplog.ring.ownership import COMPRESSES, lock_path, take_ownership

LONG_AGO_NS = 1_000_000_000 * 10**9 + 123_456_789


def event(n):
    return json.dumps({"timestamp": f"{n:030}", "session": "s", "seq": n}) + "\n"


@pytest.fixture
def log(tmp_path):
    """An active file and three archives of ten events each."""
    for generation in (1, 2, 3):
        first = generation * 10 - 9
        path = tmp_path / archive_name("app.jsonl", generation, 0)
        path.write_text("".join(event(n) for n in range(first, first + 10)))
        path.chmod(0o640)
        os.utime(path, ns=(LONG_AGO_NS, LONG_AGO_NS + generation))
        held = {"s": SessionRange(first, first + 9, 10)}
        entry = Entry(path.name, generation, path.stat().st_size, held)
        append(manifest_path(tmp_path, "app.jsonl"), entry)
    (tmp_path / "app.jsonl").write_text(event(31))
    return tmp_path / "app.jsonl"


def names(log):
    return sorted(path.name for path in log.parent.iterdir() if path.name.startswith("app."))


def packed(generation, ending=".gz"):
    return archive_name("app.jsonl", generation, 0) + ending


@pytest.mark.parametrize("kind", list(ENDINGS))
def test_every_archive_is_compressed(log, kind):
    """And the plain ones are gone; the log is as complete as before."""
    compress_all(log.parent, log.name, kind)
    report = verify([log])

    assert [packed(n, ENDINGS[kind]) for n in (1, 2, 3)] + ["app.jsonl"] == names(log)
    assert (31, 0, []) == (report.events, report.exit_code, report.unreadable)


def test_mode_owner_and_time_are_those_of_the_archive(log):
    """Under any umask."""
    before = (log.parent / archive_name("app.jsonl", 2, 0)).stat()
    mask = os.umask(0o777)
    try:
        compress_all(log.parent, log.name, "gzip")
    finally:
        os.umask(mask)
    after = (log.parent / packed(2)).stat()

    assert 0o640 == stat.S_IMODE(after.st_mode)
    assert LONG_AGO_NS + 2 == after.st_mtime_ns
    assert (before.st_uid, before.st_gid) == (after.st_uid, after.st_gid)


@pytest.mark.needs_root
def test_somebody_elses_archive_stays_theirs(log):
    """A writer that is root keeps the owner of each."""
    os.chown(log.parent / archive_name("app.jsonl", 1, 0), 65534, 65533)
    compress_all(log.parent, log.name, "gzip")
    found = (log.parent / packed(1)).stat()

    assert (65534, 65533, 0o640) == (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def test_a_group_that_cannot_be_given_gets_no_rights(log, monkeypatch):
    """The file would be open to another group than before."""
    monkeypatch.setattr(compress, "own", lambda fd, like: False)
    compress_all(log.parent, log.name, "gzip")

    assert 0o600 == stat.S_IMODE((log.parent / packed(1)).stat().st_mode)


def test_what_a_killed_run_has_left_is_made_anew(log):
    """Half a file under a hidden name goes; one beside its plain one is not believed."""
    (log.parent / f".{packed(1)}.new").write_bytes(b"half")
    (log.parent / f".{packed(9, '.zst')}.new").write_bytes(b"of an archive that is gone")
    (log.parent / packed(2)).write_bytes(b"by somebody else, half done")
    (log.parent / ".app.jsonl.new").write_text("not ours to delete")
    compress_all(log.parent, log.name, "gzip")

    hidden = {name for name in os.listdir(log.parent) if name.endswith(".new")}
    assert {".app.jsonl.new"} == hidden
    assert "".join(event(n) for n in range(11, 21)).encode() == gzip.decompress(
        (log.parent / packed(2)).read_bytes()
    )
    assert 0 == verify([log]).exit_code


def test_while_both_are_there_nothing_counts_twice(log):
    """A kill between the two leaves both; the plain one is read, as one generation."""
    plain = log.parent / archive_name("app.jsonl", 1, 0)
    (log.parent / packed(1)).write_bytes(gzip.compress(plain.read_bytes()))
    report = verify([log])

    assert (31, 0, 0) == (report.events, report.doubled, report.exit_code)


def test_other_files_are_left_alone(log):
    """Archives of other logs, folders, and the active file."""
    others = ["app.old.19700101T000000Z.000001.jsonl", "app.jsonl.1", "b.19700101T000000Z.000001"]
    for name in others:
        (log.parent / name).write_text("x")
    (log.parent / archive_name("app.jsonl", 7, 0)).mkdir()
    compress_all(log.parent, log.name, "gzip")

    assert all((log.parent / name).read_text() == "x" for name in others)
    assert (log.parent / archive_name("app.jsonl", 7, 0)).is_dir()
    assert event(31) == log.read_text()


def test_a_link_is_not_followed_and_holds_up_no_other(log, tmp_path_factory):
    """It stays, and so does what it leads to; the error is told at the end."""
    precious = tmp_path_factory.mktemp("other") / "precious"
    precious.write_text("x")
    link = log.parent / archive_name("app.jsonl", 1, 0)
    link.unlink()
    link.symlink_to(precious)

    with pytest.raises(OSError, match="symbolic") as caught:
        compress_all(log.parent, log.name, "gzip")
    assert errno.ELOOP == caught.value.errno
    assert link.is_symlink()
    assert [packed(2), packed(3)] == [name for name in names(log) if name.endswith(".gz")]


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "fchmod"])
def test_a_failed_step_leaves_the_plain_archive(log, monkeypatch, call):
    """A full disk, a failed fsync: nothing stays of the compressed one, and it goes again."""
    before = names(log)

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match="space"):
            compress_all(log.parent, log.name, "gzip")
    assert before == names(log)
    assert not [name for name in os.listdir(log.parent) if name.endswith(".new")]
    compress_all(log.parent, log.name, "gzip")
    assert first_plain(log.parent, log.name) is None


def test_an_archive_that_still_grows_is_left(log, monkeypatch):
    """Somebody appends to it meanwhile: what was compressed would not be all."""
    plain = log.parent / archive_name("app.jsonl", 1, 0)
    fsync = os.fsync

    def appended(fd):
        with plain.open("a") as file:
            file.write(event(99))
        fsync(fd)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", appended)
        with pytest.raises(OSError, match="being written"):
            compress_all(log.parent, log.name, "gzip")
    assert plain.read_text().endswith(event(99))
    assert not (log.parent / packed(1)).exists()


@pytest.mark.parametrize("step", ["fsync", "replace", "unlink"])
def test_retention_at_any_step_deletes_it(log, monkeypatch, step):
    """What retention claims while it is compressed is gone in both forms when both are done."""
    done = []

    def retired_first(*arguments):
        if not done:
            done.append(True)
            monkeypatch.setattr(os, step, real)
            retire(log.parent, log.name, Retention(count=2), {"s"})
            monkeypatch.setattr(os, step, retired_first)
        return real(*arguments)

    real = getattr(os, step)
    monkeypatch.setattr(os, step, retired_first)
    compress_all(log.parent, log.name, "gzip")
    monkeypatch.setattr(os, step, real)

    assert [packed(2), packed(3), "app.jsonl"] == names(log)
    assert 1 == load(manifest_path(log.parent, log.name)).retired.archives
    assert 0 == verify([log]).exit_code


def test_retired_archives_are_not_compressed(log):
    """A kill has left their files: they are for retention to delete."""
    retire(log.parent, log.name, Retention(count=2), {"s"})
    (log.parent / archive_name("app.jsonl", 1, 0)).write_text(event(1))
    compress_all(log.parent, log.name, "gzip")

    assert (log.parent / archive_name("app.jsonl", 1, 0)).exists()
    assert [2, 3] == [a.generation for a in list_archives(log.parent, log.name) if a.compression]


def test_only_one_is_at_work(log, monkeypatch):
    """Another one waits a little, and then leaves it to the first."""
    monkeypatch.setattr(compress, "WAIT_S", 0.0)
    fd = os.open(lock_path(log), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        assert _native.lock(fd, COMPRESSES)
        with pytest.raises(Busy):
            compress_all(log.parent, log.name, "gzip")
        assert BUSY == main(["gzip", str(log)])
    finally:
        os.close(fd)
    assert 0 == main(["gzip", str(log)])


def test_the_writers_lock_is_another_one(log):
    """The writer holds its own bytes of the same file all the time."""
    fd = take_ownership(log, "shop", "/dev/shm/shop")
    assert fd is not None
    try:
        compress_all(log.parent, log.name, "gzip")
    finally:
        os.close(fd)
    assert first_plain(log.parent, log.name) is None


@pytest.fixture(autouse=True)
def _no_lower_priority(monkeypatch):
    monkeypatch.setattr(os, "nice", lambda by: 0)


def test_exit_codes(log, monkeypatch):
    """For the writer: what went wrong, by errno, or that a library is missing."""
    monkeypatch.setattr("mplog.files.compression.ZSTD_LIBRARIES", ("no_such_package.zstd",))
    assert NO_LIBRARY == main(["zstd", str(log)])
    log.parent.joinpath(archive_name("app.jsonl", 1, 0)).unlink()
    log.parent.joinpath(archive_name("app.jsonl", 1, 0)).symlink_to("nowhere")
    assert errno.ELOOP == main(["gzip", str(log)])


def test_verify_reads_on_while_archives_are_compressed(log):
    """Names change under it: it takes the set again, and finds every event once."""
    reports = []
    reader = threading.Thread(target=lambda: reports.extend(verify([log]) for _ in range(5)))
    reader.start()
    compress_all(log.parent, log.name, "gzip")
    reader.join()

    assert [(31, 0)] * 5 == [(report.events, report.exit_code) for report in reports]

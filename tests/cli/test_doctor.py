"""`mplog doctor`: each finding is brought about, and has a verdict, a meaning and an advice."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from mplog import _native
from mplog.cli import facts, main
from mplog.cli.facts import Facts, Place
from mplog.cli.findings import FAIL, MIB, OK, WARN, decide

ROOT = Path(__file__).parents[2]
WELL = Place(
    path="/dev/shm/mplog-7", size_bytes=8192 * MIB, free_bytes=4096 * MIB, mode=0o700, uid=7
)
LOCKLESS = msgspec.structs.replace(WELL, locks=None, error="No space left on device")
GOOD = Facts(
    euid=7,
    shared=WELL,
    log=msgspec.structs.replace(WELL, path="/var/log/shop"),
    clock_state=0,
    wall_s=time.time(),
    versions={"kernel": "6.18.1", "python": "3.11.7", "msgspec": "0.20", "mplog": "0.1.0"},
)


def changed(**changes):
    """The good machine with something else about it; `shared_…` and `log_…` of a place."""
    found = GOOD
    for name, value in changes.items():
        part, _, field = name.partition("_")
        if part in ("shared", "log") and field:
            there = msgspec.structs.replace(getattr(found, part), **{field: value})
            found = msgspec.structs.replace(found, **{part: there})
        else:
            found = msgspec.structs.replace(found, **{name: value})
    return found


def test_a_good_machine_has_no_findings():
    """All is OK, and nothing is advised."""
    assert {OK} == {one.verdict for one in decide(GOOD)}
    assert {""} == {one.do for one in decide(GOOD)}


CASES = [
    ({"shared_locks": False}, "shared memory: locks", FAIL),
    ({"shared_locks": None}, "shared memory: locks", FAIL),
    ({"log_locks": False}, "log: locks", FAIL),
    ({"shared_free_bytes": 4 * MIB}, "shared memory: room", WARN),
    ({"shared_free_bytes": 1000}, "shared memory: room", FAIL),
    ({"shared_size_bytes": 64 * MIB}, "shared memory: room", WARN),
    ({"shared_mode": 0o755}, "shared memory: privacy", FAIL),
    ({"shared_uid": 8}, "shared memory: privacy", FAIL),
    ({"others": (("shop", 1, False),)}, "shared memory: stale", WARN),
    ({"others": (("shop", 1, True),)}, "shared memory: layout", WARN),
    ({"log_free_bytes": MIB}, "log: room", WARN),
    ({"log_file_problem": "is a symbolic link"}, "log: file", FAIL),
    ({"more_logs": (LOCKLESS,)}, "log: locks", FAIL),
    ({"overflow": LOCKLESS}, "overflow: locks", FAIL),
    ({"overflow": msgspec.structs.replace(WELL, mode=0o755)}, "overflow: privacy", FAIL),
    ({"log_open_to_all": ("/var/log/shop",)}, "log: permissions", WARN),
    ({"log_open_to_all": ("/srv",), "euid": 0, "shared_uid": 0}, "log: permissions", FAIL),
    ({"limits": {"RLIMIT_FSIZE": 1000}}, "limits: RLIMIT_FSIZE", WARN),
    ({"limits": {"RLIMIT_NOFILE": 64}}, "limits: RLIMIT_NOFILE", WARN),
    ({"limits": {"RLIMIT_AS": 100 * MIB}}, "limits: RLIMIT_AS", WARN),
    ({"cgroup": {"memory": 64 * MIB, "memory_used": 60 * MIB}}, "cgroup: memory", WARN),
    ({"cgroup": {"pids": 10, "pids_used": 9}}, "cgroup: pids", WARN),
    ({"wall_s": 1000.0}, "clock: wall", FAIL),
    ({"clock_step_ns": -2_000_000_000}, "clock: wall", WARN),
    ({"clock_state": 5}, "clock: kernel", WARN),
    ({"versions": {"kernel": "4.13.16"}}, "versions: kernel", FAIL),
]


@pytest.mark.parametrize(("changes", "subject", "verdict"), CASES, ids=str)
def test_each_finding_has_its_verdict(changes, subject, verdict):
    """It alone changes, and says what it means and what to do."""
    worse = [one for one in decide(changed(**changes)) if one.verdict != OK]

    assert [(subject, verdict)] == [(one.subject, one.verdict) for one in worse]
    assert worse[0].found
    assert worse[0].means
    assert worse[0].do


@pytest.mark.parametrize(
    ("changes", "subject", "found", "means"),
    [
        ({"cgroup": {"memory": 512 * MIB, "memory_used": 12 * MIB}}, "cgroup: memory",
         "500 MiB of 512 MiB left", ""),
        ({"cgroup": {"pids": 100, "pids_used": 9}}, "cgroup: pids", "91 of 100 left", ""),
        ({"versions": {"kernel": "6.1.0-18-amd64"}}, "versions: kernel", "6.1.0-18-amd64",
         "how a worker died cannot always be told (from 6.15 on it can)"),
    ],
)  # fmt: skip
def test_what_is_well_is_told_as_it_is(changes, subject, found, means):
    """With what it means, where it means anything; there is nothing to do."""
    (one,) = [one for one in decide(changed(**changes)) if one.subject == subject]

    assert (OK, found, means, "") == (one.verdict, one.found, one.means, one.do)


def test_a_file_system_that_does_not_answer_is_a_finding(tmp_path, monkeypatch):
    """A network mount whose server is gone: the directory's own error is told."""

    def gone(path):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))

    monkeypatch.setattr(facts.os, "statvfs", gone)
    found = decide(msgspec.structs.replace(GOOD, log=facts.place(tmp_path)))
    (locks,) = [one for one in found if one.subject == "log: locks"]

    assert FAIL == locks.verdict
    assert f"{tmp_path} cannot be written" == locks.found
    assert os.strerror(errno.ESTALE) in locks.do


def test_a_directory_behind_one_that_is_closed_is_a_finding(shm, as_nobody):
    """This user may not even see whether it is there."""
    closed = shm / "closed"
    closed.mkdir()
    shm.chmod(0o755)
    closed.chmod(0)
    with as_nobody():
        place = facts.place(closed / "inner" / "deeper")
    closed.chmod(0o700)
    found = decide(msgspec.structs.replace(GOOD, shared=place))
    (locks,) = [one for one in found if one.subject == "shared memory: locks"]

    assert (False, None) == (place.writable, place.locks)
    assert (FAIL, True) == (locks.verdict, os.strerror(errno.EACCES) in locks.do)


def test_a_file_system_without_locks_is_noticed(tmp_path, monkeypatch):
    """It refuses them, as some network file systems do."""

    def refused(fd, byte):
        raise RuntimeError(os.strerror(errno.ENOLCK), -errno.ENOLCK)

    monkeypatch.setattr(facts._native, "lock", refused)

    assert facts.place(tmp_path).locks is False


def test_a_clock_that_cannot_be_asked_has_no_state(monkeypatch):
    """A Python without a C library to load has no adjtimex."""

    def none(name, **more):
        raise OSError("Dynamic loading not supported")

    monkeypatch.setattr(facts.ctypes, "CDLL", none)

    assert facts.clock_state() is None


def test_what_cannot_be_asked_is_no_finding():
    """A kernel that does not tell its clock's state, and a container without limits."""
    assert {OK} == {one.verdict for one in decide(changed(clock_state=None, cgroup={}))}


def test_a_directory_that_is_there(tmp_path):
    """Locks are tried, nothing stays, and its mode and owner are its own."""
    tmp_path.chmod(0o700)
    place = facts.place(tmp_path)

    assert (True, True, True) == (place.there, place.writable, place.locks)
    assert (0o700, os.geteuid()) == (place.mode, place.uid)
    assert [] == os.listdir(tmp_path)
    assert 0 < place.free_bytes <= place.size_bytes


def test_a_directory_that_is_not_there_yet(tmp_path):
    """The one above it is looked at; nothing is made."""
    place = facts.place(tmp_path / "a" / "b")

    assert (False, True, -1) == (place.there, place.locks, place.mode)
    assert [] == os.listdir(tmp_path)


def test_a_directory_that_anybody_may_write_to(tmp_path):
    """Itself with a sticky bit or without, one above it without."""
    above, log = tmp_path / "above", tmp_path / "above" / "log"
    log.mkdir(parents=True)
    above.chmod(0o777)
    assert (str(above),) == facts.place(log).open_to_all
    above.chmod(0o1777)
    assert () == facts.place(log).open_to_all
    assert (str(above),) == facts.place(above).open_to_all
    assert () == facts.place(above / "to be made").open_to_all


def test_limits_of_a_cgroup_are_the_least_on_the_way_up(tmp_path):
    """Version 2: `max` is none; the directory above may be the tighter one."""
    inner = tmp_path / "unit" / "inner"
    inner.mkdir(parents=True)
    own = tmp_path / "own"
    own.write_text("0::/unit/inner\n")
    for folder, limit in ((inner, "max"), (tmp_path / "unit", "1000000"), (tmp_path, "2000000")):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("77\n")
    (inner / "pids.max").write_text("12\n")

    assert {
        "memory": 1_000_000, "memory_used": 77, "pids": 12, "pids_used": None,
    } == facts.cgroup(tmp_path, own)  # fmt: skip


def test_limits_of_a_cgroup_of_version_1(tmp_path):
    """Each controller has a tree of its own; a number near 2^63 is no limit."""
    own = tmp_path / "own"
    own.write_text("4:memory:/box\n3:pids:/box\n2:cpu,cpuacct:/\n")
    for name, limit in (("memory", "memory.limit_in_bytes"), ("pids", "pids.max")):
        (tmp_path / name / "box").mkdir(parents=True)
        (tmp_path / name / "box" / limit).write_text("500\n")
        (tmp_path / name / limit).write_text("9223372036854771712\n")

    assert (500, 500) == tuple(facts.cgroup(tmp_path, own)[name] for name in ("memory", "pids"))


def doctor(*prefix, words=(), **environment):
    """The findings of a program of its own, by subject, and its exit code."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "mplog", "doctor", "--json", *words], cwd=ROOT,
        env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)["findings"]
    return {one["subject"]: one["verdict"] for one in found}, done.returncode


def test_a_limit_is_that_of_the_shell():
    """`ulimit` is inherited."""
    found, _ = doctor("sh", "-c", 'ulimit -f 1000; ulimit -n 100; exec "$@"', "sh")

    assert (WARN, WARN) == (found["limits: RLIMIT_FSIZE"], found["limits: RLIMIT_NOFILE"])


@pytest.mark.needs_root
@pytest.mark.parametrize(("size", "verdict"), [("64m", WARN), ("4m", WARN), ("512k", FAIL)])
def test_a_small_shared_memory_is_noticed(size, verdict):
    """A tmpfs of that size on /dev/shm, in a mount namespace of its own."""
    script = f'mount -t tmpfs -o size={size} tmpfs /dev/shm && unset MPLOG_DIR && exec "$@"'
    found, code = doctor("unshare", "-m", "sh", "-c", script, "sh")

    assert verdict == found["shared memory: room"]
    assert (verdict == FAIL) == (code == 1)


def test_with_strict_a_warning_ends_with_1_too():
    """And without any finding it is 0."""
    found, code = doctor("sh", "-c", 'ulimit -n 100; exec "$@"', "sh", words=["--strict"])
    assert WARN in found.values()

    assert int(bool({WARN, FAIL} & set(found.values()))) == code


def test_a_directory_open_to_everybody_is_noticed(tmp_path):
    """chmod 0777 on the log's directory."""
    (tmp_path / "log").mkdir()
    (tmp_path / "log").chmod(0o777)
    found, _ = doctor(words=["--log", str(tmp_path / "log" / "app.jsonl")])

    assert (FAIL if os.geteuid() == 0 else WARN) == found["log: permissions"]


def test_a_place_that_is_not_private_is_noticed(shm):
    """chmod 0755 on the directory of the shared memory; repaired it is OK."""
    shm.chmod(0o755)
    assert (FAIL, 1) == (doctor()[0]["shared memory: privacy"], doctor()[1])
    shm.chmod(0o700)
    assert OK == doctor()[0]["shared memory: privacy"]


def test_what_another_version_has_left_is_noticed(shm):
    """A file of another layout, which nobody holds."""
    (shm / f"shop.{_native.ABI + 1}.bell").write_bytes(b"\0" * 4096)

    assert WARN == doctor()[0]["shared memory: stale"]


def test_people_read_what_to_do(shm, capsys):
    """Each finding that is not OK has its meaning and its advice below it."""
    shm.chmod(0o755)
    assert 1 == main.main(["doctor"])
    out = capsys.readouterr().out
    shm.chmod(0o700)

    assert "FAIL  shared memory: privacy" in out
    assert f"what to do:  chmod 0700 {shm}" in out

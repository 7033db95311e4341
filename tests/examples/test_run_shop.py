"""The driver of `make run`: it touches nothing foreign, and a whole run proves itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import run_shop
from driver import kills, server, service

PROGRAM = Path(run_shop.__file__)


@pytest.fixture
def no_service(monkeypatch):
    """`mplog status` names no service."""
    monkeypatch.setattr(service, "find", lambda file: None)


def test_directory_with_foreign_files_is_left_alone(tmp_path, no_service):
    """A directory that no run has made is refused, and what lies in it stays."""
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(run_shop.Unusable, match="no earlier run has left it"):
        run_shop.prepare(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_directory_of_an_earlier_run_is_emptied(tmp_path, no_service):
    """Files, directories and links go; what a link points at stays."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    run = run_shop.prepare(tmp_path / "run")
    (run / "shop.jsonl").touch()
    (run / "customers").mkdir()
    (run / "customers" / "customer-0.jsonl").touch()
    (run / "link").symlink_to(outside)
    run_shop.prepare(run)

    assert [path.name for path in run.iterdir()] == [run_shop.MARK]
    assert (outside / "kept").exists()


def test_directory_of_a_living_service_is_refused(tmp_path, monkeypatch):
    """Files are not taken away from a writer that lives."""
    monkeypatch.setattr(service, "find", lambda file: {"writer": {"pid": os.getpid()}})
    (tmp_path / run_shop.MARK).touch()

    with pytest.raises(run_shop.Unusable, match=f"writer {os.getpid()}"):
        run_shop.prepare(tmp_path)


@pytest.mark.parametrize("option", ["--seconds=0", "--clients=0", "--workers=-1", "--seconds=x"])
def test_senseless_options_are_usage_errors(option, capsys):
    """Exit status 2 and a line that names the option."""
    with pytest.raises(SystemExit, match="2"):
        run_shop.parse([option])
    assert option.partition("=")[0] in capsys.readouterr().err


def test_nothing_of_an_outer_service_reaches_the_server(monkeypatch):
    """`MPLOG_…` and gunicorn's own variables stay behind; the segments' directory goes along."""
    monkeypatch.setenv("MPLOG_SERVICE", "outer")
    monkeypatch.setenv("MPLOG_DIR", "/dev/shm/mine")
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--daemon")
    names = {name for name in server.environment() if name.startswith(("MPLOG", "GUNICORN"))}

    assert names == {"MPLOG_DIR"}


def test_run_that_takes_too_long_is_given_up():
    """The last resort interrupts whatever is waiting."""
    with pytest.raises(server.Failed, match="not done within"), run_shop.whole_run_limit(0.05):
        signal.sigtimedwait([signal.SIGUSR2], 60)


def test_stamp_compares_with_those_of_the_files():
    """Nanoseconds are written out in full, so that text order is time order."""
    assert kills._stamp(1_795_335_952_000_000_007) == "2026-11-22T08:25:52.000000007Z"


def test_tail_follows_over_a_rotation(tmp_path):
    """Lines before and after a rotation come once each; half a line waits for its end."""
    path = tmp_path / "shop.jsonl"
    path.write_bytes(b'{"n": 0}\n')
    tail = kills.Tail(path)
    with open(path, "ab") as active:
        active.write(b'{"n": 1}\n{"n":')
        active.flush()
        first = tail.events()
        active.write(b" 2}\n")
    path.rename(tmp_path / "shop.old")
    path.write_bytes(b'{"n": 3}\n')
    second = tail.events()
    tail.close()

    assert (first, second) == ([{"n": 1}], [{"n": 2}, {"n": 3}])


def test_log_that_is_not_there_fails_the_run(tmp_path):
    """A writer that has written nothing so far is told as that, not as a missing file."""
    with pytest.raises(server.Failed, match="has not written"):
        kills.Tail(tmp_path / "shop.jsonl")


def test_master_telling_of_the_death_is_no_successor(tmp_path, monkeypatch):
    """The kill is over when a worker that was not there before has logged, not the master."""
    master, victim, successor = 1, os.getpid(), 77
    file = tmp_path / "shop.jsonl"
    file.touch()
    alive = {victim}
    logged = []

    def log(pid: int) -> None:
        logged.append(pid)
        with open(file, "a") as active:
            active.write(f'{{"seq": 1, "process.pid": {pid}}}\n')

    def killed(_victim: object) -> float:
        alive.remove(victim)
        alive.add(successor)
        log(master)
        return 0.0

    monkeypatch.setattr(kills, "_kill", killed)
    monkeypatch.setattr(kills.time, "sleep", lambda _seconds: log(successor))
    gunicorn = SimpleNamespace(pid=master, workers=lambda: set(alive))
    kill = kills.kill_worker(gunicorn, file, 0.0)

    assert (kill.pid, kill.new_pid) == (victim, successor)
    assert logged == [master, successor]


def test_killing_is_noticed_by_the_very_process():
    """A killed child that nobody has waited for does not live."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        kills._kill(service.psutil.Process(child.pid))
        assert child.wait(10) == -signal.SIGKILL
    finally:
        child.kill()
        child.wait(10)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ({"missing": 1, "doubled": 2, "torn": 3}, (1, 2, 3)),
        ({"totals": {"missing": 0, "duplicated": 0, "torn": 4}}, (0, 0, 4)),
        ({"missing": [], "duplicated": ["a"], "torn": []}, (0, 1, 0)),
    ],
)
def test_verdict_is_read_where_it_stands(said, counts):
    """Counts and lists, at the top or among the totals."""
    assert service.Verdict(0, said).counts() == counts


def test_verdict_without_a_count_is_no_verdict():
    """Silence is not zero."""
    with pytest.raises(server.Failed, match="nothing of missing"):
        service.Verdict(0, {"torn": 0}).counts()


def run(arguments: list[str], directory: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """The driver as `make run` calls it."""
    return subprocess.run(
        [sys.executable, str(PROGRAM), "--dir", str(directory), *arguments],
        env=env,
        cwd=directory.parent,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


@pytest.mark.process
def test_short_run_with_both_kills_proves_itself(tmp_path, private):
    """gunicorn, customers, two kills: exit status 0 and nothing missing, duplicated or torn."""
    done = run(["--seconds=3", "--clients=2", "--workers=2"], tmp_path / "run", private)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 missing, 0 duplicated, 0 torn" in done.stdout
    assert "worker" in done.stdout
    assert "writer" in done.stdout
    assert done.stdout.endswith("result     all as it should be\n")


@pytest.mark.process
@pytest.mark.parametrize("signal_sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_no_process(tmp_path, private, signal_sent):
    """A signal in the middle ends gunicorn, customers and service."""
    running = subprocess.Popen(
        [sys.executable, str(PROGRAM), "--dir", str(tmp_path / "run"), "--seconds=60"],
        env=private,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    ends_s = time.monotonic() + 60
    while not list((tmp_path / "run" / "customers").glob("*")) and time.monotonic() < ends_s:
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(signal_sent)

    assert running.wait(60) == 130
    # The fixture sees that nobody has stayed.


@pytest.mark.process
def test_run_after_a_killed_one_is_not_held_against_it(tmp_path, private):
    """What a killed run has left in shared memory is finished before its directory is emptied."""
    directory = tmp_path / "run"
    directory.mkdir()
    (directory / run_shop.MARK).touch()
    file = str(directory / "shop.jsonl")
    # A service that is killed whole, with a session that nobody has ended.
    left = (
        "import json, os, signal, subprocess, sys, mplog\n"
        "mplog.configure(sys.argv[1])\n"
        "mplog.get_logger('left').info('before')\n"
        "assert mplog.flush(60)\n"
        "told = subprocess.check_output([sys.executable, '-m', 'mplog', 'status', '--json'])\n"
        "(found,) = json.loads(told)['services']\n"
        "for role in ('supervisor', 'writer'):\n"
        "    os.kill(found[role]['pid'], signal.SIGKILL)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", left, file], env=private, check=False)
    assert killed.returncode == -signal.SIGKILL

    done = run(["--seconds=1", "--clients=1", "--workers=1", "--no-kill"], directory, private)
    assert done.returncode == 0, done.stdout + done.stderr

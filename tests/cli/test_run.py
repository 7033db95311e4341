"""`mplog run`: the command runs whatever befalls its log, and gets the signals that are meant for
it.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import progress
import pytest

from mplog.cli import exits, main
from mplog.cli import run as module
from mplog.files.verify import verify
from mplog.ring.ownership import take_ownership

ROOT = Path(__file__).parents[2]
LOGS = "import mplog; mplog.get_logger('a').info('one')"


def mplog_run(log, program, **variables):
    """What `mplog run` made of a program: exit code, output, errors."""
    words = [sys.executable, "-m", "mplog", "run", "--log", str(log), "--"]
    done = subprocess.run(
        [*words, sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, progress.without(done.stderr)


@pytest.fixture
def handlers():
    """The test's own signal handlers are there again afterwards."""
    numbers = [*module._FORWARDED, signal.SIGINT]
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.process
def test_a_command_logs_without_a_word_of_its_own(shm, logdir):
    """It finds the service, and its exit code is passed on."""
    log = logdir / "app.jsonl"

    assert (3, "", "") == mplog_run(log, f"{LOGS}; raise SystemExit(3)")
    assert 1 == verify([log]).events


@pytest.mark.process
def test_a_command_runs_where_no_shared_memory_can_be_had(logdir):
    """Told once; what it logs goes where an unconfigured program's does."""
    place = logdir / "file"
    place.touch()
    program = "import os; print(os.environ.get('MPLOG_SERVICE')); raise SystemExit(3)"
    code, out, err = mplog_run(
        logdir / "app.jsonl", program, MPLOG_DIR=str(place / "shm"), MPLOG_SERVICE="outer"
    )

    assert (3, "None\n") == (code, out)
    assert 1 == err.count("no shared memory for logging")


@pytest.mark.process
def test_a_command_is_not_run_on_the_file_of_another_service(shm, logdir):
    """Its events would go where somebody else's go."""
    log = logdir / "app.jsonl"
    fd = take_ownership(log, "another", shm)
    code, out, err = mplog_run(log, "print('it runs')")
    os.close(fd)

    assert (exits.FAILURE, "") == (code, out)
    assert "another" in err


@pytest.mark.process
def test_a_command_decides_itself_what_an_interrupt_means(shm, logdir):
    """SIGINT is not handed down as ignored."""
    program = "import signal; print(signal.getsignal(signal.SIGINT))"
    _, out, _ = mplog_run(logdir / "app.jsonl", program)

    assert "default_int_handler" in out


def test_a_signal_before_the_command_has_started_reaches_it(handlers, monkeypatch):
    """It is kept for it, and ends nobody else."""
    sent = []

    class Child:
        def send_signal(self, number):
            sent.append(number)

        def wait(self):
            return -signal.SIGTERM

    def start(words, env):
        os.kill(os.getpid(), signal.SIGTERM)
        return Child()

    monkeypatch.setattr(module.subprocess, "Popen", start)

    assert 128 + signal.SIGTERM == module.Command().run(["true"], {})
    assert [signal.SIGTERM] == sent


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_is_ignored_stays_so(handlers, number):
    """nohup mplog run … is nohup for the command too, and so it is behind a shell's `&`."""
    signal.signal(number, signal.SIG_IGN)
    command = module.Command()
    status = command.run([sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})"], {})
    command.interruptible()

    assert 0 == status
    assert signal.SIG_IGN == signal.getsignal(number)


def test_without_a_command_there_is_nothing_to_run(capsys):
    """Wrong usage, with what would be right."""
    with pytest.raises(SystemExit) as left:
        main.main(["run", "--log", "app.jsonl", "--"])

    assert exits.USAGE == left.value.code
    assert "no command is given: mplog run --log" in capsys.readouterr().err


@pytest.fixture
def unlogged(handlers, logdir, monkeypatch):
    """`mplog run` in this process, with no way to shared memory."""
    monkeypatch.setenv("MPLOG_CONSOLE", "")  # it sets one itself: taken back afterwards

    def full(settings):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "create", full)
    return lambda *words: main.main(["run", "--log", str(logdir / "app.jsonl"), *map(str, words)])


def test_a_command_that_is_not_there_is_told_as_a_shell_does(unlogged, capfd):
    """127, with its name."""
    assert module.NOT_FOUND == unlogged("--", "no-such-command-anywhere")
    assert "mplog run: no-such-command-anywhere: no such command\n" in capfd.readouterr().err


def test_a_command_that_cannot_be_run_is_told_as_a_shell_does(unlogged, logdir, capfd):
    """126: a file that is no program."""
    (logdir / "notes").write_text("no program")

    assert module.CANNOT_RUN == unlogged("--", logdir / "notes")
    assert f"mplog run: {logdir / 'notes'} cannot be run: Permission" in capfd.readouterr().err


def test_a_full_shared_memory_keeps_a_command_only_from_its_log(unlogged, capfd):
    """It runs, and is told; with --on-error=stop it does not."""
    assert 3 == unlogged("--", sys.executable, "-c", "print('ran'); exit(3)")
    out, err = capfd.readouterr()
    assert "ran\n" == out
    assert "no shared memory for logging" in err
    assert "No space left on device" in err

    assert exits.FAILURE == unlogged("--on-error=stop", "--", sys.executable, "-c", "print('ran')")
    assert "" == capfd.readouterr().out


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_after_the_command_ends_the_wait_for_its_log(
    shm, logdir, handlers, monkeypatch, number
):
    """The exit code is the command's all the same."""
    waits = []

    def wait(connection, timeout_s):
        waits.append(timeout_s)
        os.kill(os.getpid(), number)
        pytest.fail("it goes on waiting")

    monkeypatch.setattr(module, "drain_at_exit", wait)
    words = ["run", "--log", str(logdir / "app.jsonl"), "--", sys.executable, "-c", "exit(3)"]

    assert 3 == main.main(words)
    assert [module.DRAIN_S] == waits

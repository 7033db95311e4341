"""The three descriptors a command is started with may be closed, full, or read by nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mplog
from mplog.cli import exits
from mplog.config import service_name
from mplog.ring import presence

WRONG = "levle = 1\n"
TARGETS = ("stderr", "stdout")


def shell(line, *words, **more):
    """Run `mplog` in a shell's *line*, where it is "$@", as programs of their own."""
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "mplog", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, **more
    )  # fmt: skip


@pytest.fixture
def wrong(tmp_path):
    """A TOML file with an unknown key."""
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    return path


@pytest.fixture
def right(tmp_path):
    """A TOML file in which all is right."""
    path = tmp_path / "right.toml"
    path.write_text("file = '/tmp/ü.jsonl'\n")
    return path


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_is_closed_changes_no_verdict(wrong, right, closed):
    """The exit code says it where nothing can be shown, and no fault of ours is told."""
    fine = shell(f'"$@" {closed}', "check", right)
    bad = shell(f'"$@" {closed}', "check", wrong)
    absent = shell(f'"$@" {closed}', "verify", wrong.parent / "absent.jsonl")

    assert [0, exits.USAGE, 3] == [one.returncode for one in (fine, bad, absent)]
    assert "" == fine.stderr
    assert not any("MPL-I001" in one.stderr for one in (fine, bad, absent))


def test_what_is_told_never_goes_to_stdout(wrong):
    """Not even where stderr is closed."""
    assert "" == shell('"$@" 2>&-', "check", wrong).stdout


@pytest.mark.process
@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- >&- 2>&-"])
def test_a_closed_console_is_no_other_file(shm, logdir, served, closed):
    """What `mplog serve` shows people is written into nothing that it has opened itself: the
    service stays what it is.
    """
    log = logdir / "app.jsonl"
    bell = served(f'exec "$@" >/dev/null {closed}', log)
    before = bell.read_bytes()[:64]
    mplog.configure(log)
    assert all(mplog.get_logger("closed").info("event") for _ in range(5))
    assert mplog.flush(timeout=60)
    found = shell('"$@"', "rotate", "--dir", shm, log)

    assert before == bell.read_bytes()[:64]
    assert (0, "", "") == (found.returncode, found.stdout, found.stderr)


@pytest.fixture
def served(shm, logdir, wait_for):
    """`served(line, log)`: `mplog serve` in that line of a shell, with sinks for both consoles; its
    bell. It is ended afterwards, and so is logging here.
    """
    begun = []
    name = service_name(logdir / "app.jsonl")

    def begin(line, log):
        config = logdir / "serve.toml"
        sinks = [f'{{type = "console", target = "{one}", name = "to-{one}"}}' for one in TARGETS]
        config.write_text(f'file = "{log}"\nsinks = [{", ".join(sinks)}]\n')
        command = ["sh", "-c", line, "sh", sys.executable, "-m", "mplog", "serve", "--config"]
        begun.append(subprocess.Popen([*command, str(config)], stderr=subprocess.DEVNULL))
        wait_for(lambda: (found := presence(shm, name)) and found.writer, 20.0, "the service")
        (bell,) = shm.glob("*.bell")
        return bell

    yield begin
    mplog.shutdown(timeout=60)
    for one in begun:
        one.terminate()
        assert 0 == one.wait(60)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["check"], ["--version"], ["--help"], ["reopen"]])
def test_a_full_disk_behind_stdout_is_told(right, words, unbuffered):
    """Once, with the place, and by the exit code."""
    words = [*words, *([right] if not words[0].startswith("-") else [])]
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = shell('"$@" > /dev/full', "--json-errors", *words, env=environ)
    told = json.loads(done.stderr)

    assert exits.FAILURE == done.returncode
    assert ("MPL-S001", "standard output") == (told["code"], told["context"]["path"])
    assert "standard output" in told["text"]


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["serve", "--help"]])
def test_a_reader_that_goes_away_from_a_help_text_is_no_traceback(words):
    """141, as of every command."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "mplog", *words], stdout=writer, stderr=subprocess.PIPE,
        text=True, timeout=60, check=False, env={**os.environ, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    os.close(writer)

    assert (exits.PIPE, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("words", [["check", "absent.toml"], ["no-such-command"]])
def test_a_reader_that_goes_away_from_stderr_changes_no_exit_code(tmp_path, words):
    """It is what the command has found."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "mplog", *words], stdout=subprocess.PIPE, stderr=writer,
        cwd=tmp_path, timeout=60, check=False, env={**os.environ, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    os.close(writer)

    assert (exits.USAGE, b"") == (done.returncode, done.stdout)


@pytest.mark.parametrize("words", [["check"], ["check", "--explain"], ["reopen"]])
def test_what_the_encoding_has_not_is_shown_by_its_number(right, words):
    """A name of a file may hold anything; it is no reason not to answer."""
    environ = {**os.environ, "PYTHONIOENCODING": "ascii:strict"}
    named = right.rename(right.with_name("ü.toml"))
    done = shell('"$@"', *words, named, env=environ)

    assert (0, "") == (done.returncode, done.stderr)
    assert "\\xfc" in done.stdout


@pytest.mark.parametrize("words", [["verify"], ["reopen"], ["rotate"]])
def test_a_current_directory_that_is_gone_is_told(tmp_path, words):
    """By that name, where a path is relative."""
    gone = tmp_path / "gone"
    gone.mkdir()
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    done = shell('rmdir ../gone && "$@"', *words, "app.jsonl", cwd=gone, env=environ)

    assert exits.FAILURE == done.returncode
    assert "the current directory is no longer there" in done.stderr

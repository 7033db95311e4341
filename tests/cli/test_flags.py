"""The flags and exit codes that every command has, and the page that lists them."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from mplog.cli import exits, main
from mplog.cli.reference import markdown

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "cli.md"


def mplog(*words, **more):
    """Run the command as a program of its own."""
    return subprocess.run(
        [sys.executable, "-m", "mplog", *map(str, words)], cwd=ROOT, capture_output=True,
        text=True, timeout=60, check=False, **more,
    )  # fmt: skip


@pytest.fixture
def config(tmp_path):
    """Write a TOML file and return its path."""
    path = tmp_path / "app.toml"

    def write(text):
        path.write_text(text)
        return str(path)

    return write


def test_the_page_is_made_from_the_parsers():
    """docs/reference/cli.md is what the commands say of themselves."""
    assert PAGE.read_text() == markdown(), "run: make reference"


def test_every_command_has_its_exit_codes_told():
    """In the table, and below its help."""
    for name in main.COMMANDS:
        assert exits.OWN[name]
        assert "exit codes:" in exits.epilog(name)


def test_the_flags_may_stand_before_the_command(config):
    """`mplog --json-errors check F` is `mplog check --json-errors F`."""
    wrong = config("level = 'LOUD'\n")
    before, behind = (
        mplog("--json-errors", "check", wrong), mplog("check", "--json-errors", wrong)
    )  # fmt: skip

    assert (2, 2) == (before.returncode, behind.returncode)
    assert behind.stderr == before.stderr
    assert "MPL-C001" == json.loads(before.stderr)["code"]


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_the_flags(name, capsys):
    """--log-level, --log-file and --json-errors."""
    module = importlib.import_module(f"mplog.cli.{name}")
    with pytest.raises(SystemExit):
        main.parser_of(name, module).parse_args([name, "--help"])
    shown = capsys.readouterr().out

    assert all(flag in shown for flag in ("--log-level", "--log-file", "--json-errors"))


def test_an_error_is_one_line_of_json(config, capsys):
    """With code, kind, text, hint and context, and nothing else on stderr."""
    assert 2 == main.main(["check", "--json-errors", config("levle = 1\nmode = 'x'")])
    out, err = capsys.readouterr()
    found = json.loads(err)

    assert "" == out
    assert ["code", "context", "hint", "kind", "text"] == sorted(found)
    assert ("MPL-C001", "usage") == (found["code"], found["kind"])
    assert 2 == len(found["context"]["problems"])


def test_what_is_no_error_is_not_told_among_lines_of_json(tmp_path, capsys):
    """A program that reads stderr gets errors alone; the file gets all."""
    log = tmp_path / "diagnostics.log"
    flags = ["--json-errors", "--log-file", str(log)]
    assert 0 == main.main(["recover", *flags, "--dir", str(tmp_path / "none")])

    assert ("", "") == capsys.readouterr()
    assert "no shared memory of another version" in log.read_text()


def test_the_version_is_told(capsys, monkeypatch):
    """Also where nothing is installed, and the sources run from where they are."""

    def absent(name):
        raise metadata.PackageNotFoundError(name)

    for told in (
        f"mplog {metadata.version('mplog')}\n",
        "mplog (not installed: run from its sources)\n",
    ):
        with pytest.raises(SystemExit) as left:
            main.main(["--version"])
        assert (0, told) == (left.value.code or 0, capsys.readouterr().out)
        monkeypatch.setattr(metadata, "version", absent)


def test_importing_the_program_runs_nothing(monkeypatch):
    """A spawned worker of whoever runs `python -m mplog …` imports it again, under another name."""
    monkeypatch.setattr(sys, "argv", ["mplog", "verify"])

    assert main.main is importlib.import_module("mplog.__main__").main


def test_wrong_usage_is_json_too(capsys):
    """argparse has no page of its own to print then."""
    with pytest.raises(SystemExit) as left:
        main.main(["check", "--json-errors", "--levle"])

    assert 2 == left.value.code
    assert "MPL-U001" == json.loads(capsys.readouterr().err)["code"]


def test_the_flags_of_a_command_that_is_run_are_its_own(tmp_path, monkeypatch, capsys):
    """--json-errors behind `--` is not for mplog."""
    with pytest.raises(SystemExit):
        main.main(["run", "--levle", "--", "true", "--json-errors"])

    assert "usage: mplog" in capsys.readouterr().err


def test_diagnostics_go_into_a_file(config, tmp_path, capsys):
    """With time, level and command; in debug also what was called, and where it failed."""
    log = tmp_path / "diagnostics.log"
    path = config("levle = 1")
    flags = ["--log-file", str(log), "--log-level", "debug"]
    assert 2 == main.main(["check", *flags, path])
    lines = log.read_text().splitlines()

    assert all(" mplog check: " in line for line in lines)
    assert "begins:" in lines[0]
    assert any("ERROR mplog check: " in line and "levle" in line for line in lines)
    assert any("DEBUG mplog check: Traceback" in line for line in lines)
    assert "ends: exit code 2" in lines[-1]
    assert 0o600 == log.stat().st_mode & 0o777
    assert "Traceback" not in capsys.readouterr().err


def test_diagnostics_are_not_written_through_a_link(config, tmp_path, capsys):
    """A link at their path is refused, and told."""
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    assert 2 == main.main(["check", "--log-file", str(tmp_path / "link"), config("mode = 0o600")])

    assert "--log-file" in capsys.readouterr().err
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("bad", ["no/such/folder/file", ".", "fifo"])
def test_a_file_of_diagnostics_that_cannot_be_had_is_told_in_json(config, tmp_path, capsys, bad):
    """Before anything is done; a pipe that nobody reads is not waited for."""
    os.mkfifo(tmp_path / "fifo")
    flags = ["--json-errors", "--log-file", str(tmp_path / bad)]
    assert 2 == main.main(["check", *flags, config("mode = 0o600")])
    out, err = capsys.readouterr()

    assert "" == out
    assert "MPL-U001" == json.loads(err)["code"]
    assert str(tmp_path / bad) in json.loads(err)["text"]


def test_a_file_of_diagnostics_that_gets_full_keeps_no_command_from_its_work(config, capsys):
    """That is told once, and what the command has found as well."""
    flags = ["--json-errors", "--log-file", "/dev/full"]
    assert 2 == main.main(["check", *flags, config("levle = 1")])
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    assert ["MPL-S001", "MPL-C001"] == [one["code"] for one in told]


def test_flags_are_given_whole(config, capsys):
    """Half a name is unknown: the errors of a command line that is wrong itself have a form too."""
    for words in (["--json-err", "check"], ["check", "--log-fi", "x"], ["check", "--expl"]):
        with pytest.raises(SystemExit) as left:
            main.main([*words, config("mode = 0o600")])
        assert 2 == left.value.code
        assert "usage: mplog" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(TypeError("of ours"), "MPL-I001"), (OSError(28, "No space left"), "MPL-S001")],
)
def test_what_nobody_has_foreseen_is_told_without_a_traceback(
    monkeypatch, config, capsys, error, code
):
    """125, one line with a code; at debug the traceback too."""

    def broken(args):
        raise error

    monkeypatch.setattr("mplog.cli.check.run", broken)
    path = config("mode = 0o600")
    assert exits.FAILURE == main.main(["check", path])
    first = capsys.readouterr().err
    assert exits.FAILURE == main.main(["check", "--log-level", "debug", path])

    assert 1 == len(first.splitlines())
    assert code in first
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_traceback(config):
    """`mplog check … | head -0`: 141, and nothing on stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "mplog", "check", config("mode = 0o600")], cwd=ROOT,
        stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    os.close(writer)

    assert (exits.PIPE, "") == (done.returncode, done.stderr)


def test_an_interrupt_is_no_traceback(monkeypatch, config, capsys):
    """130, and nothing on stderr."""

    def interrupted(args):
        raise KeyboardInterrupt

    monkeypatch.setattr("mplog.cli.check.run", interrupted)

    assert exits.INTERRUPTED == main.main(["check", config("mode = 0o600")])
    assert ("", "") == capsys.readouterr()


def test_verify_stops_at_the_first_file_or_goes_on(tmp_path, capsys):
    """--on-error=stop does not look at the second file; continue tells both."""
    files = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    assert 3 == main.main(["verify", "--on-error=stop", *files])
    stopped = capsys.readouterr().err
    assert 3 == main.main(["verify", *files])
    went_on = capsys.readouterr().err

    assert (1, 2) == (len(stopped.splitlines()), len(went_on.splitlines()))
    assert "b.jsonl" not in stopped


def test_serve_leaves_at_once_where_it_could_not_write(tmp_path):
    """--on-error=stop names the directory that is none; nothing is started."""
    (tmp_path / "blocked").write_text("in the way")
    done = mplog(
        "serve", "--on-error=stop", "--json-errors", "--log", tmp_path / "blocked" / "app.jsonl"
    )
    found = json.loads(done.stderr)

    assert exits.FAILURE == done.returncode
    assert ("MPL-T005", "target") == (found["code"], found["kind"])


@pytest.mark.parametrize(("flag", "code"), [("continue", 0), ("stop", exits.FAILURE)])
def test_run_without_shared_memory(tmp_path, monkeypatch, flag, code):
    """continue: the command runs, and it is told; stop: it does not."""
    (tmp_path / "blocked").write_text("in the way")
    done = mplog(
        "run", f"--on-error={flag}", "--log", tmp_path / "app.jsonl", "--", "echo", "it ran",
        env={**os.environ, "MPLOG_DIR": str(tmp_path / "blocked")},
    )  # fmt: skip

    assert (code, "it ran\n" if code == 0 else "") == (done.returncode, done.stdout)
    assert "MPL-S006" in done.stderr


def test_recover_goes_on_with_the_others(monkeypatch, tmp_path, capsys):
    """--on-error=continue tells the one that is refused, and writes out the other."""
    from mplog.cli import recover
    from mplog.errors import UsageError

    def refuse(relic):
        if relic == "sick":
            raise UsageError("it is sick")

    written = []
    monkeypatch.setattr(recover, "relics", lambda directory, service: ["sick", "well"])
    monkeypatch.setattr(recover, "_refuse", refuse)
    monkeypatch.setattr(recover, "_write", lambda output, found: written.extend(found) or 3)
    assert 2 == main.main(["recover", "--dir", str(tmp_path)])
    assert [] == written
    assert 2 == main.main(["recover", "--dir", str(tmp_path), "--on-error=continue"])

    assert ["well"] == written
    assert 2 == capsys.readouterr().err.count("it is sick")

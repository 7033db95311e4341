"""`mplog check` and the front it is called through."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mplog.cli import check, main
from mplog.config import KEYS
from mplog.errors import SegmentError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path):
    """Write a TOML file and return its path."""

    def write(text):
        path = tmp_path / "app.toml"
        path.write_text(text)
        return str(path)

    return write


def test_right_file_is_shown(config, capsys):
    """Every setting stands there with its value and origin; exit code 0."""
    path = config('file = "/var/log/app.jsonl"\nrotation = "20 MiB"')
    assert main.main(["check", path]) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    shown = {key: " ".join(rest.split()) for key, rest in lines}
    assert set(shown) == set(KEYS)
    assert shown["file"] == f"/var/log/app.jsonl {path}: file"
    assert shown["rotation"] == f"20 MiB {path}: rotation"
    assert shown["level"] == "INFO default"


def test_right_file_as_json(config, capsys):
    """--json has the value, its text and its origin for each key."""
    path = config("mode = 0o640")
    assert main.main(["check", "--json", path]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["settings"]["mode"] == {
        "value": 0o640,
        "text": "0640",
        "origin": f"{path}: mode",
    }


def test_wrong_file_tells_everything(config, capsys):
    """All problems stand on stderr with their places, nothing on stdout; exit code 2."""
    path = config('levle = 1\nrotation = "1 dya"')
    assert main.main(["check", path]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("mplog check: 2 settings are wrong [MPL-C001]:\n")
    assert f"  {path}: levle: there is no such setting; did you mean level?\n" in err
    assert f'  {path}: rotation: "1 dya" is no size, interval or time' in err


def test_wrong_file_as_json(config, capsys):
    """--json tells the problems on stdout too, for programs."""
    path = config("levle = 1")
    assert main.main(["check", "--json", path]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "ok": False,
        "problems": [
            {
                "place": f"{path}: levle",
                "found": "there is no such setting",
                "right": "did you mean level?",
            }
        ],
    }


def test_environment_is_not_looked_at(config, monkeypatch):
    """A file is right or wrong whatever the shell has set."""
    monkeypatch.setenv("MPLOG_LEVEL", "no level")
    assert main.main(["check", config("")]) == 0


@pytest.mark.parametrize("argv", [[], ["chek"], ["check"], ["check", "a", "b"], ["--nothing"]])
def test_wrong_usage_exits_2(argv, capsys):
    """Wrong arguments are told on stderr with exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main.main(argv)
    assert caught.value.code == 2
    assert "usage: mplog" in capsys.readouterr().err


def test_help_names_every_command(capsys):
    """--help has all commands and the exit codes, without importing any command."""
    with pytest.raises(SystemExit) as caught:
        main.main(["--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(f"    {name} " in text for name in main.COMMANDS)
    assert "125  mplog itself failed" in text


def test_version(capsys):
    """--version prints one line."""
    with pytest.raises(SystemExit) as caught:
        main.main(["--version"])
    assert caught.value.code == 0
    assert f"mplog {main.version()}\n" == capsys.readouterr().out


def raise_segment_error(_):
    raise SegmentError("no room")


def raise_interrupt(_):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("run", "code", "told"),
    [
        (raise_segment_error, 125, "mplog check: no room. "),
        (raise_interrupt, 130, ""),
        (lambda _: 7, 7, ""),
    ],
)
def test_exit_codes(run, code, told, monkeypatch, capsys):
    """An error of the machine is 125, an interrupt 130, a command's own code its own."""
    monkeypatch.setattr(check, "run", run)
    assert code == main.main(["check", "x"])
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.process
def test_reader_that_goes_away(config):
    """A closed pipe ends the command with 141 and without a traceback."""
    reader, output = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "mplog", "check", config("")]
    done = subprocess.run(
        command, cwd=ROOT, stdout=output, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(output)
    assert (141, b"") == (done.returncode, done.stderr)


@pytest.mark.process
def test_check_imports_no_writer(config):
    """A check loads neither the writer nor another command."""
    program = (
        "import sys; from mplog.cli.main import main; main(['check', sys.argv[1]]); "
        "print([name for name in sys.modules if name.startswith(('mplog.writer', 'mplog.cli.'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, config("")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    modules = done.stdout.splitlines()[-1]
    assert modules == (
        "['mplog.cli.exits', 'mplog.cli.streams', 'mplog.cli.diagnostics', 'mplog.cli.main', "
        "'mplog.cli.check']"
    )

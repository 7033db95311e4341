"""Settings that hold secrets: from a file that the environment names, and told to nobody."""

from __future__ import annotations

import json

import pytest

from mplog.cli.main import main
from mplog.config.differences import differences
from mplog.config.key import NOT_SHOWN
from mplog.config.load import load
from mplog.config.schema import KEYS, Settings
from mplog.config.wrong import WrongValue, show
from mplog.errors import ConfigError

CANARY = "canary-9d41"
URL = f"tcp://ann:{CANARY}@logs.example:601"


@pytest.fixture
def secret(tmp_path):
    """`secret(text)`: the path of a file that holds it."""
    written = []

    def write(text):
        path = tmp_path / f"secret{len(written)}"
        path.write_text(text, newline="")
        written.append(path)
        return str(path)

    return write


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_setting_is_read_from_the_file_that_its_variable_names(secret, end):
    """But for one line break at its end; any key may be given so."""
    sinks = '[{"type":"null"}]'
    path = secret(sinks + end)
    loaded = load(environ={"MPLOG_SINKS_FILE": path})
    assert KEYS["sinks"].parse(sinks) == loaded.settings.sinks
    assert f"file of environment variable MPLOG_SINKS_FILE ({path[:60]}" in loaded.origins["sinks"]
    assert 30 == load(environ={"MPLOG_LEVEL_FILE": secret("WARNING")}).settings.level


def test_the_log_file_is_no_such_file(tmp_path):
    """`MPLOG_FILE` names the log; its path may itself stand in a file."""
    log = str(tmp_path / "app.jsonl")
    assert log == load(environ={"MPLOG_FILE": log}).settings.file
    (tmp_path / "named").write_text(log)
    assert log == load(environ={"MPLOG_FILE_FILE": str(tmp_path / "named")}).settings.file


def problem(environ) -> str:
    """What is wrong with it, in all that an error has to say."""
    with pytest.raises(ConfigError) as refused:
        load(environ=environ)
    error = refused.value
    assert error.__cause__ is None
    said = f"{error} {error.args} {error.context} {error.problems}"
    assert CANARY not in said
    return said


def test_a_wrong_value_is_refused_and_not_shown(secret):
    """The variable, the file and what would be right; never what stands in it."""
    said = problem({"MPLOG_SINKS_FILE": secret(f'[{{"type": "{CANARY}"}}]')})
    assert "MPLOG_SINKS_FILE" in said
    assert "a list of tables" in said
    assert "not shown" in problem({"MPLOG_LEVEL_FILE": secret(CANARY)})


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda path: path.unlink(), "No such file"),
        (
            lambda path: path.write_bytes(b"\xff\xfe" + CANARY.encode()),
            "is not UTF-8 text (byte 0)",
        ),
        (lambda path: path.write_bytes(CANARY.encode() * 200_000), "has more than 1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path, make, found):
    """By its name and that of the variable."""
    path = tmp_path / "secret"
    path.write_text(CANARY)
    make(path)
    said = problem({"MPLOG_SINKS_FILE": str(path)})
    assert found in said
    assert "MPLOG_SINKS_FILE" in said


def test_both_ways_at_once_are_refused(secret):
    """Nobody could tell which one counts."""
    said = problem({"MPLOG_LEVEL_FILE": secret(CANARY), "MPLOG_LEVEL": "INFO"})
    assert "MPLOG_LEVEL is set, too" in said


def test_what_comes_from_a_file_is_told_nowhere(secret):
    """Neither as a value, nor as a difference, nor where the command line overrules it."""
    path = secret(f"team={CANARY}")
    loaded = load(environ={"MPLOG_ENRICH_FILE": path}, operator={"enrich": "host"})
    assert NOT_SHOWN in loaded.overruled[0]
    assert CANARY not in str(loaded.overruled)
    loaded = load(environ={"MPLOG_ENRICH_FILE": path, "MPLOG_SPOOL_FILE": secret("1 MiB")})
    assert NOT_SHOWN == loaded.text("spool")
    (told,) = differences(Settings(), loaded.settings, {"spool"}, loaded.origins)
    assert "1 MiB" not in told
    assert NOT_SHOWN in told


def test_passwords_in_values_are_hidden_in_every_message():
    """Of a URL, a pair, a map, an object's repr; also where it is cut."""

    class Holder:
        def __repr__(self):
            return f"Holder(place='{'x' * 40}', password='{CANARY}')"

    long = f"tcp://ann:{CANARY}{'y' * 100}@host"
    for value in (URL, long, {"password": CANARY}, [URL], f"token={CANARY}", Holder()):
        assert CANARY not in show(value)
        assert CANARY not in str(WrongValue(value, "is wrong", "give another"))


def test_check_shows_no_password(tmp_path, capsys):
    """As a table, as JSON, explained, and where something is wrong."""
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    text = f'enrich = ["broker={URL}", "password={CANARY}"]\nfile = "/tmp/app.jsonl"\n'
    good.write_text(text)
    bad.write_text(text + f'sinks = "{URL}"\nrotation = "{URL}"\n')
    for args in ([str(good)], [str(good), "--json"], [str(good), "--explain"]):
        assert 0 == main(["check", *args])
    for args in ([str(bad)], [str(bad), "--json"]):
        assert 0 != main(["check", *args])
    out, err = capsys.readouterr()
    assert CANARY not in out + err
    assert "[redacted]" in out
    document = json.loads(out.splitlines()[-1])
    assert document["ok"] is False


def test_a_difference_hides_passwords():
    """Both of the running service's value and of this caller's."""
    running = Settings(sinks=f'[{{"type":"callable","target":"a:b","name":"token={CANARY}"}}]')
    (told,) = differences(running, Settings(sinks=f"token={CANARY}"), {"sinks"})
    assert CANARY not in told

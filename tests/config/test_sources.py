"""The places settings come from, and their unknown names."""

import os
import sys
import threading
from pathlib import Path

import pytest

from mplog.config import sources
from mplog.config.schema import KEYS
from mplog.config.sources import environment, in_arguments, on_command_line, toml_file

ALL_KEYS = f"the settings are {', '.join(KEYS)}"


def only_problem(source):
    """The one problem of *source*, as text."""
    (problem,) = source.problems
    return str(problem)


def write(path, text):
    """Write *text* to *path* and return it."""
    path.write_text(text)
    return path


def test_handle_and_internal_names_are_no_settings():
    """The inherited handle and internal names neither set anything nor are unknown."""
    names = ["SERVICE", "DIR", "OPERATOR", "BUILD_FAULTS", "FAULT"]
    source = environment({f"MPLOG_{name}": "x" for name in names} | {"mplog_level": "x"})
    assert ({}, []) == (source.values, source.problems)


def test_kubernetes_variables_are_no_settings():
    """A Kubernetes Service named mplog breaks no pod."""
    names = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP_ADDR"]
    assert environment({f"MPLOG_{name}": "10.0.0.1" for name in names}).problems == []


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_every_key_has_a_variable(key):
    """Each key but those of the handle is read from the environment, and its place named."""
    variable = f"MPLOG_{key.name.upper()}"
    source = environment({variable: "x"})
    is_handle = key.name in ("service", "dir")
    assert source.values == ({} if is_handle else {key.name: "x"})
    assert is_handle or source.places == {key.name: f"environment variable {variable}"}


@pytest.mark.parametrize(
    ("variable", "right"),
    [
        ("MPLOG_LEVLE", "did you mean MPLOG_LEVEL?"),
        ("MPLOG_MAXBYTES", "did you mean MPLOG_ROTATION?"),
        ("MPLOG_BACKUP_COUNT", "did you mean MPLOG_RETENTION?"),
        (
            "MPLOG_",
            "the settings are MPLOG_LEVEL, MPLOG_WHEN_FULL, MPLOG_BLOCK_TIMEOUT, MPLOG_OVERFLOW, "
            "MPLOG_OVERFLOW_DIR, MPLOG_MEMORY, MPLOG_REDACT, MPLOG_REDACT_PATTERNS, "
            "MPLOG_ENRICH, MPLOG_UNCAUGHT, MPLOG_FAULTHANDLER, "
            "MPLOG_ON_INTERNAL_ERROR, MPLOG_FILE, "
            "MPLOG_FORMAT, MPLOG_FILE_LEVEL, MPLOG_LEVELS, MPLOG_FILTER, MPLOG_ROTATION, "
            "MPLOG_RETENTION, "
            "MPLOG_COMPRESSION, MPLOG_MODE, MPLOG_FILES, MPLOG_SINKS, "
            "MPLOG_SPOOL, MPLOG_MAX_EVENT_BYTES, MPLOG_CONTEXT_BYTES, "
            "MPLOG_FSYNC, "
            "MPLOG_FSYNC_INTERVAL, MPLOG_DURABLE_LEVEL, MPLOG_DURABLE_TIMEOUT",
        ),
    ],
)
def test_unknown_variables(variable, right):
    """An unknown name is told with the nearest right one, or with all."""
    expected = f"environment variable {variable}: there is no such setting; {right}"
    assert expected == only_problem(environment({variable: "x"}))


def test_variable_named_like_a_handle_is_not_suggested():
    """`name` means service=, which the environment cannot set."""
    assert "did you mean MPLOG_SERVICE" not in only_problem(environment({"MPLOG_NAME": "x"}))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("levle", "configure(levle=…): there is no such setting; did you mean level?"),
        ("filename", "configure(filename=…): there is no such setting; did you mean file?"),
        ("a\nb", f"configure(a\\nb=…): there is no such setting; {ALL_KEYS}"),
        (3, f"configure(3=…): there is no such setting; {ALL_KEYS}"),
    ],
)
def test_unknown_arguments(name, message):
    """An unknown argument is told with the nearest right one, or with all."""
    assert message == only_problem(in_arguments({name: 1}))


def test_another_name_of_the_file_is_not_suggested_for_a_list(tmp_path):
    """`[[sink]]` means sinks, `sink = "app.jsonl"` the file."""
    many = write(tmp_path / "many.toml", "[[sink]]\ntype = 'null'\n")
    one = write(tmp_path / "one.toml", "sink = 'app.jsonl'\n")

    assert "did you mean sinks?" in only_problem(toml_file(many))
    assert "did you mean file?" in only_problem(toml_file(one))


def test_unknown_option():
    """An unknown key of the command line is told as an option."""
    message = only_problem(on_command_line({"levle": 1}))
    assert message.startswith("command line --levle: there is no such setting; did you mean level?")


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("level = 3", ""),
        ("[mplog]\nlevel = 3", "mplog."),
        ("port = 80\n[mplog]\nlevel = 3\n[other]\nx = 1", "mplog."),
        ("[tool.mplog]\nlevel = 3\n[tool.ruff]\nx = 1", "tool.mplog."),
    ],
)
def test_toml_shapes(tmp_path, text, prefix):
    """Settings stand at the top level or in one of two tables; then nothing else is read."""
    path = write(tmp_path / "app.toml", text)
    source = toml_file(path)
    assert ({"level": 3}, []) == (source.values, source.problems)
    assert source.places == {"level": f"{path}: {prefix}level"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[mplog]\n[tool.mplog]",
            " has both [mplog] and [tool.mplog]; keep one of them",
        ),
        ("mplog = 3", " mplog: is not a table; write [mplog], and the settings below it"),
        ("drains = 3", f" drains: there is no such setting; {ALL_KEYS}"),
        ("[drains.a]\nx = 1", f" drains: there is no such setting; {ALL_KEYS}"),
        (
            "[mplog]\nretentoin = 1",
            " mplog.retentoin: there is no such setting; did you mean retention?",
        ),
    ],
)
def test_wrong_toml_shapes(tmp_path, text, message):
    """What stands in the wrong place is told with its place."""
    path = write(tmp_path / "app.toml", text)
    expected = f"{path}:{message}"
    assert expected == only_problem(toml_file(path))


def test_pyproject_without_a_table(tmp_path):
    """A pyproject.toml without [tool.mplog] holds no settings."""
    path = write(tmp_path / "pyproject.toml", "[project]\nname = 'x'")
    expected = f"{path}: has no table [tool.mplog]; add one with the settings of mplog"
    assert expected == only_problem(toml_file(path))


def test_toml_syntax(tmp_path):
    """A broken file is told with the line."""
    message = only_problem(toml_file(write(tmp_path / "app.toml", "level = \nmode = 1")))
    assert ": is not TOML: " in message
    assert "line 1" in message


def test_toml_nested_too_deeply(tmp_path):
    """Nesting beyond the parser's stack is told, not a crash."""
    path = write(tmp_path / "app.toml", "level = " + "[" * 100_000)
    assert only_problem(toml_file(path)).startswith(f"{path}: is n")


def test_toml_integer_too_long(tmp_path):
    """A number beyond the parser's limit is told, not a crash."""
    path = write(tmp_path / "app.toml", "level = " + "9" * 5000)
    assert ": is not TOML: " in only_problem(toml_file(path))


def test_toml_not_utf8(tmp_path):
    """Bytes that are not UTF-8 are told with their place."""
    path = tmp_path / "app.toml"
    path.write_bytes(b"file = '\xff'")
    expected = f"{path}: is not UTF-8 text (byte 8); save it as UTF-8"
    assert expected == only_problem(toml_file(path))


def test_toml_too_large(tmp_path):
    """No more than 1 MiB is read."""
    path = write(tmp_path / "app.toml", "#" * (1024 * 1024 + 1))
    assert ": has more than 1 MiB; " in only_problem(toml_file(path))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.toml", "No such file or directory"),
        (".", "Is a directory"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_toml_cannot_be_read(tmp_path, name, reason):
    """A file that cannot be read is told with the system's reason."""
    expected = f"{tmp_path / name}: cannot be read ({reason}); "
    expected += "give a TOML file that this user can read"
    assert expected == only_problem(toml_file(tmp_path / name))


def test_a_pipe_is_read_to_its_end(tmp_path):
    """As a shell's `<(…)` is, whose writer may take its time."""
    reader, writer = os.pipe()
    sender = threading.Thread(target=_send, args=(writer, [b"level ", b"= 3\n", b"#" * 200_000]))
    sender.start()
    found = toml_file(Path(f"/dev/fd/{reader}"))
    sender.join()
    os.close(reader)

    assert ({"level": 3}, []) == (found.values, found.problems)


def _send(fd, pieces):
    with open(fd, "wb", buffering=0) as pipe:
        for piece in pieces:
            pipe.write(piece)


def test_a_pipe_that_nobody_writes_into_is_told(tmp_path, monkeypatch):
    """It is not waited for for ever; neither where a variable names it."""
    monkeypatch.setattr(sources, "PATIENCE_S", 0.0)
    os.mkfifo(tmp_path / "fifo")
    by_file = only_problem(toml_file(tmp_path / "fifo"))
    by_variable = only_problem(environment({"MPLOG_LEVEL_FILE": str(tmp_path / "fifo")}))

    assert "fifo: cannot be read (nothing comes within 0 s); give a TOML file" in by_file
    assert "): cannot be read (nothing comes within 0 s); name a file" in by_variable


@pytest.mark.parametrize("key", ["FILE", "OVERFLOW_DIR"])
def test_an_empty_path_in_the_environment_is_none(key):
    """As what starts programs leaves it; an empty value of another key is a value."""
    found = environment({f"MPLOG_{key}": "", "MPLOG_ROTATION": ""})

    assert ({"rotation": ""}, []) == (found.values, found.problems)


def test_toml_without_a_parser(tmp_path, monkeypatch):
    """Where Python has no TOML parser, the message says what to install."""
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    path = write(tmp_path / "app.toml", "level = 1")
    expected = f"{path}: cannot be read without tomli; pip install tomli: "
    expected += "Python 3.10 has no reader for TOML of its own"
    assert expected == only_problem(toml_file(path))


def test_the_environment_of_this_process_is_not_read(monkeypatch):
    """Only the mapping that is passed counts."""
    monkeypatch.setitem(os.environ, "MPLOG_LEVEL", "10")
    assert environment({}).values == {}

"""Each setting's parser: what it takes, and how it refuses the rest."""

import enum
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mplog
from mplog.config import values
from mplog.config.schema import KEYS
from mplog.config.wrong import WrongValue

LEVELS = (
    "give a number from 0 to 255, or one of TRACE, DEBUG, INFO, SUCCESS, WARNING, ERROR, CRITICAL, "
    "WARN, FATAL, NOTSET"
)
MODE = (
    'give the permission bits as octal text, "0600" or "0640", or as an int such as 0o640; '
    "the owner must be able to read and write"
)
COMPRESSION = 'give "gzip", "zstd" or "off"'
EVENT = 'give a size from "1 KiB" to "256 KiB"'
MEMORY = 'give a size from "1 MiB" on, or "off"'
NAME = "give 1 to 64 characters out of A-Z a-z 0-9 . _ -, the first one not a dot"
FILE = 'give the path of a log file, such as "logs/app.jsonl"'
DIR = 'give the path of a directory, such as "/dev/shm/my-service"'


class Level(enum.IntEnum):
    LOUD = 40


class Text(str):
    def strip(self, *_):
        raise AssertionError("a method of a subclass was called")


@pytest.mark.parametrize(
    ("key", "value", "parsed"),
    [
        ("level", "info", 20),
        ("level", " Warn ", 30),
        ("level", "35", 35),
        ("level", 0, 0),
        ("level", Level.LOUD, 40),
        ("level", Text("debug"), 10),
        ("when_full", "drop_newest", "drop_newest"),
        ("when_full", "overflow", "overflow"),
        ("when_full", "drop_oldest", "drop_oldest"),
        ("overflow", "1 GiB", 1 << 30),
        ("overflow", 0, 0),
        ("block_timeout", "500 ms", 0.5),
        ("format", "text", "text"),
        ("format", "logfmt", "logfmt"),
        ("format", "shop.lines:tabs", "shop.lines:tabs"),
        ("format", mplog.get_logger, "mplog.producer.logger:get_logger"),
        ("compression", "gzip", "gzip"),
        ("compression", " GZ ", "gzip"),
        ("compression", "zst", "zstd"),
        ("compression", "off", None),
        ("compression", "", None),
        ("compression", None, None),
        ("mode", "0640", 0o640),
        ("mode", "0o600", 0o600),
        ("mode", 0o664, 0o664),
        ("max_event_bytes", "1 KiB", 1024),
        ("max_event_bytes", 262_144, 262_144),
        ("fsync", "interval", "interval"),
        ("fsync", False, "none"),
        ("fsync", "off", "none"),
        ("fsync_interval", "10 ms", 0.01),
        ("durable_level", "error", 40),
        ("durable_level", 0, 0),
        ("durable_level", "off", None),
        ("durable_level", None, None),
        ("durable_timeout", 0, 0.0),
        ("service", "web-1.eu", "web-1.eu"),
        ("dir", "/dev/shm/../shm/x", "/dev/shm/x"),
    ],
)
def test_right_values_are_taken(key, value, parsed):
    """Each key takes its texts and its own type."""
    assert parsed == KEYS[key].parse(value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("level", "LOUD", f'"LOUD" is not a level; {LEVELS}'),
        ("level", "INFOO", f'"INFOO" is not a level; did you mean "INFO"? Else {LEVELS}'),
        ("level", 256, f"256 is outside the levels; {LEVELS}"),
        ("level", True, f"True is not a level; {LEVELS}"),
        ("level", 20.0, f"20.0 is not a level; {LEVELS}"),
        ("level", None, f"None is not a level; {LEVELS}"),
        (
            "when_full",
            "wait",
            '"wait" is not one of the choices; give "overflow" or "block" or "drop_newest" or '
            '"drop_oldest"',
        ),
        (
            "format",
            "xml",
            '"xml" is not one of the choices; give "json" or "logfmt" or "text", '
            '"template:{message}", or the name of a callable, "package.module:object"',
        ),
        (
            "fsync",
            "always",
            '"always" is not one of the choices; give "none" or "interval" or "batch"',
        ),
        ("fsync", True, 'True is not one of the choices; give "none" or "interval" or "batch"'),
        (
            "fsync_interval",
            "1 ms",
            '"1 ms" is too short an interval; give "10 ms" or more; fsync="batch" brings every '
            "batch onto the disk",
        ),
        ("durable_level", "LOUD", f'"LOUD" is not a level; {LEVELS}, or "off" for no call'),
        ("compression", "bz2", f'"bz2" is not one of the choices; {COMPRESSION}'),
        ("compression", True, f"True is not one of the choices; {COMPRESSION}"),
        ("compression", 3, f"3 is not one of the choices; {COMPRESSION}"),
        ("mode", "rw", f'"rw" is not a file mode; {MODE}'),
        ("mode", "0888", f'"0888" is not a file mode; {MODE}'),
        (
            "mode",
            640,
            f"640 has other bits than the permission bits 0o777 (it is 0o1200); {MODE}",
        ),
        ("mode", -1, f"-1 has other bits than the permission bits 0o777; {MODE}"),
        ("mode", "0400", f'"0400" does not let the owner read and write; {MODE}'),
        ("mode", None, f"None is not a file mode; {MODE}"),
        ("memory", "16 KiB", f'"16 KiB" is out of range; {MEMORY}'),
        ("memory", "2048 TiB", f'"2048 TiB" is out of range; {MEMORY}'),
        ("overflow", "5 GiB", '"5 GiB" is out of range; give a size up to "4 GiB"'),
        ("max_event_bytes", 1023, f"1023 is out of range; {EVENT}"),
        ("max_event_bytes", "1 MiB", f'"1 MiB" is out of range; {EVENT}'),
        ("service", ".web", f'".web" is not a service name; {NAME}'),
        ("service", "a/b", f'"a/b" is not a service name; {NAME}'),
        ("service", "web\n", f'"web\\n" is not a service name; {NAME}'),
        ("service", "x" * 65, f'"{"x" * 60}…" is not a service name; {NAME}'),
        ("service", 3, f"3 is not a service name; {NAME}"),
        ("file", 3, f"3 is not a path; {FILE}"),
        ("file", b"app.log", f"b'app.log' is not a path; {FILE}"),
        ("file", "", f'"" is empty; {FILE}'),
        (
            "file",
            "a\nb",
            f'"a\\nb" holds control characters, or bytes that are not UTF-8; {FILE}',
        ),
        (
            "file",
            "a\udcffb",
            f'"a\\udcffb" holds control characters, or bytes that are not UTF-8; {FILE}',
        ),
        (
            "file",
            "logs/",
            '"logs/" is a directory; give the path of a regular file; it need not be there yet',
        ),
        (
            "file",
            "/",
            '"/" is a directory; give the path of a regular file; it need not be there yet',
        ),
        (
            "file",
            "/dev/null",
            '"/dev/null" is not a regular file; give the path of a regular file; '
            "it need not be there yet",
        ),
        (
            "file",
            "~no such user/x",
            '"~no such user/x" names a home directory that is not known here; '
            "give the path without ~",
        ),
        (
            "file",
            "x" * 201,
            f'"{"x" * 60}…" is too long a file name; '
            "give a file name of at most 200 bytes: archives add to it",
        ),
        ("dir", 1.5, f"1.5 is not a path; {DIR}"),
        (
            "dir",
            "/" + "x" * 400,
            f'"/{"x" * 59}…" is too long a path; '
            "give a path that has at most 400 bytes once it is absolute",
        ),
    ],
)
def test_wrong_values_are_told(key, value, message):
    """Each refusal shows the value, says what is wrong and what would be right."""
    with pytest.raises(WrongValue) as caught:
        KEYS[key].parse(value)
    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("level", 20),
        ("level", 33),
        ("when_full", "block"),
        ("block_timeout", 1e-05),
        ("compression", "gzip"),
        ("compression", None),
        ("mode", 0o640),
        ("max_event_bytes", 65536),
        ("file", "/var/log/app.jsonl"),
    ],
)
def test_text_reads_back(key, value):
    """What is shown for a value may be written for it."""
    assert value == KEYS[key].parse(KEYS[key].text(value))
    assert value == KEYS[key].parse(value)


def test_file_starts_at_the_current_directory(tmp_path, monkeypatch):
    """A relative path becomes absolute where the process stands."""
    monkeypatch.chdir(tmp_path)
    assert f"{tmp_path}/logs/app.jsonl" == values.parse_file(Path("logs/app.jsonl"))


def test_file_in_the_home_directory(monkeypatch):
    """~ is the home directory."""
    monkeypatch.setenv("HOME", "/home/somebody")
    assert values.parse_file("~/app.jsonl") == "/home/somebody/app.jsonl"


def test_file_of_another_writing_system(tmp_path):
    """Characters of any script are fine in a path."""
    path = f"{tmp_path}/журнал\u3000本.jsonl"
    assert path == values.parse_file(path)


def test_current_directory_is_gone(tmp_path, monkeypatch):
    """A relative path from a deleted directory is refused, not a crash."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(WrongValue, match="the current directory is no longer there; give an abs"):
        values.parse_file("app.jsonl")


def test_path_object_that_raises():
    """A path object whose own code fails is no path."""

    class Broken(os.PathLike):
        def __fspath__(self):
            raise RuntimeError

        def __repr__(self):
            raise RuntimeError

    with pytest.raises(WrongValue, match=r"Broken instance.* is not a path"):
        values.parse_file(Broken())


def test_zstd_needs_a_library(monkeypatch):
    """Python's own or backports.zstd; without either it is refused before anything starts."""
    monkeypatch.setattr(values, "ZSTD_LIBRARIES", ("no_such_package.zstd", "json.no_such_module"))
    with pytest.raises(WrongValue) as caught:
        values.parse_compression("zstd")
    assert str(caught.value) == (
        '"zstd" needs a library that is not installed; '
        "install it, pip install 'mplog[zstd]', or give \"gzip\""
    )


def test_a_path_that_the_locale_has_no_bytes_for_is_told():
    """As a wrong setting, with what helps."""
    code = (
        "import mplog\n"
        "try:\n    mplog.configure('/tmp/\\xfc.jsonl')\n"
        "except mplog.ConfigError as error:\n    print(ascii(str(error)))\n"
    )
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **ascii_only}, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip

    assert "cannot be a path here: file names are ascii; set LC_ALL=C.UTF-8" in done.stdout


def test_a_path_with_two_slashes_in_front_is_the_one_with_one():
    """Else one file has two services."""
    assert "/tmp/x/app.jsonl" == values.parse_file("//tmp/x/app.jsonl")
    assert "/tmp/x" == values.parse_dir("//tmp//x/")

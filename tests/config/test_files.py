"""The setting `files`: tables or JSON text in, checked files out, each wrong entry told."""

from __future__ import annotations

import json

import pytest

from mplog.config import KEYS, Rotation, from_bytes, to_bytes
from mplog.config.load import load
from mplog.config.wrong import WrongValue
from mplog.errors import ConfigError

PARSE, TEXT = KEYS["files"].parse, KEYS["files"].text
ERRORS = {"file": "/logs/errors.jsonl", "file_level": "ERROR", "rotation": "1 MB"}
PLAIN = {"file": "/logs/app.txt", "format": "text", "levels": {"app.db": "WARNING"}}


@pytest.mark.parametrize("nothing", [None, (), [], "", "off", "[]", False])
def test_no_files(nothing):
    """Besides the first."""
    assert () == PARSE(nothing)


def test_tables_and_their_text_mean_the_same():
    """Also the stored form; what is not given is the default of the key."""
    files = PARSE([ERRORS, PLAIN])
    settings = load(arguments={"file": "/logs/app.jsonl", "files": [ERRORS, PLAIN]}).settings

    assert files == PARSE(json.dumps([ERRORS, PLAIN])) == PARSE(TEXT(files)) == PARSE(files)
    assert (40, Rotation(size_bytes=1_000_000), 0o600) == (
        files[0].file_level, files[0].rotation, files[0].mode
    )  # fmt: skip
    assert (("app.db", 30),) == files[1].levels
    assert settings.files == files
    assert settings == from_bytes(to_bytes(settings))
    assert ["/logs/app.jsonl", "/logs/errors.jsonl", "/logs/app.txt"] == [
        one.file for one in settings.all_files
    ]


def test_files_of_a_toml_file_and_of_the_environment(tmp_path):
    """[[files]], and MPLOG_FILES as JSON."""
    toml = tmp_path / "app.toml"
    toml.write_text(
        'file = "/logs/app.jsonl"\n[[files]]\nfile = "/logs/errors.jsonl"\n'
        'file_level = "ERROR"\nrotation = "1 MB"\n'
    )

    assert PARSE([ERRORS]) == load(toml=toml).settings.files
    assert PARSE([PLAIN]) == load(environ={"MPLOG_FILES": json.dumps([PLAIN])}).settings.files


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (3, "is not a list of files"),
        ("{", "is not JSON"),
        (["logs/a"], r"is not a table \(files\[0\]\)"),
        ([ERRORS, {}], r"names no file \(files\[1\]\)"),
        ([{"file": None}], r"names no file \(files\[0\]\)"),
        ([{**ERRORS, "formt": "json"}], r"\"formt\" is no setting of a file .*did you mean format"),
        ([{**ERRORS, "level": 10}], r"\"level\" is no setting of a file"),
        ([ERRORS, {**PLAIN, "mode": "9"}], r"files\[1\]\.mode: \"9\" is not a file mode"),
        ([ERRORS, ERRORS], 'names "/logs/errors.jsonl" twice'),
        ([{"file": f"/logs/{n}"} for n in range(4)], "names 4 files"),
    ],
)
def test_what_is_wrong_is_told(given, told):
    """With its place in the list."""
    with pytest.raises(WrongValue, match=told):
        PARSE(given)


def test_the_first_file_cannot_be_named_again():
    """One file cannot have two sets of rules."""
    with pytest.raises(ConfigError, match="twice"):
        load(arguments={"file": "/logs/errors.jsonl", "files": [ERRORS]})

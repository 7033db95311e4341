"""The exception tree: who must act, what it says, and that it crosses between processes."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from mplog import errors
from mplog.errors import ConfigError, FileOwnedError, MplogError, Problem
from mplog.errors.table import TABLE

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, MplogError)
]
PROBLEM = Problem("app.toml: rotation", '"20 MX" is not a size', 'give a size, "100 MB"')


EXAMPLES = [
    ConfigError.of([PROBLEM, PROBLEM]),
    FileOwnedError("/var/log/app.jsonl", "web", dir="/dev/shm/mplog-0"),
    errors.SegmentError("no room", code="MPL-S003", hint="Make room.", needed_bytes=4096),
]


def test_every_class_has_a_row():
    """Each class's own code is the first one of the table that names it, and of its kind."""
    for cls in CLASSES:
        row = next(row for row in TABLE if row.error == cls.__name__)
        assert (row.code, row.kind) == (cls.code, cls.kind)


def test_tree_is_drawn():
    """The docstring's drawing names every class."""
    assert all(f" {cls.__name__} " in errors.__doc__ or cls is MplogError for cls in CLASSES)


@pytest.mark.parametrize(
    ("cls", "kind"),
    [
        (errors.UsageError, "usage"),
        (errors.ConfigError, "usage"),
        (errors.SystemFault, "environment"),
        (errors.SegmentError, "environment"),
        (errors.WriterStartError, "environment"),
        (errors.TargetError, "target"),
        (errors.FileOwnedError, "target"),
        (errors.InternalError, "internal"),
    ],
)
def test_kind_says_who_acts(cls, kind):
    """A class's kind is that of its branch."""
    assert kind == cls.kind


def test_message_says_what_to_do():
    """Text, hint and code stand in one line."""
    error = errors.SystemFault("fork failed.", pid=7)
    expected = "fork failed. Look at what the system said, and try again. [MPL-S001]"
    assert expected == str(error)
    assert error.context == {"pid": 7}


def test_own_hint_wins():
    """A hint that knows more replaces the table's."""
    assert "no room. Make room. [MPL-S003]" == str(EXAMPLES[2])


def test_subclass_elsewhere_inherits_the_code():
    """A class that the table does not name has its parent's code."""

    class Own(errors.TargetError):
        pass

    assert Own("x").code == "MPL-T001"


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("carry", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])
def test_errors_cross_between_processes(error, carry):
    """A pickled or copied error is the same in every part."""
    twin = carry(error)
    assert (type(error), str(error), vars(error)) == (type(twin), str(twin), vars(twin))


def test_file_owned_names_the_owner():
    """The error carries path, service and directory, and tells them."""
    error = FileOwnedError("/var/log/app.jsonl", "web", "/dev/shm/mplog-0")
    assert (error.path, error.service, error.dir) == (
        "/var/log/app.jsonl",
        "web",
        "/dev/shm/mplog-0",
    )
    assert error.context == {"path": error.path, "service": "web", "dir": error.dir}
    assert (
        '/var/log/app.jsonl is already written by the service "web" '
        "(shared memory in /dev/shm/mplog-0). Name another file"
    ) in str(error)


def test_file_owned_without_directory():
    """An unknown directory is left out of the text."""
    assert "shared memory in" not in str(FileOwnedError("/a", "web"))


def test_one_problem_is_one_line():
    """One wrong setting is told in one line, with its code."""
    expected = 'app.toml: rotation: "20 MX" is not a size; give a size, "100 MB" [MPL-C001]'
    assert expected == str(ConfigError.of([PROBLEM]))


def test_many_problems_are_told_together():
    """Several wrong settings stand one a line, and in the context."""
    error = ConfigError.of([PROBLEM, PROBLEM])
    assert str(error).splitlines() == ["2 settings are wrong [MPL-C001]:", *[f"  {PROBLEM}"] * 2]
    assert error.context["problems"][0]["place"] == "app.toml: rotation"


def test_plain_config_error_has_its_hint():
    """A ConfigError without problems reads like any other error."""
    assert "[MPL-C001]" in str(ConfigError("no file"))
    assert ConfigError("no file").problems == ()


def test_the_table_is_loaded_with_the_first_error():
    """A process without an error has no hints in its memory."""
    program = (
        "import sys, mplog\n"
        "loaded = lambda: [m for m in sys.modules if m.startswith('mplog.errors.')]\n"
        "print(loaded()); mplog.MplogError('x'); print(loaded())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert ["[]", "['mplog.errors.table']"] == done.stdout.splitlines()


def test_an_interpreter_that_ends_still_makes_errors(monkeypatch):
    """Nothing can be imported then: the error has no hint, and is one."""
    monkeypatch.setitem(sys.modules, "mplog.errors.table", None)
    assert "" == errors.SystemFault("too late").hint

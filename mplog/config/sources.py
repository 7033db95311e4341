"""The places settings come from, each as its known keys, their places, and its unknown ones."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from mplog.config.key import HANDLES, SECRET_PLACE
from mplog.config.schema import KEYS
from mplog.config.wrong import nearest, show
from mplog.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

MAX_TOML_BYTES = 1024 * 1024
PATIENCE_S = 10.0  # with a pipe
FILE_SUFFIX = "_FILE"
_READABLE = "give a TOML file that this user can read"
_SMALL = "give the TOML file with the settings of mplog"

_INTERNAL = frozenset(
    {"MPLOG_OPERATOR", "MPLOG_SETTINGS", "MPLOG_CONSOLE", "MPLOG_BUILD_FAULTS", "MPLOG_FAULT"}
)
# Kubernetes gives every pod such variables for a Service object; one may well be named "mplog".
# As in the other files here, a pattern is compiled when a value asks for it, not by every import.
_KUBERNETES = r"(?a)MPLOG_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)"
# What the same thing is called elsewhere, where difflib would not find it.
_ALIASES = {
    "filename": "file",
    "path": "file",
    "sink": "file",
    "formatter": "format",
    "serialize": "format",
    "maxbytes": "rotation",
    "backupcount": "retention",
    "permissions": "mode",
    "timeout": "block_timeout",
    "name": "service",
}


class Source(msgspec.Struct):
    """One place: the raw values of the keys it sets, where each stands, and what is wrong."""

    values: dict[str, object] = {}
    places: dict[str, str] = {}
    problems: list[Problem] = []


def on_command_line(given: Mapping[str, object]) -> Source:
    """The settings of mplog's own command line, by key."""
    return _by_key(given, lambda name: f"command line {_flag(name)}")


def in_arguments(given: Mapping[str, object]) -> Source:
    """The arguments of `configure()`."""
    return _by_key(given, lambda name: f"configure({name}=…)")


def environment(environ: Mapping[str, str]) -> Source:
    """The `MPLOG_*` variables, but for the inherited handle and internal ones."""
    by_variable = {key.environment: key.name for key in KEYS.values() if key.environment}
    source = Source()
    for variable in sorted(name for name in environ if name.startswith("MPLOG_")):
        place = f"environment variable {show(variable)[1:-1]}"
        name = by_variable.get(variable)
        named = by_variable.get(variable.removesuffix(FILE_SUFFIX))
        if name is None and named is not None:
            _from_file(source, named, variable, environ)
        elif name is not None:
            if not environ[variable] and KEYS[name].none_is_unset:
                continue  # as what starts programs leaves it, and .env.example has it
            source.values[name] = environ[variable]
            source.places[name] = place
        elif variable not in HANDLES | _INTERNAL and not re.fullmatch(_KUBERNETES, variable):
            near = _nearest(variable.removeprefix("MPLOG_"), by_variable.values())
            right = f"did you mean MPLOG_{near.upper()}?" if near else _all(by_variable)
            source.problems.append(Problem(place, "there is no such setting", right))
    return source


def _from_file(source: Source, name: str, variable: str, environ: Mapping[str, str]) -> None:
    """`MPLOG_SINKS_FILE=/run/secrets/sinks`: the value is what stands in that file, but for a line
    break at its end. It is told to nobody.
    """
    path = environ[variable]
    place = f"{SECRET_PLACE}{variable} ({show(path)[1:-1]})"
    if variable.removesuffix(FILE_SUFFIX) in environ:
        found = f"{variable.removesuffix(FILE_SUFFIX)} is set, too"
        source.problems.append(Problem(place, found, "keep one of them"))
        return
    try:
        text = _text_of(path)
    except _Unreadable as why:
        source.problems.append(Problem(place, why.found, why.right))
        return
    source.values[name] = text.removesuffix("\n").removesuffix("\r")
    source.places[name] = place


def _text_of(path: str) -> str:
    right = "name a file of UTF-8 text that this user can read"
    data = _bytes_of(path, right, right)
    try:
        return data.decode()
    except UnicodeDecodeError as why:
        raise _Unreadable(f"is not UTF-8 text (byte {why.start})", right) from None


def toml_file(path: Path) -> Source:
    """The settings of a TOML file: its table [mplog] or [tool.mplog], else its top level."""
    try:
        document = _decode(_bytes_of(path, _READABLE, _SMALL))
    except _Unreadable as why:
        return Source(problems=[Problem(str(path), why.found, why.right)])
    prefixes = {"mplog": document.get("mplog"), "tool.mplog": _table(document.get("tool"), "mplog")}
    tables = {prefix: table for prefix, table in prefixes.items() if table is not None}
    if len(tables) > 1:
        right = "keep one of them"
        return Source(problems=[Problem(str(path), "has both [mplog] and [tool.mplog]", right)])
    prefix, table = next(iter(tables.items()), ("", document))
    if not isinstance(table, dict):
        right = f"write [{prefix}], and the settings below it"
        return Source(problems=[Problem(f"{path}: {prefix}", "is not a table", right)])
    if not tables and path.name == "pyproject.toml":
        right = "add one with the settings of mplog"
        return Source(problems=[Problem(str(path), "has no table [tool.mplog]", right)])
    dot = "." if prefix else ""
    return _by_key(table, lambda name: f"{path}: {prefix}{dot}{name}")


def _by_key(given: Mapping[str, object], place: Callable[[str], str]) -> Source:
    source = Source()
    for name, value in given.items():
        if type(name) is str and name in KEYS:
            source.values[name] = value
            source.places[name] = place(name)
            continue
        shown = show(name)[1:-1] if type(name) is str else show(name)
        # What is a list is none of the one file's other names: [[sink]] means sinks.
        guess = nearest if type(value) in (list, tuple) else _nearest
        near = guess(name, KEYS) if type(name) is str else None
        right = f"did you mean {near}?" if near else _all(KEYS)
        source.problems.append(Problem(place(shown), "there is no such setting", right))
    return source


def _nearest(name: str, known: Iterable[str]) -> str | None:
    names = list(known)
    alias = _ALIASES.get(name.lower().replace("_", ""))
    return alias if alias in names else nearest(name, names)


def _all(names: Iterable[str]) -> str:
    return f"the settings are {', '.join(names)}"


def _flag(name: str) -> str:
    return KEYS[name].flag if name in KEYS else f"--{name}"


def _table(outer: object, name: str) -> object:
    return outer.get(name) if isinstance(outer, dict) else None


class _Unreadable(Exception):
    def __init__(self, found: str, right: str) -> None:
        super().__init__(found)
        self.found, self.right = found, right


def _bytes_of(path: Path | str, readable: str, small: str) -> bytes:
    try:
        data = _read(path)
    except (OSError, ValueError) as why:
        reason = why.strerror if isinstance(why, OSError) and why.strerror else str(why)
        raise _Unreadable(f"cannot be read ({reason})", readable) from None
    if len(data) > MAX_TOML_BYTES:
        raise _Unreadable("has more than 1 MiB", small)
    return data


def _read(path: Path | str) -> bytes:
    """What is there, and no more than tells that it is too much. A pipe, as a shell's `<(…)`, is
    waited for, but not for ever: it may be one that nobody writes into.
    """
    data = b""
    with open(path, "rb", buffering=0, opener=_open) as file:
        while len(data) <= MAX_TOML_BYTES:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                _wait(file.fileno())
            more = file.read(MAX_TOML_BYTES + 1)
            if not more:
                break
            data += more
    return data


def _wait(fd: int) -> None:
    import select  # seldom

    if not select.select([fd], [], [], PATIENCE_S)[0]:
        raise OSError(errno.ETIMEDOUT, f"nothing comes within {PATIENCE_S:.0f} s")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _decode(data: bytes) -> dict[str, object]:
    # Deferred: a worker without a TOML file needs no parser, and CPython 3.10 may have none.
    from msgspec import toml

    try:
        document: dict[str, object] = toml.decode(data)
    except ImportError:
        right = "pip install tomli: Python 3.10 has no reader for TOML of its own"
        raise _Unreadable("cannot be read without tomli", right) from None
    except UnicodeDecodeError as why:
        found = f"is not UTF-8 text (byte {why.start})"
        raise _Unreadable(found, "save it as UTF-8") from None
    except RecursionError:
        raise _Unreadable("is nested too deeply", "keep the settings flat") from None
    except (ValueError, msgspec.DecodeError) as why:
        raise _Unreadable(f"is not TOML: {show(str(why))[1:-1]}", "correct it there") from None
    return document

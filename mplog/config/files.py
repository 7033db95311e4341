"""Several log files of one service: the setting `files`, as tables or as JSON text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mplog.config.file import FILE_KEYS, MAX_FILES, FileSettings
from mplog.config.listed import OFF, tables
from mplog.config.wrong import WrongValue, nearest, show

_KEYS = {key.name: key for key in FILE_KEYS}
_RIGHT = (
    'give a list of tables, [{"file": "logs/errors.jsonl", "file_level": "ERROR"}], or the same as '
    f'JSON text; "off" for none; at most {MAX_FILES - 1}'
)


def parse_files(value: object) -> tuple[FileSettings, ...]:
    """The files besides the first, each checked."""
    found = tuple(
        _parse(given, number) for number, given in enumerate(tables(value, "files", _RIGHT))
    )
    if len(found) >= MAX_FILES:
        raise WrongValue(value, f"names {len(found)} files", _RIGHT)
    problem = files_problem(None, found)
    if problem:
        raise WrongValue(value, problem, "name each file once")
    return found


def _parse(given: object, number: int) -> FileSettings:
    if type(given) is FileSettings:
        return given
    if type(given) is not dict:
        raise WrongValue(given, f"is not a table (files[{number}])", _RIGHT)
    checked = dict(_checked(given, number))
    if checked.get("file") is None:
        raise WrongValue(given, f"names no file (files[{number}])", 'give "file" in it, a path')
    return FileSettings(**checked)


def _checked(given: Mapping[object, object], number: int) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        key = _KEYS.get(name) if type(name) is str else None
        if key is None:
            near = nearest(name, _KEYS) if type(name) is str else None
            right = f"did you mean {near}?" if near else f"the keys are {', '.join(_KEYS)}"
            raise WrongValue(name, f"is no setting of a file (files[{number}])", right)
        if value is None and key.none_is_unset:
            continue
        try:
            yield key.attribute, key.parse(value)
        except WrongValue as wrong:
            wrong.found = f"files[{number}].{show(name)[1:-1]}: {wrong.found}"
            raise


def files_problem(first: str | None, files: tuple[FileSettings, ...]) -> str | None:
    """What is wrong with these files together, or None."""
    paths = [*([first] if first is not None else []), *(one.file for one in files)]
    for path in paths:
        if path is None:
            return "has an entry that names no file"
        if paths.count(path) > 1:
            return f"names {show(path)} twice"
    return None


def files_text(files: tuple[FileSettings, ...]) -> str:
    """The files as they may be written: JSON with what is not the default."""
    if not files:
        return OFF
    default = FileSettings()
    tables = [
        {
            key.name: key.text(getattr(one, key.attribute))
            for key in FILE_KEYS
            if getattr(one, key.attribute) != getattr(default, key.attribute)
        }
        for one in files
    ]
    return msgspec.json.encode(tables).decode()

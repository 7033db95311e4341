"""The settings of one log file, and what each is for: those of `file`, and of each of `files`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from mplog.config import prefixes, values
from mplog.config.key import Key
from mplog.config.own import Level, refuse_relative
from mplog.config.retention import Retention, parse_retention, retention_text
from mplog.config.rotation import Rotation, parse_rotation, rotation_text

MAX_FILES = 4  # MPL_MAX_SINKS of native/include/layout.h

_Format = Annotated[str, Meta(pattern=values.FORMAT_PATTERN)]
_Prefix = Annotated[str, Meta(min_length=1, max_length=prefixes.MAX_PREFIX_BYTES)]
_Filter = Annotated[str, Meta(min_length=1, max_length=4_096)] | None
_Rules = Annotated[tuple[tuple[_Prefix, Level], ...], Meta(max_length=prefixes.MAX_RULES)]


class FileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What belongs to one file; names are those of the keys."""

    file: str | None = None
    format: _Format = "json"
    file_level: Level = 0
    levels: _Rules = ()
    filter: _Filter = None
    rotation: Rotation = Rotation(size_bytes=100_000_000)
    retention: Retention = Retention(count=10)
    compression: Literal["gzip", "zstd"] | None = None
    mode: Annotated[int, Meta(ge=0, le=0o777)] = 0o600

    def __post_init__(self) -> None:
        problem = values.mode_problem(self.mode)
        if problem:
            raise ValueError(f"mode {self.mode:o} {problem}")
        refuse_relative(self.file)


def _parse_filter(value: object) -> str | None:
    if value is None or value is False:
        return None
    from mplog.config.filter import parse_filter  # for those who have one

    return parse_filter(value)


def _filter_text(text: str | None) -> str:
    return text or "off"


FILE_KEYS = (
    Key(
        "file",
        "file",
        "service",
        values.parse_file,
        values.path_text,
        "a path; `~` is the home directory, a relative one starts at the current directory; "
        "`{host}`, `{user}`, `{app}`, `{job}`, `{array_task}`, `{rank}` and `{local_rank}` stand "
        "for [what they are here](../howto/files.md)",
        "The log file. A service needs one.",
        none_is_unset=True,
    ),
    Key(
        "format",
        "format",
        "service",
        values.parse_format,
        str,
        '`json`, `logfmt`, `text`, `"template:{timestamp} {level} {message}"`, or the name of a '
        'callable (`"package.module:object"`)',
        "The lines of the file: one JSON object an event, the same as `key=value` pairs, text for "
        "people, text by a template of names in braces, or what a callable makes. `mplog verify` "
        "proves the first two. [More](../howto/formats.md).",
    ),
    Key(
        "file_level",
        "file_level",
        "service",
        values.parse_level,
        values.level_text,
        "a level",
        "Events below it are not written into the file, but counted as filtered. What `level` "
        "keeps from being logged does not get that far.",
    ),
    Key(
        "levels",
        "levels",
        "service",
        prefixes.parse_levels,
        prefixes.levels_text,
        'a map of logger prefixes to levels, `{"app.db": "WARNING"}`, or a text, '
        '`"app.db=WARNING, app.http=ERROR"`; `"off"` or `None` for none',
        "Instead of `file_level` for a logger of that name and those below it: `app.db` holds for "
        "`app.db.pool`, not for `app.dbx`. The longest prefix wins.",
    ),
    Key(
        "filter",
        "filter",
        "service",
        _parse_filter,
        _filter_text,
        'an expression, `level >= ERROR and logger ~ "app.db"`, or the name of a callable '
        '(`"package.module:object"`); `"off"` or `None` for none',
        "Only events for which it holds are written into the file, of those that `file_level` and "
        "`levels` let through; others are counted as filtered. [More](../howto/filters.md).",
    ),
    Key(
        "rotation",
        "rotation",
        "service",
        parse_rotation,
        rotation_text,
        'a size (`"100 MB"`, a number of bytes), an interval (`"12 h"`, `"1 day"`), a time '
        '(`"00:00"`, `"hourly"`, `"daily"`, `"weekly"`, `"monthly"`, `"sunday"`, '
        '`"monday at 03:00"`, with `UTC` or a zone behind it), the name of a callable '
        '(`"package.module:object"`), or a list of these; `"off"`, `""` or `None` for none',
        "When the file is set aside as an archive and a new one begun. "
        "[More](../howto/rotation.md).",
    ),
    Key(
        "retention",
        "retention",
        "service",
        parse_retention,
        retention_text,
        'a count (`10`), an age (`"30 days"`), bytes together (`"1 GB"`), or several limits: '
        '`{"count": 10, "age": "30 days", "total": "1 GB", "keep_free": "5 GB"}`, '
        '`"count=10, age=30 days"`; `"all"` or `None` to keep every archive',
        "Which archives are kept; older ones are deleted.",
    ),
    Key(
        "compression",
        "compression",
        "service",
        values.parse_compression,
        values.compression_text,
        '`gzip` or `zstd`; `"off"` or `None` for none',
        "How archives are compressed, in a process of low priority. zstd is an extra: "
        "`pip install 'mplog[zstd]'` (Python has its own from 3.14 on).",
    ),
    Key(
        "mode",
        "mode",
        "service",
        values.parse_mode,
        values.mode_text,
        'octal text, `"0640"`, or an int, `0o640`; the owner reads and writes',
        "The permissions of the log file and its archives.",
    ),
)

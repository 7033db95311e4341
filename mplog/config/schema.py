"""The settings of this version: one Struct, and beside it one table of what each key is for.

`configure()` arguments, TOML, `MPLOG_*`, the command line, `mplog check`, the stored form and
docs/reference/configuration.md all derive from these two.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from mplog.config import durability, durations, prefixes, secrets, sizes, values
from mplog.config.key import Key
from mplog.config.retention import Retention, parse_retention, retention_text
from mplog.config.rotation import Rotation, parse_rotation, rotation_text

_Service = Annotated[str, Meta(pattern=values.SERVICE_PATTERN)]
_Secret = Annotated[str, Meta(min_length=1, max_length=secrets.MAX_NAME_BYTES)]
_Secrets = Annotated[tuple[_Secret, ...], Meta(max_length=secrets.MAX_NAMES)]
_Level = Annotated[int, Meta(ge=0, le=255)]
_Prefix = Annotated[str, Meta(min_length=1, max_length=prefixes.MAX_PREFIX_BYTES)]
_Rules = Annotated[tuple[tuple[_Prefix, _Level], ...], Meta(max_length=prefixes.MAX_RULES)]
_Overflow = Annotated[int, Meta(ge=0, le=sizes.MAX_OVERFLOW_BYTES)]
_EventBytes = Annotated[int, Meta(ge=values.MIN_EVENT_BYTES, le=values.MAX_EVENT_BYTES)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting, checked and in its own type; `load` makes it.

    A name with a unit is the key with that unit added: `block_timeout_s` is the key
    `block_timeout`.
    """

    level: _Level = 20
    when_full: Literal["block", "drop_newest", "overflow"] = "block"
    block_timeout_s: Annotated[float, Meta(ge=0, le=durations.MAX_S)] = field(
        default=10.0, name="block_timeout"
    )
    overflow_bytes: _Overflow = field(default=sizes.DEFAULT_OVERFLOW_BYTES, name="overflow")
    overflow_dir: str | None = None
    redact: _Secrets = secrets.DEFAULT
    uncaught: bool = True
    faulthandler: bool = True
    file: str | None = None
    format: Literal["json", "logfmt", "text"] = "json"
    file_level: _Level = 0
    levels: _Rules = ()
    rotation: Rotation = Rotation(size_bytes=100_000_000)
    retention: Retention = Retention(count=10)
    compression: Literal["gzip", "zstd"] | None = None
    mode: Annotated[int, Meta(ge=0, le=0o777)] = 0o600
    max_event_bytes: _EventBytes = 64 * 1024
    fsync: Literal["none", "interval", "batch"] = "none"
    fsync_interval_s: Annotated[float, Meta(ge=0.01, le=durations.MAX_S)] = field(
        default=1.0, name="fsync_interval"
    )
    durable_level: _Level | None = None
    durable_timeout_s: Annotated[float, Meta(ge=0, le=durations.MAX_S)] = field(
        default=10.0, name="durable_timeout"
    )
    service: _Service | None = None
    dir: str | None = None

    def __post_init__(self) -> None:
        problem = values.mode_problem(self.mode)
        if problem:
            raise ValueError(f"mode {self.mode:o} {problem}")
        for path in (self.file, self.dir, self.overflow_dir):
            if path is not None and not path.startswith("/"):
                raise ValueError(f"{path!r} is not an absolute path")


_TABLE = (
    Key(
        "level",
        "level",
        "process",
        values.parse_level,
        values.level_text,
        "a name (`TRACE`, `DEBUG`, `INFO`, `SUCCESS`, `WARNING` or `WARN`, `ERROR`, `CRITICAL` or "
        "`FATAL`, `NOTSET`; any case) or a number from 0 to 255",
        "Events below it are not logged.",
    ),
    Key(
        "when_full",
        "when_full",
        "process",
        values.parse_when_full,
        str,
        "`block`, `drop_newest` or `overflow`",
        "What a log call does when the process's lane is full: wait for the writer, drop its event "
        "and count it, or put it into a file of bounded size (`overflow`), which the writer reads "
        "after the lane.",
    ),
    Key(
        "block_timeout",
        "block_timeout_s",
        "process",
        values.parse_block_timeout,
        durations.text,
        'a duration: `"500 ms"`, `"10 s"`, `"2 min"`, or a number of seconds',
        "How long `block` waits at most before it drops the event and counts it.",
    ),
    Key(
        "overflow",
        "overflow_bytes",
        "service",
        values.parse_overflow,
        sizes.text,
        'a size up to `"4 GiB"`',
        "How much all overflow files of the service may take together; of the last quarter only "
        "WARNING and above get any. Beyond it events are dropped and counted.",
    ),
    Key(
        "overflow_dir",
        "overflow_dir",
        "service",
        values.parse_dir,
        values.path_text,
        "a path",
        "The directory of the overflow files, if not beside the shared memory. On a disk, a log "
        "call of `overflow` may wait for that disk.",
        none_is_unset=True,
    ),
    Key(
        "redact",
        "redact",
        "process",
        secrets.parse_redact,
        secrets.redact_text,
        'names of keys, `"password, token"` or a list; with a leading `+`, `"+iban"`, they are '
        'added to the defaults; `"off"` or `None` for none',
        "Keys whose values are replaced by `[redacted]` in the process that logs them, at any "
        "depth: a key that is a name or ends in one as a word of its own (`db_token`, "
        "`accessToken`), in any case.",
    ),
    Key(
        "uncaught",
        "uncaught",
        "process",
        values.parse_switch,
        values.switch_text,
        '`"on"` or `"off"`, `True` or `False`',
        "Exceptions that nobody catches, in a program, a thread or a child of multiprocessing, are "
        "logged as CRITICAL, with their traceback; stderr has it as before. "
        "[More](../howto/deaths.md).",
    ),
    Key(
        "faulthandler",
        "faulthandler",
        "process",
        values.parse_switch,
        values.switch_text,
        '`"on"` or `"off"`, `True` or `False`',
        "The Python traceback of a process that SIGSEGV, SIGFPE, SIGABRT, SIGBUS or SIGILL kills "
        "gets into the log, with the event of its death. Where a program has turned on Python's "
        "faulthandler itself, it keeps it.",
    ),
    Key(
        "file",
        "file",
        "service",
        values.parse_file,
        values.path_text,
        "a path; `~` is the home directory, a relative one starts at the current directory",
        "The log file. A service needs one.",
        none_is_unset=True,
    ),
    Key(
        "format",
        "format",
        "service",
        values.parse_format,
        str,
        "`json`, `logfmt` or `text`",
        "The lines of the file: one JSON object an event, the same as `key=value` pairs, or text "
        "for people. `mplog verify` proves the first two; text has no numbers.",
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
    Key(
        "max_event_bytes",
        "max_event_bytes",
        "service",
        values.parse_max_event_bytes,
        sizes.text,
        'a size from `"1 KiB"` to `"256 KiB"`',
        "The largest event; a larger one is cut, and marked as cut.",
    ),
    *durability.KEYS,
    Key(
        "service",
        "service",
        "service",
        values.parse_service,
        values.path_text,
        "1 to 64 characters of `A-Z a-z 0-9 . _ -`, not starting with a dot",
        "The service's name, where the one made from the file's path will not do.",
        none_is_unset=True,
    ),
    Key(
        "dir",
        "dir",
        "service",
        values.parse_dir,
        values.path_text,
        "a path",
        "The directory of the shared memory; it must belong to this user alone (mode 0700). "
        "Usually `/dev/shm/mplog-UID`, or `.mplog` beside the log where there is no `/dev/shm`.",
        none_is_unset=True,
    ),
)

KEYS = {key.name: key for key in _TABLE}
SERVICE_KEYS = frozenset(key.name for key in _TABLE if key.scope == "service")


def with_own(running: Settings, own: Settings, given: Set[str] = frozenset(KEYS)) -> Settings:
    """The settings of a *running* service, as they are for a process with settings of its *own*.

    Args:
        given: keys that the process has set; those of the service among them change nothing.
    """
    of_process = [key for key in _TABLE if key.scope == "process" and key.name in given]
    return msgspec.structs.replace(
        running, **{key.attribute: getattr(own, key.attribute) for key in of_process}
    )

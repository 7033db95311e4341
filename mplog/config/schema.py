"""The settings of this version: one Struct, and beside it one table of what each key is for.

`configure()` arguments, TOML, `MPLOG_*`, the command line, `mplog check`, the stored form and
docs/reference/configuration.md all derive from these two.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from mplog.config import durability, durations, limits, pipeline, sizes, values
from mplog.config.file import FILE_KEYS, MAX_FILES, FileSettings
from mplog.config.files import files_problem, files_text, parse_files
from mplog.config.key import Key
from mplog.config.own import (
    Enrichers,
    EventBytes,
    Level,
    Memory,
    OnInternalError,
    Overflow,
    Seconds,
    Secrets,
    WhenFull,
    refuse_relative,
)

_Service = Annotated[str, Meta(pattern=values.SERVICE_PATTERN)]
_Files = Annotated[tuple[FileSettings, ...], Meta(max_length=MAX_FILES - 1)]


class Settings(FileSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting, checked and in its own type; `load` makes it.

    A name with a unit is the key with that unit added: `block_timeout_s` is the key
    `block_timeout`.
    """

    level: Level = 20
    when_full: WhenFull = "overflow"
    block_timeout_s: Seconds = field(default=10.0, name="block_timeout")
    overflow_bytes: Overflow = field(default=limits.DEFAULT_OVERFLOW_BYTES, name="overflow")
    overflow_dir: str | None = None
    memory_bytes: Memory = field(default=0, name="memory")
    redact: Secrets = limits.REDACTED
    redact_patterns: bool = True
    enrich: Enrichers = ()
    uncaught: bool = True
    faulthandler: bool = True
    on_internal_error: OnInternalError = "disable"
    files: _Files = ()
    sinks: str = "off"
    spool_bytes: Overflow = field(default=limits.DEFAULT_SPOOL_BYTES, name="spool")
    max_event_bytes: EventBytes = 64 * 1024
    context_bytes: EventBytes = 16 * 1024
    fsync: Literal["none", "interval", "batch"] = "none"
    fsync_interval_s: Annotated[float, Meta(ge=0.01, le=limits.MAX_S)] = field(
        default=1.0, name="fsync_interval"
    )
    durable_level: Level | None = None
    durable_timeout_s: Seconds = field(default=10.0, name="durable_timeout")
    service: _Service | None = None
    dir: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_relative(self.dir, self.overflow_dir)
        problem = files_problem(self.file, self.files)
        if problem:
            raise ValueError(problem)

    def stored(self) -> bytes:
        """These settings as a service keeps them."""
        return msgspec.json.encode(self)

    @property
    def all_files(self) -> tuple[FileSettings, ...]:
        """The log file, if one is named, then the others."""
        return (self, *self.files) if self.file is not None else self.files


def _sinks(value: object) -> str:
    """Their text, checked. Most services have none, and load nothing for it."""
    if value is None or value is False or (type(value) is str and value == "off"):
        return "off"
    from mplog.config.sink import canonical

    return canonical(value)


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
        "`overflow`, `block`, `drop_newest` or `drop_oldest`",
        "What a log call does when the process's lane is full: put its event into a file of "
        "bounded size (`overflow`), which the writer reads after the lane; wait for the writer; "
        "drop its event; or drop the oldest ones that the writer has not read. Drops are counted, "
        "and told in the log. The two that drop keep the last eighth of the lane for `WARNING` and "
        "above.",
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
        "memory",
        "memory_bytes",
        "service",
        sizes.parse_bound,
        sizes.bound_text,
        'a size from `"1 MiB"` on; `"off"` or `None` for none',
        "How much the lanes of all processes may take together, with the overflow where that lies "
        "beside them. Lanes become smaller as it fills up; then a process gets none: its events go "
        "into `overflow_dir`, if there is one, or are dropped, counted and told. "
        "[More](../howto/limits.md).",
    ),
    *pipeline.KEYS,
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
        "on_internal_error",
        "on_internal_error",
        "process",
        values.parse_on_internal_error,
        str,
        "`disable` or `abort`",
        "What a fault of mplog's own inside a log call does, once it is told: turn logging off in "
        "that process until it calls `configure()` again, or end the process by SIGABRT. "
        "[More](../howto/errors.md).",
    ),
    *FILE_KEYS,
    Key(
        "files",
        "files",
        "service",
        parse_files,
        files_text,
        "a list of tables (TOML: `[[files]]`; environment: JSON text), each with its own `file` "
        "and any of `format`, `file_level`, `levels`, `filter`, `rotation`, `retention`, "
        '`compression`, `mode`; `"off"` or `None` for none',
        f"More log files of the service, {MAX_FILES - 1} at most: each gets every event that its "
        "own filter lets through. [More](../howto/files.md).",
    ),
    Key(
        "sinks",
        "sinks",
        "service",
        _sinks,
        str,
        "a list of tables (TOML: `[[sinks]]`; environment: JSON text), each with its `type` and "
        '[what else is told it](#sinks); `"off"` or `None` for none',
        "Where events go beside the files: consoles, syslog, journald, callables. Each has its own "
        "level, filter, format and queue, and none waits for another. "
        "[More](../howto/sinks.md).",
    ),
    Key(
        "spool",
        "spool_bytes",
        "service",
        values.parse_overflow,
        sizes.text,
        'a size up to `"4 GiB"`',
        "How much each of several files can be owed, in memory, while it cannot be written and the "
        "others go on. Beyond it that file loses lines, which it is told as dropped.",
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
    Key(
        "context_bytes",
        "context_bytes",
        "process",
        values.parse_max_event_bytes,
        sizes.text,
        'a size from `"1 KiB"` to `"256 KiB"`',
        "The largest context (`mplog.context`); a block that would make it larger leaves its "
        "fields out, which is told once. [More](../howto/context.md).",
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

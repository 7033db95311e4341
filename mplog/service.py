"""The composition root of an application process: configure, attach, flush, shut down.

One process is attached to one service at a time. `configure()` creates the service or finds it;
whoever came first has set what belongs to the service, and
later callers are told where they had asked for something else.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from mplog.config import (
    Settings,
    differences,
    load,
    private_directory,
    service_name,
    shared_directory,
)
from mplog.config.load import Loaded
from mplog.errors import ConfigError, MplogError, Problem, SegmentError
from mplog.producer.connection import Connection
from mplog.producer.farewell import drain_at_exit
from mplog.producer.gate import GATE, inherited
from mplog.producer.handler import RecordHandler
from mplog.producer.tell import tell
from mplog.ring import configuration, create_bell, refuse_foreign_owner


class Service(msgspec.Struct, frozen=True):
    """What `configure()` has attached this process to.

    Attributes:
        name: of the service.
        created: whether this call has created it.
        differences: sentences telling where the running service's settings hold against this
            call's.
    """

    name: str
    created: bool
    differences: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """What became of this process's events, all counted since it attached.

    Attributes:
        delivered: they stand in the sinks.
        left: accepted, and still in shared memory for the writer to deliver.
        dropped: lost on purpose, and announced in the log.
    """

    delivered: int
    left: int
    dropped: int


class _Attached(msgspec.Struct):
    """This process's state; a forked child inherits it and keeps what is still true of it."""

    service: Service | None = None
    wanted: dict[str, Any] | None = None
    creator_pid: int = 0


_state = _Attached()
_lock = threading.RLock()
os.register_at_fork(after_in_child=lambda: globals().__setitem__("_lock", threading.RLock()))


def configure(file: str | os.PathLike[str] | None = None, /, **settings: Any) -> Service:
    """Set up logging for this process, creating the service or attaching to it.

    Args:
        file: the log file; what is not given comes from `MPLOG_*`, from the TOML file named by
            `config=`, or is the default.
        settings: the keys of docs/reference/configuration.md, and `config`, the path of a TOML
            file.

    Returns:
        The service. The same call again, in this process or any other, leads to the same one.

    Raises:
        ConfigError: a setting is wrong; every problem is named.
        FileOwnedError: the log file belongs to another service.
    """
    with _lock:
        loaded = _load(file, settings)
        wanted = {"settings": loaded.settings}
        if _state.service is not None and _state.wanted == wanted and GATE.connection is not None:
            return Service(_state.service.name, False, _state.service.differences)
        service = _attach(loaded)
        _state.service, _state.wanted = service, wanted
        return service


def _load(file: str | os.PathLike[str] | None, settings: dict[str, Any]) -> Loaded:
    toml = settings.pop("config", None)
    arguments = dict(settings)
    if file is not None:
        arguments["file"] = file
    operator = msgspec.json.decode(os.environ.get("MPLOG_OPERATOR") or "{}", type=dict[str, Any])
    loaded = load(
        arguments=arguments,
        environ=os.environ,
        toml=Path(toml) if toml is not None else None,
        operator=operator,
    )
    for sentence in loaded.overruled:
        tell(sentence, kind=f"overruled:{sentence}")
    if loaded.settings.file is None:
        right = 'give a path, as mplog.configure("logs/app.jsonl"), or set MPLOG_FILE'
        raise ConfigError.of([Problem("configure(file)", "no log file is named", right)])
    return loaded


def _attach(loaded: Loaded) -> Service:
    settings = loaded.settings
    log_file = Path(settings.file or "")
    name = settings.service or service_name(log_file)
    try:
        directory, created, running = _create_or_find(settings, log_file, name)
    except ConfigError:
        raise
    except MplogError as error:
        if error.kind == "target":
            raise
        return _without_memory(settings, name, error)
    except OSError as error:
        return _without_memory(settings, name, error)
    told = (
        () if created else tuple(differences(running, settings, set(loaded.given), loaded.origins))
    )
    for sentence in told:
        tell(sentence, kind=f"difference:{sentence}")
    _switch(directory, name, settings, running, created)
    return Service(name, created, told)


def _create_or_find(settings: Settings, log_file: Path, name: str) -> tuple[Path, bool, Settings]:
    """Tried again where a writer that leaves has just taken the service, or its empty directory,
    away.
    """
    for attempt in range(5):
        directory = _directory(settings)
        refuse_foreign_owner(log_file, name, directory)
        try:
            created = create_bell(directory, name, settings)
            return directory, created, configuration(directory, name)
        except FileNotFoundError:
            if attempt == 4:
                raise
    raise AssertionError("unreachable")


def _directory(settings: Settings) -> Path:
    """The shared directory; beside the log where the usual place is refused or full, unless the
    user named one.
    """
    directory = shared_directory(settings, os.environ, os.geteuid())
    try:
        private_directory(directory)
    except SegmentError:
        if settings.dir is not None or os.environ.get("MPLOG_DIR"):
            raise
        directory = Path(settings.file or "").parent / ".mplog"
        private_directory(directory)
    return directory


def _without_memory(settings: Settings, name: str, error: Exception) -> Service:
    """No place for shared memory at all: the program runs on, WARNING and above go to stderr."""
    tell(f"no shared memory for logging: {error}; WARNING and above go to stderr", kind="memory")
    os.environ.pop("MPLOG_SERVICE", None)
    GATE.reset()
    GATE.level = settings.level
    return Service(name, False, (f"not running: {error}",))


def _switch(
    directory: Path, name: str, settings: Settings, running: Settings, created: bool
) -> None:
    """Attach to the service; detach from the one before it, whose events are drained as those of
    any process that left.
    """
    before = GATE.connection
    if before is not None:
        before.detach()
    own = msgspec.structs.replace(
        running,
        level=settings.level,
        when_full=settings.when_full,
        block_timeout_s=settings.block_timeout_s,
    )
    connection = Connection(directory, name, own)
    os.environ["MPLOG_SERVICE"], os.environ["MPLOG_DIR"] = name, str(directory)
    if created:
        _state.creator_pid = os.getpid()
    connection.attach()
    GATE.connect(connection, settings.level)


def attach() -> bool:
    """Claim this process's lane now instead of at its first event; True when it has one."""
    connection = GATE.connection
    if connection is None:
        found = inherited(os.environ)
        if found is None:
            return False
        connection = found[0]
        GATE.connect(connection, found[1].level)
    return connection.attach()


def flush(timeout: float = 5.0) -> bool:
    """Wait until all that this process has logged so far stands in the sinks.

    Args:
        timeout: seconds.

    Returns:
        False when it does not after *timeout*. True where nothing has been logged.
    """
    connection = GATE.connection
    if connection is None or not connection.producer.attached:
        return True
    connection.ensure_writer()
    return connection.producer.wait_settled(connection.producer.seq, timeout)


def shutdown(timeout: float = 5.0) -> Report:
    """Deliver what this process has logged, and detach; the next event attaches again.

    Args:
        timeout: seconds to wait for the delivery at most.

    Returns:
        What was delivered, left to the writer, dropped.
    """
    with _lock:
        connection = GATE.connection
        if connection is None:
            return Report(0, 0, 0)
        deadline = time.monotonic() + timeout
        flush(timeout)
        producer = connection.producer
        last, settled, dropped = producer.seq, producer.settled, producer.dropped
        left = max(last - settled, 0)
        report = Report(max(producer.accepted - left, 0), left, dropped)
        connection.detach()
        drain_at_exit(connection, max(deadline - time.monotonic(), 0.0), quiet=True)
        return report


class Handler(RecordHandler):
    """The standard library's handler; arguments are plain texts and numbers, so dictConfig, YAML
    and INI work.

    Args:
        file: the log file. Without it the service that the process has configured or inherited is
            used.
        level: of this handler, as `logging` has it.
        settings: keys of `configure()`; only with *file*.

    Raises:
        ConfigError, FileOwnedError: as `configure()`.
    """

    def __init__(
        self, file: str | None = None, level: int | str = logging.NOTSET, **settings: Any
    ) -> None:
        super().__init__(level)
        if file is None and settings:
            names = ", ".join(sorted(settings))
            right = 'name the log file too, as Handler("logs/app.jsonl", …)'
            raise ConfigError.of([Problem(f"Handler({names})", "settings without a file", right)])
        if file is not None:
            configure(file, **settings)

    def flush(self) -> None:
        """Nothing is held back here: an event is in shared memory when `emit` returns."""


def _at_exit() -> None:
    """Say goodbye; the process that created the service waits for the drain as well."""
    connection = GATE.connection
    if connection is None:
        return
    creator = _state.creator_pid == os.getpid()
    connection.ensure_writer()
    connection.detach(final=True)
    if creator:
        drain_at_exit(connection, 30.0)


atexit.register(_at_exit)

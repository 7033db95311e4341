"""configure(): create the service or find it, and attach this process to it.

One process is attached to one service at a time. Whoever came first has set what belongs to the
service; later callers are told where they had asked for something else.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from mplog import _native
from mplog.config import (
    Settings,
    private_directory,
    service_name,
    usable_directory,
    with_own,
)
from mplog.config.differences import differences
from mplog.config.load import Loaded, load
from mplog.errors import ConfigError, FileOwnedError, MplogError, Problem
from mplog.producer.connection import Connection
from mplog.producer.gate import GATE
from mplog.producer.tell import DEFERRED, fault, tell
from mplog.ring import configuration, create_bell, services
from mplog.ring.ownership import refuse_foreign_owner
from mplog.service.state import STATE, Service
from mplog.service.uncaught import watch

if TYPE_CHECKING:
    from pathlib import Path

_TRIES = 5  # to create the service, while somebody removes it


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
    with DEFERRED, STATE.lock:
        loaded = load_settings(file, settings)
        if (
            STATE.service is not None
            and STATE.wanted == loaded.settings
            and GATE.connection is not None
            and not GATE.off
        ):
            watch(GATE.connection)  # shutdown() may have undone it
            return Service(STATE.service.name, False, STATE.service.differences)
        service = _attach(loaded)
        STATE.service, STATE.wanted = service, loaded.settings
        return service


def load_settings(file: str | os.PathLike[str] | None, settings: dict[str, Any]) -> Loaded:
    """The settings of a call: its arguments, the environment, the TOML file that `config` names.

    Raises:
        ConfigError: something is wrong, or no log file is named.
    """
    toml = settings.pop("config", None)
    arguments = dict(settings)
    if file is not None:
        if arguments.get("file") is not None:
            right = "give it as the first argument, or as file="
            raise ConfigError.of([Problem("configure(file=…)", "is given twice", right)])
        arguments["file"] = file
    loaded = load(
        arguments=arguments,
        environ=os.environ,
        toml=_path(toml) if toml is not None else None,
        operator=_operator(os.environ.get("MPLOG_OPERATOR", "")),
    )
    for sentence in loaded.overruled:
        tell(sentence, kind=f"overruled:{sentence}")
    if loaded.settings.file is None:
        right = 'give a path, as mplog.configure("logs/app.jsonl"), or set MPLOG_FILE'
        raise ConfigError.of([Problem("configure(file)", "no log file is named", right)])
    return loaded


def _path(toml: str | os.PathLike[str]) -> Path:
    from pathlib import Path  # not for every process that logs

    try:
        return Path(toml)
    except TypeError:
        right = 'give that of a TOML file, as "mplog.toml"'
        raise ConfigError.of([Problem("configure(config=…)", "is not a path", right)]) from None


def _operator(text: str) -> dict[str, Any]:
    """What stood on the command line of `mplog run`, handed down."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError):
        right = "unset it; only mplog run sets it"
        problem = Problem("environment variable MPLOG_OPERATOR", f'"{text[:80]}"', right)
        raise ConfigError.of([problem]) from None


def _attach(loaded: Loaded) -> Service:
    try:
        connection, service = open_service(loaded)
    except ConfigError:
        raise
    except MplogError as error:
        if error.kind == "target":
            raise
        return _without_memory(loaded.settings, error)
    except OSError as error:
        return _without_memory(loaded.settings, error)
    _switch(connection, loaded.settings.level)
    return service


def open_service(loaded: Loaded) -> tuple[Connection, Service]:
    """Create the service or find it, and connect to it; where settings differ, say so.

    Raises:
        MplogError: the file is another service's, or there is no shared memory.
        OSError: the directory cannot be used.
    """
    settings = loaded.settings
    log_file = settings.file or ""
    name = settings.service or service_name(log_file)
    _carry(name, settings.sinks)  # what is refused here leaves no service behind
    directory, created, running = _create_or_find(settings, log_file, name)
    if running.sinks != settings.sinks:
        _carry(name, running.sinks)  # these are what a writer of ours gets
    told = (
        () if created else tuple(differences(running, settings, set(loaded.given), loaded.origins))
    )
    for sentence in told:
        tell(sentence, kind=f"difference:{sentence}")
    connection = Connection(directory, name, with_own(running, settings))
    if created:
        connection.creator_pid = os.getpid()
    if '"console"' in settings.sinks:
        from mplog.service.carrying import lend

        lend(name, settings.sinks)
    connection.attach()
    return connection, Service(name, created, told)


def _carry(name: str, sinks: str) -> None:
    if '"carried:' in sinks:
        from mplog.service.carrying import carry  # for those who have such an object

        carry(name, sinks)


def _create_or_find(settings: Settings, log_file: str, name: str) -> tuple[str, bool, Settings]:
    """Tried again where a writer that leaves has just taken the service, or its empty directory,
    away.
    """
    left = _TRIES
    while True:
        left -= 1
        directory = usable_directory(settings, os.environ, os.geteuid())
        for one in settings.all_files:
            refuse_foreign_owner(one.file or log_file, name, directory)
        _refuse_second_name(settings, name, directory)
        try:
            if settings.overflow_dir is not None:
                private_directory(settings.overflow_dir)
            if create_bell(directory, name, settings):
                _tell_other_versions(directory, name)
                return directory, True, settings
            return directory, False, configuration(directory, name)
        except FileNotFoundError:
            if not left:
                raise


def _tell_other_versions(directory: str, name: str) -> None:
    """Where another version has left events they wait until somebody gets them out."""
    ours = f"{name}.{_native.ABI}."
    if any(each.startswith(f"{name}.") and not each.startswith(ours) for each in _names(directory)):
        from mplog.ring.unread import waiting  # after an upgrade only

        for sentence in waiting(directory, name):
            tell(sentence, kind=f"version:{sentence}")


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _refuse_second_name(settings: Settings, name: str, directory: str) -> None:
    """A service of another name may have been set up for a file a moment ago, and its writer not
    hold the file's lock yet.
    """
    wanted = {one.file for one in settings.all_files}
    for other in services(directory):
        if other == name:
            continue
        try:
            found = configuration(directory, other)
        except (MplogError, OSError):
            continue
        for one in found.all_files:
            if one.file in wanted:
                raise FileOwnedError(one.file or "", other, directory)


def _without_memory(settings: Settings, error: Exception) -> Service:
    """No place for shared memory at all: the program runs on, WARNING and above go to stderr."""
    text = f"no shared memory for logging: {error}; WARNING and above go to stderr"
    fault(text, kind="memory", code=getattr(error, "code", "MPL-S002"))
    os.environ.pop("MPLOG_SERVICE", None)
    os.environ.pop("MPLOG_SETTINGS", None)
    GATE.reset()
    GATE.level = settings.level
    name = settings.service or service_name(settings.file or "")
    return Service(name, False, (f"not running: {error}",))


def _switch(connection: Connection, level: int) -> None:
    """Go over to the service; what was logged to the one before it is drained as that of any
    process that left.
    """
    before = GATE.connection
    GATE.connect(connection, level)
    watch(connection)
    if before is not None:
        before.close()
        if before.creator_pid == os.getpid():
            STATE.former.append(before)
    os.environ["MPLOG_SERVICE"] = connection.service
    os.environ["MPLOG_DIR"] = connection.directory
    # As bytes: the locale need not have what stands in them.
    os.environb[b"MPLOG_SETTINGS"] = connection.settings.stored()

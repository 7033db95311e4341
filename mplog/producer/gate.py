"""The gate: whether an event passes, and where it goes from here. One a process.

`level` and `publish` are what a log call looks at. Before anything is configured, `publish` is the
gate's own first step: it attaches to the service that
this process has inherited, else sends WARNING and above to stderr, with one hint.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from mplog.config import Settings, from_bytes, load, private_directory
from mplog.errors import MplogError
from mplog.event.event import Event
from mplog.event.level import WARNING, name_of
from mplog.producer.connection import Connection
from mplog.producer.tell import printable, say, tell
from mplog.ring import configuration, create_bell, refuse_foreign_owner

Publish = Callable[..., bool | None]
_HINT = (
    'logging is not configured: call mplog.configure("app.jsonl") once; '
    "until then WARNING and above come here"
)


class Gate:
    """What stands between a log call and the lane.

    Attributes:
        level: events below it do not pass.
        publish: takes (level, payload, kind, flags); True accepted, False dropped, None too large.
        max_payload: bytes that publish takes at most.
        connection: to the service, once there is one.
    """

    __slots__ = ("connection", "level", "max_payload", "publish")

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.reset()

    def reset(self) -> None:
        """Back to the state before any configuration: the next event attaches again."""
        self.connection = None
        self.level = 0
        self.max_payload = 64 << 10
        self.publish: Publish = self._first

    def connect(self, connection: Connection, level: int) -> None:
        """From now on events of *level* and above go to *connection*."""
        self.connection = connection
        self.max_payload = connection.producer.max_payload
        self.publish = connection.producer.publish
        self.level = level

    def _first(self, level: int, payload: bytes, kind: int = 0, flags: int = 0) -> bool | None:
        found = inherited(os.environ)
        if found is None:
            self.publish = _to_stderr
            self.level = max(self.level, WARNING)
            return _to_stderr(level, payload, kind, flags)
        connection, settings = found
        self.connect(connection, settings.level)
        if level < settings.level:
            return False
        return self.publish(level, payload, kind, flags)


def inherited(environ: os._Environ[str] | dict[str, str]) -> tuple[Connection, Settings] | None:
    """The service that a parent process has handed down. A child's own MPLOG_LEVEL and policy
    hold.
    """
    service, directory = environ.get("MPLOG_SERVICE", ""), environ.get("MPLOG_DIR", "")
    if not service or not directory:
        return None
    try:
        settings = _found(Path(directory), service, environ.get("MPLOG_SETTINGS", ""))
        own = load(environ=environ)
        for key, attribute in (
            ("level", "level"),
            ("when_full", "when_full"),
            ("block_timeout", "block_timeout_s"),
        ):
            if key in own.given:
                value = {attribute: getattr(own.settings, attribute)}
                settings = msgspec.structs.replace(settings, **value)
        return Connection(Path(directory), service, settings), settings
    except FileNotFoundError:
        tell(
            f"the inherited service {service} in {directory} is gone; call mplog.configure() to "
            "set up one",
            kind="inherited",
        )
    except (MplogError, OSError, RuntimeError) as error:
        tell(f"the inherited service {service} cannot be used: {error}", kind="inherited")
    return None


def _found(directory: Path, service: str, handed_down: str) -> Settings:
    """The service's settings; it is set up again where its writer left before this process came,
    as after an exec.
    """
    try:
        return configuration(directory, service)
    except FileNotFoundError:
        if not handed_down:
            raise
    settings = from_bytes(handed_down.encode("utf-8", "surrogateescape"))
    refuse_foreign_owner(Path(settings.file or ""), service, directory, patience_s=0.0)
    private_directory(directory)
    create_bell(directory, service, settings)
    return configuration(directory, service)


def _to_stderr(level: int, payload: bytes, kind: int = 0, flags: int = 0) -> bool:
    if level < WARNING:
        return False
    tell(_HINT, kind="hint")
    try:
        event = msgspec.msgpack.decode(payload, type=Event)
    except (msgspec.MsgspecError, ValueError):
        return say(f"{name_of(level)} (unreadable)")
    shown = " ".join(f"{k}={v!r}" for k, v in event.fields.items())
    text = f"{name_of(level)} {event.logger}: {_message(event)} {shown}".rstrip()
    if event.exception is not None:
        text += f" [{event.exception.type}: {event.exception.message}]"
    return say(printable(text))


def _message(event: Event) -> str:
    """What `logging` would have shown."""
    if not event.args:
        return event.template
    try:
        given = event.args if isinstance(event.args, dict) else tuple(event.args)
        return event.template % given
    except Exception:  # arguments that do not fit
        return f"{event.template} {event.args!r}"


GATE = Gate()

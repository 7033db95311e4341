"""The gate: whether an event passes, and where it goes from here. One a process.

`level` and `publish` are what a log call looks at. Before anything is configured, `publish` is the
gate's own first step: it attaches to the service that this process has inherited, else sends
WARNING and above to stderr, with one hint.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from mplog._native import set_enriched, set_redaction, steer
from mplog.config import REDACTED, Own, own_from_bytes, private_directory
from mplog.errors import MplogError
from mplog.event.event import Event
from mplog.event.level import WARNING, name_of
from mplog.producer.connection import Connection, close_all
from mplog.producer.containment import OFF_LEVEL
from mplog.producer.context import LIMIT
from mplog.producer.tell import fault, say, tell
from mplog.ring import create_bell, own_configuration

if TYPE_CHECKING:
    from mplog.config import Settings

Publish = Callable[..., bool | None]
MAX_PAYLOAD_BYTES = 64 << 10  # before there is a lane that says otherwise
PERCENT_KIND = 1
_HANDED_DOWN = ("MPLOG_SERVICE", "MPLOG_DIR", "MPLOG_SETTINGS")
_HINT = (
    'logging is not configured: call mplog.configure("app.jsonl") once; '
    "until then WARNING and above come here"
)


class Gate:
    """What stands between a log call and the lane.

    Attributes:
        emit: takes (level, event, kind): the event's items, encoded on the way; True accepted,
            False dropped, None does not encode, or is too large.
        publish: takes (level, payload, kind, flags); the same for a payload.
        connection: to the service, once there is one; set before the level, which tells both to C.
        off: a fault of mplog's own has turned it off.
        unmet: whether there is a service to go to has not been looked at yet.
    """

    __slots__ = ("_level", "_steers", "connection", "emit", "off", "publish", "unmet")

    def __init__(self, *, steers: bool = False) -> None:
        self._steers = steers
        self.reset()

    @property
    def level(self) -> int:
        """Events below it do not pass."""
        return self._level

    @level.setter
    def level(self, level: int) -> None:
        self._level = level
        if self._steers:
            steer(level, self.connection.producer if self.connection else None)

    def reset(self) -> None:
        """Back to the state before any configuration: the next event attaches again."""
        self.connection: Connection | None = None
        self.off = False
        if self._steers:
            set_redaction(REDACTED)
            set_enriched(None)
        self.unmet = True
        self.level = 0
        self.emit: Publish = self._first
        self.publish: Publish = self._first_payload

    def turn_off(self) -> None:
        """Nothing passes any more until the next `connect`; all lanes are given back, and what is
        in them is delivered.
        """
        self.off, self.unmet = True, False
        self.emit = self.publish = _refuse
        self._level = OFF_LEVEL
        if self._steers:
            steer(OFF_LEVEL, None)
        close_all()

    def connect(self, connection: Connection, level: int) -> None:
        """From now on events of *level* and above go to *connection*."""
        self.connection = connection
        self.off = self.unmet = False
        if self._steers:
            set_redaction(connection.settings.redact)
            LIMIT.most_bytes = connection.settings.context_bytes
            self._enrich(connection.settings)
        self.publish = connection.producer.publish
        self.emit = connection.producer.emit
        self.level = level

    @staticmethod
    def _enrich(settings: Settings | Own) -> None:
        if not settings.enrich:
            set_enriched(None)
            return
        from mplog.producer.enrich import enrich  # for who has asked for it

        enrich(settings.enrich, settings.context_bytes)

    def _first(self, level: int, event: tuple[Any, ...], kind: int = 0) -> bool | None:
        if not self.meet():
            return None  # the bounded way ends on stderr
        # A handler's events have passed the levels of `logging`; this one is of mplog's loggers.
        return (
            False if level < self.level and kind != PERCENT_KIND else self.emit(level, event, kind)
        )

    def _first_payload(
        self, level: int, payload: bytes, kind: int = 0, flags: int = 0
    ) -> bool | None:
        self.meet()
        return self.publish(level, payload, kind, flags)

    def meet(self) -> bool:
        """Attach to the service that a parent has handed down, if there is one: before the first
        event is made, so that it has what the service's enrichers say.
        """
        self.unmet = False
        found = inherited(os.environ)
        if found is None:
            self.publish, self.emit = _to_stderr, _never
            self.level = max(self.level, WARNING)
            return False
        self.connect(found[0], found[1].level)
        return True


def _refuse(level: int, event: object, kind: int = 0, flags: int = 0) -> bool:
    return False


def _never(level: int, event: tuple[Any, ...], kind: int = 0) -> bool | None:
    """Below WARNING there is nowhere to go; the rest goes the bounded way, to stderr."""
    return None if level >= WARNING else False


def inherited(
    environ: os._Environ[str] | dict[str, str],
) -> tuple[Connection, Settings | Own] | None:
    """The service that a parent process has handed down. A child's own MPLOG_LEVEL and policy
    hold.
    """
    service, directory = environ.get("MPLOG_SERVICE", ""), environ.get("MPLOG_DIR", "")
    if not service or not directory:
        return None
    try:
        settings: Settings | Own = _found(directory, service, environ.get("MPLOG_SETTINGS", ""))
        if any(name.startswith("MPLOG_") and name not in _HANDED_DOWN for name in environ):
            from mplog.config import from_bytes, with_own  # few have settings of their own
            from mplog.config.load import load

            # What a file holds, a child has inherited; it may not be allowed to read it any more.
            named = ("MPLOG_FILE", *(n for n in environ if not n.endswith("_FILE")))
            own = load(environ={name: environ[name] for name in named if name in environ})
            settings = with_own(from_bytes(settings.stored()), own.settings, set(own.given))
        return Connection(directory, service, settings), settings
    except FileNotFoundError:
        text = f"the inherited service {service} in {directory} is gone; call mplog.configure() to"
        fault(f"{text} set up one", kind="inherited", code="MPL-S002", service=service)
    except (MplogError, OSError, RuntimeError) as error:
        text = f"the inherited service {service} cannot be used: {error}"
        code = getattr(error, "code", "MPL-S002")
        fault(text, kind="inherited", code=code, service=service)
    return None


def _found(directory: str, service: str, handed_down: str) -> Own:
    """The service's settings; it is set up again where its writer left before this process came,
    as after an exec.
    """
    try:
        return own_configuration(directory, service)
    except FileNotFoundError:
        if not handed_down:
            raise
    from mplog.ring.ownership import refuse_foreign_owner  # seldom

    settings = own_from_bytes(handed_down.encode("utf-8", "surrogateescape"))
    refuse_foreign_owner(settings.file or "", service, directory, patience_s=0.0)
    private_directory(directory)
    create_bell(directory, service, settings)
    return own_configuration(directory, service)


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
    return say(text)


def _message(event: Event) -> str:
    """What `logging` would have shown."""
    if not event.args:
        return event.template
    try:
        given = event.args if isinstance(event.args, dict) else tuple(event.args)
        return event.template % given
    except Exception:  # arguments that do not fit
        return f"{event.template} {event.args!r}"


GATE = Gate(steers=True)

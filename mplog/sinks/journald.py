"""journald: its native protocol, one datagram an event, without a library.

What is too large for a datagram is handed over as a sealed file in memory. journald itself adds
fields that nobody can forge (`_PID`, `_COMM`, …); they are of the process that sends, the writer.
The process that has logged is told in `SYSLOG_PID` and in fields of our own.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import re
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from mplog.config import syslog as config
from mplog.config.syslog import required
from mplog.config.wrong import WrongValue
from mplog.errors import TargetError
from mplog.event.event import Event, Stamped
from mplog.event.level import name_of
from mplog.event.sanitise import REPR_CHARS, guarded
from mplog.format.base import CUT, LATE, RECOVERED, Format, message_of, timestamp
from mplog.format.exception import stacktrace
from mplog.format.plain import json_value
from mplog.format.syslog import severity
from mplog.format.text import visible
from mplog.sinks.base import Outgoing

MAX_NAME_CHARS = 64
MAX_FIELDS = 1_000  # journald refuses an entry of more than 1,024, its own fields included
_FLAGS = ((CUT, "CUT"), (LATE, "LATE"), (RECOVERED, "RECOVERED"))
_not_name = re.compile("[^A-Z0-9_]")
_encode = msgspec.json.Encoder().encode
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
_OURS = frozenset(
    """
    MESSAGE PRIORITY SYSLOG_IDENTIFIER SYSLOG_PID SYSLOG_TIMESTAMP CODE_FILE CODE_LINE CODE_FUNC TID
    MPLOG_TIMESTAMP MPLOG_LEVEL MPLOG_LOGGER MPLOG_SESSION MPLOG_SEQ MPLOG_PROCESS MPLOG_THREAD
    MPLOG_TASK MPLOG_TEMPLATE MPLOG_STACK MPLOG_CUT MPLOG_LATE MPLOG_RECOVERED
    EXCEPTION_TYPE EXCEPTION_MESSAGE EXCEPTION_STACKTRACE
    MESSAGE_ID ERRNO INVOCATION_ID USER_INVOCATION_ID DOCUMENTATION UNIT USER_UNIT COREDUMP_UNIT
    SYSLOG_FACILITY SYSLOG_RAW OBJECT_PID N_RESTARTS
    """.split()  # noqa: SIM905  # a table that people read
)
"""What a user's field may not pass itself off as: systemd and journalctl act on some of these."""


class JournaldSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a journald sink is told.

    Attributes:
        app: SYSLOG_IDENTIFIER, what `journalctl -t` looks for.
        socket: where journald listens.
        timeout_s: for as long as journald takes nothing.
    """

    app: str = "mplog"
    socket: str = "/run/systemd/journal/socket"
    timeout_s: float = 5.0


def _path(value: str) -> str:
    if value.startswith("/"):
        return value
    raise WrongValue(value, "is no absolute path", f'give one, as "{JournaldSettings().socket}"')


class JournaldSink:
    """Events to journald of this machine.

    Args:
        settings: where.
        body: makes MESSAGE, instead of the event's own text.

    Raises:
        UsageError: a setting is wrong.
    """

    def __init__(self, settings: JournaldSettings, body: Format | None = None) -> None:
        required(_path, settings.socket, "journald socket")
        required(config.timeout_s, settings.timeout_s, "journald timeout_s")
        self._settings = settings
        self._body = body
        self._sock: socket.socket | None = None

    def open(self) -> None:
        """Connect.

        Raises:
            TargetError: journald is not there.
        """
        self.close()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sock.settimeout(self._settings.timeout_s)
            sock.connect(self._settings.socket)
        except OSError as error:
            sock.close()
            raise self._error(error, 0) from error
        self._sock = sock

    def write(self, batch: Sequence[Outgoing]) -> None:
        """Hand over all of *batch*.

        Raises:
            TargetError: `done` of them journald has.
        """
        if self._sock is None:
            self.open()
        done = 0
        try:
            for one in batch:
                self._send(entry(one.event, one.stamped, self._settings.app, self._body))
                done += 1
        except OSError as error:
            self.close()  # another journald may listen there by now
            raise self._error(error, done) from error

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Let go of the socket."""
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    def _send(self, data: bytes) -> None:
        assert self._sock is not None
        try:
            self._sock.send(data)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            self._send_file(data)

    def _send_file(self, data: bytes) -> None:
        """Sealed, so that journald may map it without a fear of its shrinking."""
        assert self._sock is not None
        file = os.memfd_create("mplog", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, _SEALS)
            passed = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))
            self._sock.sendmsg([], [passed])
        finally:
            os.close(file)

    def _error(self, why: OSError, done: int) -> TargetError:
        text = f"journald {self._settings.socket}: {why}"
        return TargetError(text, temporary=True, done=done, errno=why.errno)


def entry(event: Event, stamped: Stamped, app: str, body: Format | None = None) -> bytes:
    """An event as the native protocol writes it. Never raises.

    Args:
        app: SYSLOG_IDENTIFIER.
        body: makes MESSAGE.
    """
    try:
        pairs = dict(_own(event, stamped, app, body))
    except Exception:  # whatever a payload has brought
        pairs = dict(_own(Event(event.logger, "unreadable event"), stamped, app, None))
    else:
        _add_fields(pairs, event)
    return b"".join([_field(name, value) for name, value in pairs.items()])


def _own(
    event: Event, stamped: Stamped, app: str, body: Format | None
) -> Iterator[tuple[str, str]]:
    message = message_of(event, stamped.kind)
    text = message
    if body is not None:
        text = body.line(event, stamped).decode("utf-8", "replace").removesuffix("\n")
    yield "MESSAGE", visible(text)  # `journalctl -o cat` shows it as it is
    yield "PRIORITY", str(severity(stamped.level))
    info = event.exception
    optional = {
        "SYSLOG_IDENTIFIER": app,
        "SYSLOG_PID": stamped.pid,
        "MPLOG_TIMESTAMP": timestamp(stamped.wall_ns),
        "CODE_FILE": event.file,
        "CODE_LINE": event.line,
        "CODE_FUNC": event.function,
        "MPLOG_LEVEL": name_of(stamped.level),
        "MPLOG_LOGGER": event.logger,
        "MPLOG_SESSION": stamped.session,
        "MPLOG_SEQ": stamped.seq,
        "MPLOG_PROCESS": stamped.process_name,
        "MPLOG_THREAD": event.thread_name,
        "MPLOG_TASK": event.task,
        "MPLOG_TEMPLATE": event.template if event.template != message else "",
        "MPLOG_STACK": event.stack,
    }
    if info is not None:
        optional["EXCEPTION_TYPE"] = info.type
        optional["EXCEPTION_MESSAGE"] = info.message
        optional["EXCEPTION_STACKTRACE"] = stacktrace(info)
    for name, value in optional.items():
        if value:
            yield name, str(value)
    for bit, name in _FLAGS:
        if stamped.flags & bit:
            yield f"MPLOG_{name}", "1"


def _add_fields(pairs: dict[str, str], event: Event) -> None:
    """The user's, under names that journald takes, each of them once."""
    fields = {**event.context, **event.fields} if event.context else event.fields
    for key, value in fields.items():
        made, number = field_name(key), 1
        name = made
        if len(pairs) >= MAX_FIELDS - 1:
            pairs["MPLOG_CUT"] = "1"
            return
        while name in pairs:
            number += 1
            end = f"_{number}"
            name = made[: MAX_NAME_CHARS - len(end)] + end
        pairs[name] = _text(value)


def field_name(key: Any) -> str:
    """*key* as the name of a journal field: capitals, digits and `_`.

    A name that systemd or we give a meaning to becomes `F_…`; so does one with `_` or a digit in
    front, which journald would refuse.
    """
    name = _not_name.sub("_", str(key).upper())
    if not name or not "A" <= name[0] <= "Z" or name in _OURS:
        name = f"F_{name}"
    return name[:MAX_NAME_CHARS]


def _text(value: Any) -> str:
    if value.__class__ is str:
        return value  # type: ignore[no-any-return]
    try:
        plain = json_value(value)
        return plain if plain.__class__ is str else _encode(plain).decode().strip('"')
    except Exception:
        return guarded(repr, value)[:REPR_CHARS]


def _field(name: str, value: str) -> bytes:
    """`NAME=value`, or with its length where the value has line ends; those stay, what else would
    steer a terminal is shown.
    """
    data = "\n".join([visible(line) for line in value.split("\n")]).encode()
    if b"\n" not in data:
        return b"%b=%b\n" % (name.encode(), data)
    return b"%b\n%b%b\n" % (name.encode(), len(data).to_bytes(8, "little"), data)

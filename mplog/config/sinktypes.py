"""The kinds of sinks that are no files, and what each of their settings is for: one table."""

from __future__ import annotations

import os
import re
from typing import Any

from mplog.config import durations, named, prefixes, sizes, syslog, values
from mplog.config.carried import carry, is_carried
from mplog.config.key import Key
from mplog.config.wrong import WrongValue, plain

NAME_PATTERN = r"\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,31}\Z"
STDERR = "stderr"  # as a fallback: the writer's own
MAX_EVENTS = 10_000_000
PROCESSES = (OWN := "own", "writer")
COLOURS = ("auto", "always", "never")
_MAX_TEXT_CHARS = 4_000


def _text(value: object) -> str:
    given = plain(value)
    if isinstance(given, str) and given.isprintable() and len(given) <= _MAX_TEXT_CHARS:
        return given
    raise WrongValue(value, "is not a text", "give a text on one line")


def _name(value: object) -> str:
    given = plain(value)
    if isinstance(given, str) and re.search(NAME_PATTERN, given) and given != STDERR:
        return given
    right = "give 1 to 32 characters out of A-Z a-z 0-9 . _ -, the first one not a dot"
    raise WrongValue(value, "is not the name of a sink", right)


def _kind(value: object) -> str:
    given = plain(value)
    if isinstance(given, str) and given in TYPES:
        return given
    right = "give " + " or ".join(f'"{word}"' for word in TYPES)
    raise WrongValue(value, "is no type of sink", right)


def _count(value: object) -> int:
    given = plain(value)
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,8}", given.strip()):
        given = int(given)
    if type(given) is int and 1 <= given <= MAX_EVENTS:
        return given
    raise WrongValue(value, "is not a count", f"give a number from 1 to {MAX_EVENTS:,}")


def _size(value: object) -> int:
    size_bytes = sizes.parse(value)
    if size_bytes < 1024:
        raise WrongValue(value, "is too small", 'give "1 KiB" or more')
    return size_bytes


def _spool(value: object) -> int:
    given = plain(value)
    if given is None or given is False or (isinstance(given, str) and given.strip() in ("", "off")):
        return 0
    return sizes.parse(value) and _size(value)


def _spool_text(size_bytes: int) -> str:
    return sizes.text(size_bytes) if size_bytes else "off"


def _format(value: object) -> str | None:
    return None if value is None else values.parse_format(value)


def _filter(value: object) -> str | None:
    from mplog.config.filter import parse_filter  # for those who have one

    text = parse_filter(value)
    if text is not None and named.is_name(text):
        right = "give an expression, or have the callable be a sink that takes what it wants"
        raise WrongValue(value, "is a callable", right)
    return text


def _fallback(value: object) -> str | None:
    given = plain(value)
    if given is None or (isinstance(given, str) and given.strip().lower() in ("", "off")):
        return None
    return STDERR if given == STDERR else _name(value)


def _optional_text(value: str | None) -> str:
    return "off" if value is None else value


def _object(value: object) -> str:
    """A callable sink's target: a name, or what is carried to the writer."""
    given = plain(value)
    if isinstance(given, str):
        if named.is_name(given) or is_carried(given):
            return given
        right = 'give "package.module:object", or the object itself'
        raise WrongValue(given, "is no name of an object", right)
    if value is None or isinstance(given, (int, float)):
        raise WrongValue(value, "is no sink", 'give "package.module:object", or the object itself')
    name = f"{getattr(value, '__module__', '')}:{getattr(value, '__qualname__', '')}"
    return name if named.leads_to(name, value) else carry(value)


def _console(value: object) -> str:
    given = plain(value)
    if isinstance(given, str):
        home = os.path.expanduser(given)
        if given in (STDERR, "stdout") or (home.startswith("/") and home.isprintable()):
            return home if given not in (STDERR, "stdout") else given
    right = 'give "stderr", "stdout", or the path of a terminal, "/dev/pts/3"'
    raise WrongValue(value, "is no console", right)


def _key(name: str, read: tuple[Any, Any], takes: str, what: str, attribute: str = "") -> Key:
    parse, text = read
    return Key(name, attribute or name, "service", parse, text, takes, what)


_TEXT, _COUNT, _PATH = (_text, str), (_count, str), (syslog.path, str)
_DURATION, _SIZE = (durations.parse, durations.text), (_size, sizes.text)
# A sink refuses what is out of range, and that is too late: nobody has asked for its sink then.
_LIMIT = (lambda value: syslog.max_bytes(sizes.parse(value))), sizes.text
_WAIT = (lambda value: syslog.timeout_s(durations.parse(value))), durations.text
_SWITCH = (values.parse_switch, values.switch_text)


def _one_of(words: tuple[str, ...]) -> tuple[Any, Any]:
    return (lambda value: values.choice(value, words)), str


COMMON = (
    _key("type", (_kind, str), "see below", "What the sink is.", "kind"),
    _key("name", (_name, str), "a short name", "What it is called; its type, if not given."),
    _key(
        "level",
        (values.parse_level, values.level_text),
        "a level",
        "Events below it do not go there.",
    ),
    _key(
        "levels",
        (prefixes.parse_levels, prefixes.levels_text),
        "as `levels`",
        "Instead of `level` for a logger of that name and those below it.",
    ),
    _key(
        "format",
        (_format, _optional_text),
        "as `format`",
        "Lines of another form than the sink's own.",
    ),
    _key(
        "filter",
        (_filter, _optional_text),
        "an expression",
        "Only [events for which it holds](../howto/filters.md) go there.",
    ),
    _key(
        "standby",
        _SWITCH,
        "`on` or `off`",
        "It gets nothing of its own, only what sinks hand over whose fallback it is.",
    ),
    _key(
        "queue", _COUNT, "a count", "How many events may wait for it; more are dropped and counted."
    ),
    _key("queue_bytes", _SIZE, "a size", "The same in bytes."),
    _key("batch", _COUNT, "a count", "So many events go together, at most."),
    _key(
        "batch_wait",
        _DURATION,
        "a duration",
        "How long an event waits for others to go with it; for a console 20 ms.",
        "batch_wait_s",
    ),
    _key(
        "retry_for",
        _DURATION,
        "a duration",
        "How long one batch is tried again where a fault may pass.",
        "retry_for_s",
    ),
    _key(
        "breaker_failures",
        _COUNT,
        "a count",
        "After so many failures in a row the sink is left alone for a while.",
    ),
    _key(
        "breaker_reset",
        _DURATION,
        "a duration",
        "How long apart the looks whether it is back are, at most.",
        "breaker_reset_s",
    ),
    _key(
        "fallback",
        (_fallback, _optional_text),
        "a sink's name or `stderr`",
        "Where events go that the sink does not take.",
    ),
    _key(
        "spool",
        (_spool, _spool_text),
        "a size; `off`",
        "A queue on disk, beside the log: what is in it outlives the writer.",
        "spool_bytes",
    ),
    _key(
        "spool_hold",
        _DURATION,
        "a duration",
        "How long the spool keeps an event after it was delivered.",
        "spool_hold_s",
    ),
)

TYPES: dict[str, tuple[Key, ...]] = {
    "console": (
        _key(
            "target",
            (_console, str),
            '`"stderr"`, `"stdout"`, or a path',
            "Where it writes: of `mplog serve` or `mplog run`, or of the program that starts the "
            "service.",
        ),
        _key(
            "colour",
            _one_of(COLOURS),
            "`auto`, `always` or `never`",
            "`auto`: on a terminal, unless `NO_COLOR` is set; `FORCE_COLOR` has them anywhere.",
        ),
    ),
    "syslog": (
        _key(
            "target",
            (syslog.target, str),
            '`"unix:/dev/log"`, `"udp://HOST[:514]"`, `"tcp://HOST[:601]"`, `"tls://HOST[:6514]"`',
            "Where the messages go.",
        ),
        _key("facility", (syslog.facility, str), "a name, as `daemon`", "That of the messages."),
        _key(
            "app", _TEXT, "a name", "The application's name; or else `OTEL_SERVICE_NAME`, or mplog."
        ),
        _key("host", _TEXT, "a name", "This machine's name, if not the kernel's."),
        _key(
            "sd_id",
            (syslog.sd_id, str),
            "a name with an enterprise number",
            "What the fields stand under.",
        ),
        _key(
            "framing",
            _one_of(syslog.FRAMINGS),
            "`octets` or `lf`",
            "How messages are told apart in a stream.",
        ),
        _key("max_bytes", _LIMIT, 'up to `"16 MiB"`', "A message's limit; longer ones are cut."),
        _key("bom", _SWITCH, "`on` or `off`", "A byte order mark before text that is not ASCII."),
        _key("timeout", _WAIT, "up to an hour", "For connecting and for a write.", "timeout_s"),
        _key("ca_file", _PATH, "a path", "Certificates to trust, if not the system's."),
        _key("cert_file", _PATH, "a path", "The client's own certificate."),
        _key("key_file", _PATH, "a path", "Its key."),
        _key("key_password_file", _PATH, "a path", "The file with the key's password."),
        _key("server_name", _TEXT, "a name", "Whom the certificate must be for."),
    ),
    "journald": (
        _key("app", _TEXT, "a name", "SYSLOG_IDENTIFIER, as `journalctl -t` has it; likewise."),
        _key("target", _PATH, "a path", "The socket at which journald listens.", "socket"),
        _key("timeout", _WAIT, "up to an hour", "As long as journald takes nothing.", "timeout_s"),
    ),
    "callable": (
        _key(
            "target",
            (_object, str),
            '`"package.module:object"`, or the object itself',
            "A function that takes one `Line`, an object with the four methods of a sink, or a "
            "class or function without arguments that makes one.",
        ),
        _key("process", _one_of(PROCESSES), "`own` or `writer`", "Where it runs. In the writer it "
             "shares the interpreter with all that the writer does."),
        _key("timeout", _DURATION, "a duration", "In a process of its own: for one call; one that "
             "takes longer ends the process. `0 s`: it may take for ever.", "limit_s"),
    ),
    "memory": (
        _key("most", _COUNT, "a count", "How many events are kept; older ones go."),
    ),
    "null": (),
}  # fmt: skip

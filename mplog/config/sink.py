"""Sinks that are no files: the setting `sinks`, as tables or as JSON text.

Loaded by those who give the setting, and by the writer. To a worker it is a text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from mplog.config.key import Key
from mplog.config.listed import OFF, tables
from mplog.config.prefixes import Rules
from mplog.config.sinktypes import COMMON, STDERR, TYPES
from mplog.config.wrong import WrongValue, nearest, show

MAX_SINKS = 16
# Where a type has another default than all: people look at a console while they wait.
_OF_KIND: dict[str, dict[str, Any]] = {"console": {"batch_wait_s": 0.02}}
_RIGHT = (
    'give a list of tables, [{"type": "console"}], or the same as JSON text; "off" for none; '
    f"at most {MAX_SINKS}"
)


class SinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One sink, checked; names are those of the keys, with their units.

    Attributes:
        options: what its type has beside what all have; only what was given.
    """

    kind: str
    name: str = ""
    level: int = 0
    levels: Rules = ()
    format: str | None = None
    filter: str | None = None
    standby: bool = False
    queue: int = 10_000
    queue_bytes: int = 16 << 20
    batch: int = 500
    batch_wait_s: float = 0.2
    retry_for_s: float = 5.0
    breaker_failures: int = 3
    breaker_reset_s: float = 0.35
    fallback: str | None = None
    spool_bytes: int = 0
    spool_hold_s: float = 0.0
    options: dict[str, Any] = {}


def spool_place(log: str, sink: str) -> str:
    """The directory of a sink's spool: beside the first log file."""
    folder, name = os.path.split(log)
    return os.path.join(folder, f".{name}.spool-{sink}")


def parse_sinks(value: object) -> tuple[SinkSettings, ...]:
    """The sinks, each checked, then all together."""
    sinks = tuple(
        _parse(given, number) for number, given in enumerate(tables(value, "sinks", _RIGHT))
    )
    if len(sinks) > MAX_SINKS:
        raise WrongValue(value, f"names {len(sinks)} sinks", _RIGHT)
    names = [sink.name for sink in sinks]
    for sink in sinks:
        if names.count(sink.name) > 1:
            raise WrongValue(sink.name, "is the name of two sinks", 'give each its own "name"')
    _check_fallbacks(sinks)
    return sinks


def sinks_text(sinks: Sequence[SinkSettings]) -> str:
    """The sinks as they may be written: JSON with what is not the default."""
    if not sinks:
        return OFF
    return msgspec.json.encode([dict(_written(sink)) for sink in sinks]).decode()


def canonical(value: object) -> str:
    """What stands in `Settings`: the text of the checked sinks."""
    return sinks_text(parse_sinks(value))


def _parse(given: object, number: int) -> SinkSettings:
    if type(given) is SinkSettings:
        return given
    place = f"sinks[{number}]"
    if type(given) is not dict:
        raise WrongValue(given, f"is not a table ({place})", _RIGHT)
    if "type" not in given:
        right = f'give "type" in it, one of {", ".join(TYPES)}'
        raise WrongValue(given, f"has no type ({place})", right)
    kind = _read(COMMON[0], given["type"], place)
    common: dict[str, Any] = {"name": kind, **_OF_KIND.get(kind, {})}
    options: dict[str, Any] = {}
    for key, value in _known(given, kind, place):
        into = common if key in COMMON else options
        into[key.attribute] = _read(key, value, place)
    if kind == "callable" and "target" not in options:
        right = 'give "target" in it, "package.module:object" or the object itself'
        raise WrongValue(kind, f"has no target ({place})", right)
    if options.get("key_file") and not options.get("cert_file"):
        right = 'give "cert_file" with it'
        raise WrongValue(options["key_file"], f"is a key without its certificate ({place})", right)
    return SinkSettings(**{**common, "kind": kind}, options=options)


def _known(given: Mapping[object, object], kind: str, place: str) -> Iterator[tuple[Key, object]]:
    keys = {key.name: key for key in (*COMMON, *TYPES[kind])}
    for name, value in given.items():
        key = keys.get(name) if type(name) is str else None
        if key is None:
            near = nearest(name, keys) if type(name) is str else None
            right = f"did you mean {near}?" if near else f"the keys are {', '.join(keys)}"
            raise WrongValue(name, f"is no setting of a {kind} sink ({place})", right)
        yield key, value


def _read(key: Key, value: object, place: str) -> Any:
    try:
        return key.parse(value)
    except WrongValue as wrong:
        wrong.found = f"{place}.{key.name}: {wrong.found}"
        raise


def _check_fallbacks(sinks: Sequence[SinkSettings]) -> None:
    following = {sink.name: sink.fallback for sink in sinks if sink.fallback not in (None, STDERR)}
    names = [sink.name for sink in sinks]
    for name, other in following.items():
        if other not in names:
            near = nearest(str(other), names)
            right = f"did you mean {near}?" if near else "name one of the sinks, or stderr"
            raise WrongValue(other, f"is no sink (the fallback of {show(name)})", right)
        seen = {name}
        while other is not None:
            if other in seen:
                right = "let the last of them fall back to stderr, or to nothing"
                raise WrongValue(name, "is its own fallback in the end", right)
            seen.add(other)
            other = following.get(other)


def _written(sink: SinkSettings) -> Iterator[tuple[str, str]]:
    default = SinkSettings(kind=sink.kind, name=sink.kind, **_OF_KIND.get(sink.kind, {}))
    for key in COMMON:
        value = getattr(sink, key.attribute)
        if key.name == "type" or value != getattr(default, key.attribute):
            yield key.name, key.text(value)
    for key in TYPES[sink.kind]:
        if key.attribute in sink.options:
            yield key.name, key.text(sink.options[key.attribute])

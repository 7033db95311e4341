"""What every event of a process has: put together once in each process, and never at a call.

Loaded only where `enrich` is set. What goes wrong is told, and costs no event.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from mplog._native import enriched, set_enriched
from mplog.config import carried, named
from mplog.config.enrich import is_constant
from mplog.event.codec import bounded, decode
from mplog.event.sanitise import guarded, shortened
from mplog.producer.surroundings import ENRICHERS, FIELDS, read
from mplog.producer.tell import fault, tell


def enrich(words: tuple[str, ...], most_bytes: int) -> None:
    """From now on this process's events, and those of its forks, have what *words* ask for; it is
    found out at once here, and in each fork at its first event.

    Args:
        most_bytes: what it may take of each event.
    """
    set_enriched(lambda: _fields(words, most_bytes))
    enriched()


def _fields(words: tuple[str, ...], most_bytes: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    wanted = dict.fromkeys(words)
    if "all" in wanted:
        wanted = dict.fromkeys([*ENRICHERS, *words])
    for word in sorted(wanted, key=_turn):
        if word in ENRICHERS:
            fields.update(_found(word))
        elif is_constant(word):
            name, _, value = word.partition("=")
            fields[FIELDS.get(name, name)] = value
        elif word != "all":
            fields.update(_called(word))
    there = {key: value for key, value in fields.items() if not _is_empty(value)}
    return _kept(there, most_bytes)


def _is_empty(value: object) -> bool:
    return value is None or (type(value) is str and not value)


def _turn(word: str) -> int:
    """What is found out gives way to what was given, and that to what a callable says."""
    return 0 if word in ENRICHERS else 1 if is_constant(word) else 2


def _found(word: str) -> dict[str, Any]:
    try:
        return ENRICHERS[word](os.environ, read)
    except Exception as error:  # an environment patched by a program
        _wrong(word, error)
        return {}


def _called(name: str) -> dict[str, Any]:
    try:
        given = _callable(name)()
    except (Exception, SystemExit) as error:  # anybody's code
        _wrong(name, error)
        return {}
    if type(given) is not dict or any(type(key) is not str for key in given):
        _wrong(name, TypeError(f"it gives a {type(given).__name__}, and no dict of names"))
        return {}
    return given


def _callable(name: str) -> Callable[[], Any]:
    found = carried.OBJECTS.get(name)
    if found is not None:
        return found  # type: ignore[return-value]
    if carried.is_carried(name):
        raise LookupError("it has no name by which this process could import it")
    return named.find(name)


def _wrong(word: str, error: BaseException) -> None:
    text = f"the enricher {word} gives no fields: {type(error).__name__}: {guarded(str, error)}"
    fault(shortened(text, 400), kind=f"enrich:{word}", code="MPL-U003", enricher=word)


def _kept(fields: dict[str, Any], most_bytes: int) -> dict[str, Any]:
    """A copy that nobody else can change, of plain values alone, as large as it may be."""
    payload, cut = bounded(("", "", fields), most_bytes)
    if cut:
        tell(f"what enrichers say is cut to {most_bytes} bytes (context_bytes)", kind="enrich")
    event = decode(payload)
    return {} if event is None else event.fields

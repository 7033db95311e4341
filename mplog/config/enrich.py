"""The setting `enrich`: which fields every event of a process has, as one text, a list or a map."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from mplog.config import carried, named
from mplog.config.limits import MAX_ENRICHER_CHARS, MAX_ENRICHERS
from mplog.config.wrong import WrongValue, nearest, plain

WORDS = ("host", "service", "version", "environment", "container", "slurm", "rank", "all")
_NAME = r"[A-Za-z_][\w.-]{0,63}"
_RIGHT = (
    f"give any of {', '.join(WORDS)}; name=value, as environment=production; a callable, or its "
    'name, "package.module:object"'
)


def parse(value: object) -> tuple[str, ...]:
    """The enrichers in the order given, each once.

    Raises:
        WrongValue: one of them is none.
    """
    words = tuple(dict.fromkeys(_word(item) for item in _items(value)))
    if len(words) > MAX_ENRICHERS:
        raise WrongValue(value, f"makes {len(words)} enrichers", f"give at most {MAX_ENRICHERS}")
    return words


def is_constant(word: str) -> bool:
    """Whether it is a `name=value`."""
    return "=" in word and not carried.is_carried(word)


def _items(value: object) -> Iterator[object]:
    text = plain(value)
    if isinstance(text, str):
        if text.strip().lower() not in ("", "off"):
            yield from text.split(",")
    elif type(value) in (list, tuple):
        yield from cast("Sequence[object]", value)
    elif type(value) is dict:
        yield from _pairs(cast("Mapping[object, object]", value))
    else:
        yield value


def _pairs(given: Mapping[object, object]) -> Iterator[str]:
    """A map: what is true is wanted, what is false or None is not, the rest is a value."""
    for key, value in given.items():
        name, told = plain(key), plain(value)
        if not isinstance(name, str):
            raise WrongValue(key, "is not the name of an enricher", _RIGHT)
        if told is True:
            yield name
        elif isinstance(told, (str, int, float)) and told is not False:
            yield f"{name}={told}"
        elif told is not None and told is not False:
            raise WrongValue(value, f"is no value for {name[:64]!r}", "give a text or a number")


def _word(item: object) -> str:
    given = plain(item)
    if callable(item) and not issubclass(type(item), (str, type)):
        return _callable(item)
    word = given.strip() if isinstance(given, str) else ""
    if not 0 < len(word) <= MAX_ENRICHER_CHARS or "," in word or not word.isprintable():
        raise WrongValue(item, "is not an enricher", _RIGHT)
    name, equals, value = (part.strip() for part in word.partition("="))
    if equals and re.fullmatch(_NAME, name, re.ASCII) and value:
        return f"{name}={value}"
    if name.lower() in WORDS and not equals:
        return name.lower()
    if named.is_name(word) or carried.is_carried(word):
        return word
    near = None if equals else nearest(word, WORDS)
    right = f'did you mean "{near}"? Else {_RIGHT}' if near else _RIGHT
    raise WrongValue(item, "is not an enricher", right)


def _callable(found: object) -> str:
    """Its name; without one it is known to this process, and to those that are forked from it."""
    try:
        name = f"{found.__module__}:{getattr(found, '__qualname__', '')}"
        unbound = isinstance(found, types.MethodType) and not named.leads_to(name, found)
        word = carried.carry(found) if unbound or not named.is_name(name) else name
    except Exception:  # an object's own code
        raise WrongValue(found, "is not an enricher", _RIGHT) from None
    carried.OBJECTS[word] = found
    return word

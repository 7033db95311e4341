"""Levels by logger prefix: the setting `levels`, as a map or as one text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mplog.config.values import level_text, parse_level
from mplog.config.wrong import WrongValue, plain

Rules = tuple[tuple[str, int], ...]
"""Prefixes with their levels, sorted, each prefix once."""

MAX_RULES, MAX_PREFIX_BYTES = 256, 255  # of the table in native/core/ring/filter.c
_MAX_DEPTH = 10
_RIGHT = (
    'give logger prefixes with their levels, {"app.db": "WARNING"} or "app.db=WARNING, '
    f'app.http=ERROR"; "off" for none; {MAX_RULES} prefixes of at most {MAX_PREFIX_BYTES} bytes '
    "each, without spaces, commas or equals signs, no dot at either end"
)


def parse_levels(value: object) -> Rules:
    """The rules, sorted by prefix."""
    rules: dict[str, int] = {}
    for prefix, level in _pairs(value):
        if not _is_prefix(prefix):
            raise WrongValue(prefix, "is not a logger prefix", _RIGHT)
        if prefix in rules:
            raise WrongValue(prefix, "is given twice", "give each prefix once")
        rules[prefix] = parse_level(level)
        if len(rules) > MAX_RULES:
            raise WrongValue(value, "holds too many prefixes", _RIGHT)
    return tuple(sorted(rules.items()))


def _is_prefix(text: str) -> bool:
    in_bytes = len(text[: MAX_PREFIX_BYTES + 1].encode("utf-8", "replace"))
    odd = not text.isprintable() or any(char in " ,=" for char in text)
    return 0 < in_bytes <= MAX_PREFIX_BYTES and not odd and text.strip(".") == text


def _pairs(value: object) -> Iterator[tuple[str, object]]:
    text = plain(value)
    if text is None or text is False:
        return
    if isinstance(text, str):
        yield from _in_text(text)
    elif type(value) is dict:
        yield from _in_map(value, "", _MAX_DEPTH)
    elif type(value) is tuple and all(type(rule) is tuple and len(rule) == 2 for rule in value):
        yield from _in_map(dict(value), "", 0)
    else:
        raise WrongValue(value, "is not a map of levels", _RIGHT)


def _in_text(text: str) -> Iterator[tuple[str, object]]:
    if text.strip().lower() in ("", "off"):
        return
    for rule in text.split(","):
        prefix, sign, level = rule.partition("=")
        if not sign:
            raise WrongValue(rule.strip(), "is not a prefix with a level", _RIGHT)
        yield prefix.strip(), level.strip()


def _in_map(given: dict[object, object], outer: str, depth: int) -> Iterator[tuple[str, object]]:
    """In TOML, `app.db = "WARNING"` is a map in a map."""
    for key, value in given.items():
        name = plain(key)
        if not isinstance(name, str):
            raise WrongValue(key, "is not a logger prefix", _RIGHT)
        if type(value) is dict and depth:
            yield from _in_map(value, f"{outer}{name}.", depth - 1)
        else:
            yield outer + name, value


def levels_text(rules: Sequence[tuple[str, int]]) -> str:
    """The rules as they may be written."""
    return ", ".join([f"{prefix}={level_text(level)}" for prefix, level in rules]) or "off"

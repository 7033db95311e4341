"""Decoded values as text for people, and as values that strict JSON can carry."""

from __future__ import annotations

import datetime
import math
from typing import Any

MAX_DEPTH = 64
MAX_TEXT_CHARS = 65_536
_MORE = "…"


def plain_text(value: Any) -> str:
    """*value* as text: a str as it is, anything else much as `repr` shows it, bounded."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if value is None or kind in (int, float, bool):
        return str(value)
    text = _shown(value, 0)
    return text if len(text) <= MAX_TEXT_CHARS else text[:MAX_TEXT_CHARS] + _MORE


def _shown(value: Any, depth: int) -> str:
    if depth > MAX_DEPTH:
        return _MORE
    if isinstance(value, dict):
        items = (f"{_shown(k, depth + 1)}: {_shown(v, depth + 1)}" for k, v in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([_shown(item, depth + 1) for item in value]) + "]"
    if isinstance(value, datetime.datetime):
        return _time(value) if not depth else repr(_time(value))
    return repr(value)


def _time(value: datetime.datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def number_text(value: float) -> str:
    """What stands for a float that JSON has no number for."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def json_value(value: Any, depth: int = 0) -> Any:
    """*value* as msgspec writes strict JSON for it: no NaN, no doubled keys, bounded depth."""
    kind = type(value)
    if kind is str:
        # Only what did not come from a payload can hold a lone surrogate.
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if kind is float:
        return value if math.isfinite(value) else number_text(value)
    if depth > MAX_DEPTH:
        return _MORE
    if isinstance(value, dict):
        return json_map(value, depth)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_value(item, depth + 1) for item in value]
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 64 else hex(value)[:100]
    if value is None or kind is bool or kind is bytes:
        return value
    if kind is datetime.datetime:
        return _time(value)
    return repr(value)[:1_000]


def json_map(value: dict[Any, Any], depth: int = 0) -> dict[str, Any]:
    """A dict with text keys, each of them once: a second `1` after `"1"` becomes `1~2`."""
    out: dict[str, Any] = {}
    for key, item in value.items():
        text = key_text(key)
        name, number = text, 1
        while name in out:
            number += 1
            name = f"{text}~{number}"
        out[name] = json_value(item, depth + 1)
    return out


def key_text(key: Any) -> str:
    """A map's key as JSON names it."""
    if type(key) is str:
        return key if key.isascii() else key.encode("utf-8", "backslashreplace").decode()
    if type(key) in (int, float, bool, type(None)):
        return str(key)
    return plain_text(key)[:1_000]

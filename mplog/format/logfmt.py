"""logfmt lines, as docs/design/wire.md has them: `key=value` pairs, one line whatever the data.

The names, their order and what is left out are those of the JSON lines. logfmt has no escapes for
a key, so what a key cannot hold becomes `_`; a value that cannot stand bare is a JSON string, which
every reader of logfmt undoes.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from mplog.format.flat import FlatFormat, Pairs, one_line, renamed
from mplog.format.plain import json_value

_is_key = re.compile("[!#-<>-~]+").fullmatch
_is_bare = re.compile(r"[!#-<>-\[\]-~]+").fullmatch
_AS_JSON = frozenset({int, bool, type(None)})
_encode = msgspec.json.Encoder().encode


class LogfmtFormat(FlatFormat):
    """One line of `key=value` pairs an event."""

    OPEN = b"timestamp="
    AFTER_TIME = b"Z"
    SEQ = b" seq="
    END = b"\n"

    def fragment(self, pairs: Pairs) -> bytes:
        """` key=value` for every pair."""
        return "".join([f" {key}={_value(value)}" for key, value in pairs.items()]).encode()

    def fields(self, fields: Pairs) -> bytes:
        """The same; what is one of our keys, or has become one, is renamed."""
        return self.fragment(renamed(_keyed(fields)))

    def closed(self, pairs: Pairs) -> bytes:
        """Our own names are not renamed here: these lines are where they mean something."""
        return self.fragment(_keyed(pairs)) + self.END


def _keyed(pairs: Pairs) -> Pairs:
    """The same with keys of logfmt, each of them once: a second `a_b` becomes `a_b~2`."""
    for key in pairs:
        if not _is_key(key):
            break
    else:
        return pairs
    out: Pairs = {}
    numbers: dict[str, int] = {}  # the last of each: all keys of a large event may become one
    for key, value in pairs.items():
        name = made = _key(key)
        while name in out or (name != key and name in pairs):
            numbers[made] = numbers.get(made, 1) + 1
            name = f"{made}~{numbers[made]}"
        out[name] = value
    return out


def _key(text: str) -> str:
    """Letters of any script stay; what would end a key, or is not to be seen, becomes `_`."""
    if _is_key(text):
        return text
    return "".join(["_" if not c.isprintable() or c in ' ="' else c for c in text]) or "_"


def _value(value: Any) -> str:
    """*value* as JSON has it, but a text, or a container's JSON, in quotes only where it must."""
    if value.__class__ is str:
        return _text(value)
    if value.__class__ in _AS_JSON:
        return _encode(value).decode()
    plain = json_value(value)
    if plain.__class__ is str:
        return _text(plain)
    body = one_line(_encode(plain)).decode()
    if body.startswith('"'):
        return _text(body[1:-1])  # of bytes, in base64
    return body if plain.__class__ is float else _text(body)


def _text(text: str) -> str:
    return text if _is_bare(text) else _encode(text).decode()

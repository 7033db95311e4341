"""JSON lines, as docs/design/wire.md has them: flat, strict, one line whatever the data."""

from __future__ import annotations

import datetime

import msgspec

from mplog.format.flat import FlatFormat, Pairs, renamed
from mplog.format.plain import json_map

_SIMPLE = frozenset({str, int, bool, type(None), bytes, datetime.datetime})
_WITH_FLOAT = _SIMPLE | {float}
_encode = msgspec.json.Encoder().encode


class JsonFormat(FlatFormat):
    """One JSON object a line."""

    OPEN = b'{"timestamp":"'
    AFTER_TIME = b'Z",'
    SEQ = b'"seq":'
    END = b"}\n"

    def fragment(self, pairs: Pairs) -> bytes:
        """`"key":value,` for every pair."""
        return _encode(pairs)[1:-1] + b"," if pairs else b""

    def fields(self, fields: Pairs) -> bytes:
        """The same for values of any kind, each with a key of its own."""
        fields = renamed(fields)
        for value in fields.values():
            if value.__class__ not in _SIMPLE:
                break
        else:
            return _encode(fields)[1:-1] + b","
        if _WITH_FLOAT.issuperset(map(type, fields.values())):
            body = _encode(fields)
            # msgspec writes null for NaN and the infinities, which would lose them.
            if b"null" not in body:
                return body[1:-1] + b","
        return _encode(json_map(fields))[1:-1] + b","

    def closed(self, pairs: Pairs) -> bytes:
        """The last pair has no comma."""
        return _encode(pairs)[1:] + b"\n"

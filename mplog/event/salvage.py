"""Read a payload that the typed decoder refuses: too deep, keys that are no text, foreign types.

What was accepted must reach the file, so an unusual payload is bent into an event here rather than
given up. The reader is iterative below its depth, and never allocates by a length that it reads.
"""

from __future__ import annotations

import datetime
import struct
from typing import Any

import msgspec

from mplog.event.event import Event

MAX_DEPTH = 40
_EXTENSION_BYTES = 64
_MORE = "…"
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {
    0xC4: ("bin", ">B"), 0xC5: ("bin", ">H"), 0xC6: ("bin", ">I"),
    0xC7: ("ext", ">B"), 0xC8: ("ext", ">H"), 0xC9: ("ext", ">I"),
    0xD9: ("str", ">B"), 0xDA: ("str", ">H"), 0xDB: ("str", ">I"),
    0xDC: ("array", ">H"), 0xDD: ("array", ">I"), 0xDE: ("map", ">H"), 0xDF: ("map", ">I"),
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def extension(code: int, data: memoryview) -> str:
    """What stands for a msgpack extension that nobody here writes: its number and its head."""
    head = bytes(data[:_EXTENSION_BYTES]).hex()
    return f"<extension {code}: {head}{_MORE if len(data) > _EXTENSION_BYTES else ''}>"


def salvage(payload: bytes | memoryview) -> Event | None:
    """An event made of whatever well-formed msgpack array *payload* is, or None. Never raises."""
    try:
        reader = _Reader(bytes(payload))
        parts = reader.value(0)
        if type(parts) is not list or len(parts) < 2:
            return None
        return _event(parts[: len(Event.__struct_fields__)])
    except Exception:
        return None


def _event(parts: list[Any]) -> Event:
    parts[0], parts[1] = _text(parts[0]), _text(parts[1])
    event = Event(parts[0], parts[1])
    for name, part in zip(Event.__struct_fields__[2:], parts[2:], strict=False):
        if name in ("fields", "context", "args") and type(part) is dict:
            part = {_text(key): value for key, value in part.items()}
        try:
            setattr(event, name, msgspec.convert(part, _TYPES[name]))
        except Exception:
            # The value is kept where it can be seen: its place would not take it.
            event.fields = {**event.fields, f"unexpected.{name}": part}
    return event


_TYPES: dict[str, Any] = {field.name: field.type for field in msgspec.structs.fields(Event)}


def _text(value: object) -> str:
    return value if type(value) is str else str(value)


class _Reader:
    """A msgpack reader that goes `MAX_DEPTH` deep and steps over what lies deeper."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        kind, size = self._head()
        if kind == "array" or kind == "map":
            if depth >= MAX_DEPTH:
                self._skip(size * (2 if kind == "map" else 1))
                return _MORE
            if kind == "array":
                return [self.value(depth + 1) for _ in range(size)]
            return self._map(size, depth)
        return self._leaf(kind, size)

    def _map(self, size: int, depth: int) -> dict[Any, Any]:
        out: dict[Any, Any] = {}
        for _ in range(size):
            key = self.value(depth + 1)
            out[key if type(key) in (str, int, float, bool, bytes) else str(key)] = self.value(
                depth + 1
            )
        return out

    def _leaf(self, kind: str, size: Any) -> Any:
        if kind == "plain":
            return size
        if kind == "ext":
            code = self._take(1)[0]
            data = self._take(size)
            return _timestamp(data) if code == 0xFF else extension(code, memoryview(data))
        data = self._take(size)
        return data if kind == "bin" else data.decode("utf-8", "backslashreplace")

    def _skip(self, values: int) -> None:
        while values:
            kind, size = self._head()
            values -= 1
            if kind == "array":
                values += size
            elif kind == "map":
                values += 2 * size
            elif kind != "plain":
                self._take(size + (kind == "ext"))

    def _head(self) -> tuple[str, Any]:
        byte = self._take(1)[0]
        if byte < 0x80 or byte >= 0xE0:
            return "plain", byte if byte < 0x80 else byte - 0x100
        if byte < 0xC0:
            return ("map", byte & 15) if byte < 0x90 else self._fixed(byte)
        if byte in _CONSTANTS:
            return "plain", _CONSTANTS[byte]
        if byte in _NUMBERS:
            return "plain", self._number(_NUMBERS[byte])
        if byte in _LENGTHS:
            kind, form = _LENGTHS[byte]
            return kind, self._number(form)
        if 0xD4 <= byte <= 0xD8:
            return "ext", 1 << (byte - 0xD4)
        raise ValueError(f"no msgpack: byte {byte:#x}")

    @staticmethod
    def _fixed(byte: int) -> tuple[str, int]:
        return ("array", byte & 15) if byte < 0xA0 else ("str", byte & 31)

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _take(self, size: int) -> bytes:
        data = self.data[self.at : self.at + size]
        if len(data) < size:
            raise ValueError("no msgpack: it ends too early")
        self.at += size
        return data


def _timestamp(data: bytes) -> Any:
    try:
        return msgspec.msgpack.decode(bytes([0xC7, len(data), 0xFF]) + data, type=datetime.datetime)
    except Exception:
        return extension(-1, memoryview(data))

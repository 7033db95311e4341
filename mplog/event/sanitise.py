"""Turn any Python value into what msgpack can carry, within a budget and without trusting it.

The walk is plain Python on purpose. msgspec holds borrowed references while it walks a container,
so user code (a `__repr__`) that runs in the middle of its walk and changes that container makes it
read freed memory. Here every container is copied before user code can run.

Types are asked of `type(value)`, never of `value.__class__`: a proxy answers that as it likes.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import msgspec

STRICT = msgspec.msgpack.Encoder()
MORE = "…"
REPR_CHARS = 1_000
MAX_NODES = 20_000
MAX_DEPTH = 32
MAX_KEYS = 1_000
MAX_ITEMS = 10_000
MAX_KEY_CHARS = 256
_SMALL_TEXT_CHARS = 64
_DECIMAL_BITS = 2_048  # 617 digits: under the lowest limit that int -> str conversion can be set to
_LEAVES = (
    datetime.datetime,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    decimal.Decimal,
    uuid.UUID,
)
_SEQUENCES = (list, tuple, set, frozenset)


def type_name(value: object) -> str:
    """The name of the type of *value*, also where a metaclass makes that difficult."""
    try:
        return str(type(value).__name__)[:100]
    except Exception:
        return "object"


def guarded(show: Callable[[Any], str], value: object) -> str:
    """`show(value)` as an exact str; where it raises, a text that says so."""
    try:
        text = show(value)
        return text if type(text) is str else str.__str__(text)
    except Exception as error:
        return f"<unrepresentable {type_name(value)}: {type_name(error)}>"


def shortened(text: str, most_chars: int) -> str:
    """*text* in at most so many characters, the last of which says that more were there: what
    looks for secrets later knows by it that one may have lost its end.
    """
    return text if len(text) <= most_chars else text[: most_chars - 1] + MORE


def clean(text: str) -> str:
    """*text* with lone surrogates made visible (`\\udc80`), so that it can be UTF-8."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


class Sanitiser:
    """One walk over one event; `cut` says whether anything was shortened or left out.

    Args:
        max_bytes: no single text or bytes value is kept longer than this.
    """

    __slots__ = ("cut", "left_chars", "max_bytes", "nodes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.left_chars = 2 * max_bytes
        self.nodes = MAX_NODES
        self.cut = False

    def text(self, value: object, limit: int | None = None) -> str:
        """*value* as text of at most *limit* characters (default: what the event may have)."""
        if type(value) is str:
            text = value
        elif issubclass(type(value), str):
            text = str.__str__(value)
        else:
            text = guarded(str, value)
        room = max(min(limit or self.max_bytes, self.left_chars), _SMALL_TEXT_CHARS)
        if len(text) > room:
            self.cut = True
            text = text[:room] + MORE
        self.left_chars -= len(text)
        return clean(text)

    def value(self, value: Any, depth: int = 0) -> Any:
        """*value* as None, bool, int, float, str, bytes, list, dict or `msgspec.Raw`."""
        self.nodes -= 1
        kind = type(value)
        if kind is str:
            return self.text(value)
        if value is None or kind is bool or kind is float:
            return value
        if self.nodes < 0 or depth > MAX_DEPTH:
            self.cut = True
            return MORE
        if issubclass(kind, enum.Enum):
            return self.value(value._value_, depth + 1)
        if issubclass(kind, int):
            return self._int(int.__int__(value))
        if issubclass(kind, dict):
            return self.mapping(value, depth)
        if issubclass(kind, _SEQUENCES):
            return self.items(value, depth)
        try:
            return self._other(value, kind, depth)
        except Exception as error:  # for one, a metaclass that raises for what it has not
            self.cut = True
            return f"<unrepresentable {type_name(value)}: {type_name(error)}>"

    def mapping(self, value: dict[Any, Any], depth: int = 0, text_keys: bool = False) -> Any:
        """A dict of at most `MAX_KEYS` sanitised entries; *text_keys* makes every key a str."""
        pairs = self._copied(lambda: dict.items(value), MAX_KEYS)
        out: dict[Any, Any] = {}
        numbers: dict[Any, int] = {}  # the last of each: all keys may be cut to one
        for key, item in pairs:
            shown = made = self._key(key, text_keys)
            while shown in out:
                numbers[made] = numbers.get(made, 1) + 1
                shown = f"{made}~{numbers[made]}"
            if depth:
                out[shown] = self.value(item, depth + 1)
                if self.nodes < 0:
                    self.cut = True
                    break
            else:
                out[shown] = self._fair(item)
        return out

    def items(self, value: Any, depth: int = 0) -> list[Any]:
        """A list of at most `MAX_ITEMS` sanitised items of a list, tuple or set."""
        base = next(base for base in _SEQUENCES if issubclass(type(value), base))
        out = []
        for item in self._copied(lambda: base.__iter__(value), MAX_ITEMS):
            if depth:
                out.append(self.value(item, depth + 1))
                if self.nodes < 0:
                    self.cut = True
                    break
            else:
                out.append(self._fair(item))
        return out

    def _fair(self, item: Any) -> Any:
        """A value of the event itself: it may use half of the nodes that are left, no more."""
        nodes = self.nodes
        self.nodes = nodes // 2
        shown = self.value(item, 1)
        self.nodes += nodes - nodes // 2
        return shown

    def _copied(self, source: Callable[[], Iterable[Any]], limit: int) -> list[Any]:
        for _ in range(3):
            try:
                out = list(islice(source(), limit + 1))
            except RuntimeError:
                continue  # another thread changed its size meanwhile
            if len(out) > limit:
                self.cut = True
                del out[limit:]
            return out
        self.cut = True
        return []

    def _key(self, key: Any, text_keys: bool) -> Any:
        kind = type(key)
        if kind is str and len(key) <= MAX_KEY_CHARS and key.isascii():
            return key
        if issubclass(kind, enum.Enum):
            return self._key(key._value_, text_keys)
        if issubclass(kind, int) and kind is not bool:
            number = self._int(int.__int__(key))
            return str(number) if text_keys else number
        if not text_keys and (key is None or kind is bool or kind is float):
            return key
        return self.text(key, MAX_KEY_CHARS)

    def _int(self, value: int) -> int | str:
        if -(1 << 63) <= value < 1 << 64:
            return value
        bits = value.bit_length()
        if bits <= _DECIMAL_BITS:
            return str(value)
        self.cut = True
        sign = "-" if value < 0 else ""
        return f"{sign}0x{abs(value >> (bits - 64)):x}{MORE}({bits} bits)"

    def _other(self, value: Any, kind: type, depth: int) -> Any:
        if issubclass(kind, str):
            return self.text(value)
        if issubclass(kind, float):
            return float.__float__(value)
        if issubclass(kind, (bytes, bytearray, memoryview)):
            return self._bytes(value)
        if issubclass(kind, _LEAVES):
            return self._encoded(value, self.max_bytes) or self.shown(value)
        if issubclass(kind, msgspec.Struct) or hasattr(kind, "__dataclass_fields__"):
            return self._encoded(value, self.max_bytes // 4) or self._record(value, depth)
        if hasattr(kind, "__attrs_attrs__"):
            return self._encoded(value, self.max_bytes // 4) or self.shown(value)
        return self.shown(value)

    def shown(self, value: object) -> str:
        """The `repr` of *value*, bounded: what stands for a value that msgpack does not know."""
        text = guarded(repr, value)
        return self.text(shortened(text, REPR_CHARS + 1))

    def _encoded(self, value: object, limit_bytes: int) -> msgspec.Raw | None:
        """As the fast path writes it, so that a value looks the same whichever path it went."""
        try:
            raw = STRICT.encode(value)
        except Exception:
            return None
        return msgspec.Raw(raw) if len(raw) <= limit_bytes else None

    def _record(self, value: Any, depth: int) -> Any:
        try:
            if isinstance(value, msgspec.Struct):
                names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
                config = value.__struct_config__
                pairs = [(shown, getattr(value, name)) for shown, name in names]
                if config.tag is not None:
                    pairs.insert(0, (str(config.tag_field), config.tag))
                if config.array_like:
                    return self.items([item for _, item in pairs], depth)
            else:
                import dataclasses  # loaded by whoever has made one; by itself it takes 8 ms

                fields = dataclasses.fields(value)
                pairs = [(f.name, getattr(value, f.name)) for f in fields]
        except Exception:
            return self.shown(value)
        return self.mapping(dict(pairs), depth)

    def _bytes(self, value: bytes | bytearray | memoryview) -> bytes | str:
        try:
            if not isinstance(value, memoryview):
                size, head = len(value), bytes(memoryview(value)[: self.max_bytes])
            elif value.c_contiguous:
                size, head = value.nbytes, bytes(value.cast("B")[: self.max_bytes])
            else:
                size, head = value.nbytes, value.tobytes()[: self.max_bytes]
        except Exception:
            return self.shown(value)
        kept = head[: max(self.left_chars, _SMALL_TEXT_CHARS)]
        self.left_chars -= len(kept)
        self.cut = self.cut or len(kept) < size
        return kept

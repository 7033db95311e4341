"""Context: fields that every event of a block carries, through threads' copies and tasks by
`contextvars`; bounded in bytes.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from time import monotonic
from types import TracebackType
from typing import Any

from mplog._native import enriched
from mplog.event.codec import ENCODER, bounded
from mplog.producer.tell import tell

DEFAULT_BYTES = 16 * 1024
_MOST_BYTES = 1 << 20

_Fields = dict[str, Any] | None
# The mapping is never changed, only replaced: a task's copy of the context stays what it was.
CURRENT: ContextVar[_Fields] = ContextVar("mplog.context", default=None)


class expiring:
    """A value of a context that ends before its block does.

    Args:
        value: the field's.
        after_s: so many seconds after the block is entered the field is absent.
    """

    __slots__ = ("after_s", "value")

    def __init__(self, value: Any, after_s: float) -> None:
        self.value, self.after_s = value, float(after_s)


class Ending(dict[str, Any]):
    """Fields of which some end by themselves. No plain dict, so that the quick way through C, which
    keeps what it has encoded, leaves it to `current`.

    Attributes:
        until: by field, the monotonic second at which it is absent.
    """

    until: dict[str, float]


class _Limit:
    """How large a context may be, in bytes; the setting of the process."""

    most_bytes = DEFAULT_BYTES


LIMIT = _Limit()


def ending(fields: dict[str, Any], until: dict[str, float]) -> dict[str, Any]:
    """*fields*, some of which end; a plain dict where none does."""
    if not until:
        return fields
    made = Ending(fields)
    made.until = until
    return made


def current() -> dict[str, Any] | None:
    """The fields that hold now."""
    fields = CURRENT.get()
    if not isinstance(fields, Ending):
        return fields
    now = monotonic()
    over = [name for name, at in fields.until.items() if at <= now]
    if over:
        kept = {name: value for name, value in fields.items() if name not in over}
        left = {name: at for name, at in fields.until.items() if name not in over}
        CURRENT.set(ending(kept, left))
        return kept
    return dict(fields)


def carried() -> dict[str, Any] | None:
    """What an event carries beside its own fields: what the enrichers say, the context over it."""
    said, fields = enriched(), current()
    if not said:
        return fields
    return {**said, **fields} if fields else said


def _size(fields: dict[str, Any] | None) -> int:
    """In bytes, as an event carries them."""
    if not fields:
        return 0
    try:
        return len(ENCODER.encode(fields))
    except Exception:  # values that are shown by their repr
        return len(bounded(("", "", fields), _MOST_BYTES)[0])


class context:
    """Fields for every event logged inside a `with` block, in tasks it starts, and in copied
    contexts. What would make a context larger than `context_bytes` is left out, which is told once;
    the block runs all the same.

    Args:
        fields: added to, and over, those of the blocks around this one; a value may be
            `mplog.expiring(value, after_s)`.
    """

    __slots__ = ("_entered", "_fields")

    def __init__(self, **fields: Any) -> None:
        self._fields = fields
        # What was there before, and what it has set; several threads and tasks may be inside.
        self._entered: dict[int, tuple[Token[_Fields], _Fields, _Fields]] = {}

    def __enter__(self) -> dict[str, Any]:
        merged = self._merged(current())
        outer = CURRENT.get()  # without what has just ended
        if _size(merged) > LIMIT.most_bytes:
            names = ", ".join(self._fields)[:200]
            text = f"a context of more than {LIMIT.most_bytes} bytes is not kept: without {names}"
            tell(text, kind="context")
            merged = outer or {}
        token = CURRENT.set(merged)
        self._entered[id(token)] = token, outer, merged
        return dict(merged)  # what is set is never changed: it is encoded once

    def _merged(self, outer: dict[str, Any] | None) -> dict[str, Any]:
        merged = {**outer, **self._fields} if outer else dict(self._fields)
        now = None
        until: dict[str, float] = {}
        around = CURRENT.get()
        if isinstance(around, Ending):
            until = {name: at for name, at in around.until.items() if name not in self._fields}
        for name, value in self._fields.items():
            if type(value) is expiring:  # its own class may be anybody's code
                now = monotonic() if now is None else now
                merged[name] = value.value
                until[name] = now + value.after_s
        return ending(merged, until)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for token, before, set_here in reversed(self._entered.copy().values()):
            try:
                CURRENT.reset(token)
            except ValueError:  # entered in another context: by another thread, in another task
                if CURRENT.get() is not set_here:
                    continue
                CURRENT.set(before)  # of which this one is a copy
            del self._entered[id(token)]
            return
        # A generator that is closed elsewhere: what holds there was never this block's.
        if len(self._entered) == 1:
            self._entered.clear()

    @staticmethod
    def clear() -> None:
        """No fields from here on, up to the end of the block, which brings back what was before."""
        CURRENT.set(None)

    @staticmethod
    def size() -> int:
        """How many bytes of each event the fields that hold now take."""
        return _size(current())

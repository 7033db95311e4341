"""Context: fields that every event of a block carries, through threads' copies and tasks by
`contextvars`.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

# The mapping is never changed, only replaced: a task's copy of the context stays what it was.
CURRENT: ContextVar[dict[str, Any] | None] = ContextVar("mplog.context", default=None)


class context:
    """Fields for every event logged inside a `with` block, in tasks it starts, and in copied
    contexts.

    Args:
        fields: added to, and over, those of the blocks around this one.
    """

    __slots__ = ("_before", "_fields", "_token")

    def __init__(self, **fields: Any) -> None:
        self._fields = fields
        self._before: list[dict[str, Any] | None] = []
        self._token: list[Token[dict[str, Any] | None]] = []

    def __enter__(self) -> dict[str, Any]:
        outer = CURRENT.get()
        merged = {**outer, **self._fields} if outer else dict(self._fields)
        self._before.append(outer)
        self._token.append(CURRENT.set(merged))
        return dict(merged)  # what is set is never changed: it is encoded once

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        before, token = self._before.pop(), self._token.pop()
        try:
            CURRENT.reset(token)
        except ValueError:
            # Left in another context than entered (a generator closed elsewhere): what was there
            # before holds here too.
            CURRENT.set(before)

"""Executors whose work has the context of whoever handed it over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from mplog.event.codec import ENCODER
from mplog.producer.context import CURRENT, Ending, current, ending

_T = TypeVar("_T")


class _Carried:
    """A function with the context that it was handed over in. Into another process only values that
    an event can carry as they are go with it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.fields = current() or {}
        found = CURRENT.get()
        self.until = dict(found.until) if isinstance(found, Ending) else {}

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        token = CURRENT.set(ending(self.fields, self.until) if self.fields else None)
        try:
            return self.function(*args, **keywords)
        finally:
            CURRENT.reset(token)

    def __getstate__(self) -> dict[str, Any]:
        plain = {name: value for name, value in self.fields.items() if _travels(value)}
        return {"function": self.function, "fields": plain, "until": self.until}


def _travels(value: object) -> bool:
    try:
        ENCODER.encode(value)
    except Exception:
        return False
    return True


class Carrying(Executor):
    """An executor around another one, which it hands everything to."""

    def __init__(self, inner: Executor) -> None:
        self._inner = inner

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        """As `Executor.submit`; *fn* runs in the context of this call."""
        return self._inner.submit(_Carried(fn), *args, **kwargs)

    def map(
        self, fn: Callable[..., _T], *iterables: Any, timeout: float | None = None, **more: Any
    ) -> Iterator[_T]:
        """As `Executor.map`; each call of *fn* runs in the context of this one."""
        return self._inner.map(_Carried(fn), *iterables, timeout=timeout, **more)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As `Executor.shutdown`."""
        self._inner.shutdown(wait, cancel_futures=cancel_futures)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def wrap_executor(executor: Executor) -> Carrying:
    """*executor* with a `submit` and a `map` that carry the caller's `mplog.context`.

    Args:
        executor: of threads, of processes, or anybody's.
    """
    return Carrying(executor)

"""Who calls a sink on trial: one thread, as in the writer; a call that hangs is a fault."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from mplog.sinks.base import Outgoing, Sink


class SinkFault(AssertionError):
    """The sink does not do what is asked of every sink."""


class Caller:
    """A thread that makes all calls.

    Args:
        timeout_s: for each.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._asked: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._told: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="check-sink", daemon=True)
        self._thread.start()

    def call(self, what: str, method: Callable[[], object]) -> None:
        """Have it called.

        Raises:
            SinkFault: it does not return in time.
            whatever it raises.
        """
        self._asked.put(method)
        try:
            error = self._told.get(timeout=self._timeout_s)
        except queue.Empty:
            text = f"{what} does not return within {self._timeout_s:g} s"
            raise SinkFault(text) from None
        if error is not None:
            raise error

    def end(self) -> None:
        """No more calls; one that hangs is left to itself."""
        self._asked.put(None)
        self._thread.join(0.1)

    def _run(self) -> None:
        while (method := self._asked.get()) is not None:
            error: BaseException | None = None
            try:
                method()
            except BaseException as raised:  # anybody's code
                error = raised
            self._told.put(error)


class Called:
    """A sink on trial, called by that thread."""

    def __init__(self, sink: Sink, caller: Caller) -> None:
        self._sink, self._call = sink, caller.call

    def open(self) -> None:
        """As the sink's."""
        self._call("open()", self._sink.open)

    def write(self, batch: Sequence[Outgoing]) -> None:
        """As the sink's."""
        self._call("write()", lambda: self._sink.write(batch))

    def flush(self) -> None:
        """As the sink's."""
        self._call("flush()", self._sink.flush)

    def close(self, when: str = "") -> None:
        """As the sink's."""
        self._call(f"close() {when}".rstrip(), self._sink.close)

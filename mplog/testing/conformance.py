"""Whether a sink keeps to what `mplog.sinks.base.Sink` asks for: `check_sink`."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mplog.errors import TargetError
from mplog.sinks.base import Outgoing, Sink
from mplog.testing.content import FORGED, hostile, own, plain

Factory = Callable[[], Sink]
Received = Callable[[], Sequence[object]]
Outage = Callable[[], AbstractContextManager[object]]

_MARK = re.compile(r"check-(\d{6})-mark")
_METHODS = ("open", "write", "flush", "close")
_POLL_S, _QUIET_S = 0.01, 0.05


class SinkFault(AssertionError):
    """The sink does not do what is asked of every sink."""


def check_sink(
    factory: Factory,
    received: Received | None = None,
    outage: Outage | None = None,
    *,
    timeout_s: float = 10.0,
) -> list[str]:
    """Try a sink: all events in order, nothing after its close, opened again, any content, an
    outage, and nothing left behind.

    Args:
        factory: makes the sink, anew for each trial; not opened.
        received: what the far side has got so far, one item (text, bytes or anything with a `str`)
            an event, oldest first. Without it only what the sink itself does is looked at.
        outage: makes the far side unavailable while its context lasts. Without it that is left out.
        timeout_s: how long the far side may take to have what was written, and `close` to return.

    Returns:
        the names of what was looked at.

    Raises:
        SinkFault: with what the sink has done, and what it should have done.
    """
    checks = _Checks(factory, received, outage, timeout_s)
    looked_at = [checks.is_a_sink, checks.delivers_in_order, checks.opens_again, checks.ends]
    looked_at += [checks.takes_any_content, checks.leaves_nothing]
    if outage is not None:
        looked_at.append(checks.survives_an_outage)
    for check in looked_at:
        check()
    return [check.__name__ for check in looked_at]


class _Checks:
    def __init__(
        self, factory: Factory, received: Received | None, outage: Outage | None, timeout_s: float
    ) -> None:
        self.factory, self.received, self.outage = factory, received, outage
        self.timeout_s = timeout_s
        self.number = 0

    # ---- the checks ----
    def is_a_sink(self) -> None:
        """It has the four methods, and making it connects to nothing that a close must undo."""
        sink = self.factory()
        for name in _METHODS:
            if not callable(getattr(sink, name, None)):
                raise SinkFault(f"{type(sink).__name__} has no method {name}()")
        self._close(sink, "before it was ever opened")

    def delivers_in_order(self) -> None:
        """Batches of any size, the empty one too, arrive whole and in order."""
        sink = self.factory()
        sink.open()
        wanted = []
        for size in (1, 2, 0, 100, 1):
            batch = self._plain(size)
            self._write(sink, batch, f"a batch of {size}")
            wanted += batch
        batch = [own(self._next())]
        self._write(sink, batch, "an event of the service's own, which has no session")
        sink.flush()
        self._arrived(wanted + batch, "after flush()")
        self._close(sink, "after its events were written")

    def opens_again(self) -> None:
        """After a close it can be opened, and delivers as before."""
        sink = self.factory()
        for _ in range(2):
            sink.open()
            batch = self._plain(3)
            self._write(sink, batch, "a batch")
            sink.flush()
            self._arrived(batch, "after it was opened again")
            self._close(sink, "after its events were written")

    def ends(self) -> None:
        """A second close does nothing, and after a close nothing more arrives."""
        sink = self.factory()
        sink.open()
        batch = self._plain(3)
        self._write(sink, batch, "a batch")
        sink.flush()
        self._arrived(batch, "after flush()")
        self._close(sink, "after its events were written")
        self._close(sink, "for the second time")
        before = len(self._items())
        time.sleep(_QUIET_S)
        if len(self._items()) != before:
            raise SinkFault("something has arrived after close() had returned")

    def takes_any_content(self) -> None:
        """Control characters, a megabyte, lone surrogates, NUL: delivered or refused, never forged,
        and the next event goes through.
        """
        sink = self.factory()
        sink.open()
        before = len(self._items())
        wanted: list[Outgoing] = []
        for one in hostile(self.number + 1):
            self.number += 1
            try:
                sink.write([one])
            except TargetError as error:
                if error.temporary:
                    raise SinkFault(f"{_about(one)} is taken for an outage: {error}") from error
            except Exception as error:
                raise SinkFault(f"{_about(one)} makes write() raise {error!r}") from error
            else:
                wanted.append(one)
        fresh = self._plain(2)
        self._write(sink, fresh, "an event after hostile ones")
        sink.flush()
        self._arrived(wanted + fresh, "among hostile ones")
        self._close(sink, "after hostile events")
        self._not_forged(before)

    def leaves_nothing(self) -> None:
        """No descriptor and no thread stays behind a close."""
        self._rounds()  # the first ones may load what stays for good
        threads, descriptors = set(threading.enumerate()), _descriptors()
        self._rounds()
        left: list[str] = []

        def gone() -> bool:
            left[:] = self._left(threads, descriptors)
            return not left

        if not self._until(gone):  # a far side in this process may come to a connection only now
            raise SinkFault(f"left behind after close(): {left}")

    def _rounds(self) -> None:
        for _ in range(3):
            sink = self.factory()
            sink.open()
            self._write(sink, self._plain(2), "a batch")
            self._close(sink, "after its events were written")

    def survives_an_outage(self) -> None:
        """While the far side is away it says so by OSError or TargetError; its close returns; and
        when the far side is back it delivers.
        """
        assert self.outage is not None
        sink = self.factory()
        sink.open()
        batch = self._plain(2)
        self._write(sink, batch, "a batch before the outage")
        sink.flush()
        self._arrived(batch, "before the outage")
        with self.outage():
            for _ in range(5):
                self._may_fail(sink)
            self._close(sink, "while the far side was away")
        self._until(lambda: self._back(sink))
        batch = self._plain(2)
        self._write(sink, batch, "a batch after the outage")
        sink.flush()
        self._arrived(batch, "after the outage")
        self._close(sink, "after the outage")

    # ---- what they are made of ----
    def _next(self) -> int:
        self.number += 1
        return self.number

    def _plain(self, count: int) -> list[Outgoing]:
        return [plain(self._next()) for _ in range(count)]

    @staticmethod
    def _write(sink: Sink, batch: Sequence[Outgoing], what: str) -> None:
        try:
            sink.write(batch)
        except Exception as error:
            raise SinkFault(f"write() of {what} raises {error!r}") from error

    def _may_fail(self, sink: Sink) -> None:
        batch = self._plain(2)
        try:
            sink.write(batch)
            sink.flush()
        except (OSError, TargetError) as error:
            done = getattr(error, "done", 0)
            if not 0 <= done <= len(batch):
                raise SinkFault(f"done={done} of a batch of {len(batch)}") from error
        except Exception as error:
            raise SinkFault(f"an outage makes write() raise {error!r}, not OSError") from error

    def _back(self, sink: Sink) -> bool:
        try:
            sink.open()
        except (OSError, TargetError):
            self._close(sink, "after an open() that failed")
            return False
        return True

    def _close(self, sink: Sink, when: str) -> None:
        """In a thread: it may hang."""
        raised: list[BaseException] = []

        def close() -> None:
            try:
                sink.close()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=close, daemon=True)
        thread.start()
        thread.join(self.timeout_s)
        if thread.is_alive():
            raise SinkFault(f"close() {when} does not return within {self.timeout_s:g} s")
        if raised:
            raise SinkFault(f"close() {when} raises {raised[0]!r}") from raised[0]

    def _items(self) -> list[str]:
        return [] if self.received is None else [_text(item) for item in self.received()]

    def _marks(self) -> list[int]:
        found = [_MARK.search(item) for item in self._items()]
        return [int(match[1]) for match in found if match]

    def _arrived(self, batch: Sequence[Outgoing], when: str) -> None:
        """All of *batch* is there, once, and in order."""
        if self.received is None:
            return
        wanted = [int(_MARK.findall(one.event.template)[0]) for one in batch]
        self._until(lambda: set(wanted) <= set(self._marks()))
        got = [number for number in self._marks() if number in set(wanted)]
        if missing := [number for number in wanted if number not in got]:
            what = f"{len(missing)} of {len(wanted)} events {when}"
            raise SinkFault(f"{what} have not arrived after {self.timeout_s:g} s: {missing[:5]}")
        if got != wanted:
            raise SinkFault(f"events {when} arrive doubled or out of order: {got[:20]}")

    def _not_forged(self, before: int) -> None:
        for item in self._items()[before:]:
            if item.lstrip().startswith(FORGED) or len(_MARK.findall(item)) > 2:
                raise SinkFault(f"an event has forged one of its own: {item[:100]!r}")

    def _until(self, condition: Callable[[], bool]) -> bool:
        deadline_s = time.monotonic() + self.timeout_s
        while not (met := condition()) and time.monotonic() < deadline_s:
            time.sleep(_POLL_S)
        return met

    @staticmethod
    def _left(threads: set[threading.Thread], descriptors: set[str]) -> list[str]:
        more = [thread.name for thread in threading.enumerate() if thread not in threads]
        return more + sorted(_descriptors() - descriptors)


def _descriptors() -> set[str]:
    """The open ones, each with what it is of; none where the system does not tell."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                found.add(f"{name} ({Path('/proc/self/fd', name).readlink()})")
    return found


def _text(item: object) -> str:
    return item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item)


def _about(one: Outgoing) -> str:
    return f"an event with {one.event.template[:40]!r} and {repr(one.event.fields)[:60]}"

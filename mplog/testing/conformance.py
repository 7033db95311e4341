"""Whether a sink keeps to what `mplog.sinks.base.Sink` asks for: `check_sink`."""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from mplog.errors import TargetError
from mplog.sinks.base import Outgoing, Sink
from mplog.sinks.callable import must_run
from mplog.testing.caller import Called, Caller, SinkFault
from mplog.testing.content import FORGED, about, hostile, own, plain, text_of

Factory = Callable[[], Sink]
Received = Callable[[], Sequence[object]]
Outage = Callable[[], AbstractContextManager[object]]

_MARK = re.compile(r"check-(\d{6})-mark")
_METHODS = ("open", "write", "flush", "close")
_POLL_S, _QUIET_S = 0.01, 0.05


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
    try:
        for check in looked_at:
            check()
    finally:
        checks.caller.end()
    return [check.__name__ for check in looked_at]


class _Checks:
    def __init__(
        self, factory: Factory, received: Received | None, outage: Outage | None, timeout_s: float
    ) -> None:
        self.factory, self.received, self.outage = factory, received, outage
        self.timeout_s = timeout_s
        self.caller, self.number = Caller(timeout_s), 0

    # ---- the checks ----
    def is_a_sink(self) -> None:
        """It has the four methods, and making it connects to nothing that a close must undo."""
        sink = self.factory()
        for name in _METHODS:
            if not callable(getattr(sink, name, None)):
                raise SinkFault(f"{type(sink).__name__} has no method {name}()")
            with _faults(f"looking at {name}()"):
                must_run(getattr(sink, name), f"{name}()")
        self._close(Called(sink, self.caller), "before it was ever opened")

    def delivers_in_order(self) -> None:
        """Batches of any size, the empty one too, arrive whole and in order."""
        sink = self._made()
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
        sink = self._made()
        for _ in range(2):
            sink.open()
            batch = self._plain(3)
            self._write(sink, batch, "a batch")
            sink.flush()
            self._arrived(batch, "after it was opened again")
            self._close(sink, "after its events were written")

    def ends(self) -> None:
        """What was written arrives without a flush, too; with a close, a second one, and after them
        nothing more does.
        """
        sink = self._made()
        sink.open()
        batch = self._plain(3)
        self._write(sink, batch, "a batch")
        self._arrived(batch, "after write(), without a flush()")
        before = len(self._items())
        self._close(sink, "after its events were written")
        self._close(sink, "for the second time")
        time.sleep(_QUIET_S)
        if len(self._items()) != before:
            raise SinkFault("something has arrived with close(), or after close() had returned")

    def takes_any_content(self) -> None:
        """Control characters, a megabyte, lone surrogates, NUL: delivered or refused, never forged,
        and the next event goes through.
        """
        sink = self._made()
        sink.open()
        before = len(self._items())
        wanted: list[Outgoing] = []
        for one in hostile(self.number + 1):
            self.number += 1
            try:
                sink.write([one])
            except TargetError as error:
                if error.temporary:
                    raise SinkFault(f"{about(one)} is taken for an outage: {error}") from error
            except SinkFault:
                raise
            except Exception as error:
                raise SinkFault(f"{about(one)} makes write() raise {error!r}") from error
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
            sink = self._made()
            sink.open()
            self._write(sink, self._plain(2), "a batch")
            self._close(sink, "after its events were written")

    def survives_an_outage(self) -> None:
        """While the far side is away it says so by OSError or TargetError; its close returns; and
        when the far side is back it delivers.
        """
        assert self.outage is not None
        sink = self._made()
        sink.open()
        batch = self._plain(2)
        self._write(sink, batch, "a batch before the outage")
        sink.flush()
        self._arrived(batch, "before the outage")
        with self.outage():
            tried = [self._failed(sink) for _ in range(5)]
            self._close(sink, "while the far side was away")
        self._until(lambda: self._back(sink))
        silent = not any(failed for failed, _ in tried)
        told = [one for failed, taken in tried if failed or silent for one in taken]
        self._arrived(told, "that were told as taken during the outage")
        batch = self._plain(2)
        self._write(sink, batch, "a batch after the outage")
        sink.flush()
        self._arrived(batch, "after the outage")
        self._close(sink, "after the outage")

    # ---- what they are made of ----
    def _made(self) -> Called:
        return Called(self.factory(), self.caller)

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _plain(self, count: int) -> list[Outgoing]:
        return [plain(self._next()) for _ in range(count)]

    @staticmethod
    def _write(sink: Called, batch: Sequence[Outgoing], what: str) -> None:
        with _faults(f"write() of {what}"):
            sink.write(batch)

    def _failed(self, sink: Called) -> tuple[bool, list[Outgoing]]:
        """Whether a batch was not taken; and what of it was, as the sink has it."""
        batch = self._plain(2)
        try:
            sink.write(batch)
            sink.flush()
        except (OSError, TargetError) as error:
            done = getattr(error, "done", 0)
            if not 0 <= done <= len(batch):
                raise SinkFault(f"done={done} of a batch of {len(batch)}") from error
            return True, batch[:done]
        except SinkFault:
            raise
        except Exception as error:
            raise SinkFault(f"an outage makes write() raise {error!r}, not OSError") from error
        return False, batch

    def _back(self, sink: Called) -> bool:
        try:
            sink.open()
        except (OSError, TargetError):
            self._close(sink, "after an open() that failed")
            return False
        return True

    def _close(self, sink: Called, when: str) -> None:
        with _faults(f"close() {when}"):
            sink.close(when)

    def _items(self) -> list[str]:
        return [] if self.received is None else [text_of(item) for item in self.received()]

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


@contextlib.contextmanager
def _faults(what: str) -> Iterator[None]:
    try:
        yield
    except SinkFault:
        raise
    except BaseException as error:
        raise SinkFault(f"{what} raises {error!r}") from error


def _descriptors() -> set[str]:
    """The open ones, each with what it is of; none where the system does not tell."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                found.add(f"{name} ({Path('/proc/self/fd', name).readlink()})")
    return found

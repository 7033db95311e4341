"""What waits for a sink on disk, and in memory while the disk takes nothing.

The spool comes first, always: what is in memory is newer. So while there is anything in memory new
events go there too, until the spool has taken all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mplog.resilience.backlog import FULL, Arrivals, Room
from mplog.resilience.loss import Loss, add_reasons
from mplog.resilience.spool import Spool
from mplog.resilience.store import Held, Limits, Store

_AGAIN_S = 1.0  # after the disk has failed


class Spooled(Store):
    """A spool with a bounded memory before it. The spool is opened here, and again where that
    failed.

    Args:
        spool: not open yet; its backlog is delivered first.
        limits: of a batch, and of the memory.
        name: of the sink, for the notice of a loss.
        now_s: the time.
    """

    def __init__(self, spool: Spool, limits: Limits, name: str = "", now_s: float = 0.0) -> None:
        super().__init__(limits, name)
        self.where = f"in the spool {spool.directory}"
        self._spool, self._room = spool, Room(limits)
        self._arrivals = Arrivals(limits.batch_events)
        self._open = self._from_room = False
        self._again_s = self._read_again_s = now_s
        self._ready(now_s)

    def put(self, batch: Iterable[Held], now_s: float) -> None:
        """Take the events to the disk, or into memory, or count them as dropped."""
        ready = self._ready(now_s)
        fresh = self._spool.fresh(list(batch))
        self._accepted += len(fresh)
        if ready and self._append(fresh, now_s):
            return
        for one in fresh:
            if not self._room.add(one, now_s):
                self._lose(one[0], FULL)

    def _ready(self, now_s: float) -> bool:
        """Whether the spool is open, and has all that is older than what comes now."""
        if now_s < self._again_s:
            return False
        if self._open and not self._taken and self._left_behind():
            self._spool.close()
            self._open = False
        if not self._open:
            before = self._spool.waiting
            try:
                self._spool.open()
            except OSError as error:
                self._failed(error, now_s)
                return False
            self._open = True
            self._accepted += self._spool.waiting - before
        if not self._room.events:
            return True
        if (self._taken and self._from_room) or not self._append(list(self._room.events), now_s):
            return False
        self._room.remove(len(self._room.events))
        return True

    def _left_behind(self) -> bool:
        """What has gone with the spool's directory is counted as lost."""
        try:
            return self._spool.left_behind
        except OSError:  # there may be more
            return False
        finally:
            self._note_losses()

    def _append(self, batch: Sequence[Held], now_s: float) -> bool:
        before = self._spool.next
        try:
            self._spool.append(batch)
        except OSError as error:
            self._failed(error, now_s)
            return False
        finally:
            self._note_losses()
        self._arrivals.add(self._spool.next - before, now_s)
        self._arrivals.keep(self._spool.waiting)  # without what has made room
        return True

    def _failed(self, error: OSError, now_s: float) -> None:
        self.trouble = self._spool.named(error)
        self._again_s = now_s + _AGAIN_S

    def give_up(self, reason: str) -> None:
        """Drop what is in memory; what is in the spool stays there."""
        for stamped, _ in self._room.remove(len(self._room.events)):
            self._lose(stamped, reason)
        self._spool.close()
        self._open = False

    def _due_s(self, now_s: float) -> float | None:
        waiting, limits = self._spool.waiting if self._open else 0, self.limits
        if not waiting:
            return self._room.due_s(now_s)
        if now_s < self._read_again_s:
            return self._read_again_s - now_s
        if waiting >= limits.batch_events or self._room.events:
            return 0.0
        return max(self._arrivals.first_s + limits.batch_s - now_s, 0.0)

    def _front(self, most: int, now_s: float) -> Sequence[Held]:
        self._from_room = False
        batch: Sequence[Held] = []
        if self._open and self._spool.waiting:
            try:
                batch = self._spool.read(most, self.limits.batch_bytes)
            except OSError as error:
                self.trouble = self._spool.named(error)
                self._read_again_s = now_s + _AGAIN_S
                return []
            finally:
                self._note_losses()
        if not batch:
            self._from_room = True
            batch = self._room.front(most)
        return batch

    def _remove(self, count: int, now_s: float) -> None:
        if self._from_room:
            self._room.remove(count)
            return
        self._spool.ack(count, now_s)
        self._arrivals.keep(self._spool.waiting)
        self._note_losses()

    def _note_losses(self) -> None:
        for loss in self._spool.losses():
            reasons = {loss.reason: loss.levels}
            add_reasons(self._dropped, reasons)
            self._loss.merge(Loss(reasons, loss.since_ns, loss.until_ns))

    @property
    def _in_flight(self) -> tuple[int, int]:
        room = self._room
        return (
            self._spool.waiting + len(room.events),
            self._spool.waiting_bytes + room.size_bytes,
        )

    @property
    def _on_disk(self) -> int:
        return self._spool.waiting

    @property
    def fill(self) -> float:
        """From 0 to 1, by the limit that is nearest."""
        return max(self._room.fill, self._spool.waiting_bytes / self._spool.rules.max_bytes)

"""The board: how the sinks that are no files are doing, in shared memory beside the lanes.

The writer alone writes it; any process of the user reads it. A number is one aligned word. What
stands there is untrusted: a reader takes it for numbers and text, and bounds both.

Owner of `promised`, by which others wait: it is raised before the commit that brings the events
into the file, so whoever sees a file settled sees here what the sinks are still to get of it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Sequence

import msgspec

from mplog import _native

MAX_ROWS = 48  # those that are being let go included
STATES = ("closed", "open", "half-open", "off")
_MAGIC = int.from_bytes(b"MPLSINK1", "little")
_ROW_BYTES, _WORDS = 512, 16
_TEXT_AT = _WORDS * 8
_NAME_BYTES, _KIND_BYTES, _ERROR_BYTES = 32, 16, 256
_SIZE_BYTES = _ROW_BYTES * (1 + MAX_ROWS)
_NUMBERS = (
    "promised", "delivered", "dropped", "queued", "queued_bytes", "failures", "breaker", "opened",
    "spooled",
)  # fmt: skip
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW


class Row(msgspec.Struct, kw_only=True):
    """One sink, as the board shows it; all counted since its writer began.

    Attributes:
        promised: events that have been routed to it.
        delivered, dropped: of these.
        queued, queued_bytes: that wait, in memory.
        spooled: that wait on disk.
        failures: writes that have raised.
        breaker: "closed", "open", "half-open"; "off": the sink could not be made.
        opened: how often the breaker has opened.
        error: the last one, in a line.
    """

    name: str
    kind: str
    promised: int = 0
    delivered: int = 0
    dropped: int = 0
    queued: int = 0
    queued_bytes: int = 0
    spooled: int = 0
    failures: int = 0
    breaker: str = "closed"
    opened: int = 0
    error: str = ""

    @property
    def owed(self) -> int:
        """Events that it is still to get, and that no disk holds for it."""
        return max(self.promised - self.delivered - self.dropped - self.spooled, 0)


def board_path(directory: str | os.PathLike[str], service: str) -> str:
    """Where the board of a service lies."""
    return os.path.join(directory, f"{service}.{_native.ABI}.sinks")


class Board:
    """The writer's own face of the board.

    Args:
        directory, service: whose.
        life: a number that no other writer of the service has had.
    """

    def __init__(self, directory: str | os.PathLike[str], service: str, life: int) -> None:
        path = board_path(directory, service)
        fresh = f"{path}.new"  # one name: what a killed writer has left, the next one takes away
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
        try:
            os.posix_fallocate(fd, 0, _SIZE_BYTES)
            self._map = mmap.mmap(fd, _SIZE_BYTES)
            os.rename(fresh, path)  # whoever reads the one before sees that it is another
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(fresh)
            raise
        finally:
            os.close(fd)
        self._words = memoryview(self._map).cast("Q")
        self._words[2] = life
        self._words[0] = _MAGIC

    def show(self, rows: Sequence[Row]) -> None:
        """These are the sinks, from now on in this order."""
        for number, row in enumerate(rows[:MAX_ROWS]):
            at = _ROW_BYTES * (1 + number)
            for text, room, after in (
                (row.name, _NAME_BYTES, 0),
                (row.kind, _KIND_BYTES, _NAME_BYTES),
            ):
                self._write(at + _TEXT_AT + after, text, room)
            self.update(number, row)
            self.promise(number, row.promised)
        self._words[1] = min(len(rows), MAX_ROWS)

    def update(self, number: int, row: Row) -> None:
        """What has changed of a row, but for `promised`, which only `promise` raises."""
        if number >= MAX_ROWS:
            return
        at = _ROW_BYTES // 8 * (1 + number)
        for place, name in enumerate(_NUMBERS[1:], 1):
            value = STATES.index(row.breaker) if name == "breaker" else getattr(row, name)
            self._words[at + place] = max(value, 0)  # what is off must not end who shows it
        self._write(at * 8 + _TEXT_AT + _NAME_BYTES + _KIND_BYTES, row.error, _ERROR_BYTES)

    def promise(self, number: int, promised: int) -> None:
        """So many events are a sink's by now; before the commit that brings them."""
        if number < MAX_ROWS:
            self._words[_ROW_BYTES // 8 * (1 + number)] = promised

    def _write(self, at: int, text: str, room: int) -> None:
        data = text.encode("utf-8", "replace")[: room - 1]
        self._map[at : at + room] = data.ljust(room, b"\0")


def read_board(directory: str | os.PathLike[str], service: str) -> tuple[int, list[Row]]:
    """The life of the writer that has written it, and the sinks; (0, []) where there is none."""
    try:
        fd = os.open(board_path(directory, service), os.O_RDONLY | _FLAGS)
    except OSError:
        return 0, []
    try:
        data = os.pread(fd, _SIZE_BYTES, 0)
    except OSError:
        return 0, []
    finally:
        os.close(fd)
    if len(data) != _SIZE_BYTES:
        return 0, []
    magic, count, life = memoryview(data).cast("Q")[:3]
    if magic != _MAGIC:
        return 0, []
    return life, [_row(data, number) for number in range(min(count, MAX_ROWS))]


def _row(data: bytes, number: int) -> Row:
    at = _ROW_BYTES * (1 + number)
    words = memoryview(data).cast("Q")[at // 8 : at // 8 + _WORDS].tolist()
    numbers = dict(zip(_NUMBERS, words, strict=False))
    state = numbers.pop("breaker")
    text = at + _TEXT_AT
    name = _text(data[text : text + _NAME_BYTES])
    text += _NAME_BYTES
    kind = _text(data[text : text + _KIND_BYTES])
    text += _KIND_BYTES
    error = _text(data[text : text + _ERROR_BYTES])
    breaker = STATES[state] if state < len(STATES) else STATES[0]
    return Row(name=name, kind=kind, breaker=breaker, error=error, **numbers)


def _text(data: bytes) -> str:
    shown = data.partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "?" for char in shown)

"""Lines of logfmt, taken apart strictly: a line is pairs from its first byte to its last, or none.

Half of such a line can look whole, as half an object of JSON cannot. So it counts only with the
end that lines of mplog's have.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

START = b"timestamp="
MAX_BYTES = 16 << 20  # above the longest event, below what would cost too much memory
_BARE = rb"[!#-<>-\[\]-~]+"
_PAIR = re.compile(rb' ([^ ="\x00-\x1f]+)=(%b|"[^"\x00-\x1f]*")' % _BARE)
_MASK = b"\x7f\x7f"
_FLAGS = (b" recovered=true", b" late=true", b" cut=true")  # from the last one on
_END = re.compile(rb"(%b) seq=([1-9][0-9]{0,18})" % _BARE)
_FILTERED = re.compile(rb" filtered=([1-9][0-9]{0,18})$")


class Numbered(NamedTuple):
    """What an event's line begins and ends with."""

    timestamp: str
    cut: bool
    late: bool
    recovered: bool
    session: str
    seq: int
    filtered: int


def is_whole(line: bytes) -> bool:
    """Tell whether a line holds a time and other pairs, and nothing else."""
    if not line.startswith(START) or len(line) > MAX_BYTES:
        return False
    return not _PAIR.sub(b"", _masked(line))


def _masked(line: bytes) -> bytes:
    """The line behind a space, its escaped quotes made into what ends no value."""
    line = b" " + line
    return line.replace(rb"\\", _MASK).replace(rb"\"", _MASK) if b"\\" in line else line


def numbered(line: bytes) -> Numbered | None:
    """The session and the number that a whole line ends with; None where it has none."""
    head, _, tail = line.rpartition(b" session=")
    end = _END.fullmatch(tail)
    if end is None:
        return None
    timestamp = head[len(START) :].partition(b" ")[0]
    took = _FILTERED.search(head[-32:])
    filtered = int(took[1]) if took else 0
    head = head[: -len(took[0])] if took else head
    recovered = late = cut = False
    if head.endswith(b"=true"):
        recovered, late, cut = [head != (head := head.removesuffix(flag)) for flag in _FLAGS]
    shown = timestamp.decode(errors="replace")
    return Numbered(shown, cut, late, recovered, end[1].decode(), int(end[2]), filtered)


def pairs(line: bytes) -> dict[str, str]:
    """The pairs of a whole line.

    Raises:
        ValueError: a value in quotes is no JSON string, or a key is not UTF-8.
    """
    out: dict[str, str] = {}
    for match in _PAIR.finditer(_masked(line)):
        start, end = match.start(2) - 1, match.end(2) - 1
        value = line[start:end]
        key = line[match.start(1) - 1 : match.end(1) - 1].decode()
        out[key] = msgspec.json.decode(value, type=str) if value[0] == 34 else value.decode()
    return out

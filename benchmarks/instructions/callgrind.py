"""What callgrind has counted: instructions by function, and the difference of two counts.

Files are read as `--compress-strings=no --compress-pos=no` writes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

Cost = Counter[str]  # self instructions, by function

# gcc's copies of one function for different callers, and callgrind's name for a deeper recursion.
_VARIANT = re.compile(r"(\.(constprop|isra|part|cold|lto_priv)(\.\d+)?|'\d+)+$")
_ADDRESS = re.compile(r"0x[0-9a-f]+$")


class Unreadable(Exception):
    """A file that does not hold what callgrind writes."""


def function(name: str, library: str) -> str:
    """How a function is named in reports: without the compiler's suffixes, with its library."""
    plain = _VARIANT.sub("", name)
    home = PurePath(library).name.partition(".")[0] or "?"
    return f"({home}, no symbol)" if _ADDRESS.match(plain) else f"{plain} ({home})"


def parse(text: str) -> Cost:
    """Self instructions by function; they add up to the total that the file states.

    Raises:
        Unreadable: they do not, or the file counts something else.
    """
    cost: Cost = Counter()
    library = where = ""
    events = total = ""
    called = False
    for line in text.splitlines():
        if line[:1].isdigit():
            if not called:  # the line after `calls=` is what the callee has cost
                cost[where] += int(line.split()[1])
            called = False
        elif line.startswith("ob="):
            library = line[3:]
        elif line.startswith("fn="):
            where = function(line[3:], library)
        elif line.startswith("calls="):
            called = True
        elif line.startswith("events: "):
            events = line[8:].strip()
        elif line.startswith("summary: "):
            total = line[9:].strip()
    if events != "Ir" or total != str(cost.total()):
        raise Unreadable(f"counted {events!r}, sum {cost.total()}, stated {total or 'nothing'}")
    return cost


def per_call(windows: Sequence[Cost], calls: int) -> dict[str, float]:
    """Instructions a call, by function, from windows of *calls* and of twice as many in turns.

    Of each length the cheapest counts: what happens once a second falls into the others. The
    difference is free of what a window costs by itself. A function that comes out at nothing is
    left out.
    """
    short = min(windows[0::2], key=Counter.total)
    long = min(windows[1::2], key=Counter.total)
    names = short.keys() | long.keys()
    return {name: (long[name] - short[name]) / calls for name in names if long[name] != short[name]}

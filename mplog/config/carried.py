"""Objects that are given as settings and have no name: they are known by a word, and cross to the
writer as bytes when this process starts it. Nothing of them lies in shared memory or on disk.
"""

from __future__ import annotations

import re

_MARK = "carried:"
_PATTERN = r"carried:[\w.<>@:-]{1,150}"
OBJECTS: dict[str, object] = {}


def is_carried(text: str) -> bool:
    """Whether *text* is a word that `carry` has given."""
    return re.fullmatch(_PATTERN, text) is not None


def carry(value: object) -> str:
    """The word for *value*: the same for the same place in the source, in every process of the
    program, so that their settings agree.
    """
    shown = type(value) if not hasattr(value, "__qualname__") else value
    place = f"{getattr(shown, '__module__', '')}.{getattr(shown, '__qualname__', '')}"
    code = getattr(value, "__code__", None)
    line = f"@{code.co_firstlineno}" if code is not None else ""
    word = _MARK + re.sub(r"[^\w.<>-]", "_", place)[:120] + line
    OBJECTS[word] = value
    return word

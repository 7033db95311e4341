"""What a program says at its exit while its writer is slow: on a busy machine that is no fault."""

from __future__ import annotations

import re

_PROGRESS = re.compile(r"^mplog: waiting for [^\n]* to reach \S+\n", re.MULTILINE)


def without(text: str) -> str:
    """All but those lines; one that gives a reason stays."""
    return _PROGRESS.sub("", text)

"""Files of a log that others have moved away: logrotate's names, and where they belong.

`app.jsonl` becomes `app.jsonl.1`, `app.jsonl-20261122` or, with logrotate's `extension`,
`app.1.jsonl`; older ones are often compressed. Where the writer has begun a new file before
logrotate's `create` does, that one becomes `app.jsonl-2026112216.backup`. A name counts only as a
whole, and only when no log of its own stands there: what has a manifest or a plate beside it is
one. Which is older is told by the first time in them, since numbers count down and dates up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from mplog.files.compression import ENDINGS

_OWN = (".manifest", ".mplog")
_NUMBER = r"\.[0-9]{1,4}"
_DATE = r"-[0-9]{4}-?[0-9]{2}-?[0-9]{2}(?:[-_T.]?[0-9]{2,10})?"
_IN_THE_WAY = r"-[0-9]{10}\.backup"
_COMPRESSED = "|".join(re.escape(ending) for ending in ENDINGS.values())
_TIME = re.compile(rb'^(?:\{"timestamp":\s*"|timestamp=)([^" ]{19,40})')
_OWN_LINE = re.compile(rb'"logger":\s*"mplog"|\blogger=mplog ')
_HEAD_CHARS = 160  # time, level and logger stand before all that a program logs


def is_moved(active: str, name: str) -> bool:
    """Tell whether `name` is what logrotate makes of `active`."""
    stem, suffix = os.path.splitext(active)
    behind = rf"{re.escape(active)}(?:{_NUMBER}|{_DATE}|{_IN_THE_WAY})"
    within = rf"{re.escape(stem)}(?:{_NUMBER}|{_DATE}){re.escape(suffix)}"
    return re.fullmatch(rf"(?:{behind}|{within})(?:{_COMPRESSED})?", name, re.DOTALL) is not None


def moved_from(path: Path) -> str | None:
    """Tell which log of mplog's in its directory this file was moved away from; None for others."""
    if _is_log(path.parent, path.name):
        return None
    names = (name for name in logs_in(path.parent) if is_moved(name, path.name))
    return max(names, key=len, default=None)


def list_moved(directory: Path, active: str) -> list[Path]:
    """List what others have moved away from `active` within its directory.

    Raises:
        OSError: the directory cannot be read.
    """
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    ours = set(names)
    found = (name for name in names if is_moved(active, name) and not _has_plate(ours, name))
    return _one_of_each(sorted(directory / name for name in found))


def logs_in(directory: Path) -> list[str]:
    """The logs of mplog's in a directory: what has its manifest or its plate beside it."""
    try:
        names = set(os.listdir(directory))
    except OSError:
        return []
    hidden = (name for name in names if name.startswith(".") and name.endswith(_OWN))
    return sorted({name[1:].rpartition(".")[0] for name in hidden} - {""})


def first_time(head: bytes) -> str:
    """The time of the first event in a file, as text whose order is that of time; where there is
    none that of the service's first own line, which is younger than what follows it; else empty.
    """
    own = ""
    for line in head.split(b"\n"):
        found = _TIME.match(line)
        if found is None:
            continue
        text = found[1].decode(errors="replace")
        if not _OWN_LINE.search(line[:_HEAD_CHARS]):
            return text
        own = own or text
    return own


def _has_plate(names: set[str], name: str) -> bool:
    return any(f".{name}{ending}" in names for ending in _OWN)


def _is_log(directory: Path, name: str) -> bool:
    return any(os.path.exists(directory / f".{name}{ending}") for ending in _OWN)


def _one_of_each(paths: Iterable[Path]) -> list[Path]:
    """Of one and the same, compressed and not, the uncompressed one."""
    kept: dict[str, Path] = {}
    for path in paths:
        ending = path.suffix if path.suffix in ENDINGS.values() else ""
        kept.setdefault(path.name.removesuffix(ending), path)
    return list(kept.values())

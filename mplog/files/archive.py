"""Names of archives: what a rotated file is called, and which files belong to a log.

`app.jsonl` rotates to `app.20261122T080000Z.000001.jsonl`. Other logs live in the same directory,
so a name counts only when all of it fits: what stands between stem and suffix is one time and one
generation, nothing else. A log whose own name ends in `.gz` or `.zst` gets no suffix split off,
because its archives would be called like the compressed archives of the log without that ending.
"""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from mplog.files.manifest import Entry, Manifest, SessionRange
from mplog.files.scan import summarise

_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z: the year keeps four digits
_COMPRESSED = (".gz", ".zst")
_STAMP = r"(?P<time>[0-9]{8}T[0-9]{6}Z)\.(?P<generation>[0-9]{6}|[1-9][0-9]{6,17})"
_ENDING = r"(?P<compression>\.gz|\.zst)?"
_ANY = re.compile(rf"(?P<stem>.+?)\.{_STAMP}(?P<suffix>\.[^.]*?)??{_ENDING}", re.DOTALL)


class Archive(msgspec.Struct, frozen=True, order=True):
    """A rotated file: its generation, the time text in its name, its name, how it is compressed."""

    generation: int
    timestamp: str
    name: str
    compression: str = ""

    @property
    def plain_name(self) -> str:
        """The name that it had when it was rotated, before any compression."""
        return self.name.removesuffix(self.compression)


def archive_name(active: str, generation: int, wall_ns: int) -> str:
    """Name the archive that a file rotates to.

    Args:
        active: base name of the file that is written.
        generation: counts up for ever, from 1.
        wall_ns: time of the rotation, nanoseconds since 1970 UTC.

    Raises:
        ValueError: the generation is less than 1, or `active` is not a base name.
    """
    if generation < 1:
        raise ValueError(f"generation of {active!r} is {generation}; it counts from 1")
    stem, suffix = _split(active)
    second = min(max(wall_ns // 1_000_000_000, 0), _LAST_SECOND)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
    return f"{stem}.{stamp}.{generation:06d}{suffix}"


def parse_archive(active: str, name: str) -> Archive | None:
    """Read the base name of an archive of `active`; None when it is anything else."""
    match = _pattern(active).fullmatch(name)
    if match is None or int(match["generation"]) < 1:
        return None
    return Archive(int(match["generation"]), match["time"], name, match["compression"] or "")


@functools.lru_cache(maxsize=8)
def _pattern(active: str) -> re.Pattern[str]:
    stem, suffix = _split(active)
    return re.compile(rf"{re.escape(stem)}\.{_STAMP}{re.escape(suffix)}{_ENDING}", re.DOTALL)


def active_of(name: str) -> str | None:
    """Tell which active file the archive of this base name belongs to; None for other names."""
    match = _ANY.fullmatch(name)
    if match is None:
        return None
    active = match["stem"] + (match["suffix"] or "")
    return None if parse_archive(active, name) is None else active


def list_archives(directory: Path, active: str) -> list[Archive]:
    """List the archives of `active` in `directory`, oldest generation first.

    Raises:
        OSError: the directory cannot be read.
    """
    with os.scandir(directory) as entries:
        names = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    found = (parse_archive(active, name) for name in names)
    return sorted(archive for archive in found if archive is not None)


def next_generation(archives: Iterable[Archive], manifest: Manifest) -> int:
    """Tell the generation of the next archive: above all that are there, and all that ever were."""
    known = (entry.generation for entry in manifest.entries.values())
    present = (archive.generation for archive in archives)
    return 1 + max(manifest.retired.through, *known, *present, 0)


def _split(active: str) -> tuple[str, str]:
    if not active or active in (".", "..") or "/" in active:
        raise ValueError(f"{active!r} is not the base name of a file")
    stem, suffix = os.path.splitext(active)
    return (active, "") if suffix in _COMPRESSED else (stem, suffix)


def describe(
    directory: Path,
    active: str,
    archive: Archive,
    sessions: dict[str, SessionRange] | None = None,
) -> Entry:
    """What the manifest is to say of an archive, also of one that is being compressed just now.

    Args:
        directory: where the log stands.
        active: base name of the active file.
        sessions: what it holds; None where nobody knows: then it is read.

    Raises:
        OSError: it is gone, or cannot be read.
    """

    def entry(name: str) -> Entry:
        held = summarise(directory / name) if sessions is None else sessions
        size_bytes = os.stat(directory / name, follow_symlinks=False).st_size
        return Entry(archive.plain_name, archive.generation, size_bytes, held)

    try:
        return entry(archive.name)
    except FileNotFoundError:
        forms = list_archives(directory, active)
        other = [one.name for one in forms if one.plain_name == archive.plain_name]
        if not other:
            raise
        return entry(other[0])

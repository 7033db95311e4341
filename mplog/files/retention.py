"""Retention: which archives go, and how they go without a number being forgotten.

The order is in `manifest.py`: first the manifest claims, then files are unlinked. `retire` may be
killed at any point and called again; each call finishes what an earlier one began.

The oldest go first, always: what the manifest has retired ends with one generation, and the file
that is written is none. An archive that is just being compressed is deleted in whichever form it
has by then (`compress.py` looks at the manifest once more when it is done).
"""

from __future__ import annotations

import calendar
import contextlib
import os
import time
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from mplog.config import Retention
from mplog.files.archive import Archive, describe, list_archives
from mplog.files.manifest import (
    Entry,
    Manifest,
    bring_onto_disk,
    compact,
    load,
    manifest_path,
)
from mplog.ring.folder import Folder

_BLOCK_BYTES = 512  # what st_blocks counts
_WRONG_S = 86_400.0


class Held(NamedTuple):
    """What one generation is to retention.

    Attributes:
        bytes: of its file, or of both where it is being compressed.
        disk_bytes: what is free once it is gone.
        rotated_s: when it was set aside, as its name says, seconds since 1970; None for no time.
    """

    generation: int
    bytes: int = 0
    disk_bytes: int = 0
    rotated_s: int | None = None


def leaving(held: Sequence[Held], keep: Retention, now_s: float, free_bytes: int) -> int:
    """How many of the archives, oldest generation first, are to go.

    Args:
        now_s: seconds since 1970.
        free_bytes: on their disk.
    """
    going = 0 if keep.count is None else max(len(held) - keep.count, 0)
    if keep.age_s is not None:
        going = max(going, _too_old(held, keep.age_s, now_s))
    if keep.total_bytes is not None:
        left_bytes = sum(one.bytes for one in held[going:])
        while going < len(held) and left_bytes > keep.total_bytes:
            left_bytes -= held[going].bytes
            going += 1
    if keep.keep_free_bytes is not None:
        free_bytes += sum(one.disk_bytes for one in held[:going])
        while going < len(held) and free_bytes < keep.keep_free_bytes:
            free_bytes += held[going].disk_bytes
            going += 1
    return going


def _too_old(held: Sequence[Held], age_s: float, now_s: float) -> int:
    """Those from the oldest on that are; the first that is not protects all after it.

    A time that a wrong clock has put ahead of now is none: such an archive is taken to be as young
    as the one after it.
    """
    rotated_s, young = float("inf"), 0
    for number, one in reversed(list(enumerate(held))):
        if one.rotated_s is not None and one.rotated_s <= now_s + _WRONG_S:
            rotated_s = one.rotated_s
        if rotated_s >= now_s - age_s:
            young = len(held) - number
    return len(held) - young


def retire(
    directory: Path,
    active: str,
    keep: Retention,
    current_sessions: Set[str] | None,
    *,
    on_disk: bool = False,
) -> list[str]:
    """Delete the archives that are not to stay; idempotent under a kill at any point.

    Args:
        directory: where the log stands.
        active: base name of the active file.
        keep: which archives stay.
        current_sessions: sessions that have lines in the active file; None when that is not known.
        on_disk: bring the claim onto the disk before a file goes, so that no loss of power undoes
            the one without the other.

    Returns:
        The names that were unlinked, oldest first.

    Raises:
        OSError: an archive that the manifest does not describe cannot be read (it is not deleted,
            because its numbers could not be claimed), or the manifest or a file cannot be written
            (or brought onto the disk: nothing is deleted then).
    """
    with Folder(directory) as folder:
        return _retired(folder.place, active, keep, current_sessions, on_disk=on_disk)


def _retired(
    directory: Path,
    active: str,
    keep: Retention,
    current_sessions: Set[str] | None,
    *,
    on_disk: bool,
) -> list[str]:
    archives = list_archives(directory, active)
    if not archives:
        return []
    path = manifest_path(directory, active)
    manifest = load(path)
    begun = [a for a in archives if a.generation <= manifest.retired.through]
    rest = archives[len(begun) :]
    chosen = _chosen(directory, rest, keep)
    if chosen:
        gone = [_entry(directory, active, archive, manifest) for archive in _one_each(chosen)]
        staying = rest[len(chosen) :]
        described = all(_known(archive, manifest) for archive in staying)
        compact(path, manifest, gone, current_sessions if described else None)
        # Compressed between the listing and the claim, it has another name by now.
        through = chosen[-1].generation
        begun = [a for a in list_archives(directory, active) if a.generation <= through]
    if begun and on_disk:
        bring_onto_disk(path)
    return [a.name for a in begun if _unlink(directory / a.name)]


def _chosen(directory: Path, archives: Sequence[Archive], keep: Retention) -> list[Archive]:
    generations: dict[int, list[Archive]] = {}
    for archive in archives:
        generations.setdefault(archive.generation, []).append(archive)
    weighed = keep.total_bytes is not None or keep.keep_free_bytes is not None
    held = [_held(directory, files, weighed) for files in generations.values()]
    free_bytes = 0
    if keep.keep_free_bytes is not None:
        fs = os.statvfs(directory)
        free_bytes = fs.f_bavail * fs.f_frsize
    gone = {one.generation for one in held[: leaving(held, keep, time.time(), free_bytes)]}
    return [archive for archive in archives if archive.generation in gone]


def _held(directory: Path, files: Sequence[Archive], weighed: bool) -> Held:
    sizes = []
    for archive in files if weighed else ():
        with contextlib.suppress(FileNotFoundError):  # compressed, or deleted by somebody else
            found = os.stat(directory / archive.name, follow_symlinks=False)
            sizes.append((found.st_size, found.st_blocks * _BLOCK_BYTES))
    return Held(
        files[0].generation,
        sum(size for size, _ in sizes),
        sum(blocks for _, blocks in sizes),
        rotated_s(files[0]),
    )


def rotated_s(archive: Archive) -> int | None:
    """When an archive was set aside, as its name says, in seconds since 1970; None for no time."""
    try:
        return calendar.timegm(time.strptime(archive.timestamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return None


def _one_each(archives: Iterable[Archive]) -> list[Archive]:
    """One file of each archive, the uncompressed one when there are two."""
    by_plain_name: dict[str, Archive] = {}
    for archive in archives:
        if archive.plain_name not in by_plain_name or not archive.compression:
            by_plain_name[archive.plain_name] = archive
    return list(by_plain_name.values())


def _known(archive: Archive, manifest: Manifest) -> Entry | None:
    return manifest.entries.get(archive.name) or manifest.entries.get(archive.plain_name)


def _entry(directory: Path, active: str, archive: Archive, manifest: Manifest) -> Entry:
    entry = _known(archive, manifest)
    if entry is not None:
        return entry
    # A writer killed right after a rotation, or a lost manifest: the archive itself still knows.
    try:
        return describe(directory, active, archive)
    except OSError as error:
        raise OSError(error.errno, f"{archive.name}: {error.strerror or error}") from error


def _unlink(path: Path) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True

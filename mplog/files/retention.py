"""Retention by count: which archives go, and how they go without a number being forgotten.

The order is in `manifest.py`: first the manifest claims, then files are unlinked. `retire` may be
killed at any point and called again; each call finishes what an earlier one began.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence, Set
from pathlib import Path

from mplog.files.archive import Archive, list_archives
from mplog.files.manifest import Entry, Manifest, compact, load, manifest_path
from mplog.files.scan import summarise


def to_retire(archives: Iterable[Archive], keep: int | None) -> list[Archive]:
    """Choose the archives that are too many, oldest generation first; a `keep` of None keeps all.

    Files of one generation (an archive, and the same one compressed) are kept or go together.

    Raises:
        ValueError: `keep` is negative.
    """
    if keep is None:
        return []
    if keep < 0:
        raise ValueError(f"retention is {keep} archives; it must be 0 or more, or None for all")
    ordered = sorted(archives)
    generations = sorted({archive.generation for archive in ordered})
    leaving = set(generations[: max(len(generations) - keep, 0)])
    return [archive for archive in ordered if archive.generation in leaving]


def retire(
    directory: Path, active: str, keep: int | None, current_sessions: Set[str] | None
) -> list[str]:
    """Delete the archives that are too many; idempotent under a kill at any point.

    Args:
        directory: where the log stands.
        active: base name of the active file.
        keep: how many archives stay; None for all.
        current_sessions: sessions that have lines in the active file; None when that is not known.

    Returns:
        The names that were unlinked, oldest first.

    Raises:
        OSError: an archive that the manifest does not describe cannot be read (it is not deleted,
            because its numbers could not be claimed), or the manifest or a file cannot be written.
    """
    path = manifest_path(directory, active)
    manifest = load(path)
    archives = list_archives(directory, active)
    begun = [a for a in archives if a.generation <= manifest.retired.through]
    rest = archives[len(begun) :]
    chosen = to_retire(rest, keep)
    if chosen:
        gone = [_entry(directory, archive, manifest) for archive in _one_each(chosen)]
        staying = rest[len(chosen) :]
        described = all(_known(archive, manifest) for archive in staying)
        compact(path, manifest, gone, current_sessions if described else None)
    return [a.name for a in (*begun, *chosen) if _unlink(directory / a.name)]


def _one_each(archives: Sequence[Archive]) -> list[Archive]:
    """One file of each archive, the uncompressed one when there are two."""
    by_plain_name: dict[str, Archive] = {}
    for archive in archives:
        if archive.plain_name not in by_plain_name or not archive.compression:
            by_plain_name[archive.plain_name] = archive
    return list(by_plain_name.values())


def _known(archive: Archive, manifest: Manifest) -> Entry | None:
    return manifest.entries.get(archive.name) or manifest.entries.get(archive.plain_name)


def _entry(directory: Path, archive: Archive, manifest: Manifest) -> Entry:
    entry = _known(archive, manifest)
    if entry is not None:
        return entry
    # A writer killed right after a rotation, or a lost manifest: the archive itself still knows.
    file = directory / archive.name
    size_bytes = os.stat(file, follow_symlinks=False).st_size
    return Entry(archive.plain_name, archive.generation, size_bytes, summarise(file))


def _unlink(path: Path) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True

"""Rotation inside the journal: the file becomes an archive, a new one takes its place, and a kill
between any two steps is finished by the next writer.

The state ROTATE names the old file, the new one (made under a temporary name before) and the
archive. Every step asks what is there before it acts:

1. the old file stands at the path: rename it to the archive, never over another file (then the next
   generation's name is taken); where that is refused, the rotation is undone and the old file
   goes on;
2. nothing stands at the path: the new file goes there; something foreign stands there: it is taken
   as it is;
3. the manifest gets what the archive holds; one that refuses stops nobody, since the archive
   itself still knows, and retention asks it;
4. the journal puts the new file in force and returns to IDLE.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from mplog._native import Journal, rename_noreplace
from mplog.files.active import ActiveFile, own
from mplog.files.archive import (
    archive_name,
    describe,
    list_archives,
    next_generation,
    parse_archive,
)
from mplog.files.manifest import SessionRange, append, load, manifest_path
from mplog.ring.folder import DIRECTORY_MODE, Folder

Ranges = dict[str, SessionRange]
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Rotated(NamedTuple):
    """What a rotation has left: the new active file, the archive's name (None where the old file
    was not there any more), how much the new file holds, and why the manifest could not be told, if
    so.
    """

    file: ActiveFile
    archive: str | None
    size_bytes: int = 0
    problem: OSError | None = None


class Undone(Exception):
    """The old file stands where it stood and may not be renamed: it stays in force, as it is open.

    Attributes:
        why: what the system said.
    """

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


def begin(
    journal: Journal,
    file: ActiveFile,
    mode: int,
    wall_ns: int,
    sink: int = 0,
    *,
    look: bool = True,
) -> None:
    """Make the new file and enter ROTATE.

    Args:
        sink: the file's number in the journal.
        look: at the archives and the manifest, for the next number; the journal knows it where this
            writer has looked before, but for archives that somebody else has put there since.

    Raises:
        OSError: there is no room for a new file; the old one stays in force.
    """
    active, generation = file.path.name, max(journal.file(sink)[3], 1)
    with Folder(file.path.parent) as folder:
        if look:
            manifest = load(manifest_path(folder.place, active))
            archives = list_archives(folder.place, active)
            generation = max(next_generation(archives, manifest), generation)
        new = _made(_temporary(folder.place / active), mode, os.fstat(file.fd))
    name = archive_name(active, generation, wall_ns)
    journal.rotate_begin(generation, name, file.dev, file.ino, new.st_dev, new.st_ino, sink)


def _made(temporary: Path, mode: int, like: os.stat_result) -> os.stat_result:
    """The new file, empty, with the owner and the group of the old one."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    fd = os.open(temporary, _NEW, mode)
    try:
        own(fd, like)
        return os.fstat(fd)
    except OSError:
        os.unlink(temporary)
        raise
    finally:
        os.close(fd)


def has_room_beside(path: Path) -> bool:
    """Whether a new file beside *path* can be made, and takes a byte."""
    try:
        with Folder(path.parent) as folder:
            probe = _temporary(folder.place / path.name)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(probe)
            fd = os.open(probe, _NEW, 0o600)
            try:
                os.pwrite(fd, b"\n", 0)
            finally:
                os.close(fd)
                os.unlink(probe)
    except OSError:
        return False
    return True


def finish(journal: Journal, path: Path, mode: int, known: Ranges | None) -> Rotated:
    """Do what is left of the rotation in the journal; may be called again after any failure.

    Args:
        known: what the old file holds; None where this writer did not write all of it: then it is
            read.

    Raises:
        OSError: a step failed; the state stays ROTATE.
        Undone: the first one was refused; the state is IDLE.
    """
    rotation = journal.rotation
    if rotation is None:
        raise ValueError("no rotation is under way")
    generation, planned, *old_and_new = rotation
    with Folder(path.parent, make=DIRECTORY_MODE) as folder:  # somebody may have removed it
        held = folder.place / path.name
        archive = _set_aside_or_undo(journal, held, planned, (old_and_new[0], old_and_new[1]))
        _put_new(held)
        file = ActiveFile(path, mode, folder=folder)
        try:
            file.end_line()
            size_bytes = file.size()
        except OSError:
            file.close()
            raise
        problem = None
        if archive is not None:
            try:
                _describe(held, archive, known)
            except OSError as error:
                problem = error
            parsed = parse_archive(path.name, archive)
            generation = max(generation, parsed.generation if parsed else generation)
    journal.rotate_end(file.dev, file.ino, size_bytes, generation + 1)
    return Rotated(file, archive, size_bytes, problem)


def _set_aside_or_undo(
    journal: Journal, path: Path, planned: str, old: tuple[int, int]
) -> str | None:
    try:
        return _set_aside(path, planned, old)
    except OSError as error:
        if _identity(path) != old:
            raise
        _undo(journal, path, old)
        raise Undone(error) from None


def _undo(journal: Journal, path: Path, old: tuple[int, int]) -> None:
    with contextlib.suppress(OSError):
        os.unlink(_temporary(path))
    _, _, offset, generation = journal.file(journal.rotating or 0)
    journal.rotate_end(*old, offset, generation)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _set_aside(path: Path, planned: str, old: tuple[int, int]) -> str | None:
    """Step 1. The archive's name; None when the old file is neither at the path nor among the
    archives.
    """
    if _identity(path) != old:
        archives = list_archives(path.parent, path.name)
        return next((a.name for a in archives if _identity(path.parent / a.name) == old), None)
    name = planned
    while True:
        try:
            rename_noreplace(str(path), str(path.parent / name))
        except FileExistsError:
            name = _next_name(path.name, name)
            continue
        if _identity(path.parent / name) == old:
            return name
        # Between the look and the rename somebody has put a file of his own there: it goes back.
        with contextlib.suppress(OSError):
            rename_noreplace(str(path.parent / name), str(path))
        return None


def _next_name(active: str, name: str) -> str:
    parsed = parse_archive(active, name)
    if parsed is None:
        raise ValueError(f"{name} is no archive of {active}")
    number = f".{parsed.generation:06d}"
    return number.join(name.rsplit(number, 1)).replace(
        f"{parsed.timestamp}{number}", f"{parsed.timestamp}.{parsed.generation + 1:06d}"
    )


def _put_new(path: Path) -> None:
    """Step 2."""
    temporary = _temporary(path)
    with contextlib.suppress(FileExistsError, FileNotFoundError):
        rename_noreplace(str(temporary), str(path))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _describe(path: Path, archive: str, known: Ranges | None) -> None:
    """Step 3. Written again after a kill it says the same; an archive's last line counts."""
    parsed = parse_archive(path.name, archive)
    if parsed is not None:
        entry = describe(path.parent, path.name, parsed, known)
        append(manifest_path(path.parent, path.name), entry)

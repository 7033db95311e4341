"""Where the shared memory lies, and that the place is ours alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mplog.errors import ConfigError, Problem, SegmentError

if TYPE_CHECKING:
    from mplog.config.schema import Settings

SHM = "/dev/shm"  # noqa: S108 - made private by `private_directory`
_NOT_PRIVATE = "MPL-S006"


def shared_directory(
    settings: Settings, environ: Mapping[str, str], uid: int, *, shm: str = SHM
) -> str:
    """The directory of the shared memory; it may not be there yet.

    The first of: the setting `dir`; the inherited `MPLOG_DIR`; `mplog-<uid>` in *shm*, where that
    is a directory one may write to; `.mplog` beside the log.

    Raises:
        ConfigError: the inherited directory is not absolute.
        SegmentError: there is no *shm*, and no log file beside which the directory could lie.
    """
    inherited = environ.get("MPLOG_DIR", "")
    if settings.dir is not None:
        return settings.dir
    if inherited:
        if not inherited.startswith("/"):
            place, right = "environment variable MPLOG_DIR", "give an absolute path, or unset it"
            raise ConfigError.of([Problem(place, f'"{inherited}" is a relative path', right)])
        return os.path.normpath(inherited)
    if os.path.isdir(shm) and os.access(shm, os.W_OK | os.X_OK, effective_ids=True):
        return f"{shm}/mplog-{uid}"
    if settings.file is None:
        raise SegmentError(
            f"{shm} is not a directory that this user may write to",
            hint="Name a directory for the shared memory with dir=, or a log file with file=.",
            path=str(shm),
        )
    return _beside(settings.file)


def _beside(file: str) -> str:
    return os.path.join(os.path.dirname(file), ".mplog")


def private_directory(path: str | os.PathLike[str]) -> None:
    """Make *path* if it is not there, and refuse it unless it is this user's alone.

    Raises:
        SegmentError: it cannot be made, is a link or no directory, belongs to another user, or
            others may enter it.
    """
    try:
        _make(path)
        found = os.lstat(path)
    except OSError as why:
        text = f"cannot make the directory {path} for the shared memory: {why.strerror}"
        raise SegmentError(text, path=str(path), errno=why.errno) from why
    refusal = _refusal(found, os.geteuid())
    if refusal:
        text = f"{path} {refusal}, so it is not used for shared memory"
        raise SegmentError(text, code=_NOT_PRIVATE, path=str(path))


def usable_directory(
    settings: Settings, environ: Mapping[str, str], uid: int, *, shm: str = SHM
) -> str:
    """The directory of the shared memory, made and private: beside the log where the usual place is
    refused, unless the user has named one.

    Raises:
        ConfigError, SegmentError: as `shared_directory` and `private_directory`.
    """
    directory = shared_directory(settings, environ, uid, shm=shm)
    try:
        private_directory(directory)
    except SegmentError:
        if settings.dir is not None or environ.get("MPLOG_DIR") or settings.file is None:
            raise
        directory = _beside(settings.file)
        private_directory(directory)
    return directory


def _make(path: str | os.PathLike[str]) -> None:
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        os.makedirs(above, exist_ok=True)
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        return
    # The umask may have taken bits of the owner; the directory is new, so nobody else is in it.
    os.chmod(path, 0o700)


def _refusal(found: os.stat_result, euid: int) -> str | None:
    if stat.S_ISLNK(found.st_mode):
        return "is a symbolic link"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a directory"
    if found.st_uid != euid:
        return f"belongs to user {found.st_uid}, not to user {euid}"
    # Set-group-id, inherited from the directory above, lets nobody in.
    mode = stat.S_IMODE(found.st_mode) & 0o777
    return f"has mode {mode:04o}, not 0700" if mode != 0o700 else None

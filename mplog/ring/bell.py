"""A service as its bell shows it: is it there, who is its writer, how was it configured.

Locks are bytes of the bell's file (native/include/layout.h). They are open-file-description locks:
the kernel gives them back with the process that held them, however that ended.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple

from mplog import _native
from mplog.config import Own, own_from_bytes

if TYPE_CHECKING:
    from mplog.config import Settings

# Never made a `Path` of here: pathlib costs a program that has no use for it 3 ms and 0.5 MB.
Place = str | os.PathLike[str]
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


class Presence(NamedTuple):
    """Which of a service's two processes hold their lock now."""

    supervisor: bool
    writer: bool


def create_bell(directory: Place, service: str, settings: Settings | Own) -> bool:
    """Create the service's bell, or find it there; True when this call made it.

    Raises:
        SegmentError: shared memory is full, or holds another version's or broken bytes.
        OSError: the directory cannot be used.
    """
    try:
        return _native.bell_create(str(directory), service, settings.stored())
    except (RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _FULL:
            raise
        from mplog.errors.results import from_result  # seldom

        result = -error.args[0] if isinstance(error, OSError) else error.args[1]
        raise from_result(result, f"open the service {service} in {directory}") from None


def configuration(directory: Place, service: str) -> Settings:
    """The settings that the service was born with.

    Raises:
        FileNotFoundError: there is no such service.
        MplogError: its bytes are broken, or of another version.
    """
    from mplog.config import from_bytes  # not in a process that only logs

    return from_bytes(_stored(directory, service))


def own_configuration(directory: Place, service: str) -> Own:
    """The same, as far as a process needs them that only logs.

    Raises:
        FileNotFoundError, MplogError: as `configuration`.
    """
    return own_from_bytes(_stored(directory, service))


def _stored(directory: Place, service: str) -> bytes:
    try:
        return _native.bell_conf(str(directory), service)
    except RuntimeError as error:
        from mplog.errors.results import from_result  # seldom

        raise from_result(error.args[1], f"read the service {service} in {directory}") from None


def bell_id(directory: Place, service: str) -> tuple[int, int] | None:
    """Device and inode of the bell at its path; None when there is none that this user can see.

    Raises:
        OSError: the file system does not say.
    """
    try:
        found = os.stat(_native.bell_path(str(directory), service), follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    return found.st_dev, found.st_ino


def presence(directory: Place, service: str) -> Presence | None:
    """Who holds the service's locks; None when there is no such service, or it cannot be asked."""
    try:
        fd = os.open(_native.bell_path(str(directory), service), _FLAGS)
    except OSError:
        return None
    try:
        return Presence(
            _native.locked(fd, _native.LOCK_SUPERVISOR), _native.locked(fd, _native.LOCK_WRITER)
        )
    finally:
        os.close(fd)


def hold(directory: Place, service: str, byte: int) -> int | None:
    """Take one lock of the bell without waiting: the descriptor that holds it, or None.

    Raises:
        OSError: there is no such service, it may not be opened, or the kernel has no lock left.
    """
    fd, held = os.open(_native.bell_path(str(directory), service), _FLAGS), False
    try:
        held = _native.lock(fd, byte)
    finally:
        if not held:
            os.close(fd)
    return fd if held else None


def services(directory: Place) -> list[str]:
    """Names of the services of this version in *directory*; none where there is no such place.

    Raises:
        OSError: this user may not look.
    """
    ending = f".{_native.ABI}.bell"
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name.removesuffix(ending) for name in names if name.endswith(ending))


def stderr_path(directory: Place, service: str) -> str:
    """Where a writer's own standard error goes: never to the application's."""
    return os.path.join(directory, f"{service}.{_native.ABI}.stderr")

"""A service's name from its file: the same file gives the same name in every process."""

from __future__ import annotations

import os

_NAME_CHARS = 40
_ALLOWED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


def service_name(file: str | os.PathLike[str]) -> str:
    """The name of the service that writes *file*: for people first, then a digest.

    The directory counts by its real path, so that a link to it, or a bind mount at the same
    place, leads to the same service; the file itself need not be there yet.
    """
    # What `hashlib` hands on, without OpenSSL; a process that inherits a service needs neither.
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    path = os.path.abspath(file)
    directory, base = os.path.split(path)
    identity = os.fsencode(os.path.realpath(directory)) + b"\0" + os.fsencode(base)
    digest = blake2b(identity, digest_size=6).hexdigest()
    readable = "".join(char if char in _ALLOWED else "_" for char in base[:_NAME_CHARS])
    # A leading dot would hide the service's files, and is refused in `service=`.
    return f"{'_' + readable[1:] if readable.startswith('.') else readable}-{digest}"

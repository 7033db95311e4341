"""A service's name from its file: the same file gives the same name in every process."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

_NAME_CHARS = 40
_OTHERS = re.compile(r"[^A-Za-z0-9._-]")


def service_name(file: Path) -> str:
    """The name of the service that writes *file*: for people first, then a digest.

    The directory counts by its real path, so that a link to it, or a bind mount at the same
    place, leads to the same service; the file itself need not be there yet.
    """
    path = os.path.abspath(file)
    directory, base = os.path.split(path)
    identity = os.fsencode(os.path.realpath(directory)) + b"\0" + os.fsencode(base)
    digest = hashlib.blake2b(identity, digest_size=6).hexdigest()
    readable = _OTHERS.sub("_", base)[:_NAME_CHARS]
    # A leading dot would hide the service's files, and is refused in `service=`.
    return f"{re.sub('^[.]', '_', readable)}-{digest}"

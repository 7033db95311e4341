"""A real refusal of the system that a test can switch on and off: no file grows over a size."""

from __future__ import annotations

import resource
from contextlib import contextmanager


@contextmanager
def files_of(size_bytes):
    """What would stand behind that byte of any file is not written, with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

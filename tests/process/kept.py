"""A file that is held on to though its name goes."""

from __future__ import annotations

import os


class Kept:
    """What a file holds in the end, though its name is gone."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY)

    def content(self):
        """All of it."""
        try:
            return os.pread(self.fd, os.fstat(self.fd).st_size, 0)
        finally:
            os.close(self.fd)

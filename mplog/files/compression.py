"""The kinds of compression: their endings, and how each is written and read.

zstd is Python's own from 3.14 on, and `backports.zstd`, which is the same, before.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from mplog.config.values import ZSTD_LIBRARIES

ENDINGS = {"gzip": ".gz", "zstd": ".zst"}
CHUNK_BYTES = 1 << 20
# Where twice the time no longer buys a tenth of the size.
_GZIP_LEVEL, _ZSTD_LEVEL = 6, 3
_GZIP_FORMAT = 16 + zlib.MAX_WBITS


class Compressor(Protocol):
    """What both kinds have in common."""

    def compress(self, data: bytes, /) -> bytes:
        """What has come out so far."""

    def flush(self) -> bytes:
        """The rest."""


class NoZstd(OSError):
    """There is no library for zstd."""


def compressor(kind: str) -> Compressor:
    """A new compressor, of "gzip" or "zstd".

    Raises:
        NoZstd: see there.
    """
    if kind == "gzip":
        return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)
    made: Compressor = _zstd().ZstdCompressor(_ZSTD_LEVEL)
    return made


def decompressed(fd: int, ending: str) -> Callable[[], bytes]:
    """Make the function that reads a compressed file in chunks, from its beginning.

    Args:
        fd: stays open, and the caller's.
        ending: ".gz" or ".zst".

    Raises:
        NoZstd: see there. The function raises OSError for what is damaged or cut off.
    """
    # Closed with the stream, which must not close the caller's.
    file = os.fdopen(fd, "rb", closefd=False)
    damage: tuple[type[Exception], ...] = (EOFError, zlib.error)
    if ending == ".gz":
        stream: Any = gzip.GzipFile(fileobj=file, mode="rb")
    else:
        zstd = _zstd()
        stream, damage = zstd.ZstdFile(file, "rb"), (EOFError, zstd.ZstdError)

    def read() -> bytes:
        try:
            data: bytes = stream.read(CHUNK_BYTES)
        except damage as error:
            raise OSError(f"it is damaged: {error}") from error
        return data

    return read


def _zstd() -> Any:
    for name in ZSTD_LIBRARIES:
        try:
            return import_module(name)
        except ImportError:  # noqa: PERF203 - two
            continue
    raise NoZstd("reading and writing .zst needs a library: pip install 'mplog[zstd]'")

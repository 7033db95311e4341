"""Bugs in Python, as a plugin of pytest: `-p python_bugs` with SEEDED_BUG and SEEDED_LOG set."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mplog.files import compress, retention, rotation
from mplog.writer.ahead import Ahead


def fired() -> None:
    """Count a deviation, as the core does."""
    with Path(os.environ["SEEDED_LOG"]).open("a") as file:
        file.write(".")


def archive_named_twice() -> None:
    """A rename that replaces."""

    def rename(source: str, target: str) -> None:
        if os.path.exists(target):
            fired()
        os.rename(source, target)

    rotation.rename_noreplace = rename


def deleted_without_a_claim() -> None:
    """Nothing is noted before archives go."""
    retention.compact = lambda *_: fired()  # type: ignore[assignment]


def compressed_short() -> None:
    """What closes the stream is lost."""
    make = compress.compressor

    class Short:
        def __init__(self, kind: str) -> None:
            self._made: Any = make(kind)
            self.compress = self._made.compress

        def flush(self) -> bytes:
            fired()
            return b""

    compress.compressor = Short  # type: ignore[assignment, misc]


def next_batch_in_the_same_area() -> None:
    """The area is changed twice."""
    prepare = Ahead._prepare

    def same(self: Ahead, size: int) -> Any:
        fired()
        self._job.area ^= 1
        return prepare(self, size)

    Ahead._prepare = same  # type: ignore[method-assign]


BUGS = {
    one.__name__: one
    for one in (
        archive_named_twice,
        deleted_without_a_claim,
        compressed_short,
        next_batch_in_the_same_area,
    )
}

if (bug := os.environ.get("SEEDED_BUG")) is not None:
    BUGS[bug]()

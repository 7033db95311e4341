"""What the tests of commands share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import pytest

NOBODY = 65_534


@contextlib.contextmanager
def _as_nobody() -> Iterator[None]:
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture
def as_nobody() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with as_nobody():` a user whom permissions keep out, as root is not."""
    return _as_nobody

"""Descriptors are counted without those of tests before."""

from __future__ import annotations

import gc
import os

from descriptors import descriptors


class Left:
    """What only the collector closes."""

    def __init__(self) -> None:
        self.me, self.fd = self, os.open(os.devnull, os.O_RDONLY)

    def __del__(self) -> None:
        os.close(self.fd)


def test_what_another_test_has_left_is_not_counted() -> None:
    """Closed while a test counts, it would be taken for one of the test's own."""
    Left()
    before = descriptors()
    gc.collect()

    assert before == sorted(os.listdir("/proc/self/fd"))

"""What the tests of a sink's own process give it."""

from __future__ import annotations

import pytest

from mplog.event.event import Event, Stamped
from mplog.sinks.base import Outgoing


def outgoing(seq, text="x"):
    """An event of that number."""
    return Outgoing(Stamped(seq * 10**9, 20, 0, 0, "a-0-1", seq, 7, "shop"), Event("shop", text))


def batch(*texts, first=1):
    """Events with these texts."""
    return [outgoing(seq, text) for seq, text in enumerate(texts, first)]


def failure_of(call, *args):
    """What it raises."""
    with pytest.raises(BaseException) as raised:  # noqa: PT011
        call(*args)
    return raised.value

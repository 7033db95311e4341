"""An event without its secrets, before any queue has it."""

from __future__ import annotations

import pytest

from mplog import _native
from mplog.event.codec import ENCODER, decode
from mplog.event.event import Event, Stamped
from mplog.writer.redaction import hide

STAMPED = Stamped(1, 20, 0, 0, "s", 1, 7, "web")


@pytest.fixture(autouse=True)
def usual():
    """The usual names."""
    _native.set_redaction(["password", "token"])


def test_an_event_without_a_secret_is_as_it_was():
    """Not a byte is copied."""
    payload = ENCODER.encode(Event("shop", "a parcel"))

    assert hide(payload, STAMPED) == (STAMPED, payload)


def test_a_secret_of_an_event_is_hidden():
    """And the rest is there."""
    _, payload = hide(ENCODER.encode(Event("shop", "user ann password=hunter2canary")), STAMPED)

    assert b"hunter2canary" not in payload
    assert "user ann" in decode(payload).template


def test_a_secret_in_what_is_no_event_is_masked_in_its_place():
    """A sink gets the bytes that could not be read: as many as there were."""
    payload = b"\xc1 no event: password=hunter2canary"
    assert decode(payload) is None
    stamped, masked = hide(payload, STAMPED)

    assert STAMPED == stamped
    assert len(payload) == len(masked)
    assert b"hunter2canary" not in masked
    assert masked.startswith(b"\xc1 no event: ")

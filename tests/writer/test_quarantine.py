"""What is kept of records that could not be written is framed as the overflow is."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.writer.quarantine import hidden

RECORD = struct.Struct("<IIQQQIBBH")


def record(payload: bytes, seq: int = 7, level: int = 40) -> bytes:
    length = (RECORD.size + len(payload) + 7) // 8 * 8
    head = RECORD.pack(length, 3, seq, 5, 6, len(payload), level, 1, 0)
    return (head + payload).ljust(length, b"\0")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_frames_come_back_as_they_went_in(payloads):
    """Any number of them, of any length; of a lane's bytes too."""
    data = b"".join(_native.frame(record(one, seq)) for seq, one in enumerate(payloads, 1))
    data += _native.frame_of(9, b"raw")
    found = _native.frames(data)
    assert [(n, 5, 6, 40, 1, 0, one) for n, one in enumerate(payloads, 1)] == found[:-1]
    assert (9, 255, b"raw") == (found[-1][0], found[-1][4], found[-1][6])


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.data())
def test_a_frame_that_was_changed_or_cut_is_refused(payload, data):
    """Wherever: nothing of it is believed."""
    whole = _native.frame(record(payload))
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(whole)
    flipped[at] ^= 1 << bit
    for broken in (bytes(flipped), whole[: max(at, 1)]):
        with pytest.raises(ValueError, match="no frame stands at byte 0"):
            _native.frames(broken)


def test_what_is_no_record_is_not_framed():
    """A length that its bytes do not have."""
    with pytest.raises(ValueError, match="as long as it says"):
        _native.frame(record(b"abc") + b"\0" * 8)
    with pytest.raises(TypeError):
        _native.frame(b"short")


@pytest.mark.parametrize("on", [True, False])
def test_what_looks_like_a_secret_is_masked_in_its_place(on):
    """The record is as long as before, and so is framed as it was; a switch leaves it alone."""
    _native.set_redaction(["password"])
    kept = hidden(record(b"\x93\xa5token\xafpassword=hunter\xa1x"), redacts=on)
    ((*_, payload),) = _native.frames(_native.frame(kept))

    assert (b"password=******\xa1x" if on else b"password=hunter\xa1x") == payload[-17:]
    assert 25 == len(payload)

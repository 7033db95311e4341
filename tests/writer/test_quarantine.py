"""What is kept of records that could not be written is framed as the overflow is."""

from __future__ import annotations

import struct

import pytest
from bounded_files import files_of
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog import _native
from mplog.files.scan import FileNotice, decode_notice
from mplog.format import formatter
from mplog.writer import quarantine
from mplog.writer.quarantine import hidden, keep_lane

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


def kept(place):
    """What is kept beside the log."""
    return sorted(place.job.path.parent.glob(f".{place.job.path.name}.quarantine-*"))


class Poisoned:
    """A drain in which one record has ended writers before."""

    def __init__(self, job, record):
        self._real, self._record = job.reader, record

    def __getattr__(self, name):
        return getattr(self._real, name)

    def poisoned(self):
        return [("session-1-1", 7, self._record)]


def test_a_record_is_kept_once_however_many_writers_end(place):
    """One that was killed before its batch was over has kept it already."""
    job = place.job
    job.reader = Poisoned(job, record(b"poison"))
    quarantine.keep_poison(job)
    (path,) = kept(place)
    before, told = path.stat(), job.problem
    quarantine.keep_poison(job)

    assert f"its bytes are in {path}" in told
    assert [b"poison"] == [frame[-1] for frame in _native.frames(path.read_bytes())]
    assert (before.st_ino, before.st_mtime_ns) == (path.stat().st_ino, path.stat().st_mtime_ns)
    assert 1 == job.reader.counters()["poisoned"]


def test_a_record_that_cannot_be_kept_is_told_and_leaves_nothing(place):
    """Half of it would take room on a disk that is full; the writer goes on."""
    job = place.job
    job.reader = Poisoned(job, record(b"poison" * 100))
    with files_of(64):
        quarantine.keep_poison(job)

    assert [] == kept(place)
    assert "could not be kept: File too large (EFBIG)" in job.problem
    assert 1 == job.reader.counters()["poisoned"]


def test_a_lane_whose_segment_is_gone_is_told_all_the_same(place):
    """Somebody has removed it: there is nothing to be kept, but what befell the log is told."""
    quarantine.keep_lane(place.job, "session-1-1", 77, 3)

    assert [] == kept(place)
    assert "a broken lane could not be kept: No such file" in place.job.problem
    (line,) = place.job.sinks[0].lines
    assert b"lane 3 of segment " in line
    assert 1 == place.job.reader.counters()["quarantines"]


@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_a_lane_that_is_set_aside_is_told_by_a_line_that_counts_as_whole(place, form):
    """It names lane and segment; the log verifies, also where half a line would look whole."""
    place.job.sinks[0].fmt = formatter(form)

    keep_lane(place.job, "0123456789ab-3-1", 0, 3)

    (line,) = place.job.sinks[0].lines
    assert b"lane 3 of segment 0 is set aside" in line
    notice = decode_notice(line.rstrip(b"\n"), "mplog.file")
    assert isinstance(notice, FileNotice)
    assert ("quarantined", 0, 0) == (notice.what, notice.offset, notice.bytes)

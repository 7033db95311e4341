"""What each limit of a retention lets go, decided without a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mplog.config import Retention
from mplog.files.retention import Held, leaving

NOW_S = 1_795_334_400.0
DAY_S = 86_400
# Ten archives of 100 bytes (a block of 512 each), one a day; the newest is of today.
TEN = [Held(n + 1, 100, 512, int(NOW_S) - (9 - n) * DAY_S) for n in range(10)]


@pytest.mark.parametrize(
    ("keep", "free_bytes", "gone"),
    [
        (Retention(), 0, 0),
        (Retention(count=11), 0, 0),
        (Retention(count=10), 0, 0),
        (Retention(count=7), 0, 3),
        (Retention(count=0), 0, 10),
        (Retention(age_s=9.0 * DAY_S), 0, 0),
        (Retention(age_s=8.5 * DAY_S), 0, 1),
        (Retention(age_s=0), 0, 9),
        (Retention(total_bytes=1000), 0, 0),
        (Retention(total_bytes=999), 0, 1),
        (Retention(total_bytes=350), 0, 7),
        (Retention(total_bytes=0), 0, 10),
        (Retention(keep_free_bytes=5_000), 5_000, 0),
        (Retention(keep_free_bytes=5_000), 4_999, 1),
        (Retention(keep_free_bytes=5_000), 3_000, 4),
        (Retention(keep_free_bytes=10**12), 0, 10),
        (Retention(count=8, age_s=6.5 * DAY_S, total_bytes=900), 0, 3),
        (Retention(count=8, keep_free_bytes=1024), 0, 2),
        (Retention(count=8, keep_free_bytes=1025), 0, 3),
        (Retention(count=8, total_bytes=800), 0, 2),
    ],
)
def test_the_oldest_go_until_every_limit_holds(keep, free_bytes, gone):
    """Each limit alone, and several together: the strictest decides."""
    assert gone == leaving(TEN, keep, NOW_S, free_bytes)


@given(
    st.lists(
        st.builds(
            Held, st.just(0), st.integers(0, 500), st.integers(0, 500),
            st.one_of(st.none(), st.integers(0, 3000)),
        ),
        max_size=12,
    ),
    st.builds(
        Retention, *(st.one_of(st.none(), st.integers(0, 2000).map(kind)) for kind in
        (int, float, int, int)),
    ),
    st.integers(0, 2000),
)  # fmt: skip
def test_no_more_go_than_must(held, keep, free_bytes):
    """What stays keeps every limit; one more would break one, or it is younger than that."""

    def holds(gone):
        left = held[gone:]
        free = free_bytes + sum(one.disk_bytes for one in held[:gone])
        return (
            (keep.count is None or len(left) <= keep.count)
            and (keep.total_bytes is None or sum(one.bytes for one in left) <= keep.total_bytes)
            and (keep.keep_free_bytes is None or not left or free >= keep.keep_free_bytes)
        )

    gone = leaving(held, keep, 2500.0, free_bytes)
    young = leaving(held, Retention(age_s=keep.age_s), 2500.0, 0)

    assert holds(gone)
    assert gone in (0, young) or not holds(gone - 1)


@pytest.mark.parametrize(
    ("rotated", "gone"),
    [
        ([100, 200, 900], 2),
        ([100, None, 200, 900], 3),
        ([100, 99_999_999, 200, 900], 3),  # a clock that was ahead: as young as the next
        ([100, 900, 200], 1),  # one that was behind: protected by the one before it
        ([99_999_999, 900], 0),
        ([None, None], 0),
        ([100, None], 1),
    ],
)
def test_a_wrong_clock_deletes_nothing_young(rotated, gone):
    """What was set aside later is no older, whatever its name says."""
    held = [Held(n, rotated_s=at) for n, at in enumerate(rotated)]

    assert gone == leaving(held, Retention(age_s=500), 1000.0, 0)

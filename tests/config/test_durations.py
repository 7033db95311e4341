"""Durations as people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.config import durations, limits
from mplog.config.wrong import WrongValue


@pytest.mark.parametrize(
    ("value", "duration_s"),
    [
        ("10 s", 10.0),
        ("500 ms", 0.5),
        ("2 min", 120.0),
        ("1.5h", 5400.0),
        ("1 day", 86_400.0),
        ("250 µs", 0.00025),
        ("0.25", 0.25),
        (10, 10.0),
        (0.1, 0.1),
        (0, 0.0),
    ],
)
def test_durations_are_read(value, duration_s):
    """Units from microseconds to days; a number alone is seconds; always a float."""
    parsed = durations.parse(value)
    assert duration_s == parsed
    assert isinstance(parsed, float)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("10 parsecs", '"10 parsecs" is not a duration'),
        ("", '"" is not a duration'),
        ("1" * 70, f'"{"1" * 60}…" is not a duration'),
        (float("nan"), "nan is not a duration"),
        (float("inf"), "inf is longer than 366 days"),
        (10**20, "100000000000000000000 is longer than 366 days"),
        (-1, "-1 is negative"),
        ("400 d", '"400 d" is longer than 366 days'),
        (True, "True is not a duration"),
        (None, "None is not a duration"),
    ],
)
def test_wrong_durations_are_told(value, found):
    """Each refusal shows the value, says what is wrong and what would be right."""
    with pytest.raises(WrongValue) as caught:
        durations.parse(value)
    assert (found, durations.RIGHT) == (caught.value.found, caught.value.right)


@given(st.floats(0, limits.MAX_S, allow_subnormal=False))
@settings(max_examples=200)
def test_text_reads_back(duration_s):
    """What `text` writes, `parse` reads as the same number."""
    assert duration_s == durations.parse(durations.text(duration_s))


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(10.0, "10 s"), (0.5, "500 ms"), (120.0, "2 min"), (7200.0, "2 h"), (0.0, "0 s")],
)
def test_text_is_for_people(duration_s, text):
    """The unit is the largest one that keeps the number whole."""
    assert text == durations.text(duration_s)

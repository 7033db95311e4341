"""Which archives stay, as people write it."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mplog.config import KEYS, Retention
from mplog.config.retention import MAX_AGE_S, RIGHT
from mplog.config.wrong import WrongValue

parse, text = KEYS["retention"].parse, KEYS["retention"].text
ALL_FOUR = Retention(10, 2_592_000, 10**9, 5 * 10**9)


@pytest.mark.parametrize(
    ("value", "retention"),
    [
        (0, Retention(count=0)),
        (10, Retention(count=10)),
        ("7", Retention(count=7)),
        ("10 days", Retention(age_s=864_000)),
        ("2 weeks", Retention(age_s=1_209_600)),
        ("3 years", Retention(age_s=94_608_000)),
        (datetime.timedelta(days=3), Retention(age_s=259_200)),
        ("1 GB", Retention(total_bytes=10**9)),
        ("512 B", Retention(total_bytes=512)),
        ({"count": 10}, Retention(count=10)),
        ({"count": 10, "age": "30 days", "total": "1 GB", "keep_free": "5 GB"}, ALL_FOUR),
        ("count=10, age=30 days, total=1 GB, keep_free=5 GB", ALL_FOUR),
        ({"count": None, "keep_free": 1}, Retention(keep_free_bytes=1)),
        ({"keep_free": 0}, Retention()),
        ([10, "30 days"], Retention(10, 2_592_000)),
        ("10, 30 days", Retention(10, 2_592_000)),
        ([10, 3, "1 GB", "2 GB"], Retention(3, None, 10**9)),
        (None, Retention()),
        ("ALL", Retention()),
        ({}, Retention()),
    ],
    ids=str,
)
def test_right_values_are_taken(value, retention):
    """A count, an age, a size, several; and what is shown may be written."""
    assert retention == parse(value)
    assert retention == parse(text(retention))
    assert retention == parse(retention)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("many", f'"many" is no count, age or size of archives; {RIGHT}'),
        ("", f'"" is no count, age or size of archives; {RIGHT}'),
        ("1 GX", f'"1 GX" is no count, age or size of archives; {RIGHT}'),
        (True, f"True is no count, age or size of archives; {RIGHT}"),
        (1.5, f"1.5 is no count, age or size of archives; {RIGHT}"),
        (-1, f"-1 is not a count from 0 to 1000000; {RIGHT}"),
        (10**7, f"10000000 is not a count from 0 to 1000000; {RIGHT}"),
        ({"days": 3}, f'"days" is no limit of a retention; {RIGHT}'),
        ({"cuont": 3}, f'"cuont" is no limit of a retention; did you mean "count"? Else {RIGHT}'),
        ({3: 3}, f"3 is no limit of a retention; {RIGHT}"),
        ("cnt=3", f'"cnt" is no limit of a retention; did you mean "count"? Else {RIGHT}'),
        ("count=1, count=2", f'"count=1, count=2" names a limit twice; {RIGHT}'),
        ({"count": "1 GB"}, f'"1 GB" is no count, age or size of archives; {RIGHT}'),
        (
            datetime.timedelta(-1),
            f"datetime.timedelta(days=-1) is not an age from 0 s to 100 years; {RIGHT}",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_wrong_values_are_told(value, message):
    """The value, what is wrong with it, and what would be right."""
    with pytest.raises(WrongValue) as caught:
        parse(value)
    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("200 years", "is longer than 36500 days"),
        ({"age": "soon"}, "is not a duration"),
        ({"total": "much"}, "is not a size"),
        ({"keep_free": -1}, "is negative"),
    ],
)
def test_a_limit_of_the_wrong_kind_is_told(value, wrong):
    """What a duration or a size must look like is said by those."""
    with pytest.raises(WrongValue, match=wrong):
        parse(value)


@given(
    st.builds(
        Retention,
        st.one_of(st.none(), st.integers(0, 10**6)),
        st.one_of(st.none(), st.floats(0, MAX_AGE_S)),
        st.one_of(st.none(), st.integers(0, 2**62)),
        st.one_of(st.none(), st.integers(1, 2**62)),
    )
)
def test_what_is_shown_may_be_written(retention):
    """For every retention that there is."""
    assert retention == parse(text(retention))

"""Sizes as people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.config import sizes
from mplog.config.wrong import WrongValue


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        ("100 MB", 100_000_000),
        ("100MB", 100_000_000),
        ("20 MiB", 20 * 2**20),
        ("1 GiB", 2**30),
        ("1.5 kb", 1500),
        (" 0.5 KiB ", 512),
        ("512", 512),
        ("512 B", 512),
        (20_000_000, 20_000_000),
        (0, 0),
    ],
)
def test_sizes_are_read(value, size_bytes):
    """Decimal and binary units, any case, with or without a space; a number is bytes."""
    assert size_bytes == sizes.parse(value)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("20 MX", '"20 MX" is not a size'),
        ("", '"" is not a size'),
        ("-1 MB", '"-1 MB" is not a size'),
        ("1" * 100, f'"{"1" * 60}…" is not a size'),
        ("٣ MB", '"٣ MB" is not a size'),
        (-1, "-1 is negative"),
        (2**63, "9223372036854775808 is more than 2^62 bytes"),
        ("99999999 TiB", '"99999999 TiB" is more than 2^62 bytes'),
        ("0.3 B", '"0.3 B" is not a whole number of bytes'),
        (1.0, "1.0 is not a size"),
        (True, "True is not a size"),
        (None, "None is not a size"),
    ],
)
def test_wrong_sizes_are_told(value, found):
    """Each refusal shows the value, says what is wrong and what would be right."""
    with pytest.raises(WrongValue) as caught:
        sizes.parse(value)
    assert (found, sizes.RIGHT) == (caught.value.found, caught.value.right)
    assert str(caught.value) == f"{found}; {sizes.RIGHT}"


@given(st.integers(0, sizes.MAX_BYTES))
@settings(max_examples=100)
def test_text_reads_back(size_bytes):
    """What `text` writes, `parse` reads as the same number."""
    assert size_bytes == sizes.parse(sizes.text(size_bytes))


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(65536, "64 KiB"), (100_000_000, "100 MB"), (20_000_001, "20000001 B"), (0, "0 B")],
)
def test_text_is_the_shortest(size_bytes, text):
    """The unit is the one that needs the fewest digits."""
    assert text == sizes.text(size_bytes)

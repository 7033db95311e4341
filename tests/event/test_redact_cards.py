"""Which numbers are those of cards: by their issuers' ranges and check digits."""

from __future__ import annotations

import pytest

from mplog.event.redact import REDACTED, redact_text

# How the numbers of an issuer begin, and how many digits they have.
ISSUED = [
    ("2221", 16), ("2720", 16), ("30", 14), ("30", 16), ("34", 15), ("35", 16), ("35", 19),
    ("36", 14), ("37", 15), ("38", 16), ("39", 14), ("4", 13), ("4", 16), ("4", 19), ("50", 13),
    ("51", 16), ("55", 16), ("56", 16), ("58", 19), ("6", 13), ("6", 16), ("6", 19),
]  # fmt: skip
NOT_ISSUED = [
    ("0", 16), ("1", 16), ("20", 16), ("2220", 16), ("2221", 15), ("2721", 16), ("30", 13),
    ("31", 16), ("33", 14), ("34", 14), ("34", 16), ("35", 15), ("36", 13), ("37", 16), ("38", 13),
    ("4", 12), ("4", 14), ("4", 15), ("4", 18), ("51", 15), ("55", 17), ("59", 16), ("6", 12),
    ("6", 20), ("7", 16), ("8", 16), ("9", 16),
]  # fmt: skip


def _numbered(prefix, count):
    """A number of *count* digits that begins with *prefix*, with the right check digit."""
    body = prefix.ljust(count - 1, "0")
    doubled = [int(digit) * 2 for digit in body[::-1][::2]]
    total = sum(v - 9 if v > 9 else v for v in doubled) + sum(map(int, body[::-1][1::2]))
    return body + str(-total % 10)


@pytest.mark.parametrize(("prefix", "count"), ISSUED)
def test_a_card_number_of_any_issuer_is_hidden(prefix, count):
    """With its check digit; with another one it is some number."""
    number = _numbered(prefix, count)
    other = number[:-1] + str((int(number[-1]) + 1) % 10)

    assert f"paid by {REDACTED}." == redact_text(f"paid by {number}.")
    assert f"paid by {other}." == redact_text(f"paid by {other}.")


@pytest.mark.parametrize(("prefix", "count"), NOT_ISSUED)
def test_a_number_that_no_issuer_gives_out_stays(prefix, count):
    """However well its check digit fits."""
    text = f"order {_numbered(prefix, count)}"

    assert redact_text(text) is text

"""Values in messages, and the nearest right name."""

import pytest

from mplog.config.wrong import nearest, show


class Multiline:
    def __repr__(self):
        return "two\nlines\x1b[31m"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("20 MX", '"20 MX"'),
        ("a\nb\x1b[31m\u202e", '"a\\nb\\x1b[31m\\u202e"'),
        ("\ud800", '"\\ud800"'),
        ("x" * 61, f'"{"x" * 60}…"'),
        (3, "3"),
        (Multiline(), "two\\nlines\\x1b[31m"),
    ],
)
def test_values_are_shown_safely(value, text):
    """One line, bounded, printable, whatever the value's own code does."""
    assert text == show(value)


def test_values_that_cannot_be_shown():
    """A number too long for `str`, or a value whose class cannot be asked for, is still shown."""

    class Raising:
        @property
        def __class__(self):
            raise RuntimeError

    shown = show(Raising())  # outside the assert, which would ask for its class
    assert shown.startswith("<")
    assert len(shown) <= 61
    assert len(show(10**5000)) <= 61


def test_huge_values_are_cut():
    """A container is shown by its beginning."""
    assert len(show(list(range(100_000)))) <= 61


@pytest.mark.parametrize(
    ("name", "near"), [("levle", "level"), ("FORMATT", "format"), ("zzz", None), ("", None)]
)
def test_nearest_name(name, near):
    """The nearest name in any case, or none."""
    assert near == nearest(name, ["level", "format"])

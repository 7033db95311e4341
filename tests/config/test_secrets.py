"""`redact`: names as a text or a list, alone or added to the defaults."""

from __future__ import annotations

import pytest

from mplog.config.limits import MAX_SECRETS, REDACTED
from mplog.config.schema import KEYS
from mplog.config.wrong import WrongValue


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("password, Token ", ("password", "token")),
        (["a", "b", "a"], ("a", "b")),
        ("+iban", (*REDACTED, "iban")),
        (["+iban", "+ zip"], (*REDACTED, "iban", "zip")),
        ("+token", REDACTED),
        ("off", ()),
        ("", ()),
        (None, ()),
        ([], ()),
    ],
)
def test_names_are_taken(value, parsed):
    """Each once, in lower case; and what is parsed is parsed again from its text."""
    key = KEYS["redact"]
    assert parsed == key.parse(value)
    assert parsed == key.parse(key.text(parsed)) == key.parse(parsed)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("+a, b", "mixes names"),
        ("a,,b", "cannot be one"),
        ("a, _-", "cannot be one"),
        (["x" * 49], "cannot be one"),
        ("a\nb", "cannot be one"),
        ([str(i) for i in range(MAX_SECRETS + 1)], "makes 65 names"),
        ([1], "is not a list of names"),
        (7, "is not a list of names"),
        (True, "is not a list of names"),
        ({"a": 1}, "is not a list of names"),
    ],
)
def test_wrong_names_are_refused_with_what_is_right(value, wrong):
    """The value, what is wrong with it, and what would be right."""
    with pytest.raises(WrongValue, match=wrong) as refused:
        KEYS["redact"].parse(value)
    assert "give names of keys" in str(refused.value)

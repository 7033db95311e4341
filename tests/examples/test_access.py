"""gunicorn's access records, as the shop's filter leaves them."""

from __future__ import annotations

import logging
from typing import Any

from shop.access import AccessFields

ATOMS = {
    "h": "127.0.0.1",
    "m": "GET",
    "U": "/items/1",
    "s": "200",
    "B": 61,
    "D": 1834,
    "a": "customer/1",
    "{x-request-id}o": "r-1",
    "{cookie}i": "basket=secret",
    "{wsgi.errors}e": object(),
}


def record(message: str, *arguments: Any) -> logging.LogRecord:
    """A record as gunicorn's logger makes it, after the filter."""
    made = logging.LogRecord("gunicorn.access", logging.INFO, "f", 1, message, arguments, None)
    assert AccessFields().filter(made) is True
    return made


def test_atoms_become_fields():
    """Status, size and duration are numbers with names of their own."""
    made = record("%(h)s %(s)s", ATOMS).__dict__

    assert made["http.response.status_code"] == 200
    assert made["http.response.body.size"] == 61
    assert made["duration_us"] == 1834
    assert made["request_id"] == "r-1"


def test_headers_and_environment_stay_behind():
    """Neither the cookie nor the WSGI environment is in the record any more."""
    made = record("%(h)s %(s)s", ATOMS)

    assert "secret" not in repr(made.__dict__)
    assert made.getMessage() == "GET /items/1 answered 200 in 1834 us"


def test_other_records_pass_untouched():
    """A record without atoms keeps text and arguments."""
    assert record("%s of %s", 1, 2).getMessage() == "1 of 2"

"""gunicorn's access log as fields: what it passes as one long format becomes values with names."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

FIELDS = {
    "http.request.method": "m",
    "url.path": "U",
    "http.response.status_code": "s",
    "http.response.body.size": "B",
    "duration_us": "D",
    "client.address": "h",
    "user_agent.original": "a",
    "request_id": "{x-request-id}o",
}


class AccessFields(logging.Filter):
    """Keeps what is worth keeping of a `gunicorn.access` record, and nothing else.

    gunicorn hands over every header and the whole WSGI environment, cookies included. A filter on
    the logger sees the record first, so the rest never leaves the worker.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Turn the atoms of *record* into fields; records of another shape pass as they are."""
        atoms: Any = record.args
        if isinstance(atoms, Mapping) and "s" in atoms:
            fields = {name: atoms[atom] for name, atom in FIELDS.items()}
            fields["http.response.status_code"] = int(atoms["s"])
            record.__dict__.update(fields)
            record.msg = "%(m)s %(U)s answered %(s)s in %(D)s us"
            record.args = {key: atoms[key] for key in ("m", "U", "s", "D")}
        return True

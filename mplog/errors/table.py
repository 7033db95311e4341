"""The codes of all errors and the results of the C core, as native/include/errors.def has them."""

from __future__ import annotations

from typing import NamedTuple

from mplog import _native


class Row(NamedTuple):
    """One stable code: the class that carries it, who must act, why it comes, what to do."""

    code: str
    error: str
    kind: str
    cause: str
    hint: str


class Result(NamedTuple):
    """One negative result of the C core, and the code that it has here."""

    name: str
    number: int
    code: str
    text: str


_codes, _results = _native.error_rows()
# A class's first row is its own code; the others are for `code=`.
TABLE = tuple(Row(*row) for row in _codes)
RESULTS = {row[1]: Result(*row) for row in _results}
HINTS = {row.code: row.hint for row in TABLE}
CLASSES = {row.code: row.error for row in TABLE}

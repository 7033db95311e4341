"""docs/reference/errors.md, made from the table: `python -m mplog.errors.reference`."""

from __future__ import annotations

import sys

from mplog.errors.table import RESULTS, TABLE, Row

_HEAD = """\
# Errors

<!-- Made by `python -m mplog.errors.reference` from native/include/errors.def: edit that. -->

Every error of mplog is an `MplogError`. Its class and its `kind` say who has to act: the caller
(`usage`), the machine (`environment`), the far side of a sink (`target`), or mplog itself
(`internal`). It carries a stable `code`, the `context` as values, and a `hint` that says what to
do; its text ends in the code: look it up here.

A log call raises none of them. What goes wrong behind it is counted, told on stderr (one line a
second for each kind of fault, with how many were not shown; never on stdout), and handed to the
listeners of `mplog.on_error()`: [more](../howto/errors.md).

| code | class | kind | cause | what to do |
|---|---|---|---|---|
"""
_RESULTS = """
## Results of the core

What the C core says of a step that failed, as `error.context["result"]` has it. Beside these it
answers in the system's own words, as `ENOSPC`.

| result | number | code | it says |
|---|---|---|---|
"""


def markdown() -> str:
    """The page, from the table."""
    codes = "".join(_row(row) for row in TABLE)
    results = "".join(
        f"| `{one.name}` | {one.number} | `{one.code}` | {one.text} |\n" for one in RESULTS.values()
    )
    return _HEAD + codes + _RESULTS + results


def _row(row: Row) -> str:
    return f"| `{row.code}` | `{row.error}` | {row.kind} | {row.cause} | {row.hint} |\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())

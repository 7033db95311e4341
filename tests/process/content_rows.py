"""The faults of what is logged: row, what befalls the log, how, what holds besides, which tests.

`fault_rows.py` makes a chapter of them.
"""

from __future__ import annotations

CONTENT: list[tuple[str, str, str, str, tuple[tuple[str, str], ...]]] = []

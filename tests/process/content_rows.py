"""The faults of what is logged: row, what befalls the log, how, what holds besides, which tests.

`fault_rows.py` makes a chapter of them.
"""

from __future__ import annotations

FORMATS = "tests/format/test_forging.py"

CONTENT: list[tuple[str, str, str, str, tuple[tuple[str, str], ...]]] = [
    (
        "C1", "second lines inside of an event",
        "line feeds, CR, VT, FF, FS to US, NEL, U+2028 and U+2029 in everything that an event has",
        "one event is one line (of text: one line at the margin), whoever splits it",
        ((FORMATS, "test_json"), (FORMATS, "test_logfmt"), (FORMATS, "test_text")),
    ),
    (
        "C2", "sequences that drive terminals",
        "C0 and C1, DEL, CSI, OSC 0, 8 and 52, DCS, overrides of the direction",
        "they are shown, never written; in JSON the data is intact",
        ((FORMATS, "test_json"), (FORMATS, "test_logfmt"), (FORMATS, "test_text"),
         (FORMATS, "test_the_service_s_own_lines")),
    ),
    (
        "C5", "templates in data", "`{0.__class__}`, `%(name)s`, `${jndi:…}`, huge widths",
        "they come out as they are",
        ((FORMATS, "test_values_are_no_templates"),),
    ),
]  # fmt: skip

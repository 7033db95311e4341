"""The faults of what is logged: row, what befalls the log, how, what holds besides, which tests.

`fault_rows.py` makes a chapter of them.
"""

from __future__ import annotations

FORMATS, WAY = "tests/format/test_forging.py", "tests/process/test_forged_lines.py"
JOURNALD, SERVERS = "tests/sinks/test_journald.py", "tests/sinks/test_syslog_servers.py"
REMOTE = "tests/sinks/test_journal_remote.py"

CONTENT: list[tuple[str, str, str, str, tuple[tuple[str, str], ...]]] = [
    (
        "C1", "second lines inside of an event",
        "line feeds, CR, VT, FF, FS to US, NEL, U+2028 and U+2029 in every place of an event",
        "one event is one line (of text: one line at the margin), whoever splits it",
        ((FORMATS, "test_json"), (FORMATS, "test_logfmt"), (FORMATS, "test_text"),
         (FORMATS, "test_the_formatters_in_c"),
         (WAY, "test_nothing_that_is_logged_forges_a_line_anywhere"),
         (JOURNALD, "test_no_line_of_journalctl_is_forged"),
         (REMOTE, "test_what_a_journal_exports_stands_in_another_one_event_by_event"),
         (REMOTE, "test_a_text_that_is_put_in_as_it_is_forges_an_entry"),
         (SERVERS, "test_every_event_arrives_once_in_order_and_as_it_was")),
    ),
    (
        "C2", "sequences that drive terminals",
        "C0 and C1, DEL, CSI, OSC 0, 8 and 52, DCS, overrides of the direction",
        "they are shown, never written, also on a console with colours; in JSON, in logfmt and for "
        "a function the data is intact",
        ((FORMATS, "test_console"), (FORMATS, "test_the_service_s_own_lines"),
         (WAY, "test_nothing_that_is_logged_forges_a_line_anywhere"),
         (WAY, "test_what_is_told_of_sinks_and_processes_forges_nothing_either")),
    ),
    (
        "C5", "templates in data",
        "`{0.__class__}`, `{name}`, `%(name)s`, `${jndi:…}`, huge widths, as values, keys, names",
        "they come out as they are, in each format, layout and sink; a message that a program has "
        "made of data reaches fields of that call by their names alone",
        ((FORMATS, "test_data_is_never_a_template"),
         (FORMATS, "test_a_text_with_fields_is_a_template_of_these_names_alone"),
         (WAY, "test_nothing_that_is_logged_forges_a_line_anywhere")),
    ),
]  # fmt: skip

"""Texts that mean harm, and readers that tell whether any has been done.

The readers know nothing of mplog: they split as terminals, pagers, `str.splitlines`, rsyslog and
journalctl do.
"""

from __future__ import annotations

import re

FORGED = "FORGED"  # stands behind whatever might begin a line of its own
ATTACKS = {
    "newline": f"a\n{FORGED} b",
    "crlf": f"a\r\n{FORGED} b",
    "return": f"a\r{FORGED} b",
    "line separator": f"a\u2028{FORGED} b",
    "paragraph separator": f"a\u2029{FORGED} b",
    "nel": f"a\x85{FORGED} b",
    "index": f"a\x84{FORGED} b\x8d",
    "vertical tab": f"a\x0b{FORGED} b",
    "form feed": f"a\x0c{FORGED} b",
    "separators": "a\x1cb\x1dc\x1ed\x1fe",
    "forged text": f"x\n2026-11-22T08:00:00.000000Z ERROR    shop[1] {FORGED}",
    "forged json": '"}\n{"level":"CRITICAL","message":"' + FORGED + '"}',
    "forged logfmt": f'" level=CRITICAL message="{FORGED}"\ntimestamp=x',
    "forged syslog": f'"] <13>1 2026-11-22T08:00:00Z h a - - - {FORGED}\n<0>1 - - - - - -',
    "counted octets": f"x\n17 <0>1 - - - - - - {FORGED}",
    "forged journal": f"x\nMESSAGE={FORGED}\n\n__CURSOR=1\nPRIORITY=0",
    "clear": "\x1b[2J\x1b[31m",
    "reset": "\x1bc",
    "title": "\x1b]0;t\x07",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "link": "\x1b]8;;http://evil/\x1b\\x\x1b]8;;\x1b\\",
    "dcs": "\x1bP+q544e\x1b\\",
    "shift": "\x0e\x0f",
    "c1 csi": "\x9b31m",
    "c1 osc": "\x9d52;c;ZXZpbA==\x9c",
    "c1 dcs": "\x90x\x9c",
    "delete": "a\x7f",
    "nul": "\x00",
    "bell": "\x07",
    "backspace": "abc\x08\x08\x08",
    "bidi": "\u202egnp.exe",
    "isolate": "\u2066x\u2069",
    "braces": "{v} {0.__class__} {{",
    "percent": "%s %(v)s %n %(levelname)s %999999999d",
    "lookup": "${jndi:ldap://x}",
    "html": "<script>alert(1)</script>",
}
LONE = {"lone surrogate": "a\ud800 \udc80b", "lone and newline": f"\udc0a\n{FORGED}"}
"""What no encoder of UTF-8 takes: they are shown, `\\udc80`, from the call on."""

# What a terminal acts on, what ends a line somewhere, what turns text around. A line feed ends a
# line; everything else is forbidden.
UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_COLOUR = re.compile("\x1b\\[(?:0|1|2|3[1236]|97;41)m")  # those of a console, and no others


def lines_of(data: bytes) -> list[str]:
    """The lines of *data*, by every reader the same ones; it ends with one, and holds nothing else
    that acts.
    """
    text = data.decode("utf-8", "strict")
    assert text.endswith("\n")
    found = UNSAFE.search(text)
    assert found is None, ascii(text[max(found.start() - 80, 0) : found.end() + 20])
    lines = text[:-1].split("\n")
    assert lines == text.splitlines()
    return lines


def at_the_margin(lines: list[str]) -> list[str]:
    """Those that begin an event in a format for people: what belongs to one is indented."""
    return [line for line in lines if not line.startswith("    ")]


def without_colours(data: bytes) -> bytes:
    """*data* without the sequences of a console: if any other one is in it, it stays."""
    return _COLOUR.sub("", data.decode("utf-8", "strict")).encode()

"""A strict reader of RFC 5424, section 6, for the tests: what it takes is by the grammar."""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD = re.compile(
    rb"<(?P<pri>0|[1-9][0-9]{0,2})>(?P<version>[1-9][0-9]{0,2}) "
    rb"(?P<time>-|[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    rb"(?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])) "
    rb"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<procid>[!-~]{1,128}) (?P<msgid>[!-~]{1,32}) "
)
NAME = re.compile(rb"[!#-<>-\\^-~]{1,32}")
VALUE = re.compile(rb'"((?:[^"\\\]]|\\.)*)"', re.DOTALL)
BOM = b"\xef\xbb\xbf"


class Message(NamedTuple):
    """What a message says."""

    facility: int
    severity: int
    time: str
    host: str
    app: str
    procid: str
    msgid: str
    data: dict[str, dict[str, str]]
    text: str
    bom: bool


class NotByTheGrammar(Exception):
    """With the place."""


def read(message: bytes) -> Message:
    """*message*, which must be one whole message."""
    head = HEAD.match(message)
    if head is None or int(head["pri"]) > 191 or head["version"] != b"1":
        raise NotByTheGrammar(f"header: {message[:100]!r}")
    data, rest = structured_data(message, head.end())
    text = message[rest:]
    if text and not text.startswith(b" "):
        raise NotByTheGrammar(f"behind the structured data: {text[:50]!r}")
    bom = text[1:4] == BOM
    body = text[4:] if bom else text[1:]
    if not bom and not body.isascii():
        raise NotByTheGrammar("UTF-8 without its mark")
    words = (head[name].decode("ascii") for name in ("time", "host", "app", "procid", "msgid"))
    return Message(*divmod(int(head["pri"]), 8), *words, data, body.decode("utf-8"), bom)


def structured_data(message: bytes, at: int) -> tuple[dict[str, dict[str, str]], int]:
    """The elements that begin at *at*, and where they end."""
    found: dict[str, dict[str, str]] = {}
    if message[at : at + 1] == b"-":
        return found, at + 1
    while message[at : at + 1] == b"[":
        name, at = _name(message, at + 1)
        if name in found:
            raise NotByTheGrammar(f"{name} stands twice")
        params = found[name] = {}
        while message[at : at + 1] == b" ":
            key, at = _name(message, at + 1)
            value = VALUE.match(message, at + 1)
            if message[at : at + 1] != b"=" or value is None:
                raise NotByTheGrammar(f"{key}: {message[at : at + 50]!r}")
            if key in params:
                raise NotByTheGrammar(f"{key} stands twice")  # allowed, and of no use to anybody
            params[key] = re.sub(rb'\\(["\\\]])', rb"\1", value[1]).decode("utf-8")
            at = value.end()
        if message[at : at + 1] != b"]":
            raise NotByTheGrammar(f"no end of {name}: {message[at : at + 50]!r}")
        at += 1
    if not found:
        raise NotByTheGrammar("no structured data")
    return found, at


def _name(message: bytes, at: int) -> tuple[str, int]:
    name = NAME.match(message, at)
    if name is None:
        raise NotByTheGrammar(f"a name: {message[at : at + 50]!r}")
    return name[0].decode("ascii"), name.end()

"""The setting `filter`: an expression over an event's fields, as text, and as the program that the
writer runs (condition.py). Loaded by those who give one, and by the writer.

    any  = all ("or" all)*        all = not ("and" not)*        not = "not" not | "(" any ")" | test
    test = "has" NAME | NAME COMPARISON LITERAL | NAME "in" "[" LITERAL ("," LITERAL)* "]"
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mplog.config import condition, named
from mplog.config.condition import DROP, TAKE, Literal, Program, Step
from mplog.config.tokens import Token, tokens
from mplog.config.wrong import WrongValue, nearest, plain, show
from mplog.event.level import NUMBERS

MAX_CHARS = 4_096
_MAX_DEPTH = 32
_COMPARISONS = {
    "==": condition.IN,
    "!=": condition.IN,
    "<": condition.LESS,
    "<=": condition.LESS_EQUAL,
    ">": condition.GREATER,
    ">=": condition.GREATER_EQUAL,
    "~": condition.LIKE,
}
_CONSTANTS: dict[str, Literal] = {"true": True, "false": False, "null": None, "none": None}
_KEYWORDS = ("and", "or", "not", "in", "has")
_INSTEAD = {"&&": "and", "||": "or", "&": "and", "|": "or", "!": "not, or !=", "=": "=="}
_COMPARE = "give a comparison, == != < <= > >= ~ or in"
_LITERAL = "give a text in quotes, a number, true, false, null, or (for level) a level's name"


class _Look(NamedTuple):
    """A test whose targets are not known yet."""

    what: int
    operation: int
    name: str = ""
    operands: tuple[Literal, ...] = ()


class _Joined(NamedTuple):
    """`and` or `or` of several, `not` of one."""

    word: str
    parts: tuple[_Look | _Joined, ...]


_Node = _Look | _Joined


def parse_filter(value: object) -> str | None:
    """The setting: an expression's text, or the name of a callable; None for no filter.

    Raises:
        WrongValue: it names the column, what stands there and what would be right.
    """
    if type(value) is types.FunctionType:
        return named.name_of(value)
    text = plain(value)
    if text is None or text is False:
        return None
    if not isinstance(text, str):
        right = "give an expression, 'level >= ERROR and logger ~ \"app.db\"', or a callable's name"
        raise WrongValue(value, "is not a filter", right)
    text = text.strip()
    if text.lower() in ("", "off"):
        return None
    if not named.is_name(text):
        compiled(text)
    return text


def compiled(text: str) -> Program:
    """The program of an expression.

    Raises:
        WrongValue: see `parse_filter`.
    """
    if len(text) > MAX_CHARS:
        raise WrongValue(text, "is too long a filter", f"give at most {MAX_CHARS} characters")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise WrongValue(text, "is no text", "give a filter without lone surrogates")
    tests: list[Step] = []
    _emit(_Parser(text).whole(), tests, TAKE, DROP)
    program = _turned(tests)
    size_bytes = len(condition.to_bytes(program))
    if size_bytes > condition.MAX_BYTES:
        right = f"give texts of {condition.MAX_BYTES} bytes together at most"
        raise WrongValue(text, f"is too large a filter ({size_bytes} bytes)", right)
    return program


def _emit(node: _Node, tests: list[Step], then: int, other: int) -> int:
    """Add the tests of *node*, the last one first; the index of the one to begin with."""
    if isinstance(node, _Look):
        tests.append(Step(*node, then, other))
        return len(tests) - 1
    if node.word == "not":
        return _emit(node.parts[0], tests, other, then)
    begin = _emit(node.parts[-1], tests, then, other)
    for part in reversed(node.parts[:-1]):
        targets = (begin, other) if node.word == "and" else (then, begin)
        begin = _emit(part, tests, *targets)
    return begin


def _turned(tests: list[Step]) -> Program:
    """The same with the first test at the beginning, and all targets ahead."""
    last = len(tests) - 1

    def to(target: int) -> int:
        return target if target in (TAKE, DROP) else last - target

    return tuple(
        Step(t.what, t.operation, t.name, t.operands, to(t.then), to(t.other))
        for t in reversed(tests)
    )


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.at = self.tests = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def wrong(self, wanted: str, right: str) -> WrongValue:
        """What stands at the token, as an error."""
        found = "its end" if self.token.kind == "end" else show(self.token.text)
        place = f"column {self.token.column}: {found} stands where {wanted} should"
        if self.token.kind == "other" and self.token.text in _INSTEAD:
            right = f"write {_INSTEAD[self.token.text]}"
        return WrongValue(self.text, f"is no filter at {place}", right)

    def word(self) -> str:
        """The token as a keyword, or empty."""
        lower = self.token.text.lower()
        return lower if self.token.kind == "word" and lower in _KEYWORDS else ""

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def sign(self, text: str) -> bool:
        """Whether that sign was next; it is taken."""
        there = self.token.kind == "sign" and self.token.text == text
        self.at += there
        return there

    def whole(self) -> _Node:
        node = self.any(0)
        if self.token.kind != "end":
            raise self.wrong("and, or, or an end", "put and or or between two tests")
        return node

    def any(self, depth: int) -> _Node:
        return self.joined("or", self.all, depth)

    def all(self, depth: int) -> _Node:
        return self.joined("and", self.negated, depth)

    def joined(self, word: str, part: Callable[[int], _Node], depth: int) -> _Node:
        parts = [part(depth)]
        while self.word() == word:
            self.take()
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else _Joined(word, tuple(parts))

    def negated(self, depth: int) -> _Node:
        if depth > _MAX_DEPTH:
            raise self.wrong("something less deep", f"nest at most {_MAX_DEPTH} deep")
        if self.word() == "not":
            self.take()
            return _Joined("not", (self.negated(depth + 1),))
        if not self.sign("("):
            return self.test()
        node = self.any(depth + 1)
        if not self.sign(")"):
            raise self.wrong("a closing bracket", "close each ( with a )")
        return node

    def test(self) -> _Node:
        self.tests += 1
        if self.tests > condition.MAX_TESTS:
            raise self.wrong("no further test", f"give at most {condition.MAX_TESTS} tests")
        if self.word() == "has":
            self.take()
            what, name = self.subject()
            return _Look(what, condition.HAS, name)
        what, name = self.subject()
        if self.word() == "in":
            self.take()
            return _Look(what, condition.IN, name, tuple(self.list(what)))
        if self.token.text not in _COMPARISONS:
            raise self.wrong("a comparison", _COMPARE)
        sign = self.take().text
        look = _Look(what, _COMPARISONS[sign], name, (self.operand(what, sign),))
        return _Joined("not", (look,)) if sign == "!=" else look

    def subject(self) -> tuple[int, str]:
        """What a test is about, and the field's name, if it is one."""
        if self.token.kind != "word" or self.word():
            right = "give the name of a field, or one of " + ", ".join(condition.NAMES[1:])
            raise self.wrong("a name", right)
        if self.token.text in ("message", "fields"):
            right = "give template, the message without its values; a field is fields.message"
            if self.token.text == "fields":
                right = "give the field's name, as fields.user"
            raise self.wrong("another name", right)
        name = self.take().text
        if name in condition.NAMES:
            return condition.NAMES.index(name), ""
        name = name.replace('"', "")
        return condition.FIELD, name.removeprefix("fields.")

    def list(self, what: int) -> Iterator[Literal]:
        if not self.sign("["):
            raise self.wrong("a list", "give a list of literals, as in [1, 2]")
        while True:
            yield self.literal(what)
            if self.sign("]"):
                return
            if not self.sign(","):
                raise self.wrong("a comma or a closing bracket", "give a list as [1, 2]")

    def operand(self, what: int, sign: str) -> Literal:
        before = self.at
        value = self.literal(what)
        is_number = type(value) in (int, float)
        if sign == "~" and not (isinstance(value, str) and value):
            self.at = before
            raise self.wrong("a text", "give a text in quotes behind ~")
        if sign in ("<", "<=", ">", ">=") and not (is_number or isinstance(value, str)):
            self.at = before
            raise self.wrong("a number or a text", "compare order with numbers or texts")
        return value

    def literal(self, what: int) -> Literal:
        kind, text, _ = self.token
        value: Literal
        if kind == "text":
            value = re.sub(r"\\(.)", _unescaped, text[1:-1], flags=re.DOTALL)
        elif kind == "number":
            value = _number(text)
        elif kind == "word" and text.lower() in _CONSTANTS:
            value = _CONSTANTS[text.lower()]
        elif kind == "word" and what == condition.LEVEL:
            value = text
        elif kind == "word" and not self.word():
            raise self.wrong("a literal", f"put a text into quotes: {show(text)}")
        else:
            raise self.wrong("a literal", _LITERAL)
        if what == condition.LEVEL:
            value = self.level(value)
        self.take()
        return value

    def level(self, value: Literal) -> int:
        """A level's number, by its name or as it is."""
        known = NUMBERS.get(value.upper()) if isinstance(value, str) else value
        if type(known) is not int or not 0 <= known <= 255:
            near = nearest(value, NUMBERS) if isinstance(value, str) else None
            right = f"did you mean {near}?" if near else "give a name as ERROR, or 0 to 255"
            raise self.wrong("a level", right)
        return known


def _unescaped(match: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1])


def _number(text: str) -> int | float:
    try:
        number = int(text)
    except ValueError:
        return float(text)
    return number if -(1 << 63) <= number < 1 << 64 else float(text)

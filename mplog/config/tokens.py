"""The words of a filter's expression, with the columns that they stand at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<sign>==|!=|<=|>=|<|>|~|\(|\)|\[|\]|,)
    |(?P<word>[^\W\d][\w-]*(?:\.(?:[\w-]+|"[^"\\]+"))*)
    |(?P<other>&&|\|\||.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One word, sign, number or text; `kind` is its group's name, or "end"."""

    kind: str
    text: str
    column: int


def tokens(text: str) -> Iterator[Token]:
    """All of *text* but its blanks, then one of the kind "end"."""
    for match in _TOKEN.finditer(text):
        if match.lastgroup == "other" and match[0].isspace():
            continue
        yield Token(str(match.lastgroup), match[0], match.start() + 1)
    yield Token("end", "", len(text) + 1)

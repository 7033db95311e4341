"""Render `{name}` and `%` templates: data goes in as text and is never a template itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from mplog.format.plain import plain_text

MAX_MESSAGE_CHARS = 262_144
MAX_WIDTH = 1_000
_MAX_CACHED_CHARS = 2_048
_FEW = 8  # so few values need no common bound
_AS_STR = frozenset({str, int, float, bool, type(None)})  # whose `str` is their plain text
_MORE = "…"
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_PERCENT = re.compile(
    r"%(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?([#0\- +]*)(\*|\d+)?(?:(\.)(\*|\d+)?)?[hlL]?(.)?",
    re.DOTALL,
)
_MISSING = object()


def render_braces(
    template: str, fields: dict[str, Any], context: dict[str, Any] | None = None
) -> str:
    """The text of a `{name}` template. Never raises.

    Names are looked up in *fields*, then in *context*; a placeholder with an unknown name stays as
    it stands. `{{` and `}}` become braces. Without any fields the template is text, not a template.
    """
    if not (fields or context) or ("{" not in template and "}" not in template):
        return template
    compiled = (_cached if len(template) <= _MAX_CACHED_CHARS else _compiled)(template)
    try:
        values = compiled.pick(fields)
    except KeyError:
        values = tuple([_value(name, fields, context) for name in compiled.names])
    if len(values) <= _FEW:
        for value in values:
            if value.__class__ not in _AS_STR:
                break
        else:
            return compiled.pattern % values
    return compiled.pattern % tuple(_held_texts(values))


def _value(name: str, fields: dict[str, Any], context: dict[str, Any] | None) -> Any:
    """A name without a value stands for its own placeholder."""
    value = fields.get(name, _MISSING)
    if value is _MISSING:
        value = context.get(name, _MISSING) if context else _MISSING
    return f"{{{name}}}" if value is _MISSING else value


def _held_texts(values: tuple[Any, ...]) -> list[str]:
    """One value can stand in a template ten thousand times: it is made a text once, and the sum of
    all texts is bounded.
    """
    texts: list[str] = []
    made: dict[int, str] = {}  # by the value's id: *values* holds them all
    left = MAX_MESSAGE_CHARS if len(values) > _FEW else sys.maxsize
    for value in values:
        text = made.get(id(value))
        if text is None:
            text = made[id(value)] = value if value.__class__ is str else plain_text(value)
        if len(text) > left:
            return [*texts, text[:left] + _MORE, *[""] * (len(values) - len(texts) - 1)]
        left -= len(text)
        texts.append(text)
    return texts


def names_in(template: str) -> frozenset[str]:
    """The names that the placeholders of a `{name}` template have."""
    if "{" not in template:
        return frozenset()
    return frozenset((_cached if len(template) <= _MAX_CACHED_CHARS else _compiled)(template).names)


class _Compiled(NamedTuple):
    """A template as a `%s` pattern of our own making, and the names that fill it."""

    pattern: str
    names: tuple[str, ...]
    pick: Callable[[dict[str, Any]], tuple[Any, ...]]
    """The values of these names out of a map; KeyError where one is missing."""


def _compiled(template: str) -> _Compiled:
    names: list[str] = []

    def piece(match: re.Match[str]) -> str:
        if match.group(1) is None:
            return match.group()[0]
        names.append(match.group(1))
        return "%s"

    pattern = _PLACEHOLDER.sub(piece, template.replace("%", "%%"))
    wanted = tuple([name.replace("%%", "%") for name in names])
    if len(wanted) > 1:
        return _Compiled(pattern, wanted, itemgetter(*wanted))
    # itemgetter gives the bare value for a single name, and refuses none at all.
    return _Compiled(pattern, wanted, lambda fields: tuple([fields[name] for name in wanted]))


_cached = lru_cache(maxsize=1_024)(_compiled)


def render_percent(template: str, args: list[Any] | dict[str, Any] | None) -> str:
    """The text of a `%` template as Python's own `%` gives it. Never raises.

    Width and precision are held to 1,000, the whole to 262,144 characters. Without arguments the
    template is text; where template and arguments do not match, both are shown.
    """
    if not args:
        return template
    try:
        return _percent(template, args)
    except Exception:
        return f"{template} {plain_text(args)}"


def _percent(template: str, args: list[Any] | dict[str, Any]) -> str:
    values = _Values(args)
    out: list[str] = []
    chars = end = 0
    for match in _PERCENT.finditer(template):
        out.append(template[end : match.start()])
        end = match.end()
        text = _conversion(match, values)
        out.append(text)
        chars += len(text)
        if chars > MAX_MESSAGE_CHARS:
            return "".join(out) + _MORE
    values.finish()
    out.append(template[end:])
    return "".join(out)


class _Values:
    """The arguments as `%` takes them: one after the other, or by name out of a map."""

    def __init__(self, args: list[Any] | dict[str, Any]) -> None:
        self.args = args
        self.taken = 0

    def next(self) -> Any:
        if isinstance(self.args, dict):
            if self.taken:
                raise TypeError("not enough arguments")
            self.taken = 1
            return self.args
        self.taken += 1
        return self.args[self.taken - 1]

    def named(self, name: str) -> Any:
        if not isinstance(self.args, dict):
            raise TypeError("names need a map")
        self.taken = 1  # after a name, Python's `%` takes nothing by order any more
        return self.args[name]

    def finish(self) -> None:
        if not isinstance(self.args, dict) and self.taken < len(self.args):
            raise TypeError("not all arguments were used")


def _conversion(match: re.Match[str], values: _Values) -> str:
    name, flags, width, dot, precision, kind = match.groups()
    if kind is None:
        raise ValueError("incomplete conversion")
    if kind == "%" and not (flags or width or dot) and name is None:
        return "%"
    if name is not None and "*" in (width, precision):
        raise TypeError("a name with `*`")
    if width == "*":
        number = _integer(values.next())
        flags, width = flags + ("-" if number < 0 else ""), str(abs(number))
    if precision == "*":
        precision = str(max(_integer(values.next()), 0))
    spec = f"%{flags}{_held(width)}{'.' + _held(precision) if dot else ''}{kind}"
    if kind == "%":
        return spec % ()
    value = values.next() if name is None else values.named(name)
    if kind in "sra" and value.__class__ not in (str, int, float, bool):
        value = _shown(value, kind)
    return spec % (value,)


class _Shown(str):
    """A text that is its own `repr`, for values whose form is bounded already."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str.__str__(self)


def _shown(value: Any, kind: str) -> str:
    text = plain_text(value)
    return _Shown(text if kind != "a" else ascii(text)[1:-1])


def _integer(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("`*` wants an int")
    return int(value)


def _held(digits: str | None) -> str:
    """Digits of a width, held to the limit without reading a number of any length."""
    if not digits:
        return ""
    short = digits.lstrip("0")
    return str(min(int(short), MAX_WIDTH)) if 0 < len(short) < 10 else "0" if not short else "1000"

"""Which archives stay: a count, an age, their bytes together, what must stay free on the disk."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from mplog.config import durations, sizes
from mplog.config.wrong import WrongValue, nearest, plain

MAX_ARCHIVES = 1_000_000
MAX_AGE_S = 100 * 365 * 86_400.0
RIGHT = (
    'give how many archives to keep, 10; for how long, "30 days"; how many bytes of them, "1 GB"; '
    'several of these as {"count": 10, "age": "30 days", "total": "1 GB", "keep_free": "5 GB"}; '
    'or "all"'
)
_WORDS = ("count", "age", "total", "keep_free")
_Bytes = Annotated[int, Meta(ge=0, le=sizes.MAX_BYTES)]


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which archives stay: those that every one of these lets stay. Empty: all.

    Attributes:
        count: so many.
        age_s: those that were set aside within this time.
        total_bytes: as many as have no more bytes together, as they stand on the disk.
        keep_free_bytes: as many as leave so much free on the disk.
    """

    count: Annotated[int, Meta(ge=0, le=MAX_ARCHIVES)] | None = None
    age_s: Annotated[float, Meta(ge=0, le=MAX_AGE_S)] | None = None
    total_bytes: _Bytes | None = None
    keep_free_bytes: _Bytes | None = None


def parse_retention(value: object) -> Retention:
    """Which archives stay; of several rules of one kind the strictest counts."""
    if type(value) is Retention:
        return value
    if type(value) is dict:
        return _named(value)
    if type(value) in (list, tuple):
        return _joined([_rule(one) for one in value])  # type: ignore[attr-defined]
    given = plain(value)
    text = given.strip() if isinstance(given, str) and len(given) <= 1000 else None
    if given is None or (text is not None and text.lower() == "all"):
        return Retention()
    if text is None:
        return _rule(value)
    parts = [part.strip() for part in text.split(",")]
    if not any("=" in part for part in parts):
        return _joined([_rule(part) for part in parts])
    pairs = [part.partition("=") for part in parts]
    named = {name.strip(): rest.strip() for name, _, rest in pairs}
    if len(named) < len(parts):
        raise WrongValue(value, "names a limit twice", RIGHT)
    return _named(named)


def _joined(found: list[Retention]) -> Retention:
    def least(name: str) -> Any:
        given = [getattr(one, name) for one in found]
        return min((one for one in given if one is not None), default=None)

    keep_free = max((one.keep_free_bytes or 0 for one in found), default=0)
    return Retention(least("count"), least("age_s"), least("total_bytes"), keep_free or None)


def _named(value: dict[Any, Any]) -> Retention:
    found = []
    for name, given in value.items():
        word = plain(name)
        if not isinstance(word, str) or word not in _WORDS:
            near = nearest(word, _WORDS) if isinstance(word, str) else None
            right = f'did you mean "{near}"? Else {RIGHT}' if near else RIGHT
            raise WrongValue(name, "is no limit of a retention", right)
        if given is not None:
            found.append(_limit(word, given))
    return _joined(found)


def _limit(word: str, given: object) -> Retention:
    if word == "count":
        return Retention(count=_count(given))
    if word == "age":
        return Retention(age_s=_age(given))
    size_bytes = sizes.parse(given)
    return Retention(**{f"{word}_bytes": size_bytes})


def _rule(value: object) -> Retention:
    """One rule without its name: what it limits follows from its unit."""
    given = plain(value)
    if type(value) is datetime.timedelta:
        return Retention(age_s=_age(value))
    if isinstance(given, str):
        text = given.strip()
        if len(text) <= 64 and durations.is_one(text):
            return Retention(age_s=_age(text))
        if re.fullmatch(r"[\d.]+\s*[a-z]*b", text[:64], re.IGNORECASE | re.ASCII):
            return Retention(total_bytes=sizes.parse(text))
    return Retention(count=_count(value))


def _count(value: object) -> int:
    given = plain(value)
    if isinstance(given, str) and re.fullmatch(r"\s*[0-9]{1,12}\s*", given[:80]):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise WrongValue(value, "is no count, age or size of archives", RIGHT)
    if not 0 <= given <= MAX_ARCHIVES:
        raise WrongValue(value, f"is not a count from 0 to {MAX_ARCHIVES}", RIGHT)
    return given


def _age(value: object) -> float:
    if type(value) is datetime.timedelta:
        seconds = value.total_seconds()
        if not 0 <= seconds <= MAX_AGE_S:
            raise WrongValue(value, "is not an age from 0 s to 100 years", RIGHT)
        return seconds
    return durations.parse(value, MAX_AGE_S)


def retention_text(retention: Retention) -> str:
    """A retention as it may be written."""
    texts = {
        "count": None if retention.count is None else str(retention.count),
        "age": None if retention.age_s is None else durations.text(retention.age_s),
        "total": None if retention.total_bytes is None else sizes.text(retention.total_bytes),
        "keep_free": (
            None if retention.keep_free_bytes is None else sizes.text(retention.keep_free_bytes)
        ),
    }
    given = {name: text for name, text in texts.items() if text is not None}
    if len(given) == 1 and "keep_free" not in given:
        return next(iter(given.values()))
    return ", ".join(f"{name}={text}" for name, text in given.items()) or "all"

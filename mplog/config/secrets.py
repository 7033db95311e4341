"""Which keys hold secrets: the names of `redact`, as one text or as a list of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from mplog.config.limits import MAX_SECRET_BYTES, MAX_SECRETS, REDACTED
from mplog.config.wrong import WrongValue, plain

_RIGHT = (
    'give names of keys, "password, token" or a list of them; with a leading + they are added to '
    f'the defaults, as "+iban"; "off" for none; {MAX_SECRETS} names of at most {MAX_SECRET_BYTES} '
    "bytes each"
)


def parse_redact(value: object) -> tuple[str, ...]:
    """The names whose keys are redacted, in the order given, each once."""
    given = _given(value)
    names = [name.strip().lower() for name in given]
    added = [name[1:].strip() for name in names if name.startswith("+")]
    if added and len(added) != len(names):
        raise WrongValue(value, "mixes names with a leading + and without", _RIGHT)
    chosen = tuple(dict.fromkeys([*REDACTED, *added] if added else names))
    if len(chosen) > MAX_SECRETS:
        raise WrongValue(value, f"makes {len(chosen)} names", _RIGHT)
    for name in chosen:
        if (
            not 0 < len(name.encode("utf-8", "replace")) <= MAX_SECRET_BYTES
            or not name.isprintable()
            or all(char.isascii() and not char.isalnum() for char in name)
        ):
            raise WrongValue(value, "holds a name that cannot be one", _RIGHT)
    return chosen


def _given(value: object) -> list[str]:
    text = plain(value)
    if text is None or text is False:
        return []
    if isinstance(text, str):
        return [] if text.strip().lower() in ("", "off") else text.split(",")
    if type(value) in (list, tuple, set, frozenset):
        names = [plain(item) for item in cast("Iterable[object]", value)]
        if all(isinstance(name, str) for name in names):
            return [str(name) for name in names]
    raise WrongValue(value, "is not a list of names", _RIGHT)


def redact_text(names: Sequence[str]) -> str:
    """The names as they may be written."""
    return ", ".join(names) if names else "off"

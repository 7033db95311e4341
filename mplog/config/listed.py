"""Settings that are a list of tables, `files` and `sinks`: given as such, or as JSON text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import msgspec

from mplog.config.wrong import WrongValue, plain

OFF = "off"


def tables(value: object, what: str, right: str) -> Iterator[object]:
    """What *value* lists; nothing for "off", "" and None.

    Args:
        what: of which it is a list, as "files".
        right: what would be right.

    Raises:
        WrongValue: it is no list.
    """
    text = plain(value)
    if isinstance(text, str):
        if text.strip().lower() in ("", OFF):
            return
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            raise WrongValue(text, "is not JSON", right) from None
    if value is None or value is False:
        return
    if type(value) not in (list, tuple):
        raise WrongValue(value, f"is not a list of {what}", right)
    yield from cast("Sequence[object]", value)

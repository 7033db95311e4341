""".env.example, made from the schema: `python -m mplog.config.example`."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator

from mplog.config.key import Key
from mplog.config.schema import KEYS, Settings

_HEAD = """\
# The settings of mplog as environment variables, each with its default. Made by
# `python -m mplog.config.example` from mplog/config/schema.py: edit that.
#
# Take the # away from what is to be set. The environment goes over the arguments of configure()
# and over a TOML file. What is wrong is told with its place; mplog check --explain tells what
# happens to an event.
"""
_NAMED, _ITS_NAME = re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"
_LINK = re.compile(r"\s*\[[^\]]*\]\([^)]*\)\.?")


def dotenv() -> str:
    """The file, from the schema."""
    return _HEAD + "".join(line + "\n" for key in KEYS.values() for line in _lines(key))


def _lines(key: Key) -> Iterator[str]:
    if key.environment is None:
        return
    default = getattr(Settings(), key.attribute)
    unset = default is None and key.none_is_unset
    yield ""
    yield from _comment(_LINK.sub("", key.what))
    yield from _comment(f"Takes {_NAMED.sub(_ITS_NAME, key.takes)}")
    yield f"# {key.environment}={'' if unset else key.text(default)}"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")


if __name__ == "__main__":
    sys.stdout.write(dotenv())

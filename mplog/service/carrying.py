"""What the writer that this process starts is given for its sinks: objects that have no name, made
ready for it, and this program's stderr and stdout.
"""

from __future__ import annotations

import io
import re

import msgspec

from mplog import launch
from mplog.config.carried import OBJECTS, is_carried
from mplog.config.sink import parse_sinks
from mplog.errors import ConfigError, Problem

_WORDS = re.compile(r'"(carried:[^"]*)"')


def carry(service: str, sinks: str) -> None:
    """Have the writer of *service*, if this process starts it, be given the objects.

    Args:
        sinks: the setting.

    Raises:
        ConfigError: one of them cannot cross.
    """
    words = [word for word in _WORDS.findall(sinks) if is_carried(word)]
    objects = {word: OBJECTS[word] for word in words if word in OBJECTS}
    if objects:
        packed = {word: _packed(found) for word, found in objects.items()}
        launch.CARRY[service] = msgspec.msgpack.encode(packed)


def lend(service: str, sinks: str) -> None:
    """Have the writer of *service*, if this process starts it, be lent stderr and stdout where one
    of its sinks writes there.

    Args:
        sinks: the setting.
    """
    if any(one.kind == "console" for one in parse_sinks(sinks)):
        launch.LENDS.add(service)


def _packed(found: object) -> bytes:
    from multiprocess.reduction import ForkingPickler  # its reduction knows lambdas and __main__

    out = io.BytesIO()
    try:
        # Only those globals that a function uses: the others are the program's own.
        ForkingPickler(out, recurse=True).dump(found)
    except Exception as error:  # an object's own code
        found = f"cannot cross to the writer ({type(error).__name__}: {error})"[:300]
        right = 'define it in a module and give its name, "package.module:object"'
        raise ConfigError.of([Problem("sinks", found, right)]) from error
    return out.getvalue()

"""Objects of a sink that have no name: bytes that the process which has started the supervisor gave
it on its standard input, and nobody else could. They are kept in its memory, for each writer.
"""

from __future__ import annotations

import msgspec


def unpacked(data: bytes) -> dict[str, bytes]:
    """The objects as they came, by the word that stands for each in the settings."""
    return msgspec.msgpack.decode(data, type=dict[str, bytes]) if data else {}


def load(data: bytes) -> object:
    """One of them.

    Raises:
        Exception: it cannot be made here; code of the user's own has run.
    """
    from multiprocess.reduction import ForkingPickler  # as their processes get theirs

    found: object = ForkingPickler.loads(data)
    return found

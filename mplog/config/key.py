"""What the table of settings knows of each key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

# What a child process inherits to find its service: the handle, never a setting.
HANDLES = frozenset({"MPLOG_SERVICE", "MPLOG_DIR"})


class Key(msgspec.Struct, frozen=True):
    """One setting: how it is read, shown and explained."""

    name: str
    attribute: str
    scope: Literal["process", "service"]
    parse: Callable[[object], Any]
    text: Callable[[Any], str]
    takes: str
    what: str
    none_is_unset: bool = False

    @property
    def environment(self) -> str | None:
        """The environment variable that sets it; None where that name is the inherited handle."""
        name = f"MPLOG_{self.name.upper()}"
        return None if name in HANDLES else name

    @property
    def flag(self) -> str:
        """The option of the command line that sets it."""
        name = "log" if self.name == "file" else self.name
        return "--" + name.replace("_", "-")

"""What the table of settings knows of each key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

# What a child process inherits to find its service: the handle, never a setting.
HANDLES = frozenset({"MPLOG_SERVICE", "MPLOG_DIR"})
# How a place begins whose values are told to nobody.
SECRET_PLACE = "file of environment variable "  # noqa: S105  # a place, and no secret
NOT_SHOWN = "(not shown)"


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

    def shown(self, value: Any) -> str:
        """A value as it may be told, without what looks like a secret."""
        from mplog.event.redact import redact_text  # who is told something has the time

        return redact_text(self.text(value))

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

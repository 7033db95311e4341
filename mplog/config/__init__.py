"""Settings: one schema, many places to give them, one error that names all that is wrong.

A process that only logs needs its own view of them; the schema is loaded by those that give or read
settings.
"""

from typing import TYPE_CHECKING

from mplog.config.directory import private_directory, shared_directory, usable_directory
from mplog.config.limits import REDACTED
from mplog.config.own import Own, own_from_bytes

if TYPE_CHECKING:
    from mplog.config.identity import service_name
    from mplog.config.retention import Retention
    from mplog.config.rotation import Moment, Rotation
    from mplog.config.schema import KEYS, SERVICE_KEYS, Settings, with_own
    from mplog.config.stored import from_bytes, to_bytes
else:
    _LATE = {
        "service_name": "identity",
        "Retention": "retention",
        "Moment": "rotation",
        "Rotation": "rotation",
        "KEYS": "schema",
        "SERVICE_KEYS": "schema",
        "Settings": "schema",
        "with_own": "schema",
        "from_bytes": "stored",
        "to_bytes": "stored",
    }

    def __getattr__(name: str) -> object:
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
        globals()[name] = found
        return found


__all__ = [
    "KEYS",
    "REDACTED",
    "SERVICE_KEYS",
    "Moment",
    "Own",
    "Retention",
    "Rotation",
    "Settings",
    "from_bytes",
    "own_from_bytes",
    "private_directory",
    "service_name",
    "shared_directory",
    "to_bytes",
    "usable_directory",
    "with_own",
]

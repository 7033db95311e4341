"""Settings: one schema, many places to give them, one error that names all that is wrong."""

from mplog.config.directory import private_directory, shared_directory, usable_directory
from mplog.config.identity import service_name
from mplog.config.retention import Retention
from mplog.config.rotation import Moment, Rotation
from mplog.config.schema import KEYS, SERVICE_KEYS, Settings, with_own
from mplog.config.secrets import DEFAULT as REDACTED
from mplog.config.stored import from_bytes, to_bytes

__all__ = [
    "KEYS",
    "REDACTED",
    "SERVICE_KEYS",
    "Moment",
    "Retention",
    "Rotation",
    "Settings",
    "from_bytes",
    "private_directory",
    "service_name",
    "shared_directory",
    "to_bytes",
    "usable_directory",
    "with_own",
]

"""The typed face of the C core: where a service's files are, and who holds which lock."""

from mplog.ring.bell import (
    Place,
    Presence,
    bell_id,
    configuration,
    create_bell,
    hold,
    presence,
    services,
    stderr_path,
)
from mplog.ring.ownership import (
    lock_path,
    owner_of,
    plate_of,
    refuse_foreign_owner,
    still_owned,
    take_ownership,
)

__all__ = [
    "Place",
    "Presence",
    "bell_id",
    "configuration",
    "create_bell",
    "hold",
    "lock_path",
    "owner_of",
    "plate_of",
    "presence",
    "refuse_foreign_owner",
    "services",
    "stderr_path",
    "still_owned",
    "take_ownership",
]

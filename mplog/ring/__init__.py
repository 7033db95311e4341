"""The typed face of the C core: where a service's files are, and who holds which lock. Whose a log
file is (`mplog.ring.ownership`) is not loaded with the rest: few processes ask.
"""

from mplog.ring.bell import (
    Place,
    Presence,
    bell_id,
    configuration,
    create_bell,
    hold,
    own_configuration,
    presence,
    services,
    stderr_path,
)

__all__ = [
    "Place",
    "Presence",
    "bell_id",
    "configuration",
    "create_bell",
    "hold",
    "own_configuration",
    "presence",
    "services",
    "stderr_path",
]

"""The composition root of an application process. What most processes have no use for is not loaded
with the rest: `mplog.service.configure` sets a service up, `mplog.service.handler` is the
standard library's.
"""

from os import environ

from mplog.service.lifetime import Report, attach, flush, shutdown, sync
from mplog.service.state import Service

if not environ.get("MPLOG_SERVICE"):
    # Nobody has handed this process a service, so it is the one that sets one up: what that takes
    # is loaded with the rest, not while configure() is waited for. Workers are spared it.
    import mplog.config.schema  # noqa: F401

__all__ = ["Report", "Service", "attach", "flush", "shutdown", "sync"]

"""The composition root of an application process. What most processes have no use for is not loaded
with the rest: `mplog.service.configure` sets a service up, `mplog.service.handler` is the
standard library's.
"""

from mplog.service.lifetime import Report, attach, flush, shutdown, sync
from mplog.service.state import Service

__all__ = ["Report", "Service", "attach", "flush", "shutdown", "sync"]

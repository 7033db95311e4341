"""The composition root of an application process."""

from mplog.service.configure import configure
from mplog.service.handler import Handler
from mplog.service.lifetime import Report, attach, flush, shutdown
from mplog.service.state import Service

__all__ = ["Handler", "Report", "Service", "attach", "configure", "flush", "shutdown"]

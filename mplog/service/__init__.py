"""The composition root of an application process. Its handler for the standard library stands in
`mplog.service.handler`, and is not loaded with the rest.
"""

from mplog.service.configure import configure
from mplog.service.lifetime import Report, attach, flush, shutdown
from mplog.service.state import Service

__all__ = ["Report", "Service", "attach", "configure", "flush", "shutdown"]

"""Logging for Python programs that run as many processes."""

from typing import TYPE_CHECKING

from mplog._native import Logger
from mplog.errors import ConfigError, FileOwnedError, MplogError
from mplog.producer.context import context, expiring
from mplog.producer.logger import get_logger
from mplog.service import Report, Service, attach, flush, shutdown, sync

if TYPE_CHECKING:
    from mplog.metrics.usage import Usage
    from mplog.producer.accelerate import Acceleration, accelerate
    from mplog.producer.executor import wrap_executor
    from mplog.producer.listeners import on_error
    from mplog.service.closing import SinkReport, on_shutdown
    from mplog.service.configure import configure
    from mplog.service.handler import Handler
    from mplog.service.limits import on_memory_exceeded, usage
else:

    def __getattr__(name: str) -> object:
        """What most processes of a service have no use for is loaded when it is asked for: setting
        one up, and the standard library's `logging`.
        """
        if name == "configure":
            from mplog.service.configure import configure

            late = {"configure": configure}
        elif name == "Handler":
            from mplog.service.handler import Handler

            late = {"Handler": Handler}
        elif name in ("Acceleration", "accelerate"):
            from mplog.producer.accelerate import Acceleration, accelerate

            late = {"Acceleration": Acceleration, "accelerate": accelerate}
        elif name in ("SinkReport", "on_shutdown"):
            from mplog.service.closing import SinkReport, on_shutdown

            late = {"SinkReport": SinkReport, "on_shutdown": on_shutdown}
        elif name == "on_error":
            from mplog.producer.listeners import on_error

            late = {"on_error": on_error}
        elif name in ("Usage", "on_memory_exceeded", "usage"):
            from mplog.metrics.usage import Usage
            from mplog.service.limits import on_memory_exceeded, usage

            late = {"Usage": Usage, "on_memory_exceeded": on_memory_exceeded, "usage": usage}
        elif name == "wrap_executor":
            from mplog.producer.executor import wrap_executor

            late = {"wrap_executor": wrap_executor}
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals().update(late)
        return late[name]


__all__ = [
    "Acceleration",
    "ConfigError",
    "FileOwnedError",
    "Handler",
    "Logger",
    "MplogError",
    "Report",
    "Service",
    "SinkReport",
    "Usage",
    "accelerate",
    "attach",
    "configure",
    "context",
    "expiring",
    "flush",
    "get_logger",
    "on_error",
    "on_memory_exceeded",
    "on_shutdown",
    "shutdown",
    "sync",
    "usage",
    "wrap_executor",
]

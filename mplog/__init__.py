"""Logging for Python programs that run as many processes."""

from mplog._native import Logger
from mplog.errors import ConfigError, FileOwnedError, MplogError
from mplog.producer.context import context
from mplog.producer.logger import get_logger
from mplog.service import Handler, Report, Service, attach, configure, flush, shutdown

__all__ = [
    "ConfigError",
    "FileOwnedError",
    "Handler",
    "Logger",
    "MplogError",
    "Report",
    "Service",
    "attach",
    "configure",
    "context",
    "flush",
    "get_logger",
    "shutdown",
]

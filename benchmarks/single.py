"""Libraries that promise nothing for several processes: their calls alone are measured.

Each writes a line to a plain file, with the caller's location, process and thread, in the fastest
way that its manual names.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contender import FIELDS, POSITIONS, Contender

PICOLOGGING_LINE = (
    "%(asctime)s %(levelname)s %(name)s %(message)s %(pathname)s:%(lineno)d %(funcName)s "
    "%(process)d %(thread)d"
)
LOGBOOK_LINE = (
    "{record.time} {record.level_name} {record.channel} {record.message} {record.extra} "
    "{record.filename}:{record.lineno} {record.func_name} {record.process} {record.thread} "
    "{record.thread_name}"
)


class Structlog(Contender):
    """structlog as its page on performance advises: bytes, no wrapper around standard logging."""

    name = package = "structlog"
    title = "structlog (one process)"
    safe = False
    shape = FIELDS

    def start(self, path: Path) -> None:
        self.path = path
        self.structlog: Any = importlib.import_module("structlog")

    def info(self) -> Callable[..., object]:
        structlog = self.structlog
        place = structlog.processors.CallsiteParameter
        named = ("PATHNAME", "LINENO", "FUNC_NAME", "PROCESS", "THREAD", "THREAD_NAME")
        structlog.configure(
            cache_logger_on_first_use=True,
            wrapper_class=structlog.make_filtering_bound_logger("INFO"),
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.CallsiteParameterAdder([getattr(place, n) for n in named]),
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.WriteLoggerFactory(file=self.path.open("a")),
        )
        info: Callable[..., object] = structlog.get_logger("bench").bind().info
        return info


class Picologging(Contender):
    """The standard library's design in C++; it takes no `extra`, so all stands in the text."""

    name = package = "picologging"
    title = "picologging (one process)"
    safe = False
    shape = POSITIONS

    def start(self, path: Path) -> None:
        self.path = path
        self.picologging: Any = importlib.import_module("picologging")

    def info(self) -> Callable[..., object]:
        handler = self.picologging.FileHandler(str(self.path))
        handler.setFormatter(self.picologging.Formatter(PICOLOGGING_LINE))
        logger = self.picologging.Logger("bench", self.picologging.INFO)
        logger.addHandler(handler)
        info: Callable[..., object] = logger.info
        return info


class Logbook(Contender):
    """Logbook with a file handler of the whole application."""

    name = package = "logbook"
    title = "Logbook (one process)"
    safe = False
    shape = FIELDS

    def start(self, path: Path) -> None:
        self.path = path
        self.logbook: Any = importlib.import_module("logbook")

    def info(self) -> Callable[..., object]:
        handler = self.logbook.FileHandler(str(self.path), format_string=LOGBOOK_LINE)
        handler.push_application()
        logger = self.logbook.Logger("bench", level=self.logbook.INFO)
        info: Callable[..., object] = logger.info
        return info


SINGLE: dict[str, type[Contender]] = {one.name: one for one in (Structlog, Picologging, Logbook)}

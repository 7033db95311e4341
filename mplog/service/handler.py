"""mplog.Handler: the standard library's way in, configuration included."""

from __future__ import annotations

import logging
from typing import Any

from mplog.errors import ConfigError, Problem
from mplog.producer.handler import RecordHandler
from mplog.service.configure import configure


class Handler(RecordHandler):
    """The standard library's handler; arguments are plain texts and numbers, so dictConfig, YAML
    and INI work.

    Args:
        file: the log file. Without it the service that the process has configured or inherited is
            used.
        level: of this handler, as `logging` has it.
        settings: keys of `configure()`; only with *file*.

    Raises:
        ConfigError, FileOwnedError: as `configure()`.
    """

    def __init__(
        self, file: str | None = None, level: int | str = logging.NOTSET, **settings: Any
    ) -> None:
        super().__init__(level)
        if file is None and settings:
            names = ", ".join(sorted(settings))
            right = 'name the log file too, as Handler("logs/app.jsonl", …)'
            raise ConfigError.of([Problem(f"Handler({names})", "settings without a file", right)])
        if file is not None:
            configure(file, **settings)

    def flush(self) -> None:
        """Nothing is held back here: an event is in shared memory when `emit` returns."""

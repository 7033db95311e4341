"""mplog.Handler: the standard library's way in, configuration included."""

from __future__ import annotations

import logging
from typing import Any

from mplog.config import service_name
from mplog.errors import ConfigError, Problem
from mplog.producer.connection import Connection
from mplog.producer.gate import GATE, Gate
from mplog.producer.handler import RecordHandler
from mplog.producer.tell import DEFERRED
from mplog.service.configure import configure, load_settings, open_service
from mplog.service.rotating import translated
from mplog.service.state import STATE


def _gate_of(connection: Connection) -> Gate:
    gate = Gate()
    gate.connect(connection, 0)
    return gate


class Handler(RecordHandler):
    """The standard library's handler; arguments are plain texts and numbers, so dictConfig, YAML
    and INI work.

    Args:
        file: the log file. Without it the service that the process has configured or inherited is
            used.
        level: of this handler, as `logging` has it.
        settings: keys of `configure()`, and the standard library's `maxBytes`, `backupCount`,
            `when`, `interval`, `utc` and `atTime`; only with *file*.

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
            self._connect(file, translated(settings))

    def _connect(self, file: str, settings: dict[str, Any]) -> None:
        """The process's service, if it has none yet or it is of this file; else one of the
        handler's own beside it.
        """
        with DEFERRED, STATE.lock:
            loaded = load_settings(file, dict(settings))
            wanted = loaded.settings.service or service_name(loaded.settings.file or "")
            here = GATE.connection
            if here is None or here.service == wanted:
                configure(file, **settings)
                return
            for other in STATE.others:
                if other.service == wanted:
                    self.gate = _gate_of(other)
                    return
            connection, _ = open_service(loaded)
            STATE.others.append(connection)
            self.gate = _gate_of(connection)

    def flush(self) -> None:
        """Nothing is held back here: an event is in shared memory when `emit` returns."""

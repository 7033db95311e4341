"""A configured sink, made: the naive thing itself, with nothing around it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mplog.config.carried import is_carried
from mplog.config.named import find
from mplog.config.sink import SinkSettings
from mplog.config.sinktypes import OWN
from mplog.errors import TargetError
from mplog.format import Format, formatter
from mplog.sinks.base import Sink
from mplog.writer.carried import load


def make_sink(settings: SinkSettings, carried: Mapping[str, bytes]) -> Sink:
    """The sink itself, with nothing around it.

    Args:
        settings: its own.
        carried: objects without a name, by the word that stands for them.

    Raises:
        Exception: it cannot be made; a user's own code has run.
    """
    options, body = dict(settings.options), _body(settings.format)
    if settings.kind in ("syslog", "journald"):
        options.setdefault("app", os.environ.get("OTEL_SERVICE_NAME") or "mplog")
    if settings.kind == "console":
        from mplog.sinks.console import ConsoleSink

        return ConsoleSink(body=body, **options)
    if settings.kind == "syslog":
        from mplog.sinks.syslog import SyslogSettings, SyslogSink

        return SyslogSink(SyslogSettings(**options), body)
    if settings.kind == "journald":
        from mplog.sinks.journald import JournaldSettings, JournaldSink

        made: Sink = JournaldSink(JournaldSettings(**options), body)
        return made
    if settings.kind == "callable":
        return _own(carried, **options)
    if settings.kind == "memory":
        from mplog.sinks.memory import MemorySink

        return MemorySink(**options)
    from mplog.sinks.null import NullSink

    return NullSink()


def _body(name: str | None) -> Format | None:
    return None if name is None else formatter(name)


def _own(carried: Mapping[str, bytes], target: str, process: str = OWN, **options: Any) -> Sink:
    """An object of the user's: in a process of its own, unless it is to be here."""
    if is_carried(target) and target not in carried:
        raise TargetError(
            f"{target} is not here: it crosses with the process that starts the service's writer",
            temporary=False,
            hint='Give it a name, "package.module:object", that the writer can import.',
        )
    if process == OWN:
        from mplog.writer.apart.sink import ApartSink

        return ApartSink(target, carried.get(target, b""), **options)
    from mplog.sinks.callable import sink_of

    return sink_of(load(carried[target]) if is_carried(target) else find(target))

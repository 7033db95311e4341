"""What a typed program may write against mplog. Checked by mypy, never run."""

from __future__ import annotations

import logging
from pathlib import Path

import mplog

mplog.configure(
    "logs/app.jsonl",
    level="INFO",
    format="json",
    rotation="20 MB",
    retention=10,
    when_full="block",
)
mplog.configure(Path("logs/app.jsonl"))

log = mplog.get_logger(__name__)
accepted: bool = log.info("user {user} logged in from {ip}", user="alice", ip="10.0.0.1")
accepted = log.debug("no field")
accepted = log.log(logging.WARNING, "by number {n}", n=1)
try:
    raise ValueError("for the record")
except ValueError:
    accepted = log.exception("it failed", order=7)

tenant_log = log.bind(tenant="acme")
accepted = tenant_log.warning("bound")

with mplog.context(request_id="r-1"):
    accepted = tenant_log.error("in context", exc_info=True)

handler: logging.Handler = mplog.Handler()


def alert(error: mplog.MplogError) -> None:
    """A listener."""
    print(error.kind, error.code, error.hint, error.context, error.count)


undo = mplog.on_error(alert)
undo()
done: bool = mplog.flush(timeout=5.0)
done = mplog.sync(timeout=5.0)
mplog.shutdown(timeout=5.0)

"""Handlers of the standard library and the services that they log to."""

from __future__ import annotations

import logging

import mplog
from mplog.producer.gate import GATE


def test_handlers_of_one_file_share_a_connection_however_many_files_there_are(alone, logdir):
    """The first file's is the process's own; each other one has one beside it."""
    names = ["a.jsonl", "b.jsonl", "c.jsonl", "b.jsonl", "c.jsonl", "a.jsonl"]
    handlers = [mplog.Handler(str(logdir / name)) for name in names]
    a, b, c, *again = [handler.gate.connection for handler in handlers]

    assert [b, c, a] == again
    assert GATE.connection is a
    assert 3 == len({a.service, b.service, c.service})
    for handler in handlers:
        handler.handle(logging.LogRecord("x", 30, "/a.py", 1, "m", (), None))
    assert [2, 2, 2] == [one.producer.accepted for one in (a, b, c)]

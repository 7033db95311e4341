"""The libraries beside mplog that serve several processes, each set up as its manual advises.

All do the same work: a message with three fields, the caller's location, process and thread, as
one line that looks like JSON, into a file that rotates at 20 MB. The peers get a line template,
which is cheaper than real JSON (nothing is escaped): if that tilts the comparison, then their way.
"""

from __future__ import annotations

import importlib
import logging
import multiprocessing
import os
from collections.abc import Callable
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any

from contender import FIELDS, Call, Contender

ROTATION_BYTES = 20_000_000
ARCHIVES = 100
FIRST = "the writer is running"
MANY_EVENTS = 100_000  # as an event's number: it gives a line of the usual length
FORK = multiprocessing.get_context("fork")

STDLIB_LINE = (
    '{"timestamp":"%(asctime)s","level":"%(levelname)s","logger":"%(name)s","message":"%(message)s",'
    '"user":"%(user)s","ip":"%(ip)s","attempt":%(attempt)d,"code.file.path":"%(pathname)s",'
    '"code.line.number":%(lineno)d,"code.function.name":"%(funcName)s","process.pid":%(process)d,'
    '"process.name":"%(processName)s","thread.id":%(thread)d,"thread.name":"%(threadName)s"}'
)
LOGURU_LINE = (
    '{{"timestamp":"{time:YYYY-MM-DDTHH:mm:ss.SSSSSSZZ}","level":"{level}","logger":"{name}",'
    '"message":"{message}","user":"{extra[user]}","ip":"{extra[ip]}","attempt":{extra[attempt]},'
    '"code.file.path":"{file.path}","code.line.number":{line},"code.function.name":"{function}",'
    '"process.pid":{process.id},"process.name":"{process.name}","thread.id":{thread.id},'
    '"thread.name":"{thread.name}"}}'
)


def stdlib_logger(handler: logging.Handler) -> logging.Logger:
    """A logger with this handler and no other."""
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers = [handler]
    return logger


class Mplog(Contender):
    """mplog, waiting when its lane is full."""

    name = title = package = "mplog"
    fast = True
    shape = FIELDS

    def start(self, path: Path) -> None:
        mplog: Any = importlib.import_module("mplog")
        self.mplog = mplog
        mplog.configure(
            str(path), level="INFO", format="json", rotation="20 MB", retention=ARCHIVES,
            when_full="block",
        )  # fmt: skip

    def listen(self) -> None:
        """See the writer work, as it does in a service that is running."""
        self.mplog.get_logger("bench").info(FIRST)
        if not self.mplog.flush(timeout=30.0):
            raise SystemExit("the first event did not reach the file within 30 s")

    def info(self) -> Callable[..., object]:
        self.mplog.attach()
        info: Callable[..., object] = self.mplog.get_logger("bench").info
        return info

    def stop(self) -> None:
        self.mplog.shutdown(timeout=120.0)


class Queue(Contender):
    """The standard library's recipe: a queue, and a listener in the parent that owns the file."""

    name = "queue"
    title = "QueueHandler + multiprocessing.Queue"
    package = "logging"

    def start(self, path: Path) -> None:
        self.queue: Any = FORK.Queue(-1)
        target = RotatingFileHandler(path, maxBytes=ROTATION_BYTES, backupCount=ARCHIVES)
        target.setFormatter(logging.Formatter(STDLIB_LINE))
        self.listener = QueueListener(self.queue, target)

    def listen(self) -> None:
        self.listener.start()

    def info(self) -> Callable[..., object]:
        return stdlib_logger(QueueHandler(self.queue)).info

    def finish(self) -> None:
        self.queue.close()
        self.queue.join_thread()

    def stop(self) -> None:
        self.listener.stop()


class Loguru(Contender):
    """loguru with its own queue and writer thread in the parent."""

    name = package = "loguru"
    title = "loguru, enqueue=True"
    shape = FIELDS

    def start(self, path: Path) -> None:
        self.logger: Any = importlib.import_module("loguru").logger
        self.logger.remove()
        self.logger.add(
            path, format=LOGURU_LINE, level="INFO", enqueue=True, context="fork",
            rotation="20 MB", retention=ARCHIVES,
        )  # fmt: skip

    def info(self) -> Callable[..., object]:
        info: Callable[..., object] = self.logger.info
        return info

    def finish(self) -> None:
        self.logger.complete()

    def stop(self) -> None:
        self.logger.remove()


class ConcurrentLogHandler(Contender):
    """A file lock around every line."""

    name = "clh"
    title = "concurrent-log-handler"
    package = "concurrent_log_handler"

    def start(self, path: Path) -> None:
        self.path = path
        self.package_loaded: Any = importlib.import_module(self.package)

    def info(self) -> Callable[..., object]:
        handler = self.package_loaded.ConcurrentRotatingFileHandler(
            str(self.path), maxBytes=ROTATION_BYTES, backupCount=ARCHIVES
        )
        handler.setFormatter(logging.Formatter(STDLIB_LINE))
        return stdlib_logger(handler).info


class Plain(Contender):
    """Every process appends to the same file: no rotation, no promise. For reference only."""

    name = "file"
    title = "FileHandler (unsafe, no rotation)"
    package = "logging"
    safe = False

    def start(self, path: Path) -> None:
        self.path = path

    def info(self) -> Callable[..., object]:
        handler = logging.FileHandler(self.path)
        handler.setFormatter(logging.Formatter(STDLIB_LINE))
        return stdlib_logger(handler).info


class BareWrite(Contender):
    """No logging at all: every process writes a ready line, as mplog has made it, with os.write."""

    name = "write"
    title = "bare os.write of a ready line"
    package = "mplog"
    safe = False
    fast = True
    numbered = False

    def start(self, path: Path) -> None:
        self.path = path
        rehearsal = path.parent / "rehearsal"
        rehearsal.mkdir()
        mplog = Mplog()
        mplog.start(rehearsal / path.name)
        mplog.call()(MANY_EVENTS)
        mplog.stop()
        self.line = (rehearsal / path.name).read_bytes().splitlines(keepends=True)[0]

    def call(self) -> Call:
        fd = self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return lambda _number: os.write(fd, self.line)

    def flat_out(self, call: Call, count: int) -> None:
        write, fd, line = os.write, self.fd, self.line
        for _ in range(count):
            write(fd, line)


PEERS = (Queue, Loguru, ConcurrentLogHandler)
LOGGING: dict[str, type[Contender]] = {one.name: one for one in (Mplog, *PEERS, Plain)}
CONTENDERS: dict[str, type[Contender]] = {**LOGGING, BareWrite.name: BareWrite}

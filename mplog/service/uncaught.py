"""Uncaught exceptions become events, and crashes leave their traceback for the writer.

The hooks of `sys` and `threading` are chained: what was there before runs as before. A child of
multiprocessing never gets that far: its bootstrap prints the traceback itself. There the `run` of
the one process object that the child is gets watched.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any

import msgspec

from mplog import _native
from mplog.event.exception import describe
from mplog.event.level import CRITICAL
from mplog.producer.connection import CLAIMED, POOLS, Connection
from mplog.producer.gate import GATE, inherited
from mplog.producer.logger import send, thread_of

LOGGER = "mplog.uncaught"
_HIGHEST_FD = 16_383  # a crash has the kernel make a table of so many descriptors
_SPAWNERS = ("multiprocessing", "multiprocess")
_ORDINARY = (SystemExit, KeyboardInterrupt, GeneratorExit)


class Hooks(msgspec.Struct, weakref=True):
    """What the hooks know.

    Attributes:
        wanted: exceptions are to become events.
        armed: faulthandler is on, by us.
        telling: ids of the exceptions of which the hooks before ours are told just now.
    """

    wanted: bool = False
    armed: bool = False
    telling: set[int] = set()


HOOKS = Hooks()


def watch(connection: Connection) -> None:
    """From now on what nobody catches in this process is logged to *connection*'s service; again
    after each claim, since `shutdown()` undoes it.
    """
    if connection is not GATE.connection:
        return  # a handler's own
    settings = connection.settings
    if settings.uncaught:
        _chain()
    if settings.faulthandler:
        _arm(connection)


def unwatch() -> None:
    """Take the hooks out again; where somebody has put his own over them, they only pass on."""
    HOOKS.wanted = False
    if isinstance(sys.excepthook, _OnUncaught):
        sys.excepthook = sys.excepthook.before
    if isinstance(threading.excepthook, _OnUncaughtInThread):
        threading.excepthook = threading.excepthook.before


def _chain() -> None:
    """Over whatever is there now: it may call the one of ours that it has found, or not."""
    HOOKS.wanted = True
    if not isinstance(sys.excepthook, _OnUncaught):
        sys.excepthook = _OnUncaught(sys.excepthook)
    if not isinstance(threading.excepthook, _OnUncaughtInThread):
        threading.excepthook = _OnUncaughtInThread(threading.excepthook)


class _OnUncaught:
    """In the place of `sys.excepthook`."""

    def __init__(self, before: Callable[..., Any]) -> None:
        self.before = before

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        _passed_on(error, "uncaught exception", {}, lambda: self.before(kind, error, trace))


class _OnUncaughtInThread:
    """In the place of `threading.excepthook`."""

    def __init__(self, before: Callable[..., Any]) -> None:
        self.before = before

    def __call__(self, args: Any) -> None:
        name = args.thread.name if args.thread is not None else "?"
        text = "uncaught exception in thread {thread}"
        _passed_on(args.exc_value, text, {"thread": name}, lambda: self.before(args))


def _passed_on(
    error: BaseException | None, text: str, fields: dict[str, Any], before: Callable[[], object]
) -> None:
    """Tell *error*, unless one of ours further out has just done it; then the hook before ours."""
    told = error is None or id(error) in HOOKS.telling
    if not told and error is not None:
        tell(error, text, fields)
        HOOKS.telling.add(id(error))
    try:
        before()
    finally:
        if not told:
            HOOKS.telling.discard(id(error))


def tell(error: BaseException, text: str, fields: dict[str, Any]) -> None:
    """Log *error* as CRITICAL, with the place it was raised at; never raises."""
    if not HOOKS.wanted or isinstance(error, _ORDINARY):
        return
    try:
        info = describe(error)
        place = info.stack[-1] if info.stack else None
        thread, _ = thread_of()
        event = (
            LOGGER,
            text,
            fields,
            None,
            place.file if place else "",
            place.line if place else 0,
            place.function if place else "",
            thread.ident,
            thread.name,
            None,
            info,
        )
        send(CRITICAL, event, 0, GATE)
    except Exception:  # the hook before ours is what matters now
        return


def _look_after_pools() -> None:
    """Have multiprocessing and its kin tell us of their children, in the child, before it runs what
    it is for. Asked before each fork, since they may have been loaded meanwhile.
    """
    if "billiard.process" in sys.modules and "billiard.util" not in sys.modules:
        with contextlib.suppress(ImportError):
            import_module("billiard.util")  # its first child would load it for itself, too late
    for name in POOLS:
        # Not there yet while it is imported; billiard's is multiprocessing's under another name.
        register = getattr(sys.modules.get(name), "register_after_fork", None)
        pool = sys.modules.get(register.__module__) if register is not None else None
        if pool is not None and not getattr(pool, "_mplog_watched", False):
            pool._mplog_watched = True  # type: ignore[attr-defined]
            pool.register_after_fork(HOOKS, _in_child)


def _look_after_this_one() -> None:
    """The same in a child that is spawned, while it imports its program: the step in which others
    would call what is registered is there, and does nothing.
    """
    for name in _SPAWNERS:
        package = sys.modules.get(f"{name}.process")
        kind = getattr(sys.modules.get(f"{name}.context"), "SpawnProcess", None)
        if package is None or not getattr(package.current_process(), "_inheriting", False):
            continue
        before = getattr(kind, "_after_fork", None)
        if kind is not None and before is not None:
            kind._after_fork = staticmethod(_and_watched(before))


def _and_watched(before: Callable[[], object]) -> Callable[[], None]:
    def after_fork() -> None:
        before()
        _in_child(HOOKS)

    return after_fork


def _in_child(_: Hooks) -> None:
    """What the child runs is watched, of this one process alone: nothing else is changed."""
    for name in POOLS:
        package = sys.modules.get(f"{name.partition('.')[0]}.process")
        if package is None:
            continue
        process = package.current_process()
        if getattr(process, "_parent_pid", None) and "run" not in vars(process):
            process.run = _native.watched(process.run, _left)


def _left(error: BaseException) -> None:
    """An exception has ended what a child was for. One that has never logged inherits its service
    now.
    """
    if GATE.connection is None and not isinstance(error, _ORDINARY):
        found = inherited(os.environ)
        if found is None:
            return
        GATE.connect(found[0], found[1].level)
        watch(found[0])
    tell(error, "uncaught exception", {})


def _arm(connection: Connection) -> None:
    """Where the program has turned faulthandler on itself, it keeps it."""
    if not HOOKS.armed:
        import faulthandler

        if faulthandler.is_enabled():
            return
        soft = os.sysconf("SC_OPEN_MAX")
        number = min(soft - 1, _HIGHEST_FD) if soft > 0 else _HIGHEST_FD
        _native.crash_prepare(number)
        faulthandler.enable(file=number)
        _native.crash_arm()
        HOOKS.armed = True
    _native.crash_tell(connection.producer)


CLAIMED.append(watch)
os.register_at_fork(before=_look_after_pools)
_look_after_pools()
_look_after_this_one()

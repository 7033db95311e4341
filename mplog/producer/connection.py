"""A process's connection to one service: its lane, and what has to be done when something is amiss.

The lane itself is claimed by the first event (or at once, by `attach`), in C. What C meets on its
way it tells here: a claim, something amiss at its look once a second, a wait that does not end, no
lane at all. Nothing here raises into a log call.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from _weakrefset import WeakSet  # as `threading` takes it: `weakref` is loaded by few
from collections.abc import Callable
from typing import TYPE_CHECKING

from mplog import _native
from mplog.config import Own, private_directory
from mplog.errors import InternalError, MplogError
from mplog.event.codec import ENCODER
from mplog.launch import ensure_writer
from mplog.producer import trouble
from mplog.producer.containment import contain
from mplog.producer.starts import Starts
from mplog.ring import Place, bell_id, create_bell

if TYPE_CHECKING:
    from mplog.config import Settings

_WHEN_FULL = {
    "block": _native.BLOCK,
    "drop_newest": _native.DROP_NEWEST,
    "overflow": _native.OVERFLOW,
    "drop_oldest": _native.DROP_OLDEST,
}
_NEVER = 256  # above every level
_TRIES = 5  # to set the service up, while somebody removes it
_MANY = 3  # starts that have come to nothing, in a row
_all: WeakSet[Connection] = WeakSet()
CLAIMED: list[Callable[[Connection], None]] = []  # told of each claim, at its first event
_NAMES = ("multiprocessing.process", "multiprocess.process")
POOLS = ("multiprocessing.util", "multiprocess.util", "billiard.util")


def process_name() -> str:
    """What people know this process by, in 47 bytes of UTF-8: the name its pool gave it, else the
    program's.
    """
    name = _full_name().encode("utf-8", "replace").replace(b"\0", b"")
    return name[:47].decode("utf-8", "ignore")


def _full_name() -> str:
    for module in _NAMES:
        loaded = sys.modules.get(module)
        if loaded is not None:
            name = str(loaded.current_process().name)
            if name != "MainProcess":
                return name
    path = sys.argv[0] if sys.argv else ""
    if os.path.basename(path) == "__main__.py":  # python -m package
        path = os.path.dirname(path)
    program = os.path.basename(path)
    return program if program not in ("", "-c", "-m") else "python"


def _place() -> tuple[int, int, int]:
    """Who asks, and in which root: a process that has dropped its uid, or has changed its root, can
    no longer tell a service that is gone from one that it cannot see.
    """
    root = os.stat("/")
    return os.geteuid(), root.st_dev, root.st_ino


def close_all() -> None:
    """Give all lanes of this process back for good."""
    for connection in list(_all):
        connection.close()


def _say_goodbye() -> None:
    for connection in list(_all):
        connection.detach(final=True)


class Connection:
    """One process's way into one service; children of a fork use their copy of it with a lane of
    their own.

    Args:
        directory: of the service's shared memory.
        service: the service's name.
        settings: for this process: policy and limits; and to set the service up anew if somebody
            removed it.
    """

    def __init__(self, directory: Place, service: str, settings: Settings | Own) -> None:
        self.directory = os.fspath(directory)
        self.service = service
        self.settings = settings
        self.producer = _native.Producer(
            self.directory, service, process_name(), self._on, ENCODER.encode
        )
        _all.add(self)
        self.producer.set_policy(
            _WHEN_FULL[settings.when_full],
            int(settings.block_timeout_s * 1e9),
            settings.max_event_bytes,
        )
        self.producer.set_overflow(
            settings.overflow_dir, settings.overflow_bytes, settings.memory_bytes
        )
        durable = settings.durable_level
        self.producer.set_durable(
            _NEVER if durable is None else durable, int(settings.durable_timeout_s * 1e9)
        )
        self.bell = bell_id(directory, service)
        self._place = _place()
        self.creator_pid = 0  # of the process that has created the service
        self.shut_down = False  # by who uses it, at least once
        self._starts = Starts()
        self._problem = self.producer.problem[0]
        self._seen()

    def attach(self) -> bool:
        """Claim a lane now, and see to it that there is a writer; False when no lane can be had
        (told on stderr). A worker's name and its goodbye are seen to at its first event.
        """
        producer = self.producer
        if producer.attach() and not producer.attached:
            self._no_lane()
        if not producer.attended:
            self.ensure_writer(at_once=True)
        return producer.attached

    def detach(self, *, final: bool = False) -> None:
        """Give the lane back; *final* at the process's exit, after which late events still get
        through.
        """
        self.producer.detach(final)

    def close(self) -> None:
        """Give the lane back for good: a call that was under way goes where the gate leads now."""
        self.producer.close()

    def ensure_writer(self, *, at_once: bool = False) -> None:
        """Start a writer if there is none; again only after a growing pause, if the last one did
        not come up.
        """
        if self.producer.attended:
            return
        now = time.monotonic()
        # Another bell: the last writer has delivered everything, and taken the service down.
        done = self.producer.backlog[1], bell_id(self.directory, self.service)
        if not self._starts.due(now, done) and not at_once:
            return
        said = trouble.said_at_start(self) if self._starts.failed else ""
        try:
            if ensure_writer(self.directory, self.service):
                self._starts.started(now, done, said)
                if self._starts.failed >= _MANY:
                    trouble.does_not_stay_up(self, said)
        except OSError as error:
            self._starts.refused(now, done)
            trouble.cannot_be_started(self, error)

    # ---- what the core tells ----
    def _on(self, what: str) -> None:
        try:
            if what == "claimed":
                self._claimed()
            elif what == "trouble":
                self._no_lane()
            elif what == "unsynced":
                trouble.unsynced(self)
            elif what == "broken":
                raise InternalError("the core has given a result that it must not give")
            else:  # something is amiss, or a wait does not end
                self._look()
        except Exception as error:
            if not contain(error):
                raise  # of a signal handler that ran meanwhile: the program's own

    def _claimed(self) -> None:
        """A pool's child has a name of its own. It ends by os._exit and runs no atexit; its own
        finalizers are the place to say goodbye.
        """
        self.producer.rename(process_name())
        for module in POOLS:
            pool = sys.modules.get(module)
            if pool is not None and getattr(pool, "_mplog_pid", None) != os.getpid():
                pool._mplog_pid = os.getpid()  # type: ignore[attr-defined]
                pool.Finalize(None, _say_goodbye, exitpriority=-1000)
        for told in CLAIMED:
            told(self)
        self.ensure_writer()

    def _look(self) -> None:
        self.ensure_writer()
        self._tell_problem()
        self._tell_overflow()
        if _place() != self._place:
            return  # another uid, or another root: what it sees there now says nothing of its lane
        here = bell_id(self.directory, self.service)
        if here != self.bell:
            self._set_up_again(here)
        self._seen()

    def _seen(self) -> None:
        """C looks at these once a second, and tells a look where they have changed."""
        dev, ino = self.bell or (0, 0)
        self.producer.set_seen(dev, ino, self._problem)

    def _tell_overflow(self) -> None:
        error = self.producer.overflow_error
        if error:
            trouble.overflow(self, error)

    def _tell_problem(self) -> None:
        number, text = self.producer.problem
        if number != self._problem:
            self._problem = number
            if text:
                trouble.of_writer(self, number, text)

    def _set_up_again(self, here: tuple[int, int] | None) -> None:
        """Somebody has removed or replaced the service's files. Claim anew at the path; a living
        writer drains the old lane.
        """
        if here is None and not self._create():
            return
        self.producer.detach(False)
        self.producer.attach()
        self.bell = bell_id(self.directory, self.service)
        self.ensure_writer(at_once=True)

    def _create(self) -> bool:
        if self.settings.file is None:
            return False
        left = _TRIES
        while True:
            left -= 1
            try:
                private_directory(self.directory)
                create_bell(self.directory, self.service, self.settings)
                break
            except (MplogError, OSError) as error:
                if not left or not isinstance(error, FileNotFoundError):
                    trouble.no_memory(self, error)
                    return False
        self.bell = bell_id(self.directory, self.service)
        return True

    def _no_lane(self) -> None:
        code = self.producer.trouble
        for _ in range(_TRIES):
            if code != -errno.ENOENT or not self._create():
                break
            code = self.producer.attach()
            if code == 0:
                self.ensure_writer(at_once=True)
                return
        if code:
            trouble.no_lane(self, code)

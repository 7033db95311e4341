"""Which files `verify` reads: a set that holds still while the service goes on writing.

The active file is opened and its size taken once; archives never change. A rotation between the
listing and the opening would hide a file or show one twice, so the set is taken again until
nothing has moved meanwhile, a bounded number of times.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import msgspec

from mplog.files.archive import Archive, active_of, list_archives, parse_archive
from mplog.files.manifest import Entry, Manifest, Retired, load, manifest_path
from mplog.files.report import Problem
from mplog.files.scan import open_regular

TRIES = 10
_OPEN_AT_ONCE = 200  # more archives than these are opened when their turn comes
_BETWEEN_TRIES_S = 0.01


class Unstable(Exception):
    """The set of files changed under the reader: take it again."""


class Log(msgspec.Struct):
    """One log of those asked for: its active file, or single archives of it."""

    directory: Path
    active: str
    with_active: bool = False
    with_archives: bool = False
    names: set[str] = set()

    @property
    def partial(self) -> bool:
        """Not all of the log was asked for."""
        return not (self.with_active and self.with_archives)


class Source(msgspec.Struct):
    """A file to read: of the active one `archive` is None; `fd` is -1 until it is opened."""

    path: Path
    archive: Archive | None
    fd: int = -1
    size_bytes: int = 0

    @property
    def generation(self) -> float:
        """Its place in the order of reading; the active file is the newest."""
        return self.archive.generation if self.archive else float("inf")

    def open(self) -> None:
        """Open it and take its size.

        Raises:
            OSError: it cannot be read.
        """
        if self.fd < 0:
            self.fd = open_regular(self.path)
            self.size_bytes = os.fstat(self.fd).st_size

    def close(self) -> None:
        """Close it, when it is open."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Snapshot:
    """The opened files of one log in the order of reading, and its manifest. A context manager."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.sources: list[Source] = []
        self.manifest = Manifest()
        self.problems: list[Problem] = []
        self._patient = False

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        for source in self.sources:
            source.close()

    def fill(self, *, last_try: bool = False) -> None:
        """Take the set; in the last try, what has moved becomes a problem.

        Raises:
            Unstable: files have moved meanwhile.
        """
        log = self.log
        before = self._archives()
        self._patient = bool(before) and not last_try
        if log.with_active:
            self._open(Source(log.directory / log.active, None))
        for archive in self._asked(before)[:_OPEN_AT_ONCE]:
            self._open(Source(log.directory / archive.name, archive))
        for archive in self._asked(before)[_OPEN_AT_ONCE:]:
            self.sources.append(Source(log.directory / archive.name, archive))
        self._load_manifest()
        if self._archives() != before or self._active_moved():
            if not last_try:
                raise Unstable
            path = str(log.directory / log.active)
            self.problems.append(Problem(path, "its files moved whenever they were listed"))
        self.sources.sort(key=lambda source: source.generation)

    def order(self) -> list[tuple[Source | None, Entry | None]]:
        """What to go through, oldest first: files to read, each with the manifest's word about it.

        An entry without a source is an archive that is not read. Archives that are retired, but not
        deleted yet, are left out, unless they were asked for by name.
        """
        entries = dict(self.manifest.entries)
        steps: list[tuple[float, Source | None, Entry | None]] = []
        for source in self.sources:
            archive = source.archive
            if archive is not None and archive.generation <= self.retired().through:
                continue
            entry = None
            if archive is not None:
                entry = entries.pop(archive.plain_name, None)
            steps.append((source.generation, source, entry))
        newest = max((step[0] for step in steps), default=float("inf"))
        steps += [(e.generation, None, e) for e in entries.values() if e.generation <= newest]
        return [(source, entry) for _, source, entry in sorted(steps, key=lambda step: step[0])]

    def retired(self) -> Retired:
        """What retention has deleted; nothing when one of those archives was asked for alone."""
        through = self.manifest.retired.through
        named = (parse_archive(self.log.active, name) for name in self.log.names)
        alone = self.log.partial and any(a and a.generation <= through for a in named)
        return Retired() if alone else self.manifest.retired

    def has_problem(self, path: str) -> bool:
        """Tell whether this file could not be opened."""
        return any(problem.path == path for problem in self.problems)

    def notes(self) -> list[str]:
        """What is worth knowing about the set itself."""
        log, notes = self.log, []
        path = manifest_path(log.directory, log.active)
        if self.manifest.ignored:
            notes.append(f"{path}: {self.manifest.ignored} lines are not whole and were ignored")
        archives = [s.archive for s in self.sources if s.archive]
        waiting = sum(a.generation <= self.retired().through for a in archives)
        if waiting:
            notes.append(f"{waiting} archives are retired already and not deleted yet: not read")
        if (
            not log.partial
            and not self.manifest.present
            and archives
            and archives[0].generation > 1
        ):
            notes.append(f"{path} is not there: what retention deleted cannot be told from loss")
        return notes

    def _archives(self) -> list[Archive]:
        try:
            return list_archives(self.log.directory, self.log.active)
        except OSError:
            return []  # the files themselves will say what is wrong

    def _asked(self, present: Sequence[Archive]) -> list[Archive]:
        """The archives to read: of one and the same compressed, the uncompressed one."""
        log = self.log
        named = (parse_archive(log.active, name) for name in log.names)
        asked = {archive for archive in named if archive is not None}
        if log.with_archives:
            asked |= set(present)
        by_name: dict[str, Archive] = {}
        for archive in sorted(asked):
            if archive.plain_name not in by_name or not archive.compression:
                by_name[archive.plain_name] = archive
        return list(by_name.values())

    def _open(self, source: Source) -> None:
        try:
            source.open()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._patient:
                raise Unstable from error
            self.problems.append(Problem(str(source.path), _why(error)))
        else:
            self.sources.append(source)

    def _load_manifest(self) -> None:
        path = manifest_path(self.log.directory, self.log.active)
        try:
            self.manifest = load(path)
        except OSError as error:
            self.problems.append(Problem(str(path), _why(error)))

    def _active_moved(self) -> bool:
        for source in self.sources:
            if source.archive is None:
                with suppress(OSError):
                    now, then = os.stat(source.path), os.fstat(source.fd)
                    return (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino)
                return True
        return False


def take(log: Log) -> Snapshot:
    """Take a set of files that belong together; what cannot be opened is among its `problems`.

    A file that is not there is tried again while the log has archives: it may be about to appear.
    """
    for tries_left in range(TRIES - 1, -1, -1):
        snapshot = Snapshot(log)
        try:
            snapshot.fill(last_try=tries_left == 0)
        except Unstable:
            snapshot.close()
            time.sleep(_BETWEEN_TRIES_S)
        except BaseException:
            snapshot.close()
            raise
        else:
            break
    return snapshot


def logs_of(paths: Iterable[Path], *, only: bool) -> list[Log]:
    """Sort paths into logs; a name that an archive would have is an archive."""
    logs: dict[tuple[Path, str], Log] = {}
    for path in paths:
        active = active_of(path.name)
        name = active or path.name
        key = (path.parent.absolute(), name)
        log = logs.setdefault(key, Log(path.parent, name, names=set()))
        if active is None:
            log.with_active = True
            log.with_archives = not only
        else:
            log.names.add(path.name)
    return list(logs.values())


def _why(error: OSError) -> str:
    return error.strerror or str(error)

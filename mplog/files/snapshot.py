"""Which files `verify` reads: a set that holds still while the service goes on writing.

The active file is opened and its size taken once; archives never change. A rotation between the
listing and the opening would hide a file or show one twice, so the set is taken again until
nothing has moved meanwhile, a bounded number of times. What others have moved away from the log
(`moved.py`) is read where its first time puts it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from mplog.files.archive import Archive, list_archives, parse_archive
from mplog.files.manifest import Entry, Manifest, Retired, load, manifest_path
from mplog.files.moved import first_time, list_moved
from mplog.files.report import Problem
from mplog.files.source import Log, Source

TRIES = 10
_OPEN_AT_ONCE = 200  # more archives than these are opened when their turn comes
_BETWEEN_TRIES_S = 0.01


class Unstable(Exception):
    """The set of files changed under the reader: take it again."""


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
        moved = self._moved()
        for path in moved:
            self._open(Source(path, None, moved=True))
        self._load_manifest()
        if (self._archives(), self._moved()) != (before, moved) or self._active_moved():
            if not last_try:
                raise Unstable
            unsteady = str(log.directory / log.active)
            self.problems.append(Problem(unsteady, "its files moved whenever they were listed"))
        self._place_moved()
        self.sources.sort(key=lambda source: source.generation)

    def order(self) -> list[tuple[Source | None, Entry | None]]:
        """What to go through, oldest first: files to read, each with the manifest's word about it.

        An entry without a source is an archive that is not read. Archives that are retired, but not
        deleted yet, are left out, unless they were asked for by name.
        """
        entries = dict(self.manifest.entries)
        steps: list[tuple[tuple[float, str], Source | None, Entry | None]] = []
        for source in self.sources:
            archive = source.archive
            if archive is not None and archive.generation <= self.retired().through:
                continue
            entry = None
            if archive is not None:
                entry = entries.pop(archive.plain_name, None)
            steps.append((source.generation, source, entry))
        newest = max((step[0] for step in steps), default=(float("inf"), ""))
        gone = (((e.generation, ""), None, e) for e in entries.values())
        steps += [step for step in gone if step[0] <= newest]
        return [(source, entry) for _, source, entry in sorted(steps, key=lambda step: step[0])]

    def retired(self) -> Retired:
        """What retention has deleted; nothing when one of those archives was asked for alone."""
        through = self.manifest.retired.through
        named = (parse_archive(self.log.active, name) for name in self.log.names)
        alone = self.log.partial and any(a and a.generation <= through for a in named)
        return Retired() if alone else self.manifest.retired

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

    def _moved(self) -> list[Path]:
        """Files that were moved away: those named, and those in its directory."""
        log, found = self.log, list(self.log.moved)
        if log.with_archives:
            with suppress(OSError):
                found += list_moved(log.directory, log.active)
        return list({os.path.abspath(path): path for path in found}.values())

    def _place_moved(self) -> None:
        """Give each moved file its place: behind the archives that begin before it, and behind the
        active file where that does (what `mplog recover` has written).
        """
        moved = [s for s in self.sources if s.moved]
        if not moved:
            return
        active = [self._begins(s) for s in self.sources if s.is_active]
        archives = [(self._begins(s), s.archive.generation) for s in self.sources if s.archive]
        for source in moved:
            begins = self._begins(source)
            before = [number for time_text, number in archives if time_text <= begins]
            is_last = bool(active) and "" < active[0] < begins
            source.order = (float("inf") if is_last else max(before, default=0) + 0.5, begins)

    def _begins(self, source: Source) -> str:
        """The first time in a file; empty when it cannot be read, which is told when it is read."""
        was_open = source.fd >= 0
        try:
            source.open()
            return first_time(source.head())
        except OSError:
            return ""
        finally:
            if not was_open:
                source.close()

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
            if source.is_active:
                with suppress(OSError):
                    now, then = os.stat(source.path), os.fstat(source.fd)
                    return (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino)
                return True
        return False


def take(log: Log) -> Snapshot:
    """Take a set of files that belong together; what cannot be opened is among its `problems`.

    A file that is not there is tried again while the log has archives: it may be about to appear.
    """
    tries = 1
    while True:
        snapshot = Snapshot(log)
        try:
            snapshot.fill(last_try=tries >= TRIES)
        except Unstable:
            snapshot.close()
        except BaseException:
            snapshot.close()
            raise
        else:
            return snapshot
        tries += 1
        time.sleep(_BETWEEN_TRIES_S)


def _why(error: OSError) -> str:
    return error.strerror or str(error)

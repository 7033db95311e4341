"""The files of a spool: segments by their first number, and the one that is written to."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path

from mplog.resilience import segment
from mplog.resilience.segment import Record
from mplog.ring.folder import Folder

_HEAD_PIECE_BYTES = 1 << 20
_PIECE_BYTES = 128 << 10
Place = tuple[int, int]  # the first number of a segment, and an offset in it


class Segments:
    """What is on the disk, as far as it is known to be whole.

    Args:
        path: of their directory.
        fsync: whether a write is on the disk when it returns.

    Attributes:
        directory: where they are held.
        sizes: of each segment by its first number, in order; the last one is written to.
    """

    def __init__(self, path: str, *, fsync: bool = False) -> None:
        self._path, self.directory, self._fsync = path, path, fsync
        self.sizes: dict[int, int] = {}
        self._salts: dict[int, int | None] = {}
        self._fd = -1
        self._spoiled = False
        self._folder: Folder | None = None

    def hold(self) -> None:
        """All is done in the directory that stands there now, whatever comes to its path; it is
        made if it is not there.

        Raises:
            OSError: it cannot be used, or others may write into it.
        """
        folder = Folder(Path(os.path.abspath(self._path)), make=0o700)
        if os.fstat(folder.fd).st_mode & 0o022:
            folder.close()
            raise PermissionError(errno.EPERM, "others may write into the spool", self._path)
        self._folder, self.directory = folder, str(folder.place)

    def named(self, error: OSError) -> OSError:
        """The error by the path that people know."""
        if self._folder is not None:
            self._folder.name(error)
        return error

    def find(self) -> None:
        """See what there is."""
        sizes = {}
        with os.scandir(self.directory) as entries:
            for entry in entries:
                first = segment.first_of(entry.name)
                if first is not None and entry.is_file(follow_symlinks=False):
                    sizes[first] = entry.stat(follow_symlinks=False).st_size
        self.sizes = dict(sorted(sizes.items()))
        self._salts.clear()

    @property
    def astray(self) -> bool:
        """Whether what is held stands at its path no more: it was moved, removed or replaced."""
        return self._folder is not None and self._folder.moved()

    def close(self) -> None:
        """Let go of all that is open."""
        self._end()
        if self._folder is not None:
            self._folder.close()
        self._folder, self.directory = None, self._path

    def _end(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    # ---- the list ----
    @property
    def size_bytes(self) -> int:
        """Of all."""
        return sum(self.sizes.values())

    @property
    def oldest(self) -> int:
        """Its first number; 0: there is none."""
        return next(iter(self.sizes), 0)

    @property
    def active(self) -> int:
        """The one that is written to; 0: there is none."""
        return next(reversed(self.sizes), 0)

    def following(self, first: int) -> int:
        """The first number of the segment behind; 0: there is none."""
        return next((n for n in self.sizes if n > first), 0)

    # ---- writing ----
    def ready(self, number: int, most_bytes: int) -> int:
        """Have a segment that the event of that *number* can be written into; its salt.

        Raises:
            OSError: there is no room for one, or no permission.
        """
        active = self.active
        if self._fd < 0 and active and not self._spoiled:
            self._fd = os.open(self.path(active), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._spoiled |= self._fd >= 0 and not os.fstat(self._fd).st_nlink
        full = self.sizes.get(active, 0) >= most_bytes
        if self._fd < 0 or self._spoiled or full or self.salt(active) is None:
            self.begin(number)
        salt = self.salt(self.active)
        assert salt is not None, "a segment that was begun here"
        if not self.sizes[self.active]:
            self.write(segment.head(self.active, salt))
        return salt

    def begin(self, number: int) -> None:
        """A new segment, empty; the one before it stays as it is."""
        self._end()
        if number in self.sizes:  # no event was ever written into it
            self.remove(number)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(self.path(number), flags, 0o600)
        self._spoiled = False
        self.sizes[number], self._salts[number] = 0, secrets.randbits(64)
        if self._fsync:
            self._sync_names()

    def _sync_names(self) -> None:
        fd = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def write(self, data: bytes) -> None:
        """Write behind what is there.

        Raises:
            OSError: nothing of it counts.
        """
        active = self.active
        offset = self.sizes[active]
        try:
            done = 0
            while done < len(data):
                done += os.pwrite(self._fd, data[done:], offset + done)
            if self._fsync:
                os.fsync(self._fd)
        except OSError:
            # A later, shorter write would leave whole records of this one behind itself.
            self._spoiled = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, offset)
                self._spoiled = self._fsync  # which pages of it are on the disk nobody knows
            raise
        self.sizes[active] = offset + len(data)

    def cut(self, first: int, end: int) -> int:
        """Have the last segment end with its last whole record; how many bytes that cuts. One that
        was only begun goes.
        """
        size = self.sizes[first]
        if not end and size <= segment.HEAD_BYTES:
            self.remove(first)
        elif 0 < end < size:
            os.truncate(self.path(first), end)
            self.sizes[first] = end
            return size - end
        return 0

    def remove(self, first: int) -> None:
        """Remove a segment.

        Raises:
            OSError: it stays.
        """
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(first))
        del self.sizes[first]
        self._salts.pop(first, None)

    # ---- reading ----
    def path(self, first: int) -> str:
        """Of a segment."""
        return os.path.join(self.directory, segment.name_of(first))

    def pread(self, first: int, offset: int, size_bytes: int) -> bytes:
        """Bytes of a segment."""
        fd = os.open(self.path(first), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return os.pread(fd, size_bytes, offset)
        finally:
            os.close(fd)

    def salt(self, first: int) -> int | None:
        """What the frames of a segment are known by; None: it is unreadable from its beginning."""
        if first not in self._salts:
            self._salts[first] = segment.salt_of(self.pread(first, 0, _HEAD_PIECE_BYTES))
        return self._salts[first]

    def piece(self, at: Place, limit: int) -> tuple[list[Record], Place | None]:
        """Some events from a place on, over what is broken, and the place behind them; None: there
        is no more.

        Args:
            at: where an event ends, or begins.
            limit: the number that nobody has yet.

        Raises:
            OSError: the segment cannot be read just now.
        """
        (first, offset), until = at, self.sizes.get(at[0], 0)
        following = self.following(first)
        if offset >= until:
            return [], (following, 0) if following else None
        try:
            salt = self.salt(first)
            if salt is None:
                return [], (first, until)
            found, end = self._whole(first, offset, salt)
        except FileNotFoundError:  # somebody has removed it
            self._forget(first)
            return [], at
        # Behind an append that failed whole records may stand that have been given up.
        limit = min(limit, following or limit)
        return [one for one in found if one.number < limit], (first, end)

    def _whole(self, first: int, offset: int, salt: int) -> tuple[list[Record], int]:
        """The events from there on, and where the next ones stand."""
        left = self.sizes[first] - offset
        data = self.pread(first, offset, min(_PIECE_BYTES, left))
        found = list(segment.rows(data, salt))
        wanted = 0 if found else segment.wants(data, 0)
        if len(data) < wanted <= left:
            data = self.pread(first, offset, wanted)
            found = list(segment.rows(data, salt))
        if not found:
            data = self.pread(first, offset, left)
            return [], offset + segment.next_whole(data, salt, 0)
        events = [segment.record(row, offset + end) for row, end in found]
        return [one for one in events if one is not None], offset + found[-1][1]

    def _forget(self, first: int) -> None:
        if first == self.active:
            self._end()
            self._spoiled = True
        del self.sizes[first]
        self._salts.pop(first, None)

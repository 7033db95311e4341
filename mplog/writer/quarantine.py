"""What cannot be written is kept for a person to look at, beside the log: records that have ended
writers, and the bytes of lanes that were set aside. Events were redacted before they came here.

A file of them is frames, as the overflow is: `_native.frames` reads both.
"""

from __future__ import annotations

import os
from pathlib import Path

from mplog import _native
from mplog.event.level import WARNING
from mplog.event.redact import mask
from mplog.ring.folder import Folder
from mplog.writer.announce import announce
from mplog.writer.compose import FILE
from mplog.writer.state import Job, why

_CONTROL, _DATA = 4096, 1 << 20


def keep_poison(job: Job) -> None:
    """Keep the records of this drain that have ended writers before; each leaves its number in the
    log, as an unreadable event.
    """
    for session, seq, record in job.reader.poisoned():
        target = _beside(job, f"{session}-{seq}")
        if target.exists():
            continue  # a writer that was killed before its batch was over has done it
        job.reader.count("poisoned", 1)
        if _write(job, target, _native.frame(hidden(record, redacts=job.settings.redact_patterns))):
            job.tell(f"event {seq} of {session} has ended the writer; its bytes are in {target}")


def keep_lane(job: Job, session: str, segment: int, lane: int) -> None:
    """Keep the control page and the data of a lane that was set aside."""
    source = job.directory / f"{job.service}.{_native.ABI}.{segment}.ring"
    try:
        with open(source, "rb") as file:
            lanes = int.from_bytes(file.read(_CONTROL)[20:24], "little") or _native.MAX_LANES
            file.seek(_CONTROL * (1 + lane))
            page = file.read(_CONTROL)
            file.seek(_CONTROL * (1 + lanes) + _DATA * lane)
            body = file.read(_DATA)
    except OSError as error:
        job.tell(f"a broken lane could not be kept: {why(error)}")
    else:
        _write(
            job,
            _beside(job, session),
            _native.frame_of(1, page)
            + _native.frame_of(2, hidden(body, redacts=job.settings.redact_patterns)),
        )
    text = f"lane {lane} of segment {segment} is set aside: what stands in it cannot be right"
    keys = {"what": "quarantined", "segment": segment, "lane": lane, "offset": 0, "bytes": 0}
    announce(job, WARNING, FILE, text, keys)
    job.reader.count("quarantines", 1)


def hidden(data: bytes, *, redacts: bool) -> bytes:
    """Of a record or a lane what looks like a secret is asterisks; nothing changes its place."""
    return mask(data) if redacts else data


def _beside(job: Job, name: str) -> Path:
    return job.path.with_name(f".{job.path.name}.quarantine-{name}")


def _write(job: Job, target: Path, data: bytes) -> bool:
    """Under another name first: what has its name is whole."""
    fresh = f"{target.name}.{os.getpid()}"
    try:
        with Folder(target.parent) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(folder.place / fresh, flags, 0o600)
            try:
                with os.fdopen(fd, "wb") as out:
                    out.write(data)
                os.rename(folder.place / fresh, folder.place / target.name)
            except OSError:
                os.unlink(folder.place / fresh)  # the disk is full enough
                raise
    except OSError as error:
        job.tell(f"{target} could not be kept: {why(error)}")
        return False
    return True

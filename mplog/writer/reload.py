"""A configuration file that was read again: what a running writer takes up, and what it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from mplog.config.key import Key
from mplog.config.schema import KEYS, Settings
from mplog.errors import MplogError
from mplog.event.level import INFO, WARNING
from mplog.writer.announce import announce
from mplog.writer.filtering import set_condition
from mplog.writer.retiring import delete_old
from mplog.writer.state import Job

if TYPE_CHECKING:
    from mplog.writer.upkeep import Upkeep

EVENT = "mplog.config"
# What the writer alone acts by. The rest lies in shared memory, in processes, or in lines already
# written.
_OF_FILE = ("file_level", "levels", "filter", "rotation", "retention", "compression", "mode")
LIVE = (*_OF_FILE, "files", "sinks")


def take_up(job: Job, upkeeps: Sequence[Upkeep]) -> None:
    """Read the configuration file again, act by it, and tell in the log what has changed."""
    if job.signals.reread is None:
        _tell(job, INFO, "not read again: this service has its settings from configure()", {})
        return
    try:
        read = job.signals.reread()
    except (MplogError, OSError) as error:
        _tell(job, WARNING, f"not taken up: {error}", {"problem": str(error)})
        return
    taken, left = differences(job.settings, read)
    if taken:
        _act(job, upkeeps, read)
    if taken or left:
        words = [f"{key.name} is {key.shown(getattr(read, key.attribute))}" for key in taken]
        text = f"read again: {', '.join(words) or 'nothing is taken up'}"
        if left:
            text += f"; only a new start of the service takes up {', '.join(k.name for k in left)}"
        keys = {"taken_up": [k.name for k in taken], "left": [k.name for k in left]}
        _tell(job, WARNING if left else INFO, text, keys)


def differences(running: Settings, read: Settings) -> tuple[list[Key], list[Key]]:
    """The keys whose values differ: those that are taken up now, and those that are not."""
    other = [
        key
        for key in KEYS.values()
        if getattr(running, key.attribute) != getattr(read, key.attribute)
    ]
    live = _live(running, read)
    return [k for k in other if k.name in live], [k for k in other if k.name not in live]


def _same_files(running: Settings, read: Settings) -> bool:
    """Whether the files besides the first are the same, but for what a writer can take up."""
    before, after = ([(f.file, f.format) for f in s.files] for s in (running, read))
    return before == after


def _act(job: Job, upkeeps: Sequence[Upkeep], read: Settings) -> None:
    live, sinks = _live(job.settings, read), job.settings.sinks
    changes = {KEYS[name].attribute: getattr(read, KEYS[name].attribute) for name in live}
    job.settings = msgspec.structs.replace(job.settings, **changes)
    for sink, upkeep, settings in zip(job.sinks, upkeeps, job.settings.all_files, strict=True):
        sink.settings = settings
        job.reader.set_filter(settings.file_level, list(settings.levels), sink.number)
        sink.keep = set_condition(job.reader, sink.number, settings)
        upkeep.renew()
        delete_old(job, sink)
    if read.sinks != sinks:
        route_anew(job)


def _live(running: Settings, read: Settings) -> tuple[str, ...]:
    return LIVE if _same_files(running, read) else (*_OF_FILE, "sinks")


def route_anew(job: Job) -> None:
    """The sinks that are no files are now those of the settings."""
    try:
        if job.outlets is not None:
            job.outlets.take_up(job.settings.sinks)
        elif job.settings.sinks != "off":
            from mplog.writer.carried import unpacked
            from mplog.writer.route import Outlets  # threads and wrappers, for who has a sink

            job.sent_to = Outlets(job, unpacked(job.signals.carried))
    except Exception as error:  # the files go on, whatever it is
        announce(job, WARNING, EVENT, f"the sinks cannot be had: {error}"[:300], {})


def _tell(job: Job, level: int, text: str, keys: dict[str, Any]) -> None:
    told = f"the configuration is {text}" if text.startswith("not ") else f"configuration {text}"
    announce(job, level, EVENT, told, keys)

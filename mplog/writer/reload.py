"""A configuration file that was read again: what a running writer takes up, and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mplog.config.key import Key
from mplog.config.schema import KEYS, Settings
from mplog.errors import MplogError
from mplog.event.level import INFO, WARNING
from mplog.writer import deliver
from mplog.writer.state import Job, now_ns

if TYPE_CHECKING:
    from mplog.writer.upkeep import Upkeep

EVENT = "mplog.config"
# What the writer alone acts by. The rest lies in shared memory, in processes, or in lines already
# written.
LIVE = ("file_level", "levels", "rotation", "retention", "compression", "mode")


def take_up(job: Job, upkeep: Upkeep) -> None:
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
        _act(job, upkeep, read)
    if taken or left:
        words = [f"{key.name} is {key.text(getattr(read, key.attribute))}" for key in taken]
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
    return [k for k in other if k.name in LIVE], [k for k in other if k.name not in LIVE]


def _act(job: Job, upkeep: Upkeep, read: Settings) -> None:
    live = {KEYS[name].attribute: getattr(read, KEYS[name].attribute) for name in LIVE}
    job.settings = msgspec.structs.replace(job.settings, **live)
    job.reader.set_filter(job.settings.file_level, list(job.settings.levels))
    upkeep.renew()
    deliver.delete_old(job)


def _tell(job: Job, level: int, text: str, keys: dict[str, Any]) -> None:
    told = f"the configuration is {text}" if text.startswith("not ") else f"configuration {text}"
    job.lines.append(job.fmt.notice(now_ns(), level, EVENT, told, keys))

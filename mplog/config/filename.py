"""The name of a log file with names in braces: `logs/{host}.jsonl`.

Filled in once, where the setting is read: a service has the file that it was set up with, so only
what is the same for all of its processes can stand there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

from mplog.config.wrong import WrongValue, nearest

MAX_VALUE_CHARS = 64
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.:]{0,31})\}")
_RANK = ("RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID")
_LOCAL = ("LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID")
_VARIABLES = {
    "app": ("OTEL_SERVICE_NAME",),
    "job": ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID"),
    "array_task": ("SLURM_ARRAY_TASK_ID",),
    "rank": _RANK,
    "local_rank": _LOCAL,
}
_FOUND: dict[str, Callable[[], str]] = {
    "host": lambda: os.uname().nodename,
    "user": lambda: _user(os.geteuid()),
}
NAMES = (*_FOUND, *_VARIABLES)
# What people ask for, and what does it.
_INSTEAD = {
    "date": "archives carry the time of their rotation; set rotation=",
    "time": "archives carry the time of their rotation; set rotation=",
    "pid": "all processes of a service log to one file, whose lines say which one it was",
    "process": "all processes of a service log to one file, whose lines say which one it was",
    "level": "give a level to each of several files=",
    "logger": "give levels= or a filter= to each of several files=",
    "service": "a service has its name from its file; {app} is the program's own name",
}


def filled(given: str, environ: Mapping[str, str]) -> str:
    """*given* with its names in braces replaced, each by a value that is safe in a file's name.

    Args:
        given: a path; braces that hold no name stay as they are.

    Raises:
        WrongValue: there is no such name, it has no value here, or the path would leave the
            directory that stands before the first of them.
    """
    first = _PLACE.search(given)
    if first is None:
        return given
    path = _PLACE.sub(lambda found: _value(given, found[1], environ), given)
    if _PLACE.search(path):
        raise WrongValue(given, "has braces in braces", "give each name in one pair of braces")
    root = given[: first.start()].rpartition("/")
    _refuse_outside(given, path, root[0] + root[1] or ".")
    return path


def _value(given: str, name: str, environ: Mapping[str, str]) -> str:
    if name in _FOUND:
        return _safe(_FOUND[name]())
    if name not in _VARIABLES:
        possible = ", ".join(f"{{{one}}}" for one in NAMES)
        near = nearest(name, NAMES) if name not in _INSTEAD else None
        right = f"did you mean {{{near}}}?" if near else _INSTEAD.get(name, "give one of those")
        raise WrongValue(given, f"has {{{name}}}, and there are {possible}", right)
    value = next((environ[one] for one in _VARIABLES[name] if environ.get(one)), "")
    if not value:
        variables = ", ".join(_VARIABLES[name])
        right = f"set one of {variables}, or leave it out"
        raise WrongValue(given, f"has {{{name}}}, which has no value here", right)
    return _safe(value)


def _safe(value: str) -> str:
    """A value as a part of a file's name: no separator, nothing hidden, no way up, bounded."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", value[:MAX_VALUE_CHARS])
    return re.sub(r"\A[.-]+", "_", safe.replace("..", "__")) or "_"


def _refuse_outside(given: str, path: str, root: str) -> None:
    """Links count by what they lead to."""
    behind = path[len(root) :] if root != "." else path
    real_root = os.path.realpath(os.path.expanduser(root))
    real = os.path.realpath(os.path.dirname(os.path.expanduser(path)) or ".")
    if ".." in behind.split("/") or os.path.commonpath([real, real_root]) != real_root:
        right = "let what stands behind the first name in braces lead no way up, nor elsewhere"
        raise WrongValue(given, f"would leave {root}", right)


def _user(uid: int) -> str:
    import pwd  # for who asks

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

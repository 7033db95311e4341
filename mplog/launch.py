"""Starting the writer program beside this one, and finding an interpreter for it.

The writer is started by name and by exec, never by a fork of the application: no `__main__` guard
    is needed and no lock
is inherited. Whoever finds the supervisor's lock free starts one; a lock of its own keeps a crowd
from doing so at once.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from mplog import _native
from mplog.ring import hold, presence, stderr_path

# Run with -c so that the current directory is not on the path; the package's own root comes last.
_BOOT = (
    "import sys; sys.path[:] = [p for p in sys.path if p]; sys.path.append(sys.argv.pop(1));"
    "from mplog.writer.__main__ import main; sys.exit(main(sys.argv[1:]))"
)
_DROPPED = (
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONBREAKPOINT",
    "MPLOG_SERVICE",
    "MPLOG_DIR",
    "MPLOG_SETTINGS",
)


def interpreter() -> str:
    """Path of the Python that the writer runs on.

    `sys.executable` where that is a Python; in a host program (uWSGI) it is the host, and the
    Python of the same
    installation is looked for.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folders = [
        os.path.dirname(sys.executable or ""),
        os.path.join(sys.prefix, "bin"),
        sysconfig.get_config_var("BINDIR") or "",
        os.path.join(sys.base_exec_prefix, "bin"),
    ]
    candidates = [sys.executable] if _is_python(sys.executable) else []
    candidates += [os.path.join(f, n) for f in folders if f for n in (version, "python3")]
    for path in candidates:
        if path and os.access(path, os.X_OK):
            return path
    return sys.executable or "/usr/bin/python3"


def _is_python(path: str | None) -> bool:
    return bool(path) and os.path.basename(path or "").startswith(("python", "pypy"))


def command(directory: Path, service: str) -> list[str]:
    """The command line of a supervisor for this service."""
    root = str(Path(__file__).resolve().parent.parent)
    return [
        interpreter(),
        "-c",
        _BOOT,
        root,
        "mplog.writer",
        "--dir",
        str(directory),
        "--service",
        service,
    ]


def ensure_writer(directory: Path, service: str) -> bool:
    """Start a supervisor if none holds its lock.

    Returns:
        Whether this call started one. False also where another process is just doing so, or where
        this user may not.
    """
    found = presence(directory, service)
    if found is None or found.supervisor:
        return False
    if os.stat(directory).st_uid != os.geteuid():
        return False  # a worker that has dropped its uid leaves this to the service's own
    try:
        spawning = hold(directory, service, _native.LOCK_SPAWN)
    except OSError:
        return False
    if spawning is None:
        return False
    try:
        again = presence(directory, service)
        if again is None or again.supervisor:
            return False
        _spawn(directory, service, spawning)
    finally:
        os.close(spawning)
    return True


def _spawn(directory: Path, service: str, spawning: int) -> None:
    """The started program inherits the spawn lock as descriptor 3 and gives it back once it holds
    its own.
    """
    environment = {k: v for k, v in os.environb.items() if os.fsdecode(k) not in _DROPPED}
    _native.spawn(
        [os.fsencode(word) for word in command(directory, service)],
        [k + b"=" + v for k, v in environment.items()],
        str(stderr_path(directory, service)),
        spawning,
    )

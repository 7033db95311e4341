"""Starting the writer program beside this one, and finding an interpreter for it.

The writer is started by name and by exec, never by a fork of the application: no `__main__` guard
is needed and no lock is inherited. Whoever finds the supervisor's lock free starts one; a lock of
its own keeps a crowd from doing so at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Collection, Iterator, Mapping

from mplog import _native
from mplog.ring import Place, hold, presence, stderr_path

# Run with -c, and without the current directory. The packages come from where this program has
# them, whatever else is installed; no directory is added to the path, so nothing shadows a module.
_BOOT = (
    "import sys; sys.path[:] = [p for p in sys.path if p]\n"
    "from importlib.machinery import PathFinder\n"
    "found = dict(word.split('=', 1) for word in sys.argv.pop(1).split('\\n'))\n"
    "class Own:\n"
    "    @staticmethod\n"
    "    def find_spec(name, path=None, target=None):\n"
    "        return PathFinder.find_spec(name, [found[name]]) if name in found else None\n"
    "sys.meta_path.insert(0, Own)\n"
    "from mplog.writer.__main__ import main\n"
    "sys.exit(main(sys.argv[1:]))\n"
)
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# By attribute of sys.flags: what keeps foreign code from this program keeps it from the writer.
_FLAGS = {
    "ignore_environment": "-E",
    "no_user_site": "-s",
    "safe_path": "-P",
    "no_site": "-S",
    "dont_write_bytecode": "-B",
}
_CONSOLE = b"MPLOG_CONSOLE"
# By service: objects of its sinks that have no name, as bytes for the writer that we start.
CARRY: dict[str, bytes] = {}
# Services with a console sink: the writer that we start for one is lent our stderr and stdout.
LENDS: set[str] = set()
_LENT_FDS = {2: 4, 1: 5}  # under which numbers it gets them: native/core/spawn.c
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
    Python of the same installation is looked for.
    """
    if _is_python(sys.executable) and os.access(sys.executable, os.X_OK):
        return sys.executable
    for path in _candidates():
        if os.access(path, os.X_OK):
            return path
    return sys.executable or "/usr/bin/python3"


def _candidates() -> Iterator[str]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for folder in (os.path.dirname(sys.executable or ""), os.path.join(sys.prefix, "bin")):
        yield from _in(folder, version)
    import sysconfig  # its table takes a millisecond to load, and hardly anybody asks for it

    for folder in (sysconfig.get_config_var("BINDIR"), os.path.join(sys.base_exec_prefix, "bin")):
        yield from _in(folder, version)


def _in(folder: str | None, version: str) -> list[str]:
    return [os.path.join(folder, name) for name in (version, "python3")] if folder else []


def _is_python(path: str | None) -> bool:
    return bool(path) and os.path.basename(path or "").startswith(("python", "pypy"))


def command(directory: Place, service: str) -> list[str]:
    """The command line of a supervisor for this service."""
    found = "\n".join(f"{name}={folder}" for name, folder in _packages(service in CARRY).items())
    words = [interpreter(), *_flags(), "-c", _BOOT, found, "mplog.writer"]
    more = ["--carried"] if service in CARRY else []
    return [*words, "--dir", str(directory), "--service", service, *more]


def _flags() -> list[str]:
    """Options that close this interpreter against what is found in its surroundings."""
    if sys.flags.isolated:
        chosen = {"isolated": "-I", "no_site": "-S", "dont_write_bytecode": "-B"}
    else:
        chosen = _FLAGS
    return [option for name, option in chosen.items() if getattr(sys.flags, name, 0)]


def _packages(carried: bool = False) -> dict[str, str]:
    """The absolute directories in which this program has found mplog and what the writer needs."""
    packages = {"mplog": _ROOT}
    for name in ("msgspec", "multiprocess", "dill") if carried else ("msgspec",):
        origin = getattr(sys.modules.get(name), "__file__", None)
        if origin is not None:
            packages[name] = os.path.dirname(os.path.dirname(os.path.abspath(origin)))
    return packages


def console(environ: Mapping[bytes, bytes], lent: Collection[int] = ()) -> bytes:
    """What this program's stderr and stdout are for a console sink of the writer, one a line: a
    terminal's path; the number of a descriptor that is lent; nothing. What `mplog run` has set
    stays.

    Args:
        lent: those of 1 and 2 that the writer gets.
    """
    kept = environ.get(_CONSOLE, b"")
    if kept.startswith(b"/"):
        return kept  # and not the numbers of a writer whose sink has started this program
    return "\n".join(_terminal(fd) or _lent(fd, lent) for fd in (2, 1)).encode()


def _terminal(fd: int) -> str:
    try:
        return os.ttyname(fd)
    except OSError:
        return ""


def _lent(fd: int, lent: Collection[int]) -> str:
    return str(_LENT_FDS[fd]) if fd in lent else ""


def _to_lend(service: str) -> list[int]:
    """Which of stderr and stdout the writer gets. A pipe only where a sink is to write there: who
    reads it waits for its end as long as the writer runs.
    """
    lent = []
    for fd in (2, 1) if service in LENDS else ():
        with contextlib.suppress(OSError):  # it is closed
            if os.get_inheritable(fd):  # else it was, and is now a file of somebody's
                lent.append(fd)
    return lent


def environment(lent: Collection[int] = ()) -> dict[bytes, bytes]:
    """The writer's environment: this one without what would change the writer.

    Where this interpreter takes nothing from `PYTHON*`, neither does what the writer's may start.
    The writer runs in /: entries of `PYTHONPATH` become absolute, an empty one is left out.
    """
    kept = {k: v for k, v in os.environb.items() if os.fsdecode(k) not in _DROPPED}
    kept[_CONSOLE] = console(kept, lent)
    if sys.flags.ignore_environment:
        return {k: v for k, v in kept.items() if not k.startswith(b"PYTHON")}
    path = kept.pop(b"PYTHONPATH", b"")
    entries = [os.path.abspath(entry) for entry in path.split(os.pathsep.encode()) if entry]
    if entries:
        kept[b"PYTHONPATH"] = os.pathsep.encode().join(entries)
    return kept


def ensure_writer(directory: Place, service: str) -> bool:
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


def _spawn(directory: Place, service: str, spawning: int) -> None:
    """The started program inherits the spawn lock as descriptor 3 and gives it back once it holds
    its own.
    """
    carried = _in_memory(CARRY[service]) if service in CARRY else -1
    lent = _to_lend(service)
    try:
        _native.spawn(
            [os.fsencode(word) for word in command(directory, service)],
            [k + b"=" + v for k, v in environment(lent).items()],
            stderr_path(directory, service),
            spawning,
            carried,
            *(fd if fd in lent else -1 for fd in (2, 1)),
        )
    finally:
        if carried >= 0:
            os.close(carried)


def _in_memory(data: bytes) -> int:
    """A descriptor from which *data* is read; nothing of it lies anywhere else."""
    fd = os.memfd_create("mplog-carried", os.MFD_CLOEXEC)
    os.write(fd, data)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd

"""Programs that the writer starts beside itself: how their interpreter finds what they need."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# Run with -c: what this program has imported is imported from where it found it, whatever else is
# installed; the rest from where this program would. mplog/launch.py has its like for the writer,
# which is started from the other side of the house and keeps the path of its own interpreter.
_BOOT = (
    "import sys\n"
    "from importlib.machinery import PathFinder\n"
    "sys.path[:], found = (word.split('\\n') for word in (sys.argv.pop(1), sys.argv.pop(1)))\n"
    "found = dict(word.split('=', 1) for word in found)\n"
    "class Own:\n"
    "    @staticmethod\n"
    "    def find_spec(name, path=None, target=None):\n"
    "        return PathFinder.find_spec(name, [found[name]]) if name in found else None\n"
    "sys.meta_path.insert(0, Own)\n"
    "from {module} import main\n"
    "words, sys.argv[1:] = sys.argv[1:], []\n"
    "sys.exit(main(words))\n"
)


def command(module: str, flags: Sequence[str], packages: Sequence[str], *words: str) -> list[str]:
    """The command line of a program.

    Args:
        module: whose `main` it is.
        flags: options of its interpreter.
        packages: what it needs besides mplog; one that is not here is left out.
        words: what `main` is given.
    """
    found = {"mplog": str(Path(__file__).resolve().parents[2])}
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            found[name] = os.path.dirname(os.path.dirname(os.path.abspath(spec.origin)))
    where = "\n".join(f"{name}={folder}" for name, folder in found.items())
    path = "\n".join(entry for entry in sys.path if entry)
    python = sys.executable or "/usr/bin/python3"
    return [python, *flags, "-c", _BOOT.format(module=module), path, where, *words]

"""What a program that logs has loaded: nothing that only others have a use for.

Every module costs time at each start and memory in each worker; benchmarks/presence.py has the
figures. Here only the names are held.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import mplog

PATHS = [str(Path(module.__file__).parents[1]) for module in (mplog, msgspec)]
# Without `site`, whose hooks load modules of their own, and on top of what msgspec loads.
BEGIN = """
import os, sys
sys.path[:0] = sys.argv[1].split(os.pathsep)
import msgspec
before = set(sys.modules)
def tell():
    print(*sorted(set(sys.modules) - before), flush=True)
import mplog
"""
LOG = "mplog.get_logger('a').info('hello {user}', user='alice')\n"
OF_MPLOG = {"cli", "files", "format", "integrations", "resilience", "sinks", "testing", "writer"}
OF_SETTINGS = {"mplog.config", "mplog.config.directory", "mplog.config.limits", "mplog.config.own"}
FOREIGN = {
    "_hashlib", "argparse", "ast", "asyncio", "concurrent", "dataclasses", "email", "hashlib",
    "http", "inspect", "json", "linecache", "logging", "multiprocess", "multiprocessing",
    "pathlib", "pickle", "pkgutil", "psutil", "queue", "select", "selectors", "shutil", "socket",
    "ssl", "struct", "subprocess", "sysconfig", "tempfile", "tokenize", "tomli", "tomllib",
    "traceback", "unicodedata", "urllib", "zlib",
}  # fmt: skip


def unwanted(loaded: list[str]) -> list[str]:
    """Those of *loaded* that a program which only logs must not pay for."""
    return [
        name
        for name in loaded
        if name.partition(".")[0] in FOREIGN
        or (name.startswith("mplog.") and name.split(".")[1] in OF_MPLOG)
    ]


def parsers(loaded: list[str]) -> list[str]:
    """Those of *loaded* that only whoever gives settings must pay for."""
    return [name for name in loaded if name.startswith("mplog.config") and name not in OF_SETTINGS]


def words(program: str, *arguments: str) -> list[str]:
    """The command line of *program* behind `BEGIN`, with *arguments* from sys.argv[2] on."""
    return [sys.executable, "-I", "-S", "-c", BEGIN + program, os.pathsep.join(PATHS), *arguments]


def run(program: str, *arguments: str) -> list[list[str]]:
    """What *program* has told: each time the modules that were loaded by then."""
    done = subprocess.run(
        words(program, *arguments), capture_output=True, text=True, timeout=60, check=False
    )
    assert "" == done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_an_unwanted_module_is_seen() -> None:
    """Of mplog and of others, also by a part of it."""
    names = ["http.client", "mplog.files", "mplog.files.scan", "mplog.producer.logger", "httpx"]
    assert names[:3] == unwanted(names)


def test_the_import_loads_no_more_than_a_log_call_needs() -> None:
    """No sink, no tool, no server, no parser, no heavy library, no `logging`."""
    (loaded,) = run("tell()")

    assert "mplog.producer.logger" in loaded
    assert [] == unwanted(loaded)


@pytest.mark.process
def test_a_program_that_has_logged_has_loaded_no_more(shm: Path, logdir: Path) -> None:
    """Nor has its forked worker: after configure(), one event, and its delivery."""
    here, child = run(
        "mplog.configure(sys.argv[2])\n"
        f"{LOG}"
        "mplog.flush()\n"
        "tell()\n"
        "if os.fork() == 0:\n"
        f"    {LOG}"
        "    tell()\n"
        "    mplog.shutdown()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "mplog.shutdown()\n",
        str(logdir / "app.jsonl"),
    )

    assert 2 == (logdir / "app.jsonl").read_bytes().count(b'"message":"hello alice"')
    assert [] == unwanted(here) == unwanted(child)


@pytest.mark.process
def test_a_worker_that_finds_its_service_has_loaded_no_more(shm: Path, logdir: Path) -> None:
    """One that was started anew, and has found by its environment where to log."""
    worker = words(f"{LOG}tell()\nmplog.shutdown()\n")
    (loaded,) = run(
        "mplog.configure(sys.argv[2])\nos.spawnv(os.P_WAIT, sys.executable, sys.argv[3:])\n",
        str(logdir / "app.jsonl"),
        *worker,
    )

    assert 1 == (logdir / "app.jsonl").read_bytes().count(b'"message":"hello alice"')
    assert [] == unwanted(loaded) == parsers(loaded)


def test_what_needs_logging_is_there_for_who_asks() -> None:
    """By attribute, by `from mplog import`, and by a star; what there is not is told by name."""
    (loaded,) = run(
        "from mplog import *\n"
        "from mplog import Handler as named\n"
        "assert Handler is named is mplog.Handler is vars(mplog)['Handler']\n"
        "assert accelerate is mplog.accelerate\n"
        "try:\n"
        "    mplog.handler\n"
        "except AttributeError as error:\n"
        "    assert \"'mplog'\" in str(error) and \"'handler'\" in str(error)\n"
        "else:\n"
        "    raise SystemExit('a name that is not there')\n"
        "tell()"
    )

    assert "logging" in loaded

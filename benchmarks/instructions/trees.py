"""The two trees that are compared, each built in a place of its own by the same compiler with the
same flags: the change as it lies in the work tree, and its base from git.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED_IN = ROOT / ".ci" / "base"
PARTS = ("mplog", "native", "setup.py", "pyproject.toml", "README.md", "LICENSE")
SHOWN_LINES = 20
BUILT = shutil.ignore_patterns("build", "__pycache__", "*.so")


class Unusable(Exception):
    """There is nothing to compare; the text says what to do."""


def clean_environment() -> dict[str, str]:
    """This process's, without what would make one interpreter differ from another."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MPLOG_", "GIT_"))}


def base_commit(text: str, override: str | None) -> str:
    """The commit that is the base: *override*, else the one line of *text* that is no comment.

    Raises:
        Unusable: neither names one.
    """
    if override:
        return override
    lines = [line.strip() for line in text.splitlines()]
    named = [line for line in lines if line and not line.startswith("#")]
    if len(named) != 1 or not re.fullmatch(r"[0-9a-f]{40}", named[0]):
        raise Unusable(".ci/base must hold one commit, all 40 digits of it, and comments (#)")
    return named[0]


def lay_out_base(commit: str, place: Path) -> None:
    """Put the base's sources into *place*.

    Raises:
        Unusable: this clone does not have the commit.
    """
    git = ("git", "-C", str(ROOT))
    wanted = f"{commit}^{{commit}}"
    known = subprocess.run([*git, "cat-file", "-e", wanted], capture_output=True, text=True)
    if known.returncode:
        raise Unusable(
            f"the base {commit} is not in this clone ({known.stderr.strip()}). In a shallow clone: "
            "git fetch --unshallow, or git fetch origin and the commit. If it is gone for good: "
            "name another in .ci/base, or in MPLOG_BASE for this run."
        )
    place.mkdir()
    archive = subprocess.run(
        [*git, "archive", "--format=tar", commit, *PARTS], check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x", "-C", str(place)], input=archive.stdout, check=True)


def lay_out_change(place: Path) -> None:
    """Put the sources of the work tree into *place*, whether committed or not."""
    place.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, place / part, ignore=BUILT)
        else:
            shutil.copy2(source, place / part)


def build(place: Path, what: str) -> None:
    """Build the extension of the tree in *place*; *what* it is called.

    Raises:
        Unusable: it does not build, or without the names of its functions.
    """
    compiler = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    # Else the first to import a module would compile it, and have other memory to work with.
    modules = [sys.executable, "-m", "compileall", "-q", "mplog"]
    for command in (compiler, modules):
        done = subprocess.run(
            command, cwd=place, env=clean_environment(), capture_output=True, text=True
        )
        if done.returncode:
            said = (done.stderr or done.stdout).splitlines()[:SHOWN_LINES]
            raise Unusable("\n".join([f"{what} does not build:", *said]))
    for extension in place.glob("mplog/_native*.so"):
        if b".symtab" not in extension.read_bytes():
            raise Unusable(f"{what} has no symbols to name functions by: build it without -s")

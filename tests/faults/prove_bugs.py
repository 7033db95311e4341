"""Runs the tests of the seeded bugs without and with each bug: `make bugs`.

A bug is caught when its test passes without it, fails with it, and the bug has come into play.
Arguments: names of bugs; none for all of them, and then the page is written.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from bugs import BUGS, Bug, page  # noqa: E402

ROOT = HERE.parents[1]
NATIVE = ROOT / "native"
PAGE = ROOT / "docs" / "reference" / "seeded-bugs.md"
LIMIT_S = 120.0
SKIPPED = 77


class Proof(NamedTuple):
    """What was seen of one bug; `wrong` says why it shows nothing, and is empty where it does."""

    wrong: str
    fired: int = 0
    said: str = ""


class Run(NamedTuple):
    """How a test ended: its exit status (None: it had to be ended), and its last words."""

    status: int | None
    said: str


@cache
def program(name: str) -> Path:
    """A C program of the tests, built."""
    target = Path("build", "plain", name)
    (NATIVE / "build").mkdir(exist_ok=True)
    with (NATIVE / "build" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of pytest share the folder
        subprocess.run(["make", "-s", "-C", NATIVE, target], check=True)
    return NATIVE / target


def run(test: str, environment: dict[str, str]) -> Run:
    """Run a test to its end, or to LIMIT_S."""
    if "::" not in test:
        command = [str(program(test))]
    else:
        plugin = ["-p", "python_bugs"] if environment else []
        command = [sys.executable, "-m", "pytest", "-q", "-x", *plugin]
        command += ["-p", "no:cacheprovider", "-p", "no:xdist", test]
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = os.pathsep.join([str(ROOT), str(HERE)])
    started = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**outer, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        out, _ = started.communicate(timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        started.terminate()  # it ends its children
        started.communicate()
        return Run(None, f"it does not end within {LIMIT_S:g} s")
    return Run(started.returncode, last_words(out))


def last_words(out: str) -> str:
    """The check that failed, or what was said last."""
    lines = [line.strip() for line in out.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith("E  ") or ".c:" in line]
    return (marked or lines or [""])[-1 if "::" not in out else 0].removeprefix("E").strip()


@cache
def without(test: str) -> Run:
    """The test as it is."""
    return run(test, {})


def prove(bug: Bug) -> Proof:
    """Whether the bug's test notices it."""
    clean = without(bug.test)
    if clean.status != 0:
        return Proof(f"{bug.test} fails without any bug: {clean.said}")
    with tempfile.TemporaryDirectory() as place:
        log = Path(place, "fired")
        seeded = run(bug.test, {"SEEDED_BUG": bug.name, "SEEDED_LOG": str(log)})
        fired = log.stat().st_size if log.exists() else 0
    if not fired:
        return Proof(f"the bug never came into play in {bug.test}", 0, seeded.said)
    if seeded.status in (0, SKIPPED):
        return Proof(f"{bug.test} does not notice", fired, seeded.said)
    return Proof("", fired, seeded.said)


def main(names: list[str]) -> int:
    """Prove those bugs; all of them without *names*."""
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    unproven = 0
    for bug in chosen:
        began_s = time.monotonic()
        proof = prove(bug)
        unproven += bool(proof.wrong)
        verdict = f"NOT CAUGHT: {proof.wrong}" if proof.wrong else f"caught by {bug.test}"
        took_s = time.monotonic() - began_s
        print(f"{bug.name:28} {verdict} ({took_s:.1f} s, in play {proof.fired} times)")
        print(f"{'':28} {proof.said[:150]}", flush=True)
    print(f"bugs: {len(chosen) - unproven} of {len(chosen)} caught")
    if not names and not unproven:
        PAGE.write_text(page(), encoding="utf-8")
    return 1 if unproven or not chosen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`mplog doctor`: is this machine fit for it? Looks, says what it means and what to do; changes
nothing.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mplog.cli import facts
from mplog.cli.diagnostics import printable
from mplog.cli.findings import FAIL, OK, WARN, Finding, decide
from mplog.config import Settings, shared_directory
from mplog.config.load import load
from mplog.ring.relic import in_use, relics

if TYPE_CHECKING:
    from mplog.cli.main import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the parser of this command."""
    parser = subparsers.add_parser(
        "doctor",
        help="look whether this machine is fit, and say what to do",
        description="Look at what mplog needs of this machine: locks, shared memory, permissions, "
        "limits, clock, versions; say of each what it means and what to do. Changes nothing.",
    )
    parser.add_argument("--config", metavar="F", type=Path, help="a TOML file")
    parser.add_argument("--log", metavar="F", help="the log file; goes over the TOML file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--strict", action="store_true", help="a WARN ends with exit code 1 too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the findings; 1 where one is FAIL (with --strict: or WARN)."""
    operator = {"file": args.log} if args.log is not None else {}
    settings = load(environ=os.environ, toml=args.config, operator=operator).settings
    found = decide(gather(settings))
    if args.json:
        print(msgspec.json.encode({"findings": found}).decode())
    else:
        for one in found:
            print("\n".join(map(printable, _shown(one).split("\n"))))
    bad = {FAIL, WARN} if args.strict else {FAIL}
    return int(any(one.verdict in bad for one in found))


def gather(settings: Settings) -> facts.Facts:
    """This machine, for a service of these settings."""
    logs = [facts.place_of_file(Path(one.file or "")) for one in settings.all_files]
    first = None if settings.file is None else logs.pop(0)
    stand_in = settings if first else msgspec.structs.replace(settings, file="/dev/null")
    shared = Path(shared_directory(stand_in, os.environ, os.geteuid()))
    return facts.Facts(
        euid=os.geteuid(),
        shared=facts.place(shared),
        log=first,
        more_logs=tuple(logs),
        overflow=facts.place(Path(settings.overflow_dir)) if settings.overflow_dir else None,
        limits=facts.limits(),
        cgroup=facts.cgroup(),
        clock_step_ns=facts.clock_step_ns(),
        clock_state=facts.clock_state(),
        wall_s=time.time(),
        versions=facts.versions(),
        others=_others(shared),
    )


def _others(shared: Path) -> tuple[tuple[str, int, bool], ...]:
    try:
        return tuple((one.service, one.abi, in_use(one)) for one in relics(shared))
    except OSError:
        return ()


def _shown(one: Finding) -> str:
    text = f"{one.verdict:<5} {one.subject:<24} {one.found}"
    if one.verdict != OK:
        text += f"\n{'':<31}which means: {one.means}\n{'':<31}what to do:  {one.do}"
    return text

"""Kills a writer at one of its steps, then the writer that recovers at one of its own: each pair.

Run as a process of its own with `libmpfault.so` preloaded. A step is a call by which something gets
or loses a name, or a note: those are what rotations, the taking down of a service and its recovery
are made of. A pair of which a kill did not come about is counted by itself.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from every_call import Run  # noqa: E402
from mpfault import CONTROL, KILL, Rule  # noqa: E402
from watched import Service  # noqa: E402

MOST = 24  # of them in a life, or so
STEPS = ("rename", "link", "unlink", "write")


def pair(rule: Rule, first: int, second: int, **settings: Any) -> tuple[int, list[str]]:
    """How many of the two kills came about, and what was wrong in the end."""
    with tempfile.TemporaryDirectory(dir=os.environ["MPLOG_DIR"]) as name:
        service = Service(Path(name), **settings)
        service.log.parent.mkdir()
        rule.set([service.log.parent, service.directory], first, action=KILL, kinds=STEPS)
        service.rule, service.next_kills = rule, [second]
        run = Run(service, rule, for_ever=False)
        try:
            run.all()
            wrong = [*run.wrong, *service.wrong()]
        except AssertionError as error:
            wrong = [*run.wrong, f"AssertionError: {error}"]
        finally:
            rule.lift()
            service.close()
        return service.killed, wrong


def pairs(sample: int, seed: int) -> Generator[tuple[int, int], int, None]:
    """Some at random; without *sample* all, as far as kills come about: that is sent back."""
    dice = random.Random(seed)
    for _ in range(sample):
        yield dice.randrange(1, MOST), dice.randrange(1, MOST)
    for n in itertools.count(1) if not sample else ():
        for m in itertools.count(1):
            killed = yield n, m
            if killed < 2:
                break
        if killed == 0:
            return


def main(sample: int = 0, seed: int = 0, **settings: Any) -> dict[str, Any]:
    """All pairs, or a sample of them."""
    rule = Rule(Path(os.environ[CONTROL]))
    wrong: dict[str, list[str]] = {}
    killed = [0, 0, 0]
    began_s = time.monotonic()
    tried = pairs(sample, seed)
    one = next(tried, None)
    while one is not None:
        count, found = pair(rule, *one, **settings)
        killed[count] += 1
        if found:
            wrong[f"{one[0]}, then {one[1]}"] = found
        try:
            one = tried.send(count)
        except StopIteration:
            one = None
    told = {"none": killed[0], "one": killed[1], "both": killed[2]}
    return {**told, "wrong": wrong, "took_s": time.monotonic() - began_s}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

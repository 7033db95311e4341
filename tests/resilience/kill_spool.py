"""Ends or fails a spool's n-th system call, for n = 1, 2, 3 … until a run ends in which none was.

Run as a process of its own with `libmpfault.so` preloaded. Each run is a child that appends, reads,
acknowledges and drops segments, and says in a pipe what it has seen done; then a second one that
appends again what a killed writer would, and takes what is there.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "faults"):
    sys.path.insert(0, str(folder))

from given import event  # noqa: E402
from mpfault import CONTROL, FAIL, KILL, SHORT, Rule  # noqa: E402

from mplog.resilience.spool import Spool  # noqa: E402
from mplog.resilience.spool_rules import SpoolRules  # noqa: E402
from mplog.resilience.store import held  # noqa: E402

RULES = SpoolRules(max_bytes=1 << 20, segment_bytes=600)
BATCHES = [range(first, first + 4) for first in range(1, 41, 4)]
ACTIONS = {"KILL": (KILL, 0), "SHORT": (SHORT, 0)}


def batch_of(numbers):
    return [held(event(n, session="s-1")) for n in numbers]


def opened(place):
    spool = Spool(place, RULES)
    spool.open()
    return spool


def worker(place, say):
    """One life: what has returned is said; an append that fails is made again, as is the open."""
    for _ in range(3):
        try:
            spool = opened(place)
            break
        except OSError:
            continue
    for batch in BATCHES:
        for attempt in (1, 2):
            try:
                spool.append(spool.fresh(batch_of(batch)))
            except OSError:
                say("failed", batch[0])
                if attempt == 2:
                    raise
            else:
                say("appended", batch[0])
                break
        try:
            got = [stamped.seq for stamped, _ in spool.read(3, 1 << 20)]
        except OSError:
            say("unread", 0)
            continue
        say("delivered", got)
        spool.ack(len(got), 0.0)
        say("acked", got)
    spool.close()
    say("over", 0)


def lives(place, rule):
    """What a child has said before its end."""
    source, sink = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(source)
        os.read(gate[0], 1)

        def say(*what):
            os.write(sink, (json.dumps(what) + "\n").encode())

        status = 1
        try:
            worker(place, say)
            status = 0
        finally:
            os._exit(status)
    os.close(sink)
    rule.give(pid)
    os.write(gate[1], b"x")
    with os.fdopen(source) as file:
        said = [json.loads(line) for line in file]
    _, status = os.waitpid(pid, 0)
    rule.lift()
    return said, status


gate = os.pipe()


def wrong(place, said):
    """What the second life finds that must not be."""
    delivered = [n for what, got in said if what == "delivered" for n in got]
    acked = [n for what, got in said if what == "acked" for n in got]
    appended = [first for what, first in said if what == "appended"]
    spool = opened(place)
    found = []
    # The writer that comes after: the batch that was not confirmed, and the one before it.
    at = len(appended)
    for batch in BATCHES[max(at - 1, 0) :]:
        spool.append(spool.fresh(batch_of(batch)))
    again = []
    while got := [stamped.seq for stamped, _ in spool.read(9, 1 << 20)]:
        again += got
        spool.ack(len(got), 0.0)
    everything = list(range(1, 41))
    if again != sorted(set(again)):
        found.append(f"out of order or doubled: {again}")
    if sorted(set(delivered) | set(again)) != everything:
        found.append(f"lost: {set(everything) - set(delivered) - set(again)}")
    twice = set(delivered) & set(again)
    # One batch may come again: delivered, and its acknowledgement not known to be noted.
    if len(twice) > 3 or twice & set(acked[:-3]):
        found.append(f"again: {sorted(twice)}, acknowledged {acked}")
    if spool.losses():
        found.append("a loss is told")
    fresh = spool.fresh(batch_of([41]))
    spool.append(fresh)
    if [41] != [stamped.seq for stamped, _ in spool.read(9, 1 << 20)]:
        found.append("no fresh event gets through")
    spool.close()
    return found


def main(actions):
    """Each action at each call; what was wrong, and how many were struck."""
    rule, bad, struck, kinds = Rule(Path(os.environ[CONTROL])), {}, {}, {}
    for name in actions:
        action, error = ACTIONS.get(name, (FAIL, getattr(errno, name, 0)))
        nth = 1
        while True:
            with tempfile.TemporaryDirectory() as root:
                place = Path(root) / "spool"
                rule.set([Path(root)], nth, action=action, error=error)
                said, status = lives(place, rule)
                if not rule.struck:
                    break
                kinds[rule.first] = kinds.get(rule.first, 0) + 1
                if found := wrong(place, said):
                    bad[f"{name} at {nth} ({rule.first})"] = [*found, status, said[-3:]]
            nth += 1
        struck[name] = nth - 1
    return {"struck": struck, "kinds": kinds, "wrong": bad}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

"""Pools of every kind and start method, with workers that come and go; each task is a producer.

Run by the tests as a process of its own, and imported anew by the workers that are spawned.
"""

from __future__ import annotations

import concurrent.futures
import importlib
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from oracle import body

import mplog

EVENTS = 20


def task(producer: int) -> tuple[int, int, int, int]:
    """Log some events; the row of this producer."""
    log, accepted = mplog.get_logger("stress"), 0
    for n in range(1, EVENTS + 1):
        accepted += log.info("{body}", producer=producer, n=n, body=body(producer, n))
    return os.getpid(), EVENTS, accepted, EVENTS - accepted


def results(kind: str, method: str, tasks: int, a_child: int | None) -> Iterable[tuple[int, ...]]:
    """What the tasks returned, in order."""
    if kind == "concurrent.futures":
        context = importlib.import_module("multiprocessing").get_context(method)
        # Not with max_tasks_per_child: CPython's executors hang with it (gh-115634).
        with concurrent.futures.ProcessPoolExecutor(4, mp_context=context) as executor:
            return list(executor.map(task, range(tasks)))
    context = importlib.import_module(kind).get_context(method)
    with context.Pool(4, maxtasksperchild=a_child) as pool:
        found = pool.map(task, range(tasks), chunksize=1)
        pool.close()
        pool.join()
    return list(found)


def main(file: str, **arguments: Any) -> dict[str, Any]:
    """Run one pool to its end."""
    mplog.configure(file, retention="all", rotation="1 MB", block_timeout="120 s")
    rows = dict(enumerate(results(**arguments)))
    report = mplog.shutdown(60.0)
    pids = len({row[0] for row in rows.values()})
    return {"rows": rows, "pids": pids, "left": report.left}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))

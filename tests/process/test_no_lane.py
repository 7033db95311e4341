"""A process that can get no lane: its events are dropped, and the log says so."""

from __future__ import annotations

import json
import os
import resource

import mplog
from mplog.files.verify import verify


def test_events_without_a_lane_are_told_in_the_log_once(shm, logdir, wait_for, capfd):
    """A child that may open no file loses its events; the writer tells how many, and when."""
    path = logdir / "app.jsonl"
    mplog.configure(path)
    log = mplog.get_logger("a")
    log.info("first")
    assert mplog.flush(60)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    child = os.fork()
    if child == 0:
        accepted = [log.info("lost"), log.info("lost"), log.error("lost")]
        os._exit(any(accepted))
    assert 0 == os.waitpid(child, 0)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    log.info("fresh")
    mplog.shutdown()
    wait_for(lambda: not list(shm.iterdir()))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    told = [line for line in lines if line.get("event_name") == "mplog.no_lane"]
    levels = [
        line["reasons"]["no_lane"] for line in told
    ]  # more than one where the writer looks between
    assert 2 == sum(one.get("INFO", 0) for one in levels)
    assert 1 == sum(one.get("ERROR", 0) for one in levels)
    assert all(": no lane, " in line["message"] for line in told)
    assert all(line["lost.since"] <= line["lost.until"] <= line["timestamp"] for line in told)
    assert {"first", "fresh"} <= {line["message"] for line in lines}
    assert [] == verify([path]).findings
    assert "no lane for process" in capfd.readouterr().err

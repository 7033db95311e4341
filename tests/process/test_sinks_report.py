"""What a shutdown reports of sinks that are no files."""

from __future__ import annotations

import json

import pytest
import sinkside

pytestmark = pytest.mark.process
SINKS = [{"type": "callable", "name": "mine", "target": "sinkside:note"}]


def test_a_program_that_logs_nothing_itself_is_told_what_its_workers_sinks_have(world, place):
    """They have ended without a flush; the report of who made the service counts theirs."""
    source = """
import json
mplog.configure(LOG, sinks=json.loads(os.environ["SINKS"]))
for _ in range(3):
    if not os.fork():
        for n in range(50):
            mplog.get_logger("shop").info("sold {n}", n=n)
        os._exit(0)
for _ in range(3):
    os.wait()
report = mplog.shutdown(30)
print(report.delivered, [(one.name, one.delivered >= 150, one.queued) for one in report.sinks])
"""
    out, _ = world.run(source, SINKS=json.dumps(SINKS))
    world.gone()

    assert "0 [('mine', True, 0)]\n" == out
    assert 150 == sinkside.ids(place).total()

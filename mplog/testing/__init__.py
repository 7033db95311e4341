"""For the tests of programs that log with mplog, and of sinks that are written for it."""

from mplog.testing.caller import SinkFault
from mplog.testing.capturing import Captured, Log, capture
from mplog.testing.clock import FakeClock
from mplog.testing.conformance import check_sink
from mplog.testing.flaky import FlakySink, Step, fail, hang, slow, take

__all__ = [
    "Captured",
    "FakeClock",
    "FlakySink",
    "Log",
    "SinkFault",
    "Step",
    "capture",
    "check_sink",
    "fail",
    "hang",
    "slow",
    "take",
]

"""Processes whose monotonic clocks tell other times, on one segment: nothing depends on them."""

from __future__ import annotations

import shutil
import subprocess

import proof
import pytest

pytestmark = [
    pytest.mark.process,
    pytest.mark.needs_root,
    pytest.mark.skipif(
        not shutil.which("unshare")
        or subprocess.run(["unshare", "-T", "true"], capture_output=True, check=False).returncode,
        reason="no time namespaces here: other clocks were NOT tested",
    ),
]
YEAR_S = 365 * 86_400
WORKER = """
mplog.configure(LOG, when_full="block", durable_level="ERROR")
own = time.monotonic()
producer = proof.Producer(sys.argv[1])
producer.events(200, 0.0005)
assert mplog.flush(60), "flush"
assert mplog.get_logger("durable").error("on the disk"), "durable"
print(own, flush=True)
sys.stdin.readline()
producer.events(200, 0.0005)
assert mplog.flush(60), "flush"
"""


@pytest.mark.parametrize("shift_s", [30 * YEAR_S, -1], ids=["ahead", "behind"])
@pytest.mark.parametrize("first", ["here", "there"], ids=["writer here", "writer there"])
def test_processes_of_two_time_namespaces_share_a_log(world, shift_s, first):
    """One years ahead, or just after its boot; the writer in either: all is there, each in order,
    waits end, and the times shown are the wall clock's.
    """
    if shift_s < 0:
        with open("/proc/uptime", encoding="ascii") as file:
            shift_s = 1 - int(float(file.read().split()[0]))
    away = ["unshare", "-T", f"--monotonic={shift_s}", f"--boottime={shift_s}"]
    programs, clocks = [], {}
    for name in [first, "there" if first == "here" else "here"]:
        program = world.start(WORKER, name, prefix=away if name == "there" else [])
        assert program.stdout is not None
        line = program.stdout.readline()
        assert line, program.communicate()[1]
        programs.append(program)
        clocks[name] = float(line)
    for program in programs:
        world.go_on(program)
    for program in programs:
        assert ("", "") == world.finish(program)
    report = world.check()

    assert abs(clocks["there"] - clocks["here"] - shift_s) < YEAR_S / 365
    assert 2 * 401 == report.events
    assert {"here", "there"} <= set(proof.delivered(world.log))
    days = {row["timestamp"][:10] for row in proof.lines_of(world.log)}
    assert len(days) <= 2, days

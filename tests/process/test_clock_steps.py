"""Somebody sets the wall clock: order, count and rotation stay what they are."""

from __future__ import annotations

import itertools
import mmap
import subprocess
import time
from datetime import datetime, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import proof
import pytest
from graves import deaths, told

from mplog.files.archive import list_archives

pytestmark = pytest.mark.process

BERLIN = ZoneInfo("Europe/Berlin")


def utc(*moment: int) -> float:
    """Seconds since 1970."""
    return datetime(*moment, tzinfo=timezone.utc).timestamp()


def berlin(*moment: int, fold: int = 0) -> float:
    """Seconds since 1970."""
    return datetime(*moment, tzinfo=BERLIN, fold=fold).timestamp()


# What the clock is set to, in seconds since 1970, or from now on (in brackets). It goes on there.
STEPS: dict[str, float | tuple[int]] = {
    "an hour back": (-3600,),
    "1970": 1.0,
    "2106": 2**32 - 0.5,
    "long ago": utc(2001, 9, 9, 1, 46, 39),
    "before a summer": berlin(2026, 3, 29, 1, 59, 59),
    "before a winter": berlin(2026, 10, 25, 2, 59, 59),
    "the same hour again": berlin(2026, 10, 25, 2, 59, 58, fold=1),
    "before a leap second": utc(2026, 12, 31, 23, 59, 59),
    "the leap second": utc(2026, 12, 31, 23, 59, 59),
    "a year ahead": (365 * 86_400,),
    "the true time": (0,),
}
BACK = 4  # steps, and that of the leap second, which is too small to show
WORKERS = """
import signal, threading
mplog.configure(LOG, rotation="hourly", retention="all", durable_level="ERROR",
    durable_timeout="1 min")
proof.Producer("first").event()
assert mplog.flush(60)
doomed = os.fork()
if doomed == 0:
    proof.Producer("doomed").events(3)
    proof.note(f"is doomed:{os.getpid()}")
    signal.pause()
def durable():
    while not os.path.exists(os.environ[proof.STOP]):
        assert mplog.get_logger("durable").error("on the disk"), "durable"
        assert mplog.flush(60), "flush"
        time.sleep(0.02)
thread = threading.Thread(target=durable)
thread.start()
proof.load("load", 0.002)
thread.join()
os.waitpid(doomed, 0)
proof.Producer("last").event()
"""


class Clock:
    """The wall clock of all processes that have its environment; see wallclock.c."""

    def __init__(self, place: Path) -> None:
        library, page = place / "libwallclock.so", place / "clock"
        source = Path(__file__).with_name("wallclock.c")
        options = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
        subprocess.run(["gcc", *options, "-o", library, source], check=True)
        page.write_bytes(bytes(mmap.PAGESIZE))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.environment = {"LD_PRELOAD": str(library), "WALLCLOCK": str(page)}

    def set(self, moment: float | tuple[int]) -> float:
        """Make it this time now, and say which."""
        now_s = time.time()
        moment_s = now_s + moment[0] if isinstance(moment, tuple) else moment
        ahead_ns = round((moment_s - now_s) * 1e9)
        self._page[:8] = ahead_ns.to_bytes(8, "little", signed=True)
        return moment_s


def stamp_of(line):
    """Seconds since 1970."""
    return datetime.fromisoformat(line["timestamp"][:19] + "+00:00").timestamp()


def archives(world):
    """What has been set aside."""
    return list_archives(world.log.parent, world.log.name)


def shown(world, since_s, number):
    """Whether the log has an event after *number* that is of the minutes from *since_s* on."""
    try:
        raw_lines = world.log.read_bytes().split(b"\n")[-40:-1]
    except OSError:
        return False  # it is just being set aside
    for raw in raw_lines:
        line = proof.json.loads(raw)
        if line["logger"] == "load" and line["n"] > number:
            return since_s - 1 <= stamp_of(line) <= since_s + 600
    return False


def test_a_clock_that_is_set_disturbs_neither_order_nor_rotation(world):
    """P11: back, ahead, 1970, 2106, summer time, a leap second, under load: every event is there
    once, in order; durable calls and flushes end; an hour that is over is one archive at most.
    """
    clock = Clock(world.root)
    program = world.start(WORKERS, **clock.environment, TZ="Europe/Berlin")
    world.noted(20)
    world.fresh()
    for name, moment in STEPS.items():
        since_s = clock.set(moment)
        number = proof.accepted(world.acks)["load"][-1] + 1  # and one may be under way
        world.wait_for(lambda s=since_s, n=number: shown(world, s, n), 40.0, f"an event of {name}")
        if name == "2106":
            world.wait_for(lambda: archives(world), 20.0, "an archive")
        if name == "1970":
            (line,) = [one for one in proof.noted(world.acks) if one.startswith("is doomed:")]
            world.kill(int(line.rpartition(":")[2]))
            told(world, 1)
    world.stop()
    assert ("", "") == world.finish(program)
    report = world.check(killed={"doomed"})
    stamps = [stamp_of(row) for row in proof.lines_of(world.log) if row.get("p") == "load"]

    assert BACK == sum(a > b + 60 for a, b in itertools.pairwise(stamps))
    assert 1 <= len(archives(world)) <= len(STEPS)
    assert (0, 0) == (report.dropped, report.torn)
    assert " -" not in deaths(world)["doomed"]["message"]

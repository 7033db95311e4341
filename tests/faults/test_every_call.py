"""The n-th call of a writer fails: nothing is lost or doubled, and events flow again."""

from __future__ import annotations

import errno
import os
import shutil

import mpfault
import pytest

pytestmark = pytest.mark.process

ERRNOS = [errno.errorcode[number] for number in mpfault.ERRNOS]
STRIDE = {"log": 43, "shm": 79}
# What `make faults STEP=… FROM=…` asks for.
SHARE = {
    "step": int(os.environ.get("FAULTS_STEP", "1")),
    "first": 1 + int(os.environ.get("FAULTS_FROM", "0")),
}


def every(preloaded, tell, timeout_s, least=4, **arguments):
    """Run the loop; what must hold of it."""
    found = preloaded("every_call", timeout_s, **arguments)
    tell(
        f"{arguments}: {found['runs']} of {found['calls']} calls failed: {found['kinds']}; "
        f"writers started again {found['restarts']} times; {found['took_s']:.0f} s"
    )
    assert {} == found["wrong"]
    assert found["runs"] > 0, "no fault came into play"
    assert found["calls"] >= least, "the writer did not work"


@pytest.mark.parametrize("for_ever", [False, True], ids=["once", "until lifted"])
@pytest.mark.parametrize("where", STRIDE)
def test_a_sample_of_failing_calls_is_survived(preloaded, tell, seed, where, for_ever):
    """Some n, with two errnos: all that was accepted is delivered once, and a fresh event flows."""
    chosen = [ERRNOS[seed % 8], ERRNOS[(seed // 8 + 1 + seed % 8) % 8]]
    step = STRIDE[where]
    arguments = {"where": where, "errnos": chosen, "for_ever": for_ever}
    every(preloaded, tell, 170, first=1 + seed // 64 % step, step=step, **arguments)


def test_a_segment_that_cannot_be_removed_can_be_claimed_in(preloaded, tell):
    """A service is taken down, and each file of it once refuses to go: its next process logs."""
    arguments = {"where": "shm", "errnos": ["EIO"], "for_ever": False, "kinds": ["unlink"]}
    every(preloaded, tell, 170, **arguments)


def test_a_segment_that_cannot_be_read_is_not_taken_for_a_broken_one(preloaded, tell):
    """A broken one goes with its service, unread; this one is read as soon as that can be done."""
    arguments = {"where": "shm", "errnos": ["SHORT"], "for_ever": True, "kinds": ["pread"]}
    every(preloaded, tell, 170, least=2, **arguments)


SYNCS = {"where": "log", "errnos": ["EIO"], "for_ever": False, "kinds": ["fsync", "fdatasync"]}


def test_a_sample_of_failing_syncs_is_survived(preloaded, tell, seed):
    """Nothing is believed of the file, and its batch stands whole in another one."""
    every(preloaded, tell, 170, first=1 + seed % 4, step=4, fsync="batch", **SYNCS)


@pytest.mark.stress
@pytest.mark.timeout(1_800)
def test_every_failing_sync_is_survived(preloaded, tell):
    """Each of them: the same."""
    every(preloaded, tell, 1_700, fsync="batch", **SYNCS, **SHARE)


@pytest.mark.stress
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("for_ever", [False, True], ids=["once", "until lifted"])
@pytest.mark.parametrize("name", [*ERRNOS, "SHORT"])
@pytest.mark.parametrize("where", STRIDE)
def test_every_failing_call_is_survived(preloaded, tell, where, name, for_ever):
    """Each n, each errno, and calls that take a part: the same."""
    every(preloaded, tell, 3_500, where=where, errnos=[name], for_ever=for_ever, **SHARE)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is missing: it checked no fault")
def test_faults_by_strace_end_as_those_by_the_shim(preloaded):
    """A sample: each strikes once, nothing is lost, and a fresh event flows."""
    found = preloaded("under_strace", 170)["found"]

    assert [[1, []]] * len(found) == [row[4:] for row in found], found

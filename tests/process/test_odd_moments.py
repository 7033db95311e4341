"""A log call at a moment at which hardly anything may be done: it works, and disturbs nobody."""

from __future__ import annotations

import importlib.util

import proof
import pytest

pytestmark = pytest.mark.process


def test_what_dies_with_a_thread_may_log(world):
    """P7: a thread's own values are finalised when it ends; twenty threads, one after the other."""
    world.run(
        """
        import threading
        mplog.configure(LOG)
        class Late:
            def __init__(self, name):
                self.producer = proof.Producer(name)
            def __del__(self):
                self.producer.event()
        own = threading.local()
        def run(name):
            own.late = Late(name)
            own.late.producer.events(3)
        for n in range(20):
            thread = threading.Thread(target=run, args=(f"thread {n}",))
            thread.start()
            thread.join()
        proof.Producer("main").event()
        """
    )
    report = world.check()
    there = proof.delivered(world.log)

    assert {4} == {len(there[f"thread {n}"]) for n in range(20)}
    assert (81, 1) == (report.events, report.ended_clean)


def test_what_is_collected_within_a_log_call_may_log(world):
    """P7: finalizers of cycles that the collector finds in the middle of other log calls."""
    world.run(
        """
        import gc
        mplog.configure(LOG)
        inner, outer, log = proof.Producer("inner"), proof.Producer("outer"), mplog.get_logger("o")
        inside = [False]
        class Cycle:
            def __init__(self):
                self.me = self
            def __del__(self):
                proof.note(f"inside: {inside[0]}")
                inner.event()
        class Text:
            def __repr__(self):
                inside[0] = True
                Cycle()
                gc.collect()
                inside[0] = False
                return "text"
        gc.set_threshold(1)
        for _ in range(50):
            assert log.info("with a repr {it}", it=Text())
            outer.event()
        """
    )
    world.check()
    there = proof.delivered(world.log)

    assert 50 <= proof.noted(world.acks).count("inside: True")
    assert (50, True) == (len(there["outer"]), len(there["inner"]) >= 50)


ENDLESS = """
import signal, threading
mplog.configure(LOG)
begun = threading.Event()
class Endless:
    def __repr__(self):
        begun.set()
        while True:
            pass
class Enough({base}):
    pass
def enough(number, frame):
    raise Enough
signal.signal(signal.SIGUSR1, enough)
def beside():
    begun.wait()
    proof.Producer("beside").events(50)
    pid = os.fork()
    if pid == 0:
        proof.Producer("child").events(50)
        mplog.shutdown()
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    flushed = mplog.flush(60)
    os.kill(os.getpid(), signal.SIGUSR1)  # whatever came: nothing else ends it
    assert (0, True) == (status, flushed)
thread = threading.Thread(target=beside)
thread.start()
try:
    print(mplog.get_logger("endless").info("it is {{it}}", it=Endless()))
except Enough:
    print("ended")
thread.join()
proof.Producer("again").events(5)
"""


@pytest.mark.parametrize(("base", "said"), [("Exception", "True"), ("BaseException", "ended")])
def test_a_text_that_never_comes_holds_its_own_thread_alone(world, base, said):
    """P10: a `__repr__` without an end. Other threads and processes log on. What a signal handler
    raises ends it: an Exception is taken for the text's own, any other reaches the program.
    """
    out, _ = world.run(ENDLESS.format(base=base))
    report = world.check()
    told = [line["message"] for line in proof.lines_of(world.log) if line["logger"] == "endless"]

    assert said == out.strip()
    assert (said == "True") == (len(told) == 1 and "Enough" in told[0])
    assert {"beside": 50, "child": 50, "again": 5} == {
        name: len(numbers) for name, numbers in proof.delivered(world.log).items()
    }
    assert (2, 0) == (report.ended_clean, report.dropped)


# Workers of loky are started by fork and exec, and get their tasks by cloudpickle.
LOKY = """
import loky, proof
def task(number):
    proof.Producer(f"task {number}").events(20)
    return os.getpid()
if __name__ == "__main__":
    mplog.configure(LOG)
    with loky.ProcessPoolExecutor(2) as pool:
        assert os.getpid() not in set(pool.map(task, range(8)))
    proof.Producer("main").events(5)
"""


@pytest.mark.skipif(importlib.util.find_spec("loky") is None, reason="needs loky")
def test_workers_of_loky_log_by_themselves(world):
    """P5: every task's events once."""
    world.run(LOKY)
    world.check()

    assert {"main", *(f"task {n}" for n in range(8))} == set(proof.delivered(world.log))

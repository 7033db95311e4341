"""A process made in any way logs from a lane of its own, and hurts nobody else's."""

from __future__ import annotations

import proof
import pytest

pytestmark = pytest.mark.process


def test_a_worker_runs_no_thread_and_holds_no_descriptor_of_mplog(world):
    """What a worker has after a thousand events: the threads and descriptors it had before."""
    world.run(
        """
        import threading
        before = set(os.listdir("/proc/self/fd"))
        mplog.configure(LOG)
        proof.Producer("main").events(1000)
        pid = os.fork()
        proof.Producer(f"after fork {pid == 0}").events(100)
        assert [threading.main_thread()] == threading.enumerate()
        assert 1 == len(os.listdir("/proc/self/task"))
        assert before == set(os.listdir("/proc/self/fd")), os.listdir("/proc/self/fd")
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
        """
    )

    assert 2 == world.check().ended_clean


def test_a_worker_may_claim_its_lane_before_its_first_event(world):
    """attach() in a forked child: a session of its own there and then, which the event goes into;
    one that attaches and logs nothing leaves no trace.
    """
    world.run(
        """
        from mplog.producer.gate import GATE
        mplog.configure(LOG)
        proof.Producer("parent").events(10)
        inherited = GATE.connection.producer.session
        for name in ("worker", ""):
            pid = os.fork()
            if pid == 0:
                assert mplog.attach()
                claimed = GATE.connection.producer.session
                assert claimed not in (None, inherited)
                assert mplog.attach()
                if name:
                    proof.Producer(name).events(10)
                assert claimed == GATE.connection.producer.session
                break
            assert 0 == os.waitpid(pid, 0)[1]
        """
    )

    assert 2 == world.check().ended_clean
    assert {"parent", "worker"} == set(proof.delivered(world.log))


def test_a_daemon_that_closes_everything_goes_on_logging(world):
    """Double fork, setsid, closerange: lane and lock stay, and a killed writer is still missed."""
    world.run(
        """
        mplog.configure(LOG)
        proof.Producer("before").events(10)
        if os.fork(): os._exit(0)
        os.setsid()
        if os.fork(): os._exit(0)
        proof.Producer("daemon").events(10)
        os.closerange(0, 4096)
        os.chdir("/")
        proof.load("closed")
        proof.note("done")
        """
    )
    world.noted(100)
    world.kill(world.supervisor())
    world.kill(world.writer())
    world.writer()
    world.fresh()
    world.stop()
    world.wait_for(lambda: "done" in proof.noted(world.acks), 20.0, "the daemon's end")
    world.check()

    assert {"before", "daemon", "closed"} == set(proof.delivered(world.log))


@pytest.mark.needs_root
def test_a_child_that_drops_its_uid_goes_on_logging(world):
    """Root configures and forks; the child becomes nobody and can open nothing of the service."""
    world.root.chmod(0o755)
    world.acks.touch()
    world.acks.chmod(0o666)
    world.run(
        """
        mplog.configure(LOG)
        proof.Producer("root").events(10)
        ack = os.open(os.environ["PROOF_ACKS"], os.O_WRONLY | os.O_APPEND)
        proof.note = lambda line, path=None: os.write(ack, line.encode() + b"\\n")
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            producer = proof.Producer("nobody")
            producer.events(50)
            assert mplog.flush(60)
            producer.events(50)
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """
    )
    world.check()

    assert 100 == len(proof.delivered(world.log)["nobody"])


@pytest.mark.parametrize(
    "call", ["libc.fork()", "libc.syscall(56, 17, 0, 0, 0, 0)"], ids=["libc.fork", "raw clone"]
)
def test_a_fork_that_python_does_not_see_gets_its_own_session(world, call):
    """Neither at-fork handlers of Python nor (raw clone) those of libc run in the child."""
    world.run(
        f"""
        import ctypes, platform
        assert platform.machine() == "x86_64" or "56" not in {call!r}
        libc = ctypes.PyDLL(None)
        mplog.configure(LOG)
        parent = proof.Producer("parent")
        parent.events(10)
        pid = {call}
        if pid == 0:
            proof.Producer("child").events(10)
            os._exit(0)
        parent.events(10)
        assert os.waitpid(pid, 0)[1] == 0
        parent.events(10)
        """
    )
    report = world.check()
    sessions = {(line["p"], line["session"]) for line in proof.lines_of(world.log) if "p" in line}

    assert 2 == len(sessions) == len({session for _, session in sessions})
    assert (1, 1) == (report.ended_clean, report.ended_unclean)


def test_a_vfork_disturbs_nobody(world):
    """subprocess and posix_spawn between events: the session goes on without a gap."""
    world.run(
        """
        import subprocess
        mplog.configure(LOG)
        producer = proof.Producer("parent")
        for _ in range(5):
            producer.events(20)
            subprocess.run(["true"], check=True)
            pid = os.posix_spawn("/bin/true", ["true"], {})
            producer.events(20)
            os.waitpid(pid, 0)
        """
    )
    report = world.check()

    assert (1, 1) == (report.sessions, report.ended_clean)


def test_a_fork_while_another_thread_logs_hangs_nobody(world):
    """Thirty forks while two threads log: every child logs, no event is doubled in it."""
    world.run(
        """
        import threading
        mplog.configure(LOG)
        stop = threading.Event()
        def run(name):
            producer = proof.Producer(name)
            while not stop.is_set():
                producer.event()
        threads = [threading.Thread(target=run, args=(f"thread {i}",)) for i in range(2)]
        for one in threads: one.start()
        children = []
        for i in range(30):
            pid = os.fork()
            if pid == 0:
                proof.Producer(f"child {i}").events(10)
                os._exit(0)
            children.append(pid)
        assert {0} == {os.waitpid(pid, 0)[1] for pid in children}
        stop.set()
        for one in threads: one.join()
        """
    )
    world.check()

    assert 32 == len(proof.delivered(world.log))


def test_a_signal_handler_may_log(world):
    """Hundreds of interrupts while the same thread logs: no deadlock, nothing lost or doubled."""
    world.run(
        """
        import signal
        mplog.configure(LOG)
        inside = proof.Producer("handler")
        busy = False
        def handle(number, frame):
            global busy
            if busy:  # it would number its event before the outer one is logged
                return
            busy = True
            inside.event()
            busy = False
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        producer = proof.Producer("main")
        while inside.number < 300:
            producer.event()
        signal.setitimer(signal.ITIMER_REAL, 0)
        """
    )
    world.check()

    assert 300 <= len(proof.delivered(world.log)["handler"])


def test_what_is_logged_at_the_very_end_arrives(world):
    """atexit handlers on both sides of mplog's own, and a thread that still runs."""
    program = world.program("")
    program.write_text(
        """
import atexit, os, sys, threading, time
atexit.register(lambda: before.events(5))  # runs after mplog's own
import mplog, proof
mplog.configure(os.environ["LOG"])
before, after = proof.Producer("runs after"), proof.Producer("runs before")
atexit.register(lambda: after.events(5))
running = proof.Producer("thread")
def run():
    while True:
        running.event()
        time.sleep(0.0002)
threading.Thread(target=run, daemon=True).start()
while running.number < 20: time.sleep(0.001)
"""
    )
    world.run(program)
    report = world.check(killed={"thread"})
    there = proof.delivered(world.log)

    assert (5, 5) == (len(there["runs after"]), len(there["runs before"]))
    assert 0 == report.dropped


def test_a_finalizer_at_shutdown_may_log(world):
    """`__del__` of what lives as long as the interpreter: its event arrives."""
    world.run(
        """
        class Late:
            producer = proof.Producer("del")
            def __del__(self):
                self.producer.event()
        mplog.configure(LOG)
        late = Late()
        """
    )
    report = world.check()

    assert (1, 1) == (report.events, report.ended_clean)

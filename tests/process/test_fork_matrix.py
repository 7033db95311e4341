"""Rows of the fork matrix (docs/reference/processes.md) that no other file holds."""

from __future__ import annotations

import sys

import proof
import pytest

pytestmark = pytest.mark.process


def test_a_fork_from_a_thread_logs_and_ends_clean(world):
    """A thread that is not the main one forks; parent, thread and child all log."""
    world.run(
        """
        import threading
        mplog.configure(LOG)
        proof.Producer("main").events(10)
        def run():
            proof.Producer("thread").events(10)
            pid = os.fork()
            if pid == 0:
                proof.Producer("child").events(10)
                mplog.shutdown()
                os._exit(0)
            assert os.waitpid(pid, 0)[1] == 0
            proof.Producer("thread again").events(10)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        """
    )
    report = world.check()

    assert (40, 2, 0) == (report.events, report.ended_clean, report.ended_unclean)


def test_a_fork_in_the_middle_of_a_log_call_has_both_log_it(world):
    """A `__repr__` forks: parent and child finish the call, each in a session of its own."""
    world.run(
        """
        class Forks:
            pid = -1
            def __repr__(self):
                if Forks.pid < 0:
                    Forks.pid = os.fork()
                return f"forked {Forks.pid == 0}"
        mplog.configure(LOG)
        log = mplog.get_logger("fork")
        assert log.info("before")
        assert log.info("within {what}", what=Forks())
        assert log.info("after")
        if Forks.pid:
            assert os.waitpid(Forks.pid, 0)[1] == 0
        """
    )
    world.gone()
    lines = [line for line in proof.lines_of(world.log) if line["logger"] == "fork"]
    said = {session: [] for session in {line["session"] for line in lines}}
    for line in lines:
        said[line["session"]].append(line["message"])

    assert [
        ["before", "within forked False", "after"],
        ["within forked True", "after"],
    ] == sorted(said.values())
    assert 0 == proof.verify([world.log]).exit_code


def test_a_fork_in_a_signal_handler_disturbs_no_call(world):
    """Twenty forks from a handler that interrupts logging anywhere: children log, nobody hangs."""
    world.run(
        """
        import signal
        mplog.configure(LOG)
        children = []
        def handle(number, frame):
            pid = os.fork()
            if pid == 0:
                proof.Producer(f"child {len(children)}").events(5)
                os._exit(0)
            children.append(pid)
            if len(children) < 20:
                signal.setitimer(signal.ITIMER_REAL, 0.002)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.002)
        producer = proof.Producer("main")
        while len(children) < 20:
            producer.event()
        producer.events(5)
        assert {0} == {os.waitpid(pid, 0)[1] for pid in children}
        """
    )
    world.check()

    assert 21 == len(proof.delivered(world.log))


def test_a_double_fork_of_a_child_reaches_the_same_service(world):
    """Child and grandchild each log in a session of their own; the child in between is gone."""
    world.run(
        """
        mplog.configure(LOG)
        proof.Producer("parent").events(5)
        ready, done = os.pipe()
        if (child := os.fork()) == 0:
            proof.Producer("child").events(5)
            if os.fork() == 0:
                proof.Producer("grandchild").events(5)
                mplog.shutdown()
                os.write(done, b".")
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(ready, 1) == b"."
        """
    )
    report = world.check()

    assert (15, 3) == (report.events, report.sessions)


@pytest.mark.needs_root
def test_two_pid_namespaces_share_one_service(world):
    """A program in a pid namespace of its own uses the same directory: one writer, all arrives; the
    namespace's end, which kills all in it, takes nothing along.
    """
    outside = world.start(
        """
        mplog.configure(LOG)
        proof.load("outside", 0.002)
        """
    )
    world.noted(20)
    writer = world.writer()
    inside = world.start(
        """
        assert os.getpid() == 1
        service = mplog.configure(LOG)
        assert not service.created, service
        producer = proof.Producer("inside")
        producer.events(50)
        if os.fork() == 0:
            proof.Producer("child inside").events(50)
            time.sleep(600)  # ends with the namespace
        while len([line for line in proof.noted() if line.startswith("child")]) < 50:
            time.sleep(0.005)
        assert mplog.flush(60)
        """,
        prefix=["unshare", "--pid", "--fork", "--mount-proc"],
    )
    world.finish(inside)
    assert [writer] == world.writers()[1]
    world.stop()
    world.finish(outside)
    world.check()

    assert {"outside", "inside", "child inside"} == set(proof.delivered(world.log))


@pytest.mark.needs_root
def test_a_service_that_a_pid_namespace_has_started_outlives_it(world):
    """The namespace is over and has killed the writer that lived in it: the next program's writer
    delivers what was left, and each event stands there once.
    """
    inside = world.start(
        """
        mplog.configure(LOG)
        proof.load("inside", 0.0)
        """,
        prefix=["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
    )
    world.noted(300)
    world.fresh_file()
    inside.kill()
    inside.wait(20)
    world.wait_for(lambda: world.writers() == ([], []), 20.0, "the end of the namespace")
    assert [] != world.left()
    world.run('mplog.configure(LOG)\nproof.Producer("next").events(5)')
    report = world.check(killed={"inside"})

    assert 5 == len(proof.delivered(world.log)["next"])
    assert 1 <= report.ended_unclean


SUBINTERPRETER = """
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
mplog.configure(LOG)
proof.Producer("main").events(5)
inside = interpreters.create(**({OPTIONS}))
code = '''
try:
    import mplog
    accepted = mplog.get_logger("inside").info("from a subinterpreter")
    said = f"logged {accepted}"
except ImportError as error:
    said = f"refused: {error}"
import os
fd = os.open(PATH, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(fd, ("inside: " + said + chr(10)).encode())
os.close(fd)
'''.replace("PATH", repr(os.environ["PROOF_ACKS"]))
interpreters.run_string(inside, code)
interpreters.destroy(inside)
proof.Producer("main again").events(5)
"""


def test_a_subinterpreter_is_refused_and_harms_nobody(world):
    """`import mplog` there raises ImportError that says so; the main interpreter goes on."""
    options = "dict(isolated=True)" if sys.version_info < (3, 13) else "{}"
    world.run(SUBINTERPRETER.replace("{OPTIONS}", options))
    world.check()
    (said,) = [line for line in proof.noted(world.acks) if line.startswith("inside: ")]

    assert "refused: " in said
    assert "subinterpreter" in said

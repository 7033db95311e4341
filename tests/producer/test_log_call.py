"""What a log call may never do to the program: raise, swallow, lose, or send twice."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import progress
import pytest

import mplog


def run(code: str, *, timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=True,
    )
    done.stderr = progress.without(done.stderr)
    return done


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines() if '"seq"' in line]


class Array:
    def __bool__(self):
        raise ValueError("the truth of an array is ambiguous")


@pytest.mark.parametrize(
    "keywords",
    [
        {"exc_info": ()},
        {"exc_info": ("a", "b", "c")},
        {"exc_info": Array()},
        {"stack_info": Array()},
        {"stacklevel": float("inf")},
        {"stacklevel": "many"},
        {"stacklevel": 10**6},
        {"stacklevel": -1},
    ],
    ids=["empty", "texts", "array", "stack-array", "inf", "word", "deep", "negative"],
)
def test_odd_reserved_keywords_cost_no_event(shm, logdir, keywords):
    """Whatever is given for exc_info, stack_info or stacklevel, the event arrives."""
    mplog.configure(logdir / "app.jsonl")
    assert mplog.get_logger("x").info("here", **keywords)
    mplog.shutdown()
    assert ["here"] == [line["message"] for line in lines_of(logdir / "app.jsonl")]


@pytest.mark.parametrize("level", [10**30, -(10**30), 256, True, "no such level"])
def test_any_level_is_taken(shm, logdir, level):
    """A level out of range is brought into it."""
    mplog.configure(logdir / "app.jsonl", level=0)
    assert mplog.get_logger("x").log(level, "here")
    mplog.shutdown()
    assert 1 == len(lines_of(logdir / "app.jsonl"))


def test_a_call_straight_from_c_arrives_without_a_place(shm, logdir):
    """atexit calls the method itself: there is no frame of a caller's. In C, and in Python."""
    path = logdir / "app.jsonl"
    run(f"""
        import atexit, mplog
        mplog.configure({str(path)!r})
        atexit.register(mplog.get_logger("x").info, "bye")
        atexit.register(mplog.get_logger("x").info, "bye", odd={{1}})
    """)
    lines = lines_of(path)
    assert ["bye", "bye"] == [line["message"] for line in lines]
    assert not any("code.line.number" in line for line in lines)


def test_what_a_signal_handler_raises_reaches_the_program_and_doubles_nothing(shm, logdir):
    """A time-out that strikes inside a log call is neither eaten nor answered by a second event."""
    path = logdir / "app.jsonl"
    done = run(f"""
        import json, signal, mplog
        mplog.configure({str(path)!r}, when_full="block", rotation=None)
        log = mplog.get_logger("x")
        raised = caught = 0
        class TimeOut(Exception): pass
        def strike(number, frame):
            global raised
            raised += 1
            raise TimeOut
        signal.signal(signal.SIGALRM, strike)
        i = 0
        while raised < 1_000:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005)
                while True:
                    i += 1
                    log.info("n", i=i)
            except TimeOut:
                caught += 1
        print(json.dumps([raised, caught, i]))
    """)
    raised, caught, attempts = json.loads(done.stdout)
    assert 1_000 == raised == caught
    numbers = [line["i"] for line in lines_of(path)]
    assert len(numbers) == len(set(numbers))
    assert numbers == sorted(numbers)
    assert attempts - raised <= len(numbers) <= attempts


def test_an_argument_whose_text_raises_costs_no_event(shm, logdir):
    """The standard handler shows in its place what it is."""
    path = logdir / "app.jsonl"
    done = run(f"""
        import logging, mplog
        logging.basicConfig(handlers=[mplog.Handler({str(path)!r})], level="INFO")
        class Bad:
            def __str__(self): raise RuntimeError("no")
        logging.info("value %s", Bad())
        logging.info(Bad())
    """)
    assert "" == done.stderr
    first, second = (line["message"] for line in lines_of(path))
    assert "Bad" in first
    assert first.startswith("value ")
    assert "Bad" in second


def test_handlers_of_two_files_write_to_their_own(shm, logdir):
    """One process may log to two files through the standard library."""
    a, b = logdir / "a.jsonl", logdir / "b.jsonl"
    done = run(f"""
        import logging, os, mplog
        logging.getLogger("a").addHandler(mplog.Handler({str(a)!r}))
        logging.getLogger("b").addHandler(mplog.Handler({str(b)!r}))
        logging.getLogger("b").addHandler(mplog.Handler({str(b)!r}))
        logging.getLogger("a").warning("for a")
        logging.getLogger("b").warning("for b")
        mplog.get_logger("own").info("for the process's own")
        pid = os.fork()
        if pid == 0:
            logging.getLogger("a").warning("child for a")
            logging.getLogger("b").warning("child for b")
            os._exit(0)
        os.waitpid(pid, 0)
    """)
    assert "" == done.stderr
    assert {"for a", "for the process's own", "child for a"} == {x["message"] for x in lines_of(a)}
    messages = [x["message"] for x in lines_of(b)]
    assert ["for b", "for b", "child for b", "child for b"] == messages


def test_a_full_lane_that_drops_brings_a_dead_writer_back(shm, logdir, wait_for):
    """Also a log call that can only drop looks after the writer once a second."""
    path = logdir / "app.jsonl"
    done = run(f"""
        import json, os, signal, subprocess, sys, time, mplog
        mplog.configure({str(path)!r}, when_full="drop_newest")
        log = mplog.get_logger("x")
        log.info("first"); mplog.flush(20)
        ask = [sys.executable, "-m", "mplog", "status", "--json"]
        status = json.loads(subprocess.check_output(ask))
        service = next(s for s in status["services"] if s["file"] == {str(path)!r})
        writer, supervisor = service["writer"]["pid"], service["supervisor"]["pid"]
        os.kill(writer, signal.SIGSTOP)
        while log.info("fill", text="x" * 1000): pass
        os.kill(supervisor, signal.SIGKILL); os.kill(writer, signal.SIGKILL)
        end = time.monotonic() + 30
        while not log.info("again"):
            assert time.monotonic() < end, "no writer came back"
            time.sleep(0.01)
        print("back")
    """)
    assert "back\n" == done.stdout
    messages = [json.loads(x)["message"] for x in path.read_text().splitlines()]
    assert "again" in messages
    assert any("dropped" in message for message in messages)


def test_a_call_under_way_follows_the_process_to_its_next_service(shm, logdir):
    """A thread that has looked at the gate before configure() publishes where it leads now."""
    from mplog.producer.gate import GATE

    mplog.configure(logdir / "a.jsonl")
    before = GATE.emit
    mplog.configure(logdir / "b.jsonl")
    assert before(20, ("x", "late", {})) is None
    mplog.shutdown()


def test_services_that_were_left_are_forgotten(shm, logdir):
    """Going to another file keeps nothing of the first alive but what waits for its drain."""
    import gc
    import weakref

    from mplog.producer.gate import GATE

    mplog.configure(logdir / "a.jsonl")
    producer = weakref.ref(GATE.connection)
    GATE.connection.creator_pid = 0
    mplog.configure(logdir / "b.jsonl")
    gc.collect()
    assert producer() is None
    mplog.shutdown()


def test_a_flush_whose_session_ends_meanwhile_does_not_claim_delivery(shm, logdir, wait_for):
    """Another thread that lets the lane go cannot make an undelivered event a delivered one."""
    import os
    import signal
    import threading

    from mplog._native import Reader
    from mplog.cli.status import describe
    from mplog.producer.gate import GATE

    mplog.configure(logdir / "app.jsonl")
    log, connection = mplog.get_logger("x"), GATE.connection
    assert log.info("first")
    assert mplog.flush(60)
    writer = describe(connection.directory, connection.service)["writer"]["pid"]
    os.kill(writer, signal.SIGSTOP)
    try:
        assert log.info("second")
        said = []
        bell = Reader(str(connection.directory), connection.service, False, 1 << 16)
        before = bell.departures
        thread = threading.Thread(target=lambda: said.append(mplog.flush(30)))
        thread.start()
        # A wait calls for the writer's attention when it begins.
        wait_for(lambda: bell.departures != before, what="the wait to begin")
        connection.detach()
        thread.join(20)
        assert [False] == said
    finally:
        os.kill(writer, signal.SIGCONT)
    mplog.shutdown(20)


def test_a_log_call_during_the_import_of_asyncio_is_only_a_log_call(shm, logdir):
    """A half-made module is asked for nothing that it does not have yet."""
    path = logdir / "app.jsonl"
    done = run(f"""
        import sys, mplog
        mplog.configure({str(path)!r})
        log = mplog.get_logger("x")
        class Finder:
            def find_spec(self, name, *rest):
                log.info("looking for {{name}}", name=name)
        sys.meta_path.insert(0, Finder())
        import asyncio
    """)
    assert "" == done.stderr
    assert any("asyncio" in line["message"] for line in lines_of(path))


def test_a_patched_select_costs_no_log_call():
    """As eventlet patches it."""
    done = run("""
        import select
        import mplog
        del select.poll
        assert mplog.get_logger("x").warning("hi")
    """)
    assert "hi" in done.stderr
    assert "Traceback" not in done.stderr


def test_whose_an_error_is_tells_its_whole_traceback():
    """A signal handler's error is the program's also where the library raised it."""
    from mplog.producer.containment import is_ours

    def handler():
        json.loads("{")

    with pytest.raises(ValueError, match="Expecting") as caught:
        handler()
    assert not is_ours(caught.value)
    library = caught.value.__traceback__.tb_next.tb_next
    assert is_ours(caught.value.with_traceback(library))

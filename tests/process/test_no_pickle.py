"""Nothing that lies in shared memory, on disk or in a socket is ever unpickled: nobody even loads
what could do it, but the process of a sink that is an object without a name.
"""

from __future__ import annotations

import json
import os
import signal

import pytest
import sinkside

from mplog import _native
from mplog.config import service_name
from mplog.files.verify import verify

pytestmark = pytest.mark.process
# Every interpreter that finds this on its path writes down what unpickles, or loads what could, and
# from where. The import system's own marshal.loads, of .pyc files, does not come by here: it calls
# no Python code.
SITE = """
import os, sys

LOADS = ("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "shelve", "multiprocess.reduction")

def hook(event, args):
    if event == "import" and args[0] in LOADS:
        frame, names = sys._getframe(1), []
        while frame is not None:
            names.append(frame.f_code.co_filename)
            frame = frame.f_back
        seen(f"import {args[0]} {[one for one in names if 'importlib' not in one][:6]}")
    if event in ("pickle.find_class", "marshal.loads", "marshal.load"):
        frame, names = sys._getframe(1), []
        while frame is not None:
            names.append(frame.f_code.co_filename)
            frame = frame.f_back
        if event != "pickle.find_class" and names[0].startswith("<frozen importlib"):
            return
        seen(f"{event} {args[:2]!r} {names[:6]}")

def seen(text):
    fd = os.open(os.environ["SEEN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, f"{sys.argv} {text}\\n".encode())
    os.close(fd)

sys.addaudithook(hook)
seen("audited")
"""


@pytest.fixture
def audited(world):
    """The environment in which everything is audited, and the file of what was seen."""
    folder = world.root / "site"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE)
    path = f"{folder}:{world.environment()['PYTHONPATH']}"
    return {"PYTHONPATH": path, "SEEN": str(world.root / "seen")}, world.root / "seen"


def test_the_hook_sees_what_unpickles(world, audited):
    """So that its silence means something."""
    environment, seen = audited
    world.run(
        """
        import marshal, pickle
        pickle.loads(b"cos\\nsystem\\n.")
        marshal.loads(marshal.dumps(1))
        """,
        **environment,
    )
    text = seen.read_text()

    assert "pickle.find_class ('os', 'system')" in text
    assert "marshal.loads" in text


def test_a_whole_run_unpickles_nothing(world, audited):
    """Workers and their child, the supervisor and the writer, with a filter and rotation."""
    environment, seen = audited
    world.run(
        """
        mplog.configure(LOG, rotation="100 KB", retention="all", block_timeout="60 s",
                        filter="n >= 0", redact_patterns=True)
        log = mplog.get_logger("app")
        for n in range(3000):
            assert log.info("number {n}", n=n, text="x" * 500)
        try:
            raise ValueError("bad")
        except ValueError:
            log.exception("failed", n=1)
        if os.fork() == 0:
            log.info("child", n=2)
            os._exit(0)
        os.wait()
        assert mplog.flush(30)
        """,
        quiet=False,
        **environment,
    )
    world.gone()
    text = seen.read_text().splitlines()
    report = verify([world.log])

    assert (0, 3002) == (report.exit_code, report.events)
    writers = [line for line in text if "mplog.writer" in line or "writer" in line.split("]")[0]]
    assert writers, text
    assert [] == [line for line in text if not line.endswith(" audited")]


SERVED = """
file = "{log}"
rotation = "100 KB"
retention = "all"
compression = "gzip"
{filter}
[[files]]
file = "{log}.logfmt"
format = "logfmt"

[[sinks]]
type = "callable"
target = "sinkside:away"
spool = "20 MB"
"""
LOADED = """
mplog.configure(LOG, level="DEBUG")
log = mplog.get_logger("app")
for line in sys.stdin:
    if line == "overflow\\n":
        while not any(name.endswith(".overflow") for name in os.listdir(os.environ["MPLOG_DIR"])):
            log.info("overflow", text="x" * 5000)
    for n in range(300):
        assert log.info("number {n}", n=n, text="x" * 200, nested=[{"a": (1, 2)}])
    try:
        raise ValueError("bad")
    except ValueError:
        log.exception("failed")
    print("said", flush=True)
"""
TOOL = """
import json
from mplog.cli.main import main
for words in json.loads(sys.argv[1]):
    assert main(words) in (0, 1), words  # doctor may find something here
"""


class Audited:
    """A service in the foreground, a worker, and commands, each with the hook."""

    def __init__(self, world, environment):
        self.world, self._environment = world, environment
        self.place = world.root / "sinks"
        self.place.mkdir()
        environment["SINKSIDE"] = str(self.place)
        self.config = world.root / "mplog.toml"
        self.write("")
        serve = json.dumps([["serve", "--config", str(self.config)]])
        self.server = world.start(TOOL, serve, **environment)
        self.writer()
        self.worker = world.start(LOADED, **environment)

    def writer(self, before=0):
        """The pid of the writer, another one than *before*."""
        found = []

        def is_there():
            at, name = str(self.world.directory), service_name(self.world.log)
            try:
                found[:] = [_native.Reader(at, name, False).writer_pid]
            except OSError:
                return False
            return found[0] not in (0, before)

        self.world.wait_for(is_there, 60.0, "a writer")
        return found[0]

    def close(self):
        """End what a failed test has left: a server that is killed would leave its writer."""
        if self.server.poll() is None:
            os.kill(self.server.pid, signal.SIGTERM)
            self.server.communicate(timeout=60)

    def write(self, filter):
        """The configuration."""
        self.config.write_text(SERVED.format(log=self.world.log, filter=filter))

    def say(self, word="go"):
        """Let the worker log."""
        self.worker.stdin.write(f"{word}\n")
        self.worker.stdin.flush()
        assert "said\n" == self.worker.stdout.readline(), self.worker.stderr.read()

    def commands(self, *commands):
        """Run commands of mplog, one after the other."""
        words = [[str(word) for word in words] for words in commands]
        self.world.run(TOOL, json.dumps(words), quiet=False, **self._environment)


@pytest.fixture
def one(world, audited):
    """A service in which everything is audited."""
    made = Audited(world, audited[0])
    yield made
    made.close()


def test_nothing_loads_what_unpickles_whatever_befalls_a_service(world, audited, one):
    """Start, load, overflow, a spool over a killed writer, rotation and compression, a reload,
    every command, the end: the far side has every event, the log verifies.
    """
    (one.place / "away").touch()
    one.say()
    writer = one.writer()
    os.kill(writer, signal.SIGSTOP)
    try:
        one.say("overflow")
    finally:
        os.kill(writer, signal.SIGCONT)
    world.wait_for(lambda: list(world.log.parent.glob(".*.spool-*/*")), 60.0, "a spool")
    world.kill(writer)
    one.writer(before=writer)
    one.say()
    (one.place / "away").unlink()
    one.write('filter = "n >= 0 or not has n"')
    os.kill(one.server.pid, signal.SIGHUP)
    one.commands(
        ["rotate", world.log],
        ["reopen", world.log],
        ["status", "--dir", world.directory],
        ["doctor", "--log", world.log],
        ["check", one.config, "--explain"],
    )
    one.say()
    world.finish(one.worker)
    world.wait_for(lambda: len(sinkside.ids(one.place)) >= 3 * 301, 60.0, "the far side")
    os.kill(one.server.pid, signal.SIGTERM)
    world.finish(one.server)
    world.gone()
    folder = world.log.parent  # what still waited for compression goes on without the writer
    world.wait_for(lambda: not list(folder.glob("app.2*.jsonl")), 40.0, "compressed archives")
    one.commands(["verify", world.log])
    report, text = verify([world.log]), audited[1].read_text().splitlines()

    assert (0, len(sinkside.ids(one.place))) == (report.exit_code, report.events)
    assert list(folder.glob("app.2*.gz"))
    # The server (a killed writer's follower is its fork), the worker, the commands, and the sink's
    # process of either writer.
    assert 6 == sum(line.endswith(" audited") for line in text), text
    assert [] == [line for line in text if not line.endswith(" audited")]


def test_an_object_without_a_name_is_unpickled_by_its_own_process_alone(world, audited):
    """Its bytes reach that by the writer, which does not look into them."""
    environment, seen = audited
    world.run(
        """
        import pickle
        sink = {"type": "callable", "target": lambda line: proof.note(line.message)}
        mplog.configure(LOG, sinks=[sink])
        assert mplog.get_logger("app").info("hello")
        assert mplog.flush(30)
        """,
        **environment,
    )
    world.gone()
    found = [line for line in seen.read_text().splitlines() if "pickle.find_class" in line]

    assert "hello\n" in world.acks.read_text()
    assert found
    for line in found:
        assert "mplog/writer/carried.py" in line, line
        assert line.startswith("['-c'] "), line  # the writer has its service's name there

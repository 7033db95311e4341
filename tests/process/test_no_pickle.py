"""Nothing that lies in shared memory, on disk or in a socket is ever unpickled."""

from __future__ import annotations

import pytest

from mplog.files.verify import verify

pytestmark = pytest.mark.process
# Every interpreter that finds this on its path writes down what unpickles, from where. The import
# system's own marshal.loads, of .pyc files, does not come by here: it calls no Python code.
SITE = """
import os, sys

def hook(event, args):
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

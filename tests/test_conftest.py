"""The fixture `shm` sees what a test leaves behind: each case is a run of pytest of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

CONFTEST = Path(__file__).with_name("conftest.py")
# A process that nobody waits for, as a writer is one: its parent is gone at once.
ORPHAN = """
import subprocess, sys
PROGRAM = "import os, sys, time\\nif os.fork() == 0: print(os.getpid(), flush=True); time.sleep(99)"

def start():
    made = subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True)
    pid = made.stdout.readline()
    made.stdout.close()
    assert made.wait() == 0
    return int(pid)
"""


def run(tmp_path: Path, body: str) -> tuple[int, str]:
    """Exit status and output of pytest on *body*, with this conftest and a short patience."""
    patience = CONFTEST.read_text(encoding="utf-8").replace("TIMEOUT_S = 60.0", "TIMEOUT_S = 0.2")
    (tmp_path / "conftest.py").write_text(patience, encoding="utf-8")
    (tmp_path / "test_case.py").write_text(ORPHAN + body, encoding="utf-8")
    outer = {"PYTEST_RUN_OF_MPLOG", "PYTEST_ADDOPTS"}
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in outer and not name.startswith("PYTEST_XDIST")
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path,
         "-o", "markers=stress", tmp_path],
        cwd=tmp_path, env=environment | {"MPLOG_LEVEL": "from outside"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def ended(pid: int) -> bool:
    """Whether *pid* runs no more; whoever inherits orphans may be slow to collect it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_tidy_test_passes(tmp_path: Path) -> None:
    """A private place of mode 0700, no settings from outside, and nothing of it left."""
    status, output = run(
        tmp_path,
        "import os\n"
        "def test_tidy(shm):\n"
        "    assert [str(shm)] == [v for n, v in os.environ.items() if n.startswith('MPLOG_')]\n"
        "    assert 0o700 == shm.stat().st_mode & 0o777\n"
        "    (shm / 'a.ring').write_bytes(b'x')\n"
        f"    open({str(tmp_path / 'place')!r}, 'w').write(str(shm))\n",
    )

    assert 0 == status, output
    assert not Path((tmp_path / "place").read_text()).exists()


def test_a_process_that_stays_is_named_and_ended(tmp_path: Path) -> None:
    """The test fails, says which process it was, and the process is gone."""
    pid_file = tmp_path / "pid"
    status, output = run(
        tmp_path, f"def test_untidy(shm): open({str(pid_file)!r}, 'w').write(str(start()))\n"
    )
    pid = int(pid_file.read_text())

    assert 1 == status
    assert f"{pid} (" in output
    assert ended(pid)


def test_a_service_without_the_fixture_fails_the_run(tmp_path: Path) -> None:
    """What is started without `shm` is found, told and removed at the end of the run."""
    status, output = run(
        tmp_path,
        "import os\n"
        "def test_stray():\n"
        "    os.mkdir(os.environ['MPLOG_DIR'])\n"
        f"    open({str(tmp_path / 'place')!r}, 'w').write(os.environ['MPLOG_DIR'])\n",
    )
    place = (tmp_path / "place").read_text()

    assert 1 == status
    assert f"left behind: {place}" in output
    assert not Path(place).exists()


def test_the_long_tests_run_only_when_asked_for(tmp_path: Path) -> None:
    """What is marked as stress is left out, and the count of it is told."""
    status, output = run(
        tmp_path,
        "import pytest\n@pytest.mark.stress\ndef test_long(): assert 0\ndef test_short(): pass\n",
    )

    assert 0 == status, output
    assert "1 passed, 1 deselected" in output

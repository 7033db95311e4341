"""What every test stands on: a private place in shared memory, and nothing left of it afterwards.

A test that starts a service takes the fixture `shm`. At its end every process that still works on
that place is waited for; one that stays is ended, by its pid, and the test fails and names it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No check of ours is about time: an example takes as long as the machine lets it.
settings.register_profile("unhurried", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("unhurried")

# For `progress`, behind all others: folders here have the names of modules.
sys.path.append(str(Path(__file__).parent))
SHARED_MEMORY = Path("/dev/shm")
LEAVE_TIMEOUT_S = 60.0
POLL_S = 0.02
# Time limits are written down as for a quiet machine; a busy one gets so many times as long.
PATIENCE, PATIENCE_S = 4.0, 120.0
# One name for the whole run: workers of xdist inherit it from the process that starts them.
RUN_VARIABLE = "PYTEST_RUN_OF_MPLOG"
# A helper of multiprocessing that lives as long as the test process itself.
RESOURCE_TRACKER = "resource_tracker"

LEFT = pytest.StashKey[list[str]]()

Process = tuple[int, str]  # pid, start time in ticks: what makes a pid unique


def _run() -> str:
    return os.environ.setdefault(RUN_VARIABLE, f"mplog-test-{uuid.uuid4().hex[:8]}")


def _stray() -> Path:
    """Where a service ends up that a test starts without `shm`; must not exist at the end."""
    return SHARED_MEMORY / f"{_run()}-stray"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stress", action="store_true", help="run the long tests too")


def pytest_configure(config: pytest.Config) -> None:
    _run()
    # A shell starts what runs in its background with these ignored, and programs inherit that.
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, None)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual or signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            if item.get_closest_marker("needs_root"):
                item.add_marker(pytest.mark.skip(reason="needs root"))
    if not config.getoption("--stress"):
        long = [item for item in items if item.get_closest_marker("stress")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The run fails when something of it still stands in shared memory; it is then removed."""
    if hasattr(session.config, "workerinput"):
        return
    left = [str(path) for path in sorted(SHARED_MEMORY.glob(f"*{_run()}*"))]
    left += _end_those_on(_stray(), {})
    for path in SHARED_MEMORY.glob(f"*{_run()}*"):
        shutil.rmtree(path, ignore_errors=True)
    session.config.stash[LEFT] = left
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    receivers = ("rsyslog", "syslog-ng", "journald")
    for need in ("root", "cgroups", "faketime", "uwsgi", "logrotate", *receivers):
        count = sum(f"needs {need}" in str(report.longrepr) for report in skipped)
        if count:
            terminalreporter.write_line(f"skipped for want of {need}: {count} tests", yellow=True)
    for entry in config.stash.get(LEFT, []):
        terminalreporter.write_line(
            f"left behind: {entry} (did a test start a service without `shm`?)", red=True
        )


def _processes() -> dict[Process, int]:
    """All live processes but this one, each with its parent; a zombie has nothing left to hold."""
    found = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            stat = Path("/proc", name, "stat").read_text()
        except OSError:
            continue
        state, parent, *rest = stat.rpartition(")")[2].split()
        if state != "Z" and int(name) != os.getpid():
            found[int(name), rest[17]] = int(parent)
    return found


def _works_on(pid: int, mark: bytes) -> bool:
    """Whether *mark* stands in the environment, command line, mappings or descriptors of *pid*."""
    proc = Path("/proc", str(pid))
    try:
        if any(mark in (proc / name).read_bytes() for name in ("environ", "cmdline", "maps")):
            return True
        descriptors = os.listdir(proc / "fd")
    except OSError:  # it has just ended, or belongs to somebody else
        return False
    for descriptor in descriptors:
        try:
            if mark in os.fsencode(os.readlink(proc / "fd" / descriptor)):
                return True
        except OSError:
            continue
    return False


def _command(pid: int) -> str:
    try:
        command = Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return ""
    return command.replace(b"\0", b" ").decode(errors="replace").strip()


def _wait_for(predicate: Callable[[], Any], timeout_s: float = 10.0, what: str = "") -> Any:
    began_s, timeout_s = time.monotonic(), max(timeout_s, min(PATIENCE * timeout_s, PATIENCE_S))
    while not (outcome := predicate()):
        if time.monotonic() > began_s + timeout_s:
            pytest.fail(f"waited {timeout_s:g} s in vain for {what or predicate}", pytrace=False)
        time.sleep(POLL_S)
    return outcome


def _detach_here() -> None:
    """End this process's own part in a service, so that the writer can leave.

    A fork server goes too: its children would inherit this test's environment in the next one.
    """
    shutdown = getattr(sys.modules.get("mplog"), "shutdown", None)
    if shutdown is not None:
        shutdown(timeout=5.0)
    state = getattr(sys.modules.get("mplog.service.state"), "STATE", None)
    if state is not None:
        state.others.clear()  # of handlers: their counts are none of the next test's
    for name in ("multiprocessing.forkserver", "multiprocess.forkserver"):
        if name in sys.modules:
            sys.modules[name]._forkserver._stop()


def _stayed(mark: bytes, before: dict[Process, int]) -> set[Process]:
    """Processes newer than *before* that work on *mark* or are children of this one."""
    return {
        (pid, start)
        for (pid, start), parent in _processes().items()
        if (pid, start) not in before
        and (parent == os.getpid() or _works_on(pid, mark))
        and RESOURCE_TRACKER not in _command(pid)
    }


def _end_those_on(place: Path, before: dict[Process, int]) -> list[str]:
    """Wait until nobody works on *place*; kill and name those that do not leave."""
    mark = os.fsencode(place.name)
    deadline_s = time.monotonic() + LEAVE_TIMEOUT_S
    while (stayed := _stayed(mark, before)) and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
    told = sorted(f"{pid} ({_command(pid)[:200]})" for pid, _ in stayed)
    # A supervisor may have started its writer anew meanwhile, hence more than once.
    for _ in range(50):
        for pid, _start in stayed & _processes().keys():
            with contextlib.suppress(ProcessLookupError):  # it has left at last
                os.kill(pid, signal.SIGKILL)
        if not (stayed := _stayed(mark, before)):
            break
        time.sleep(POLL_S)
    return told


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No MPLOG_* from outside gets in; a service started without `shm` is found at the end."""
    for name in [name for name in os.environ if name.startswith("MPLOG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MPLOG_DIR", str(_stray()))


@pytest.fixture
def shm(_clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A private directory in shared memory that MPLOG_DIR names; empty, mode 0700."""
    place = SHARED_MEMORY / f"{_run()}-{uuid.uuid4().hex[:8]}"
    place.mkdir(mode=0o700)
    monkeypatch.setenv("MPLOG_DIR", str(place))
    before = _processes()
    try:
        yield place
    finally:
        try:
            _detach_here()
        finally:
            stayed = _end_those_on(place, before)
            shutil.rmtree(place, ignore_errors=True)
    assert [] == stayed, "still there after the test, and ended by it"
    assert [] == list(SHARED_MEMORY.glob(f"*{place.name}*"))


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    """Where the log files of a test go."""
    return tmp_path


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """`wait_for(predicate, timeout_s, what)`: poll until *predicate* is true, else fail."""
    return _wait_for


@pytest.fixture
def full_stress(request: pytest.FixtureRequest) -> bool:
    """Whether the long form of a claim is wanted (`make stress`)."""
    return bool(request.config.getoption("--stress"))

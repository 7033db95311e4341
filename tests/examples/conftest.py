"""What the tests of the examples share: the shop as a function, and records of what it logged."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
for folder in (str(EXAMPLES), str(Path(__file__).parent)):
    if folder not in sys.path:
        sys.path.insert(0, folder)

LEAVE_TIMEOUT_S = 90.0


class Told(NamedTuple):
    """One log call."""

    logger: str
    level: str
    template: str
    fields: dict[str, Any]


class Recorder:
    """Stands in for an mplog logger and keeps what it is told."""

    def __init__(self, name: str, told: list[Told], bound: dict[str, Any] | None = None) -> None:
        self._name = name
        self._told = told
        self._bound = bound or {}

    def bind(self, **fields: Any) -> Recorder:
        return Recorder(self._name, self._told, self._bound | fields)

    def __getattr__(self, level: str) -> Callable[..., bool]:
        if level not in {"debug", "info", "warning", "error", "critical", "exception"}:
            raise AttributeError(level)

        def call(template: str, /, **fields: Any) -> bool:
            self._told.append(Told(self._name, level, template, self._bound | fields))
            return True

        return call


class Reply(NamedTuple):
    """What the shop answered."""

    status: int
    headers: dict[str, str]
    content: dict[str, Any]


class Visitor:
    """Calls a WSGI application and keeps the cookie it is given."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._cookie = ""

    def send(self, method: str, path: str, body: Any = None, **environ: Any) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        seen: list[Any] = []
        chunks = self._application(
            {
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "CONTENT_LENGTH": str(len(data)),
                "wsgi.input": io.BytesIO(data),
                "HTTP_COOKIE": self._cookie,
                **environ,
            },
            lambda status, headers: seen.extend([status, dict(headers)]),
        )
        content = b"".join(chunks)
        status, headers = seen
        assert int(headers["Content-Length"]) == len(content)
        self._cookie = headers.get("Set-Cookie", self._cookie).partition(";")[0]
        return Reply(int(status.split()[0]), headers, json.loads(content))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    """All log calls of the shop."""
    from shop import app, payment

    calls: list[Told] = []
    monkeypatch.setattr(app, "requests", Recorder("shop.request", calls))
    monkeypatch.setattr(app, "orders", Recorder("shop.order", calls))
    monkeypatch.setattr(payment, "log", Recorder("shop.payment", calls))
    return calls


@pytest.fixture
def goods(tmp_path: Path) -> Iterator[Any]:
    """A fresh store."""
    from shop import store

    opened = store.Store(store.create(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def visitor(goods: Any, told: list[Told]) -> Visitor:
    """A customer of a fresh shop."""
    from shop import app

    return Visitor(app.Shop(goods))


@pytest.fixture
def private(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a service directory of its own; no process of it may stay behind."""
    directory = tmp_path / "segments"
    directory.mkdir(mode=0o700)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MPLOG_")}
    # The samples are run by this interpreter, also where they say `python` or `mplog`.
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    yield kept | {"MPLOG_DIR": str(directory), "PATH": path}
    assert _leftovers(directory) == []


@pytest.fixture
def settled(private: dict[str, str]) -> Callable[[], None]:
    """Waits until the services of `private` have written everything and left."""

    def wait() -> None:
        assert _leftovers(Path(private["MPLOG_DIR"])) == []

    return wait


def _leftovers(directory: Path) -> list[str]:
    ends_s = time.monotonic() + LEAVE_TIMEOUT_S
    while (found := _processes_of(directory)) and time.monotonic() < ends_s:
        time.sleep(0.05)
    told = [f"{one.pid}: {one.name()}" for one in found if one.is_running()]
    for one in found:
        one.kill()
    return told


def _processes_of(directory: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if _concerns(one, str(directory))]


def _concerns(process: psutil.Process, directory: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        named = process.environ().get("MPLOG_DIR") == directory
        return named or any(directory in word for word in process.cmdline())
    except psutil.Error:
        return False

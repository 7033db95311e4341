"""What the tests of the sinks share: events, real receivers, and certificates."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in (str(HERE), str(HERE.parent / "format")):
    if folder not in sys.path:
        sys.path.insert(0, folder)

from receivers import Receiver, make_certificates  # noqa: E402


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name."""
    place = Path(tempfile.mkdtemp(prefix="mplog-"))
    place.chmod(0o755)
    yield place
    shutil.rmtree(place)


@pytest.fixture(scope="session")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificates of `make_certificates` are."""
    return make_certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def receiver(short_path: Path, certs: Path) -> Iterator[Callable[..., Receiver]]:
    """Starts a real server by its name; it is stopped at the end."""
    started: list[Receiver] = []

    def start(name: str, **options: bool) -> Receiver:
        one = Receiver(name, short_path, certs, **options)
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()

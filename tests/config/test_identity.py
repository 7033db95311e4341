"""A service's name from its file."""

import re
import sys
from pathlib import Path

import pytest

from mplog.config import KEYS, service_name


def test_name_is_readable_and_unique(tmp_path):
    """The file's name, then twelve hex digits."""
    assert re.fullmatch(r"app\.jsonl-[0-9a-f]{12}", service_name(tmp_path / "app.jsonl"))


def test_same_file_by_another_way(tmp_path, monkeypatch):
    """A link to the directory, a relative path and dots lead to the same name."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    ways = ["real/app.log", "link/app.log", "./real/../real/app.log", tmp_path / "link/app.log"]
    assert len({service_name(Path(way)) for way in ways}) == 1


def test_other_files_have_other_names(tmp_path):
    """Directory and name both count, and do not run into each other."""
    files = ["a/b", "a/c", "d/b", "a", "ab"]
    assert len({service_name(tmp_path / file) for file in files}) == len(files)


def test_the_name_is_the_same_where_python_has_its_digests_from_openssl_alone(
    tmp_path, monkeypatch
):
    """Some distributions build it without its own."""
    name = service_name(tmp_path / "app.log")
    monkeypatch.setitem(sys.modules, "_blake2", None)

    assert name == service_name(tmp_path / "app.log")


@pytest.mark.parametrize("base", [".app.log", "журнал", "a b/c:d", "x" * 200, "a\udcff", "-x"])
def test_name_is_a_service_name(tmp_path, base):
    """Whatever the file is called, the name is one that `service=` would take."""
    name = service_name(tmp_path / base)
    assert name == KEYS["service"].parse(name)
    assert len(name) <= 53

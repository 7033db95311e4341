"""Which commit is the base, and what is said when it cannot be had."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from instructions import trees

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_the_base_is_the_one_line_that_is_no_comment():
    """The tracked file may say what it is for."""
    assert trees.base_commit(f"# the base\n\n{COMMIT}\n", None) == COMMIT


def test_the_environment_overrides_the_file():
    """MPLOG_BASE may be anything that git knows."""
    assert trees.base_commit(COMMIT, "HEAD~3") == "HEAD~3"


@pytest.mark.parametrize("text", ["", "# none\n", "main\n", "0123abc\n", f"{COMMIT}\n{COMMIT}\n"])
def test_a_file_without_one_commit_is_refused(text):
    """A name that moves is no base."""
    with pytest.raises(trees.Unusable, match="40 digits"):
        trees.base_commit(text, None)


def test_the_tracked_file_names_a_commit():
    """.ci/base is as it must be."""
    assert len(trees.base_commit(trees.NAMED_IN.read_text(), None)) == 40


def test_a_base_that_is_not_in_the_clone_is_told(tmp_path):
    """The message says what to do; nothing is laid out."""
    with pytest.raises(trees.Unusable, match=r"git fetch --unshallow.*MPLOG_BASE"):
        trees.lay_out_base(COMMIT, tmp_path / "base")

    assert not (tmp_path / "base").exists()


def test_the_base_comes_from_git(tmp_path, monkeypatch):
    """What has been changed since the commit is not in it."""
    root = tmp_path / "root"
    place = tmp_path / "place"
    for part in trees.PARTS:
        target = root / part if "." in part or part.isupper() else root / part / "one.c"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("committed")
    commit_all(root)
    (root / "native" / "one.c").write_text("changed")
    monkeypatch.setattr(trees, "ROOT", root)

    trees.lay_out_base("HEAD", place)

    assert (place / "native" / "one.c").read_text() == "committed"
    assert sorted(os.listdir(place)) == sorted(trees.PARTS)


def commit_all(root: Path) -> None:
    """A repository of what is in *root*."""
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "--no-verify", "-m", "one")):
        subprocess.run(["git", "-C", str(root), *words], check=True)


def test_the_change_is_laid_out_without_what_was_built(tmp_path):
    """The work tree as it is, to be built anew."""
    place = tmp_path / "place"

    trees.lay_out_change(place)

    assert (place / "mplog" / "_native.pyi").exists()
    assert not list(place.rglob("*.so")) + list(place.rglob("__pycache__"))


def test_a_tree_that_does_not_build_is_told(tmp_path):
    """The compiler's first words, not all of them."""
    (tmp_path / "setup.py").write_text("import sys; print('wrong\\n' * 99, file=sys.stderr); 1/0")

    with pytest.raises(trees.Unusable, match="the base does not build:\nwrong") as caught:
        trees.build(tmp_path, "the base")

    assert len(str(caught.value).splitlines()) == trees.SHOWN_LINES + 1


def test_a_tree_without_symbols_is_refused(tmp_path):
    """Without them no function could be named."""
    (tmp_path / "mplog").mkdir()
    (tmp_path / "mplog" / "_native.so").write_bytes(b"\x7fELF .dynsym")
    (tmp_path / "setup.py").touch()

    with pytest.raises(trees.Unusable, match="the change has no symbols"):
        trees.build(tmp_path, "the change")


def test_nothing_of_the_caller_reaches_the_interpreters(monkeypatch):
    """Settings of mplog, Python or git would make the trees differ from other runs."""
    for name in ("MPLOG_LEVEL", "PYTHONHASHSEED", "GIT_DIR"):
        monkeypatch.setenv(name, "1")

    assert not {"MPLOG_LEVEL", "PYTHONHASHSEED", "GIT_DIR"} & trees.clean_environment().keys()

"""The writer takes in no more code from its surroundings than the program that starts it does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

import mplog

ROOT = Path(mplog.__file__).parent.parent
SITE = Path(msgspec.__file__).parent.parent
# Tells how a writer of this program would run, by running its command line with another ending.
PROBE = """
import json, os, subprocess, sys
sys.path[:0] = json.loads(sys.argv[1])
from pathlib import Path
from mplog import launch
words = launch.command(Path("/nowhere"), "nobody")
asked = "import json, msgspec, mplog\\n"
asked += "print(json.dumps([mplog.__file__, msgspec.__file__, sys.path]))"
where = words.index("-c") + 1
words[where] = words[where].replace("from mplog.writer.__main__ import main\\n", asked)
words[where] = words[where].replace("sys.exit(main(sys.argv[1:]))\\n", "\\n")
done = subprocess.run(words, env=launch.environment(), cwd="/", capture_output=True, text=True)
print(json.dumps([done.stdout, done.stderr, words[1:where - 1],
                  [os.fsdecode(k) for k in launch.environment()]]))
"""


def probe(*options, cwd, first=(str(ROOT), str(SITE)), **variables):
    """What a program with these options and variables would make its writer: its output, its
    errors, its options, the names in its environment.
    """
    words = [sys.executable, *options, "-c", PROBE, json.dumps(list(first))]
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "" == done.stderr
    return json.loads(done.stdout.strip().rsplit("\n", 1)[-1])


@pytest.mark.parametrize("options", [["-I"], ["-E"], ["-E", "-s"], ["-I", "-B"]], ids=" ".join)
def test_a_program_closed_to_its_environment_gets_a_writer_that_is(tmp_path, options):
    """No sitecustomize that the program itself has kept out is executed by its writer."""
    (tmp_path / "sitecustomize.py").write_text("print('foreign code')\n")
    out, err, flags, names = probe(*options, cwd="/", PYTHONPATH=str(tmp_path), PYTHONHOME="/none")

    assert options == flags
    assert "" == err
    assert "foreign" not in out
    assert [] == [name for name in names if name.startswith("PYTHON")]


def test_a_program_with_a_safe_path_gets_a_writer_that_has_one(tmp_path):
    """-P, which came with Python 3.11, is passed on."""
    options = {"-P"} if sys.version_info >= (3, 11) else set()
    assert options == options & set(probe(*options, cwd=tmp_path)[2])


def test_relative_entries_of_the_path_stay_where_they_were(tmp_path):
    """The writer runs in /; an entry "lib" is still the program's lib, and an empty one is none."""
    (tmp_path / "lib").mkdir()
    out, err, _, _ = probe(cwd=tmp_path, PYTHONPATH=os.pathsep.join(["lib", "", "."]))
    path = json.loads(out)[2]

    assert "" == err
    assert str(tmp_path / "lib") in path
    assert not {"", "/", "lib", "/lib"} & set(path)


def test_the_packages_come_from_where_the_program_has_them(tmp_path):
    """Vendored ones are found, and win over others that are installed or named by PYTHONPATH."""
    vendored, other = tmp_path / "vendored", tmp_path / "other"
    for folder, name, target in [(vendored, "mplog", ROOT), (vendored, "msgspec", SITE)]:
        folder.mkdir(exist_ok=True)
        (folder / name).symlink_to(target / name)
    for name in ("mplog", "msgspec"):
        (other / name).mkdir(parents=True)
        (other / name / "__init__.py").write_text("raise SystemExit('another one')\n")
    out, err, _, _ = probe(cwd="/", first=[str(vendored)], PYTHONPATH=str(other))
    taken = json.loads(out)[:2]

    assert "" == err
    assert [str(vendored / name / "__init__.py") for name in ("mplog", "msgspec")] == taken


def test_what_stands_beside_the_package_cannot_stand_in_for_a_module(tmp_path):
    """The directory that holds mplog may hold anything; it is no place of the writer's path."""
    (tmp_path / "mplog").symlink_to(ROOT / "mplog")
    (tmp_path / "typing.py").write_text("raise SystemExit('taken in')\n")
    words = json.dumps([str(tmp_path)])
    program = PROBE.replace("sys.path[:0]", "import typing, pathlib; sys.path[:0]")
    done = subprocess.run(
        [sys.executable, "-c", program, words], cwd="/", capture_output=True, text=True, timeout=60
    )
    out, err, _, _ = json.loads(done.stdout)

    assert ("", "") == (done.stderr, err)
    assert str(tmp_path) not in json.loads(out)[2]

"""Every sample of the README and the tutorial does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import progress
import pytest
import samples

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
COMMANDS = {"make", "pip", "mplog"}

README_PYTHON = [block for block in samples.blocks_of(README) if block.language == "python"]


def verified(file: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """`mplog verify` of *file*."""
    return subprocess.run(
        [sys.executable, "-m", "mplog", "verify", str(file)],
        env=env,
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_quickstart_is_the_example_of_the_readme():
    """The first Python block of the README is examples/quickstart.py, 15 lines long."""
    quickstart = (ROOT / "examples" / "quickstart.py").read_text()

    assert quickstart == README_PYTHON[0].text
    assert len(quickstart.splitlines()) == 15


@pytest.mark.process
@pytest.mark.parametrize("block", README_PYTHON, ids=lambda block: block.place)
def test_readme_sample_logs_what_verifies(block, tmp_path, private, settled):
    """A Python block runs as a program, complains of nothing, and leaves one log that is whole."""
    (tmp_path / "sample.py").write_text(block.text)
    done = subprocess.run(
        [sys.executable, "sample.py"],
        cwd=tmp_path,
        env=private,
        capture_output=True,
        text=True,
        timeout=samples.TIMEOUT_S,
        check=False,
    )
    settled()
    (log,) = (tmp_path / "logs").glob("*.jsonl")
    verdict = verified(log, private)

    assert (done.returncode, progress.without(done.stderr)) == (0, "")
    assert '"seq"' in log.read_text()
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr


@pytest.mark.process
def test_tutorial_does_what_it_says(tmp_path, private, settled):
    """Its files are saved and its commands run from top to bottom, as a reader would."""
    ran = 0
    for block in samples.blocks_of(TUTORIAL):
        assert block.task in {"save", "run"}, f"{block.place} is neither saved nor run"
        if block.task == "save":
            (tmp_path / block.name).write_text(block.text)
            continue
        # A reader takes longer to the next block than a writer to leave.
        settled()
        for line, shown, printed in samples.run(block, tmp_path, private):
            assert samples.fits(shown, printed), f"{block.place}: $ {line}\n{printed}"
            ran += 1
    assert ran >= 10


def test_console_blocks_name_what_is_there():
    """`make` targets are in the Makefile, subcommands in the command line's table."""
    from mplog.cli.main import COMMANDS as SUBCOMMANDS

    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [
        line.split()
        for block in samples.blocks_of(README)
        if block.language == "console"
        for line, _ in block.commands()
    ]

    assert {words[0] for words in lines} == COMMANDS
    assert {words[1] for words in lines if words[0] == "make"} <= targets
    assert {words[1] for words in lines if words[0] == "mplog"} == set(SUBCOMMANDS)


@pytest.mark.parametrize("page", [README, TUTORIAL], ids=lambda page: page.name)
def test_make_targets_in_the_prose_are_there(page):
    """A `make …` in the text names targets of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"`make\s+([a-z-]+)`", page.read_text())

    assert named
    assert set(named) <= targets


def test_readme_is_short():
    """At most 180 lines, limitations in the first half."""
    lines = README.read_text().splitlines()

    assert len(lines) <= 180
    assert lines.index("## Limitations") < len(lines) / 3


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["exit code 0"], "exit code 0\n", True),
        (["exit code 0"], "exit code 1\n", False),
        (["exit codes: [0, -9]"], "exit codes: [0,-9]\n", True),
        (["at 2026-11-22T08:25:52.5Z"], "at 2027-01-01T00:00:00.000000001Z\n", True),
        (["a.20261122T082601Z.000001"], "a.20270101T000000Z.000002\n", False),
        (["a", "b"], "a\nx\nb\n", True),
        (["a", "b"], "b\na\n", False),
        (["a", "…", "b"], "a\nb\n", True),
        (['{"a":1,…"b":2}'], '{"a": 1, "c": 3, "b": 2}\n', True),
        (["a.c"], "abc\n", False),
        ([], "", True),
        ([], "unasked\n", False),
        (["shown"], "", False),
    ],
)
def test_loose_comparison(shown, printed, same):
    """Blanks and times do not count; words, numbers, their order and silence do."""
    assert samples.fits(shown, printed) is same

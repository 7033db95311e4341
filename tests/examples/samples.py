"""Finds the samples in a document, runs console samples, and compares what they print, loosely.

A comment on the line before a block says what becomes of it: ``<!-- save: NAME -->`` writes it to a
file, ``<!-- run -->`` runs its ``$`` lines. A console block without a comment is only looked at.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import progress

TIMEOUT_S = 120

_BLOCK = re.compile(
    r"^(?:<!-- (?P<task>save|run)(?:: (?P<name>\S+))? -->\n)?"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d{8}T\d{6}Z")


@dataclass(frozen=True)
class Block:
    """One fenced block of a document."""

    place: str
    language: str
    text: str
    task: str
    name: str

    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command of a console block, and the lines shown under it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
        return found


def blocks_of(page: Path) -> list[Block]:
    """All fenced blocks of *page*."""
    text = page.read_text(encoding="utf-8")
    found = [
        Block(
            f"{page.name}:{text.count(chr(10), 0, match.start()) + 1}",
            match["language"],
            match["text"],
            match["task"] or "",
            match["name"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]
    fences = len(re.findall(r"^```", text, re.MULTILINE))
    assert fences == 2 * len(found), f"{page.name}: a fence that opens no block"
    return found


def run(block: Block, directory: Path, env: dict[str, str]) -> list[tuple[str, list[str], str]]:
    """Run a console block in one shell: each command, what is shown, what it printed."""
    commands = block.commands()
    mark = "=== end of a command ==="
    # The status is kept over the mark, so that `echo $?` shows that of the command before.
    script = "\n".join(f"{line}\ns=$?; echo '{mark}'; (exit $s)" for line, _ in commands)
    done = subprocess.run(
        ["bash", "-c", script + "\ntrue"],
        cwd=directory,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    printed = progress.without(done.stdout).split(mark + "\n")
    assert len(printed) == len(commands) + 1, f"{block.place}:\n{done.stdout}"
    return [(line, shown, out) for (line, shown), out in zip(commands, printed, strict=False)]


def fits(shown: list[str], printed: str) -> bool:
    """Whether the lines shown come in this order in what was printed.

    Blanks do not count, any time stands for any other, and … for anything. Where nothing is shown,
    nothing may have been printed.
    """
    lines = [_bare(line) for line in printed.splitlines()]
    if not shown:
        return not any(lines)
    at = 0
    for line in shown:
        pattern = re.compile(".*".join(re.escape(part) for part in _bare(line).split("…")))
        while at < len(lines) and not pattern.fullmatch(lines[at]):
            at += 1
        if at == len(lines):
            return False
        # A line of dots only may stand for no line at all.
        at += line.strip() != "…"
    return True


def _bare(line: str) -> str:
    return _TIME.sub("#", re.sub(r"\s", "", line))

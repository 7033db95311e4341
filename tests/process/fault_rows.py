"""The page of the faults that are brought about for real: how, what holds, which tests.

`python tests/process/fault_rows.py` writes docs/reference/faults.md from the tables of the modules
*_rows.py; a test holds page, tables and tests together.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

import content_rows
import file_rows
import network_rows
import producer_rows
import writer_rows

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "faults.md"


class Fault(NamedTuple):
    """One fault.

    Attributes:
        row: its number in the fault matrix.
        what: befalls the one whom the chapter is about.
        injection: how that is brought about.
        holds: what is shown, besides what the chapter says of all.
        tests: file and function; a C program is shown as a whole, by "".
    """

    row: str
    what: str
    injection: str
    holds: str
    tests: tuple[tuple[str, str], ...]


class Chapter(NamedTuple):
    """What can befall one of the parts.

    Attributes:
        title: of the chapter.
        about: what holds of all its rows.
        whom: the faults befall, as the head of the table has it.
        faults: its rows.
    """

    title: str
    about: str
    whom: str
    faults: list[Fault]


def _rows(table: list[tuple[str, str, str, str, tuple[tuple[str, str], ...]]]) -> list[Fault]:
    return [Fault(*row) for row in table]


CHAPTERS = (
    Chapter(
        "Programs that log",
        "What befalls the processes that log. Of every row holds: the others go on logging, and of "
        "what was accepted nothing is lost, doubled, torn or out of its process's order.",
        "a program",
        _rows(producer_rows.PRODUCERS),
    ),
    Chapter(
        "Shared memory",
        "What befalls the memory that events wait in.",
        "the memory",
        _rows(producer_rows.MEMORY),
    ),
    Chapter(
        "The writer",
        "What befalls the process that writes. Of every row holds: log calls go on and are "
        "accepted as long as there is room, there is one writer again afterwards, and what was "
        "accepted is in the files once, whole, in order.",
        "the writer",
        _rows(writer_rows.WRITER),
    ),
    Chapter(
        "Files and file systems",
        "What is done to the log file, and to the file system below it, while workers log. Of "
        "every row holds: no log call is refused, raises or waits for the disk; what is logged "
        "after the fault is in the files once, whole, in order; and when its cause is gone the "
        "log goes on by itself. The waiting events lie in shared memory and its overflow, so that "
        "all this holds as long as those have room. Missing rows: F6 is that of "
        "[durability](../howto/durability.md); F12 and F13 (slow disks, network file systems) are "
        "not tested.",
        "the file",
        _rows(file_rows.FILES),
    ),
    Chapter(
        "Far sides of sinks",
        "What befalls those that events are sent to. Of every row holds: the sink says how many of "
        "its batch have arrived, and no other sink and no log call waits. `test_service.py` and "
        "`test_own_network.py` run whole services, the others run a sink alone. Missing rows: N7 "
        "and N8 (Kafka, NATS) belong to sinks that are not there yet.",
        "the far side",
        _rows(network_rows.NETWORK),
    ),
    Chapter(
        "Content",
        "What is logged, and who reads it. Missing rows: C3 and C4 (a web page, labels of metrics) "
        "belong to parts that are not there yet.",
        "the log",
        _rows(content_rows.CONTENT),
    ),
)
FAULTS = [fault for chapter in CHAPTERS for fault in chapter.faults]

_HEAD = """\
# Faults

What can go wrong around a log, each by the real fault and not by a mock. Of every row holds: the
fault is seen to have fired, and a fresh event flows afterwards; but for R1, R2, R7 and R9, which
run the core alone. `make stress` and `make faults` run the tests' long forms. Rows that need root,
cgroups or a tool are skipped and counted where there is none. The bounds of P5, P6 and W7 are set
in cgroups of version 1: the machines that these tests have run on have `pids` and `memory` there,
and under version 2 no more than `hugetlb`, so a form for `pids.max` and `memory.max` of version 2
could not be run, and is not there. Where these controllers are in version 2 alone, the rows are
skipped.

This page is made by `python tests/process/fault_rows.py`.
"""


def page() -> str:
    """The document."""
    return _HEAD + "".join(_chapter(one) for one in CHAPTERS if one.faults)


def _chapter(chapter: Chapter) -> str:
    head = f"| | what befalls {chapter.whom} | how it is brought about | what holds besides |"
    table = f"{head} shown by |\n|---|---|---|---|---|\n" + _lines(chapter.faults)
    about = textwrap.fill(chapter.about, 100, break_long_words=False, break_on_hyphens=False)
    return f"\n## {chapter.title}\n\n{about}\n\n{table}"


def _lines(faults: list[Fault]) -> str:
    lines = []
    for fault in faults:
        tests = ", ".join(
            f"`{path}::{name}`" if name else f"`{path}`" for path, name in fault.tests
        )
        cells = (fault.row, fault.what, fault.injection, fault.holds, tests)
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

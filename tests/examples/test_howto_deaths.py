"""The how-to about deaths does what it says: its program is saved and run, top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto" / "deaths.md"


@pytest.mark.process
def test_deaths_does_what_it_says(tmp_path, private, settled):
    """A kill, a crash, an exit and an exception are in the log as shown."""
    ran = 0
    for block in samples.blocks_of(HOWTO):
        if block.task == "save":
            (tmp_path / block.name).write_text(block.text)
        elif block.task == "run":
            for line, shown, printed in samples.run(block, tmp_path, private):
                assert samples.fits(shown, printed), f"{block.place}: $ {line}\n{printed}"
                ran += 1
    settled()
    assert ran == 7

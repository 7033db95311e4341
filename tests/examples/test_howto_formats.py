"""The how-to for formats does what it says: its files are saved and its commands run."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "formats.md"


@pytest.mark.process
def test_a_format_of_ones_own_does_what_it_says(tmp_path, private, settled):
    """The callable is found by the writer, and its lines are those that are shown."""
    ran = 0
    for block in samples.blocks_of(PAGE):
        if block.task == "save":
            (tmp_path / block.name).write_text(block.text)
        elif block.task == "run":
            settled()
            for line, shown, printed in samples.run(block, tmp_path, private):
                assert samples.fits(shown, printed), f"{block.place}: $ {line}\n{printed}"
                ran += 1
    assert ran == 3

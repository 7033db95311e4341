"""Each how-to does what it says: its files are saved and its commands run, top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto"


@pytest.mark.process
def test_rotation_does_what_it_says(tmp_path, private, settled):
    """Archives appear compressed, and the log is whole."""
    ran = 0
    for block in samples.blocks_of(HOWTO / "rotation.md"):
        if block.task == "save":
            (tmp_path / block.name).write_text(block.text)
        elif block.task == "run":
            settled()
            for line, shown, printed in samples.run(block, tmp_path, private):
                assert samples.fits(shown, printed), f"{block.place}: $ {line}\n{printed}"
                ran += 1
    assert ran == 6

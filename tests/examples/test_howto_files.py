"""The how-to for several files does what it says: its file is saved and its commands run."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "files.md"


@pytest.mark.process
def test_several_files_do_what_is_said(tmp_path, private, settled):
    """Each has its own lines, and is whole for itself."""
    ran = 0
    for block in samples.blocks_of(PAGE):
        if block.task == "save":
            (tmp_path / block.name).write_text(block.text)
        elif block.task == "run":
            settled()
            for line, shown, printed in samples.run(block, tmp_path, private):
                assert samples.fits(shown, printed), f"{block.place}: $ {line}\n{printed}"
                ran += 1
    assert ran == 4

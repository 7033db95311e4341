"""The how-to for durability does what it says: its program is saved and run."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "durability.md"


@pytest.mark.process
def test_durable_calls_say_what_is_shown(tmp_path, private, settled):
    """True, and True."""
    ran = 0
    for block in samples.blocks_of(PAGE):
        if block.task == "save":
            (tmp_path / block.name).write_text(block.text)
        elif block.task == "run":
            settled()
            for line, shown, printed in samples.run(block, tmp_path, private):
                assert samples.fits(shown, printed), f"{block.place}: $ {line}\n{printed}"
                ran += 1
    assert ran == 1

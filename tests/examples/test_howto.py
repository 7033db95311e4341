"""Each how-to does what it says: its files are saved and its commands run, top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto"
NOT_RUN = {"others.md"}  # an administrator's; tests/stress/test_logrotate.py has the real logrotate
PAGES = sorted(page for page in HOWTO.glob("*.md") if page.name not in NOT_RUN)


@pytest.mark.process
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_howto_does_what_it_says(page, tmp_path, private, settled):
    """What its commands print is what it shows."""
    ran = 0
    for block in samples.blocks_of(page):
        if block.task == "save":
            (tmp_path / block.name).write_text(block.text)
        elif block.task == "run":
            settled()
            for line, shown, printed in samples.run(block, tmp_path, private):
                assert samples.fits(shown, printed), f"{block.place}: $ {line}\n{printed}"
                ran += 1
    settled()
    assert ran

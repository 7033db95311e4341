"""Each how-to does what it says: its files are saved and its commands run, top to bottom."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import samples

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto"
NEEDS_LOGROTATE = {"others.md"}
PAGES = sorted(HOWTO.glob("*.md"))
SBIN = "/usr/sbin"  # where logrotate is, which an administrator's shell finds


@pytest.mark.process
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_howto_does_what_it_says(page, tmp_path, private, settled):
    """What its commands print is what it shows."""
    ran = 0
    private["PATH"] += os.pathsep + SBIN
    if page.name in NEEDS_LOGROTATE and not shutil.which("logrotate", path=private["PATH"]):
        pytest.skip("needs logrotate: what the page shows was NOT run")
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

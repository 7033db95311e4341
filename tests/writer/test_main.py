"""The writer as a program."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mplog import _native
from mplog.config import Settings
from mplog.ring import create_bell, hold
from mplog.writer import __main__ as program


def test_a_program_beside_another_supervisor_leaves_at_once(shm):
    """It was lent no lock of the program that starts services; the service is the other's."""
    create_bell(shm, "shop", Settings(file="/logs/app.jsonl"))
    held = hold(shm, "shop", _native.LOCK_SUPERVISOR)
    command = [sys.executable, "-m", "mplog.writer", "--dir", str(shm), "--service", "shop"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    os.close(held)

    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("lent", [True, False])
def test_the_lock_is_given_back_where_one_was_lent(monkeypatch, lent):
    """Another descriptor of that number is none of ours."""
    fd = os.open("/dev/null", os.O_RDONLY)
    if not lent:
        os.close(fd)
    monkeypatch.setattr(program, "SPAWN_LOCK_FD", fd)

    assert (fd if lent else None) == program._inherited_lock()
    if lent:
        os.close(fd)

"""The kit is there for whoever asks for it, and for nobody else."""

from __future__ import annotations

import subprocess
import sys


def python(code):
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_it_needs_no_pytest():
    """A program's own checks may use it."""
    code = (
        "import sys; sys.modules['pytest'] = None; import mplog.testing as t; print(len(t.__all__))"
    )

    assert int(python(code)) > 8


def test_a_program_that_logs_does_not_load_it():
    """Neither the kit nor what stands around sinks, nor any sink."""
    code = (
        "import sys, mplog; mplog.configure; mplog.Handler; mplog.get_logger('a').debug('x');"
        "print([m for m in sys.modules if m.startswith(('mplog.testing', 'mplog.resilience',"
        " 'mplog.sinks'))])"
    )

    assert "[]" == python(code)

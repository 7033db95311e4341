"""What mplog says on stderr is one line, a remark once, a fault once a second, and cannot drive a
terminal.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from mplog.producer import tell


@pytest.fixture(autouse=True)
def _forgotten():
    tell.forget()
    yield
    tell.forget()


@pytest.fixture
def now_s(monkeypatch):
    """The clock of faults, in seconds: a list of one number."""
    now = [100.0]
    monkeypatch.setattr(tell.time, "monotonic", lambda: now[0])
    return now


def test_a_kind_is_told_once(capfd):
    """The second call of the same kind is silent, another kind is not."""
    assert tell.tell("a", kind="one")
    assert not tell.tell("b", kind="one")
    assert tell.tell("c", kind="two")
    assert ("", "mplog: a\nmplog: c\n") == capfd.readouterr()


def test_a_fault_is_told_once_a_second_with_how_many_were_not_shown(now_s, capfd):
    """With its code; the second line counts what was silent."""
    told = []
    for now_s[0] in (100.0, 100.1, 100.9, 101.1):
        told.append(tell.fault("x", kind="k", code="MPL-S001"))

    assert [True, False, False, True] == told
    assert (
        "",
        "mplog: x [MPL-S001]\nmplog: x (2 more like it were not shown) [MPL-S001]\n",
    ) == capfd.readouterr()


def test_a_fault_that_goes_on_is_told_less_and_less_often(now_s, capfd):
    """Each pause is twice the one before, up to a minute; the kind's quiet brings it back."""
    told_at = []
    for second in range(400):
        now_s[0] = 100.0 + second
        if tell.fault("x", kind="k", code="MPL-S001"):
            told_at.append(second)
    now_s[0] = 5000.0
    again = [tell.fault("x", kind="k", code="MPL-S001")]
    now_s[0] = 5001.0
    again.append(tell.fault("x", kind="k", code="MPL-S001"))

    assert [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363] == told_at
    assert [True, True] == again


def test_a_burst_of_100_000_faults_is_one_line_a_second_a_kind(now_s, capfd):
    """Ten kinds in 2.5 seconds, and every fault is shown or counted."""
    for number in range(100_000):
        now_s[0] = 100.0 + number / 40_000
        tell.fault(f"fault of kind {number % 10}", kind=str(number % 10), code="MPL-T003")
    out, err = capfd.readouterr()
    lines = err.splitlines()

    assert "" == out
    assert 20 == len(lines)
    for kind in range(10):
        counts = [re.search(r"\((.*) more", line) for line in lines if f"kind {kind}" in line]
        assert [None, "3,999"] == [count and count[1] for count in counts]


def test_kinds_do_not_grow_without_bound(now_s, capfd):
    """A kind that holds a changing text costs no memory for ever."""
    for number in range(1000):
        tell.fault("x", kind=f"k{number}", code="MPL-S001")

    assert len(tell._faults) <= 64


def test_control_characters_are_made_visible(capfd):
    """Neither a second line nor an escape sequence gets out."""
    tell.say("a\nmplog: forged\x1b[31m\u2028é")
    err = capfd.readouterr().err

    assert "mplog: a\\nmplog: forged\\x1b[31m\\u2028é\n" == err


def test_a_program_without_stderr_is_not_hurt(monkeypatch):
    """sys.stderr is None and descriptor 2 is closed: False, no error."""
    monkeypatch.setattr(sys, "stderr", None)
    kept = os.dup(2)
    os.close(2)
    try:
        said = tell.say("nobody hears this")
    finally:
        os.dup2(kept, 2)
        os.close(kept)

    assert not said


def test_nothing_is_raised_while_the_interpreter_ends(monkeypatch):
    """What it takes to look at stderr cannot be imported then: nothing is told."""
    monkeypatch.setitem(sys.modules, "select", None)

    assert tell.say("too late") is False


def test_a_fault_at_the_end_reaches_people_where_listeners_can_no_longer_be_called(
    monkeypatch, capfd
):
    """What calls them cannot be imported then; nothing is raised."""
    monkeypatch.setitem(tell.LISTENERS, "one", print)
    monkeypatch.setitem(sys.modules, "mplog.producer.listeners", None)

    assert tell.fault("x", kind="k", code="MPL-S001")
    assert ("", "mplog: x [MPL-S001]\n") == capfd.readouterr()


def test_where_stderr_was_closed_nothing_is_written_into_what_has_its_number(tmp_path):
    """Descriptor 2 is then the next file that the program opens."""
    code = (
        "import sys; file = open(sys.argv[1], 'w'); assert file.fileno() == 2\n"
        "from mplog.producer.tell import say\n"
        "assert not say('told')\n"
        "file.write('mine')\n"
    )
    path = tmp_path / "mine"
    line = 'exec "$@" 2>&-'
    command = ["sh", "-c", line, "sh", sys.executable, "-c", code, str(path)]
    assert 0 == subprocess.run(command, timeout=60, check=False).returncode
    assert "mine" == path.read_text()

"""`mplog recover`: what it writes of the events it has found, and what it leaves alone."""

from __future__ import annotations

import json

import pytest

from mplog.cli import exits, main
from mplog.cli.recover import lines
from mplog.event.codec import ENCODER
from mplog.event.event import Event
from mplog.format import formatter
from mplog.ring.unread import Unread

SESSION = "0123456789ab-1-7"


def unread(seq, payload=None, *, settled=0, untold=0):
    """A record of one session."""
    data = ENCODER.encode(Event("shop", f"number {seq}")) if payload is None else payload
    return Unread(SESSION, seq, seq, 10**18 + seq, 20, 0, 0, data, 7, "web", settled, untold)


def written(*events):
    """The lines of these, as objects."""
    text = b"".join(lines(events, formatter("json", redacts=True)))
    return [json.loads(line) for line in text.splitlines()]


def test_numbers_that_were_dropped_are_announced():
    """Those between what the writer has settled and what is there: lost before, and told now."""
    found = written(unread(4, settled=2), unread(5), unread(9))

    assert [4, 5, 9] == [one["seq"] for one in found if "seq" in one]
    assert [(3, 3), (6, 8)] == [
        (one["first"], one["last"]) for one in found if one.get("event_name") == "mplog.drop"
    ]
    assert all(one["recovered"] for one in found if "seq" in one)


def test_an_event_that_cannot_be_read_has_its_line():
    """Its number is not missing, and its bytes are there to be looked at."""
    garbage = b"\xc1 no event"
    first, second = written(unread(1), unread(2, garbage))

    assert (1, 2) == (first["seq"], second["seq"])
    assert "number 1" == first["message"]
    assert garbage.hex() in second.values()


def test_where_nobody_has_logged_there_is_nothing_to_recover(tmp_path, capsys):
    """Not even the directory is there."""
    assert 0 == main.main(["recover", "--dir", str(tmp_path / "none")])
    assert f"no shared memory of another version in {tmp_path / 'none'}" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["stop", "continue"])
def test_where_all_are_refused_nothing_is_written(tmp_path, capsys, flag):
    """Not that there was nothing: it is told what cannot be read, and the exit code says so."""
    (tmp_path / "shop.99.bell").write_bytes(b"\0" * 4096)
    output = tmp_path / "recovered.jsonl"
    command = ["recover", f"--on-error={flag}", "--dir", str(tmp_path), "--output", str(output)]

    assert exits.USAGE == main.main(command)
    err = capsys.readouterr().err
    assert "shop in" in err
    assert "whose layout this one does not know" in err
    assert "no shared memory" not in err
    assert not output.exists()

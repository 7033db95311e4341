"""Shared memory of earlier layouts: found, read as what it is, never reinterpreted or touched.

`golden/layout1.tar.xz` and `layout2.tar.xz` were left by the last versions with these layouts:
three delivered events, six that were not, and a killed child with three (in layout 2: 599, most of
them in the overflow).
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import pytest

from mplog import _native
from mplog.cli import main as program
from mplog.event.codec import decode
from mplog.files.verify import verify
from mplog.ring import services
from mplog.ring.relic import LAYOUTS, in_use, relics, settings_of, staged
from mplog.ring.unread import unread, unread_bytes, waiting

GOLDEN = Path(__file__).parent / "golden"
CHILD = {1: 3, 2: 599}
STAGED = b'{"a":1}\n{"b":2}\n'


def only(directory):
    (relic,) = relics(directory)
    return relic


def digests(directory):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def recover(*arguments):
    return program.main(["recover", *map(str, arguments)])


def test_every_earlier_layout_has_its_row_and_its_golden_file():
    """Whoever gives the layout a new number says how the last one is read, and shows it."""
    earlier = set(range(1, _native.ABI))
    golden = {int(path.name[6:-7]) for path in GOLDEN.glob("layout*.tar.xz")}

    assert earlier == set(LAYOUTS) == set(CHILD) == golden


def test_what_is_unread_is_found_whole(old):
    """Every event that the writer had not taken, in its order, with its process and its number."""
    relic = only(old)
    found = unread(relic)
    mine = [one for one in found if one.name == "golden.py" and one.seq > 3]
    texts = [decode(one.payload) for one in found]
    parent, child = {one.session for one in found if one.settled == 3}, CHILD[relic.abi]

    assert 6 + child == len(found)
    assert None not in texts
    assert 1 == len(parent)
    assert [4, 5, 6, 7, 8, 9] == [one.seq for one in found if one.session in parent]
    assert list(range(1, child + 1)) == [one.seq for one in found if one.session not in parent]
    assert mine[0].pid > 1
    assert 0 < unread_bytes(relic)
    assert "json" == settings_of(relic)["format"]


def test_log_and_recovered_events_together_are_whole(old, tmp_path, capsys):
    """`mplog recover`, then `mplog verify --also`: nothing missing, the exception is there too."""
    log, output = tmp_path / "app.jsonl", tmp_path / "recovered.jsonl"
    before = digests(old)
    assert 0 == recover("--dir", old, "--output", output)
    report = verify([log], also=[output])
    text = output.read_text()

    assert (0, []) == (report.exit_code, report.findings)
    assert 3 + 6 + CHILD[only(old).abi] == report.events
    assert report.events - 3 == report.recovered
    assert "ZeroDivisionError" in text
    assert before == digests(old)
    assert "events of 1 services written to" in capsys.readouterr().err


def test_remove_takes_the_files_away_once_they_are_written(old, tmp_path):
    """Not without a file to write to, and not a second time into the same one."""
    output = tmp_path / "recovered.jsonl"

    assert 2 == recover("--dir", old, "--remove")
    assert [] != list(old.iterdir())
    assert 0 == recover("--dir", old, "--output", output, "--remove")
    assert [] == list(old.iterdir())
    assert 0 == recover("--dir", old)


def test_an_output_that_exists_is_not_written_over(old, tmp_path, capsys):
    """It is named."""
    output = tmp_path / "recovered.jsonl"
    output.write_text("precious\n")

    assert 2 == recover("--dir", old, "--output", output, "--remove")
    assert "precious\n" == output.read_text()
    assert [] != list(old.iterdir())
    assert "exists" in capsys.readouterr().err


def test_a_version_that_is_still_at_work_is_left_alone(old, capsys):
    """One of its locks is held: refused, with what to do."""
    bell = next(old.glob("*.bell"))
    with bell.open("r+b") as file:
        assert _native.lock(file.fileno(), _native.LOCK_WRITER)
        assert in_use(only(old))
        assert [] == waiting(old, only(old).service)
        assert 2 == recover("--dir", old)

    assert "end them, and try again" in capsys.readouterr().err


def test_an_unknown_layout_is_refused(old, capsys):
    """A newer version's, say: told what to install."""
    relic = only(old)
    for name in relic.names:
        (old / name).rename(old / name.replace(f".{relic.abi}.", ".99."))

    assert 2 == recover("--dir", old)
    assert "install the version" in capsys.readouterr().err
    assert "cannot be read by this one" in waiting(old, relic.service)[0]


def test_our_own_files_are_no_relics(tmp_path):
    """Nor are files that only look alike."""
    for name in (f"app.{_native.ABI}.bell", "app.1.txt", "app.ring", ".1.bell", "app.1.0.ring.gz"):
        (tmp_path / name).touch()

    assert [] == relics(tmp_path)


def test_the_relics_of_one_service_can_be_asked_for(old):
    """Others' are not told with them."""
    (relic,) = relics(old)

    assert [relic] == relics(old, relic.service)
    assert [] == relics(old, "another")


@pytest.mark.parametrize("content", [None, b"", b"\0" * 4096, b"PLOGBEL1" + b"\xff" * 64])
def test_settings_that_cannot_be_read_are_none(old, content):
    """The bell is gone, was cut, is none, or points beyond its end."""
    bell = next(old.glob("*.bell"))
    bell.unlink()
    if content is not None:
        bell.write_bytes(content)

    assert {} == settings_of(only(old))


def commit(old, staged):
    """As if the writer had died between the commit of the first process's events and their write:
    *staged* is what it was to write at the beginning of the log.
    """
    relic, layout = only(old), LAYOUTS[only(old).abi]
    parent = next(one for one in unread(relic) if one.settled == 3)
    lane = int(parent.session.split("-")[1])
    (segment,) = [old / name for name in relic.names if name.endswith(".ring")]
    tail = struct.unpack_from("<Q", segment.read_bytes(), 4096 * (1 + lane) + 8)[0]
    journal = next(old.glob("*.journal"))
    with journal.open("r+b") as file:
        data = file.read(65536)
        staging = struct.unpack_from("<Q", data, 24)[0]
        for at, form, value in (
            (56, "<I", 1), (360, "<I", 1), (364, "<I", 1), (368 + 8, "<Q", 0),
            (368 + 16, "<Q", len(staged)), (368 + 24, "<I", 0), (368 + 32, "<Q", 0),
            (layout.touches, "<Q", int(parent.session[:12], 16)), (layout.touches + 8, "<I", lane),
            (layout.touches + 24, "<Q", tail),
        ):  # fmt: skip
            file.seek(at)
            file.write(struct.pack(form, value))
        file.seek(staging)
        file.write(staged)


def test_a_batch_that_was_committed_and_not_written_is_recovered_once(old, tmp_path):
    """The journal says COMMIT: its lines come first, and the events in them are not read again from
    the lane.
    """
    commit(old, STAGED)
    output = tmp_path / "recovered.jsonl"
    assert 0 == recover("--dir", old, "--output", output)
    lines = output.read_bytes().splitlines(keepends=True)

    assert STAGED == b"".join(lines[:2])
    assert CHILD[only(old).abi] == len(lines) - 2


@pytest.mark.parametrize(
    ("there", "rest"),
    [
        (b"", STAGED),
        (STAGED[:5], STAGED),
        (STAGED[:11], STAGED[8:]),
        (b"x" + STAGED, STAGED),
        (STAGED, b""),
    ],
    ids=["none of it", "a part", "a line and a part", "others' lines", "all of it"],
)
def test_of_a_committed_batch_only_what_is_not_in_the_log_is_recovered(
    old, tmp_path, capsysbinary, there, rest
):
    """From the first line that is not whole there; on standard output where no file is named."""
    commit(old, STAGED)
    log = tmp_path / "cut.jsonl"
    log.write_bytes(there)
    settle(old, log)
    assert 0 == recover("--dir", old)
    out, err = capsysbinary.readouterr()

    assert rest == out[: len(rest)]
    assert CHILD[only(old).abi] == len(out[len(rest) :].splitlines())
    assert b"written to standard output" in err


def settle(old, log):
    """Let the service have had another log file."""
    bell = next(old.glob("*.bell"))
    content = bytearray(bell.read_bytes())
    offset, length = struct.unpack_from("<II", content, 16)
    said = json.loads(content[offset : offset + length])
    text = json.dumps({**said, "file": str(log)}).encode()
    struct.pack_into("<I", content, 20, len(text))
    bell.write_bytes(content[:offset] + text)


def test_a_journal_that_was_cut_says_nothing(old):
    """The lanes themselves say how far they were drained."""
    relic = only(old)
    before = unread(relic)
    with next(old.glob("*.journal")).open("r+b") as file:
        file.truncate(100)

    assert before == unread(relic)
    assert (b"", 0) == staged(relic)


def test_a_committed_batch_of_a_journal_that_was_cut_is_not_made_up(old):
    """What stood behind the cut steers nothing: every event that is unread is still found."""
    relic, layout = only(old), LAYOUTS[only(old).abi]
    before = unread(relic)
    with next(old.glob("*.journal")).open("r+b") as file:
        for at, number in ((56, 1), (360, 1), (364, 512)):
            file.seek(at)
            file.write(struct.pack("<I", number))
        file.truncate(layout.touches)

    assert before == unread(relic)
    assert b"" == staged(relic)[0]


@pytest.mark.parametrize("seed", range(6))
def test_damaged_relics_are_survived(old, seed):
    """Bytes flipped in the pages that steer the reading: fewer events, never an exception."""
    import random

    dice = random.Random(seed)
    relic = only(old)
    for name in relic.names:
        if not name.endswith((".ring", ".journal")):
            continue
        with (old / name).open("r+b") as file:
            for _ in range(200):
                file.seek(dice.randrange(min(4096 * 66, (old / name).stat().st_size)))
                file.write(bytes([dice.randrange(256)]))

    assert 0 <= len(unread(relic)) < 10_000


@pytest.mark.process
def test_a_service_beside_an_old_one_tells_it_and_leaves_it(old, tmp_path, capfd):
    """The same service's name and directory: never mapped, never listed, not one byte changed; its
    user is told how to get the events.
    """
    import mplog

    relic = only(old)
    before = digests(old)
    mplog.configure(tmp_path / "new.jsonl", dir=str(old), service=relic.service)
    assert [relic.service] == services(old)
    assert mplog.get_logger("new").info("fresh")
    mplog.shutdown()
    said = capfd.readouterr().err
    after = {name: hashlib.sha256((old / name).read_bytes()).hexdigest() for name in before}

    assert f"mplog recover --dir {old} --service {relic.service} -o FILE" in said
    assert before == after
    assert 1 == verify([tmp_path / "new.jsonl"]).events

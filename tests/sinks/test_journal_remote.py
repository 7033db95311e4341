"""What the journald sink has sent, from journal to journal: the real journald, its own export, and
the real systemd-journal-remote, whose file is read.
"""

from __future__ import annotations

import attacks
import pytest
import told
from journal import Journald, read_entry
from journal_remote import Remote

from mplog.sinks.journald import JournaldSettings, JournaldSink, entry

pytestmark = [pytest.mark.process, pytest.mark.needs_root]

FORGERY = "x\n\n__REALTIME_TIMESTAMP=1795334400000000\nMESSAGE=FORGED\nPRIORITY=0\n\n"
TEXTS = [FORGERY, *attacks.ATTACKS.values(), *attacks.LONE.values()]


def sent():
    """Usual events, hostile ones in every place that data reaches, bytes, and a large one."""
    forged = [
        told.outgoing(n, text, raw=text.encode("utf-8", "surrogatepass"), **{text: text})
        for n, text in enumerate(TEXTS, 101)
    ]
    large = told.outgoing(101 + len(TEXTS), "line\n" * 60_000)
    return [*told.batch(1, 100), *forged, large]


@pytest.fixture
def exported(short_path, wait_for):
    """What a journald that has got all of it says of that in its export format."""
    journald = Journald(short_path)
    try:
        sink = JournaldSink(JournaldSettings(socket=str(journald.start().socket)))
        sink.write(sent())
        sink.close()
        wait_for(lambda: len(journald.entries()) >= len(sent()), 30, "the last entry")
    finally:
        journald.stop()
    return journald.export()


def has_all(remote):
    """Its file is whole, and has each event once, in order, field by field, and nothing else."""
    entries = remote.entries()
    assert [one.stamped.seq for one in sent()] == [int(one["MPLOG_SEQ"]) for one in entries]
    for found, one in zip(entries, sent(), strict=True):
        meant = read_entry(entry(one.event, one.stamped, "mplog"))
        assert meant == {key: found[key] for key in meant}
        ours = {key for key in found if not key.startswith("_")}
        assert set(meant) == ours - {"SYSLOG_FACILITY"}
    assert [] == [one for one in entries if str(one["MESSAGE"]).startswith(attacks.FORGED)]
    assert remote.verifies()


def test_what_a_journal_exports_stands_in_another_one_event_by_event(exported, tmp_path):
    """C1, N9: by its standard input; no text has made an entry, or a field, of its own."""
    remote = Remote(tmp_path)

    remote.take(exported)

    has_all(remote)


def test_a_remote_that_is_sent_it_by_http_has_the_same(exported, tmp_path):
    """C1, N9: uploaded as systemd-journal-upload does; it says that it has taken it."""
    remote = Remote(tmp_path)

    status = remote.take_by_http(exported)

    assert 202 == status
    has_all(remote)


def test_a_text_that_is_put_in_as_it_is_forges_an_entry(tmp_path):
    """The oracle of the two above: what our sink sends by its length, sent bare, is one more."""
    remote = Remote(tmp_path)
    head = b"__REALTIME_TIMESTAMP=1795334400000000\n_BOOT_ID=" + b"4e" * 16 + b"\nMESSAGE="

    remote.take(head + FORGERY.encode().replace(b"\n\n", b"\n\n" + head, 1))

    assert 2 == len(remote.entries())


def test_verify_sees_a_byte_that_another_hand_has_changed(exported, tmp_path):
    """The oracle of PASS."""
    remote = Remote(tmp_path)
    remote.take(exported)
    data = remote.file.read_bytes()
    at = data.index(b"MPLOG_SEQ=50")

    remote.file.write_bytes(data[:at] + b"MPLOG_SEQ=51" + data[at + 12 :])

    assert not remote.verifies()

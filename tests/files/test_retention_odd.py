"""Retention where a name holds no time, and where somebody else deletes at the same time."""

from __future__ import annotations

import json
import os

from mplog.config import Retention
from mplog.files import retention
from mplog.files.archive import archive_name, list_archives, parse_archive
from mplog.files.retention import retire
from mplog.files.verify import verify


def event(seq):
    return json.dumps({"timestamp": f"{seq:030}", "session": "s", "seq": seq}) + "\n"


def build(directory, archives):
    """Archives of one event each, and an active file that goes on."""
    for generation in range(1, archives + 1):
        (directory / archive_name("app.jsonl", generation, 0)).write_text(event(generation))
    (directory / "app.jsonl").write_text(event(archives + 1))


def test_a_name_that_holds_no_time_has_none():
    """An archive that was renamed by hand: its age is unknown, and it counts as young."""
    odd = "app.20269999T999999Z.000001.jsonl"
    archive = parse_archive("app.jsonl", odd)

    assert retention.rotated_s(archive) is None
    assert 0 == retention.rotated_s(parse_archive("app.jsonl", archive_name("app.jsonl", 1, 0)))


def test_what_somebody_else_has_deleted_meanwhile_is_not_told_as_deleted(tmp_path, monkeypatch):
    """It is retired all the same, and the log is whole."""
    build(tmp_path, 3)
    real = os.unlink

    def both(path, **where):
        real(path, **where)
        if "000001" in str(path):
            real(path, **where)

    with monkeypatch.context() as patch:
        patch.setattr(retention.os, "unlink", both)
        assert [archive_name("app.jsonl", 2, 0)] == retire(
            tmp_path, "app.jsonl", Retention(count=1), {"s"}
        )
    assert [3] == [archive.generation for archive in list_archives(tmp_path, "app.jsonl")]
    assert 0 == verify([tmp_path / "app.jsonl"]).exit_code

"""`mplog verify` prints one short page, or JSON, and its exit status is documented."""

from __future__ import annotations

import io
import json

import pytest

from mplog.cli import main
from mplog.cli import verify as command
from mplog.config import Retention
from mplog.files.archive import archive_name
from mplog.files.manifest import Entry, append, manifest_path
from mplog.files.retention import retire
from mplog.files.scan import summarise


def event(seq, **keys):
    content = {"timestamp": f"{seq:030}", **keys, "session": "s", "seq": seq}
    return json.dumps(content) + "\n"


@pytest.fixture
def run():
    """Run the command as the main program would."""

    def call(*arguments):
        return main.main(["verify", *map(str, arguments)])

    return call


@pytest.fixture
def active(tmp_path):
    return tmp_path / "app.jsonl"


def test_a_clean_log(run, active, capsys):
    """The page says what was read, and that nothing is wrong."""
    end = {"event_name": "mplog.session.end", "session": "s", "last": 2, "delivered": 2}
    active.write_text(event(1) + event(2) + json.dumps(end) + "\n")

    assert 0 == run(active)
    assert [
        f"1 file, {active.stat().st_size} bytes, 2 events, 1 session"
        " (1 ended clean, 0 ended without detaching, 0 open)",
        "0 missing, 0 duplicated, 0 torn",
        "0 out of order, 0 late, 0 dropped (announced)",
    ] == capsys.readouterr().out.splitlines()


def test_damage_is_explained_with_its_place(run, active, capsys):
    """File and line, session and numbers, in words."""
    active.write_text(event(1) + event(1) + event(4) + "torn\n" + event(3))

    assert 1 == run(active)
    lines = capsys.readouterr().out.splitlines()
    assert "1 missing, 1 duplicated, 1 torn" == lines[1]
    assert lines[2].startswith("1 out of order, ")
    torn_byte = 3 * len(event(1))
    assert [
        f"{active}:2: doubled: session s number 1: is there a second time",
        f"{active}:3: missing: session s number 2: no line tells it",
        f"{active}:4: torn from byte {torn_byte} on: is no text of mplog's",
        f"{active}:5: out of order: session s number 3: stands after a greater number",
    ] == [line for line in lines if line.startswith(str(active))]
    assert 4 == sum(line.startswith("    likely  ") for line in lines)
    assert 4 == sum(line.startswith("    do      ") for line in lines)


def test_a_cause_that_several_findings_share_is_told_once(run, active, capsys):
    """Below the first of them."""
    active.write_text("".join(event(2 * n) for n in (2, 3, 4)))

    assert 1 == run(active)
    lines = capsys.readouterr().out.splitlines()[-7:]
    assert ["    likely", "    do    "] == [line[:10] for line in lines[1:3]]
    assert 2 == sum("    likely" in line for line in lines)  # the beginning, and the rest


def test_the_process_of_a_session_is_named(run, active, capsys):
    """Its pid and its name, as its lines say."""
    who = {"process.pid": 4711, "process.name": "worker 3"}
    active.write_text(event(1, **who) + event(3, **who))

    assert 1 == run(active)
    assert "missing: session s (pid 4711, worker 3) number 2: " in capsys.readouterr().out


def test_a_long_list_is_cut(run, active, capsys):
    """Twenty findings, then how many more there are."""
    active.write_text("".join(event(2 * n) for n in range(1, 31)))

    assert 1 == run(active)
    lines = capsys.readouterr().out.splitlines()
    assert 20 == sum(": missing: " in line for line in lines), lines
    assert "… and 10 more" == lines[-1]


def test_json_is_one_object(run, active, capsys):
    """All counts, all findings, and the exit status."""
    active.write_text(event(2))

    assert 1 == run(active, "--json")
    report = json.loads(capsys.readouterr().out)
    assert (1, 1, 1) == (report["missing"], report["events"], report["exit_code"])
    found = report["findings"][0]
    assert found.pop("cause")
    assert found.pop("advice")
    assert {
        "kind": "missing", "text": "no line tells it", "file": str(active), "line": 1,
        "session": "s", "first": 1, "last": 1, "byte": None, "pid": None, "process": None,
    } == found  # fmt: skip


def test_strict_counts_late_events(run, active):
    """They are damage only then."""
    active.write_text(event(1, late=True))

    assert (0, 1) == (run(active), run(active, "--strict"))


def test_only_leaves_archives_alone(run, active, capsys):
    """A torn archive beside the file does not matter then."""
    (active.parent / archive_name(active.name, 1, 0)).write_text("torn\n")
    active.write_text(event(7))

    assert (1, 0) == (run(active), run(active, "--only"))
    assert "not all files of the log were read" in capsys.readouterr().out


def test_with_stop_all_files_are_read_while_they_are_clean(run, active, capsys):
    """Each gets a page of its own."""
    other = active.with_name("other.jsonl")
    for file in (active, other):
        file.write_text(event(1))

    assert 0 == run("--on-error=stop", active, other)
    assert 2 == capsys.readouterr().out.count("1 file, ")


def described(active, generation):
    """An archive, as the manifest has it."""
    path = active.with_name(archive_name(active.name, generation, 0))
    end = {"event_name": "mplog.session.end", "session": "gone", "last": 1, "delivered": 1}
    other = event(1).replace('"s"', '"gone"') + json.dumps(end) + "\n" if generation == 1 else ""
    path.write_text(event(2 * generation - 1) + event(2 * generation) + other)
    entry = Entry(path.name, generation, 1, summarise(path))
    append(manifest_path(active.parent, active.name), entry)
    return path


def test_what_retention_has_deleted_is_told(run, active, capsys):
    """How many archives, events and sessions: it is no damage."""
    for generation in (1, 2):
        described(active, generation)
    active.write_text(event(5))
    retire(active.parent, active.name, Retention(count=0), {"s", "gone"})

    assert 0 == run(active)
    told = "2 archives deleted by retention before, with at least 5 events, 1 session began there"
    assert told in capsys.readouterr().out.splitlines()


def test_a_session_that_ended_in_a_file_that_is_gone_is_told_apart(run, active, capsys):
    """It is neither open nor ended in what was read."""
    described(active, 1).unlink()
    active.write_text(event(3))

    assert 1 == run(active)
    first = capsys.readouterr().out.splitlines()[0]
    assert first.endswith(
        "(0 ended clean, 0 ended without detaching, 1 open, 1 ended in files not read)"
    )


def test_a_text_file_is_refused(run, active, capsys):
    """Status 2, said on stderr, nothing on stdout."""
    active.write_text("2026-11-22 08:00:00 INFO hello\n")

    assert 2 == run(active)
    captured = capsys.readouterr()
    assert "" == captured.out
    assert f"mplog verify: {active}: is no log that can be verified" in captured.err


def test_json_of_others_alone_is_refused(run, active, capsys):
    """A log that something else has written proves nothing: status 2, not a clean 0."""
    active.write_text('{"message": "hello"}\n{"message": "goodbye"}\n')

    assert 2 == run(active)
    captured = capsys.readouterr()
    assert "" == captured.out
    assert f"mplog verify: {active}: holds JSON, but no line of mplog's" in captured.err


def test_a_missing_file_is_status_3(run, active, capsys):
    """It is named on stderr."""
    assert 3 == run(active)
    assert f"mplog verify: {active}: No such file" in capsys.readouterr().err


def test_files_moved_from_two_logs_are_a_usage_error(run, active, capsys):
    """--also says of one log where its files are."""
    active.write_text(event(1))
    other = active.with_name("other.jsonl")
    other.write_text(event(1))

    with pytest.raises(SystemExit) as error:
        run(active, other, "--also", active)
    assert 2 == error.value.code
    assert "from one log; 2 are named" in capsys.readouterr().err


def test_no_file_is_a_usage_error(run, capsys):
    """argparse says what is needed."""
    with pytest.raises(SystemExit) as error:
        run()
    assert 2 == error.value.code
    assert "FILE" in capsys.readouterr().err


def test_what_stands_in_a_file_cannot_drive_the_terminal(run, active, capsys):
    """Session names and notices are printed escaped and bounded."""
    evil = {"session": "\x1b[2J\n0 missing" + "x" * 1000, "seq": 2}
    notice = {"event_name": "mplog.file", "what": "\x1b]0;owned\x07"}
    active.write_text(json.dumps(evil) + "\n" + json.dumps(notice) + "\n")

    assert 1 == run(active)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert r"session \x1b[2J\n0 missingx" in out
    assert max(map(len, out.splitlines())) < 1000


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_long_work_shows_progress_on_a_terminal(run, active, monkeypatch):
    """After 2 s, at most once a second, and the line is taken away at the end."""
    times = iter([0.0, 1.9, 2.0, 2.9, 3.0])
    monkeypatch.setattr(command.time, "monotonic", lambda: next(times))
    stderr = Terminal()
    monkeypatch.setattr(command.sys, "stderr", stderr)
    for generation in (1, 2, 3):
        name = archive_name(active.name, generation, 0)
        (active.parent / name).write_text(event(generation))
    active.write_text(event(4))

    assert 0 == run(active)
    assert [
        "1 file done, 2 lines, 1 lines/s",
        "3 files done, 4 lines, 1 lines/s",
        "",
    ] == stderr.getvalue().split("\r\x1b[K")[1:]


def test_short_work_shows_none(run, active, monkeypatch):
    """Nothing at all goes to the terminal."""
    stderr = Terminal()
    monkeypatch.setattr(command.sys, "stderr", stderr)
    monkeypatch.setattr(command.time, "monotonic", lambda: 0.0)
    active.write_text(event(1))

    assert 0 == run(active)
    assert "" == stderr.getvalue()


def test_what_cannot_be_read_is_an_error_beside_the_report(tmp_path, capsys):
    """As JSON in the report too; a directory without a log says that it has none."""
    assert 3 == main.main(["verify", "--json", "--json-errors", str(tmp_path)])
    out, err = capsys.readouterr()

    assert 3 == json.loads(out)["exit_code"]
    assert f"{tmp_path}: no log of mplog's is in it" == json.loads(err)["text"]


def test_a_file_in_a_directory_that_is_closed_to_this_user_cannot_be_read(shm, capsys, as_nobody):
    """As any other that cannot be; the others are read."""
    (shm / "closed").mkdir(0o700)
    shm.chmod(0o755)
    with as_nobody():
        assert 3 == main.main(["verify", str(shm / "closed" / "app.jsonl"), str(shm / "no.jsonl")])

    told = capsys.readouterr().err
    assert f"{shm}/closed/app.jsonl: Permission denied" in told
    assert f"{shm}/no.jsonl: No such file or directory" in told

"""What the service does not write, in real processes: settled, counted, proved."""

from __future__ import annotations

import json

import proof
import pytest

from mplog.files.verify import verify

pytestmark = pytest.mark.process


def test_a_flush_does_not_wait_for_what_is_filtered(world):
    """Nothing is written but the session's end, which counts all of them."""
    world.run(
        """
        mplog.configure(LOG, file_level="ERROR")
        for n in range(2000):
            assert mplog.get_logger("shop").info("event {n}", n=n)
        assert mplog.flush(60)
        assert 0 == os.path.getsize(LOG)
        """
    )
    world.gone()
    (end,) = proof.lines_of(world.log)
    report = verify([world.log])

    assert (2000, 0, 2000, 0) == tuple(
        end[key] for key in ("last", "delivered", "filtered", "dropped")
    )
    assert (0, 0, 2000) == (report.exit_code, report.events, report.filtered)


def test_levels_come_from_the_environment_and_hold_for_all_processes(world):
    """Of several workers, over rotations; what `verify` counts is what was logged."""
    world.run(
        """
        import multiprocessing
        mplog.configure(LOG, level="DEBUG", file_level="INFO", rotation="50 KB", retention="all",
                        block_timeout="60 s")
        fork = multiprocessing.get_context("fork")
        def work(k):
            for n in range(700):
                for name in ("app", "app.db", "app.db.pool", "app.dbx"):
                    for level in (10, 20, 30):
                        assert mplog.get_logger(name).log(level, "{k}: {n}", k=k, n=n)
        workers = [fork.Process(target=work, args=(k,)) for k in range(3)]
        for one in workers: one.start()
        for one in workers: one.join()
        assert [0] * 3 == [one.exitcode for one in workers]
        """,
        MPLOG_LEVELS="app.db=WARNING, app.db.pool=DEBUG",
    )
    world.gone()
    report, seen = verify([world.log]), {}
    for line in proof.lines_of(world.log):
        if "k" in line:
            row = seen.setdefault((line["logger"], line["level"]), [])
            row.append((line["k"], line["n"]))
    wanted = {
        "app": ("INFO", "WARNING"),
        "app.db": ("WARNING",),
        "app.db.pool": ("DEBUG", "INFO", "WARNING"),
        "app.dbx": ("INFO", "WARNING"),
    }
    every = {(k, n) for k in range(3) for n in range(700)}

    assert {(name, level) for name in wanted for level in wanted[name]} == seen.keys()
    assert all(every == set(row) and 2100 == len(row) for row in seen.values())
    assert (0, 8 * 2100, 4 * 2100) == (report.exit_code, report.events, report.filtered)
    assert len(proof.log_files(world.log)) > 3
    assert '"filtered":' in json.dumps(proof.lines_of(world.log), separators=(",", ":"))


def test_an_expression_and_a_callable_each_keep_their_file_provable(world):
    """Events of several processes, in two files with filters of their own; `verify` proves both."""
    other = world.log.with_name("odd.jsonl")
    world.log.parent.mkdir(exist_ok=True)
    (world.log.parent / "keeping.py").write_text(
        "def odd(line): return line.fields['n'] % 2 == 1\n"
    )
    world.run(
        """
        import multiprocessing
        mplog.configure(LOG, filter="n >= 300 or k == 1", files=[
            {"file": os.path.dirname(LOG) + "/odd.jsonl", "filter": "keeping:odd"}])
        fork = multiprocessing.get_context("fork")
        def work(k):
            for n in range(400):
                assert mplog.get_logger("app").info("{k}: {n}", k=k, n=n)
        workers = [fork.Process(target=work, args=(k,)) for k in range(3)]
        for one in workers: one.start()
        for one in workers: one.join()
        assert [0] * 3 == [one.exitcode for one in workers]
        """,
        PYTHONPATH=f"{world.environment()['PYTHONPATH']}:{world.log.parent}",
    )
    world.gone()
    seen = [(line["k"], line["n"]) for line in proof.lines_of(world.log) if "k" in line]
    odd = [(line["k"], line["n"]) for line in proof.lines_of(other) if "k" in line]

    every = [(k, n) for k in range(3) for n in range(400)]
    assert [(k, n) for k, n in every if n >= 300 or k == 1] == sorted(seen)
    assert [(k, n) for k, n in every if n % 2] == sorted(odd)
    for log, taken in ((world.log, len(seen)), (other, len(odd))):
        report = verify([log])
        assert (0, taken, 1200 - taken) == (report.exit_code, report.events, report.filtered)


def test_what_a_filter_complains_of_outlives_a_rotation(world):
    """It is told to programs, whatever is set aside meanwhile; a fresh event is in the log."""
    (world.log.parent / "hostile.py").write_text("def keep(line): raise ValueError('no filter')\n")
    _, err = world.run(
        """
        from mplog import _native
        from mplog.producer.gate import GATE
        mplog.configure(LOG, filter="hostile:keep", rotation="4 KB")
        log = mplog.get_logger("shop")
        for n in range(200):
            log.info("event {n}", n=n)
        assert mplog.flush(60)
        at = GATE.connection
        reader = _native.Reader(at.directory, at.service, False)
        assert reader.counters()["rotations"] > 2
        assert "no filter" in reader.problem, reader.problem
        log.info("fresh")
        """,
        quiet=False,
        PYTHONPATH=f"{world.environment()['PYTHONPATH']}:{world.log.parent}",
    )
    world.gone()

    assert "fresh" == proof.lines_of(world.log)[-2]["message"]
    assert not err or "no filter" in err

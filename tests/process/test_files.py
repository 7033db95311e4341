"""Several log files of one service, in real processes: each is whole for itself."""

from __future__ import annotations

import json

import proof
import pytest

from mplog.files.verify import verify

pytestmark = pytest.mark.process

SEVERAL = """
errors, plain = LOG + ".errors", LOG + ".logfmt"
files = [
    {"file": errors, "file_level": "ERROR", "rotation": "4 KB", "retention": "all"},
    {"file": plain, "format": "logfmt", "rotation": "off", "levels": {"b": "WARNING"}},
]
"""
LOGGING = """
import multiprocessing
mplog.configure(LOG, level="DEBUG", rotation="40 KB", retention="all", block_timeout="60 s",
                files=files)
fork = multiprocessing.get_context("fork")
def work(k):
    producer = proof.Producer(f"p{k}")
    for n in range(150):
        producer.event()
        mplog.get_logger("b" if n % 2 else "a").log((10, 20, 40)[n % 3], "{k}: {n}", k=k, n=n)
workers = [fork.Process(target=work, args=(k,)) for k in range(2)]
for one in workers: one.start()
for one in workers: one.join()
assert [0] * 2 == [one.exitcode for one in workers]
"""


def beside(log, ending):
    return log.with_name(log.name + ending)


def test_each_file_gets_what_its_filter_lets_through(world):
    """Over rotations of its own; the manifest, the ends and `verify` of each are right alone."""
    world.run(SEVERAL + LOGGING)
    world.gone()
    first = proof.check(world.log, world.acks)
    errors = verify([beside(world.log, ".errors")])
    plain = verify([beside(world.log, ".logfmt")])

    assert (600, 0) == (first.events, first.filtered)
    assert (100, 500, 0) == (errors.events, errors.filtered, errors.exit_code)
    assert (600 - 2 * 50, 2 * 50, 0) == (plain.events, plain.filtered, plain.exit_code)
    assert len(proof.log_files(world.log)) > 2
    assert len(proof.log_files(beside(world.log, ".errors"))) > 5
    assert 1 == len(proof.log_files(beside(world.log, ".logfmt")))


def test_every_file_is_owned(world):
    """Another service may have none of them."""
    world.run(
        SEVERAL
        + """
mplog.configure(LOG, files=files)
assert mplog.get_logger("a").info("one") and mplog.flush(30)
for taken in (errors, plain):
    if os.fork() == 0:
        try:
            mplog.configure(LOG + ".other", files=[{"file": taken}])
        except mplog.FileOwnedError as error:
            assert taken in str(error)
            os._exit(7)
        os._exit(1)
    assert 7 == os.waitstatus_to_exitcode(os.wait()[1])
"""
    )
    world.gone()
    assert 1 == verify([world.log]).events


def test_what_befalls_one_file_is_told_there_alone(world):
    """Emptied, or cut off inside a line: it goes on, on a line of its own."""
    world.run(
        SEVERAL
        + """
mplog.configure(LOG, files=files)
log = mplog.get_logger("a")
assert log.error("one") and mplog.flush(30)
os.truncate(plain, os.path.getsize(plain) - 5)
assert log.error("two") and mplog.flush(30)
assert log.error("three") and mplog.flush(30)
"""
    )
    world.gone()
    lines = beside(world.log, ".logfmt").read_text().splitlines()
    others = [world.log, beside(world.log, ".errors")]

    assert 1 == sum("mplog.file" in line for line in lines)
    assert all(line.startswith(lines[0][:7]) for line in lines), lines
    for path in others:
        assert not any("mplog.file" in json.dumps(line) for line in proof.lines_of(path))
        assert (3, 0) == (verify([path]).events, verify([path]).exit_code)

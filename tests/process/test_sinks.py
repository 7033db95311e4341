"""Sinks that are no files: each gets its own, and none waits for another."""

from __future__ import annotations

import json

import proof
import pytest
import sinkside

pytestmark = pytest.mark.process

HEAD = """
import json
mplog.configure(LOG, level="DEBUG", sinks=json.loads(os.environ["SINKS"]))
log = mplog.get_logger("shop")
"""
# A program's end waits for its sinks some seconds; on a busy machine their processes take longer.
ARRIVED = "assert mplog.flush(60)\n"


def sinks(*tables):
    """For a program's environment."""
    named = [
        {"type": "callable", **table, "target": f"sinkside:{table['target']}"} for table in tables
    ]
    return {"SINKS": json.dumps(named)}


def grows(world, place):
    """Wait until fresh events reach the sink."""
    before = sinkside.ids(place).total()
    world.wait_for(lambda: sinkside.ids(place).total() > before + 50, 20.0, "fresh events")


def ids_of(world):
    """By the log itself."""
    return {(line["session"], line["seq"]) for line in proof.lines_of(world.log) if "seq" in line}


def test_each_sink_gets_every_event_once(world, place):
    """In the order of the log; and what the service has to say, by its event name."""
    source = HEAD + "for n in range(500):\n    log.info('sold {n}', n=n)\n" + ARRIVED
    world.run(source, **sinks({"target": "note"}, {"target": "other", "name": "b"}))
    world.gone()
    notes = sinkside.lines(place)

    assert [str(n) for n in range(1, 501)] == [words[1] for words in notes[:500]]
    assert sinkside.ids(place) == sinkside.ids(place, "other")
    assert set(sinkside.ids(place)) == ids_of(world)
    assert ["mplog", "mplog.session.end"] == notes[-1][3:5]
    assert ["INFO", "shop", "-", "sold", "7"] == notes[7][2:]


def test_level_and_prefix_of_a_sink_are_its_own(world, place):
    """What they take goes to the others all the same."""
    source = (
        HEAD
        + """
for name in ("shop", "shop.db", "shop.dbx"):
    for level in (10, 20, 40):
        mplog.get_logger(name).log(level, "x")
"""
    )
    strict = {"target": "note", "level": "ERROR", "levels": {"shop.db": "INFO", "mplog": 30}}
    world.run(source + ARRIVED, **sinks(strict, {"target": "other", "name": "all"}))
    world.gone()

    assert [
        ["ERROR", "shop"],
        ["INFO", "shop.db"],
        ["ERROR", "shop.db"],
        ["ERROR", "shop.dbx"],
    ] == [words[2:4] for words in sinkside.lines(place)]
    assert 9 == sinkside.ids(place, "other").total()


def test_an_object_of_the_users_has_its_four_methods_called(world, place):
    """Opened before the first event, closed at the end."""
    world.run(HEAD + "log.info('x')\n" + ARRIVED, **sinks({"target": "Whole"}))
    world.gone()
    calls = [words[0] for words in sinkside.lines(place, "calls")]

    assert ("open", "close") == (calls[0], calls[-1])
    assert 1 == calls.count("open")


def test_a_sink_that_hangs_holds_up_nobody(world, place):
    """Neither the file, nor another sink, nor the program, nor, at its end, the writer."""
    source = (
        HEAD
        + """
for n in range(2000):
    log.info("sold {n}", n=n)
assert mplog.sync(50)
from mplog.metrics.board import read_board
from mplog.producer.gate import GATE
def others():
    rows = read_board(GATE.connection.directory, GATE.connection.service)[1]
    return [(row.delivered, row.queued) for row in rows if row.name != "stuck"]
while others() != [(2000, 0)]:  # it opens a file for each
    time.sleep(0.02)
print(mplog.flush(0.2))
report = mplog.shutdown(0.2)
print(report.delivered, sorted(report.where))
"""
    )
    tables = {"target": "hang", "name": "stuck"}, {"target": "note"}
    out, err = world.run(source, quiet=False, **sinks(*tables))
    world.wait_for(lambda: sinkside.ids(place).total() == 2000, 20.0, "the other sink's events")
    world.gone()

    assert ["False", "2000 ['queue of stuck']"] == out.splitlines()
    assert "" == err  # the report has told it
    assert "x" == (place / "hangs").read_text()
    assert 2000 == len(ids_of(world))


def test_what_a_hanging_sink_has_not_got_is_told_at_the_exit(world, place):
    """Of a program that was not shut down; it waits for a while only."""
    out, err = world.run(HEAD + "log.info('x')\n", quiet=False, **sinks({"target": "hang"}))
    world.gone()

    assert ("", True) == (out, "have not reached the sink" in err)
    assert 1 == len(ids_of(world))


def test_what_a_sink_refuses_goes_to_its_fallback(world, place):
    """A sink on standby gets nothing else."""
    refusing = {"target": "refuse", "name": "first", "fallback": "second", "level": "ERROR"}
    second = {"target": "note", "name": "second", "standby": True}
    source = HEAD + "for n in range(3):\n    log.error('x')\n    log.info('y')\n"
    world.run(source + ARRIVED, **sinks(refusing, second))
    world.gone()

    assert ["ERROR"] * 3 == [words[2] for words in sinkside.lines(place)]
    assert [1, 3, 5] == sorted(seq for _, seq in sinkside.ids(place))


def test_an_outage_is_told_and_its_events_come_afterwards(world, place):
    """In order, once; the log says when the sink did not take them, and when it did again."""
    (place / "away").touch()
    source = (
        HEAD
        + """
for n in range(50):
    log.info("sold {n}", n=n)
mplog.flush(0.1)
print("ready", flush=True)
sys.stdin.readline()
log.info("fresh")
print(mplog.flush(20))
"""
    )
    program = world.start(source, **sinks({"target": "away", "name": "far"}))
    assert "ready\n" == program.stdout.readline()
    world.fresh_file()
    world.wait_for(lambda: b"does not take its events" in world.log.read_bytes(), 20.0, "the news")
    (place / "away").unlink()
    world.go_on(program)
    out, _ = world.finish(program)
    world.gone()
    news = [line for line in proof.lines_of(world.log) if line.get("event_name") == "mplog.sink"]

    assert "True" == out.strip()
    assert [*map(str, range(1, 52))] == [w[1] for w in sinkside.lines(place) if w[0] != "-"]
    assert [("WARNING", "far"), ("INFO", "far")] == [(n["level"], n["sink"]) for n in news]


@pytest.mark.parametrize("target", ["nowhere:at_all", "sinkside:lines_of", "sinkside:place"])
def test_a_sink_that_cannot_be_had_is_told(world, place, target):
    """In the log; files and other sinks go on."""
    table = [
        {"type": "callable", "target": target},
        *json.loads(sinks({"target": "note", "name": "b"})["SINKS"]),
    ]
    world.run(HEAD + "log.info('x')\n" + ARRIVED, SINKS=json.dumps(table))
    world.gone()
    (news,) = [line for line in proof.lines_of(world.log) if line.get("event_name") == "mplog.sink"]

    assert "sink callable cannot be had" in news["message"]
    assert 1 == sinkside.ids(place).total()


def test_status_shows_the_sinks(world, place):
    """To any process, from shared memory."""
    source = (
        HEAD + "log.info('x')\nmplog.flush()\nprint('ready', flush=True)\nsys.stdin.readline()\n"
    )
    program = world.start(source, **sinks({"target": "note", "name": "mine"}))
    assert "ready\n" == program.stdout.readline()
    tool = "from mplog.cli.main import main\nmain(['status', *sys.argv[1:]])\n"
    page, _ = world.run(tool, "--dir", str(world.directory))
    rows, _ = world.run(tool, "--json", "--dir", str(world.directory))
    world.go_on(program)
    world.finish(program)
    (sink,) = json.loads(rows)["services"][0]["sinks"]

    assert "sink        mine" in page
    assert ("mine", 1, 0, 0, "closed") == tuple(
        sink[key] for key in ("name", "delivered", "dropped", "queued", "breaker")
    )


def test_a_dead_writers_sinks_go_on_with_the_next(world, place):
    """What was in their queues is lost to them, and nothing else: the file has it all."""
    program = world.start(
        HEAD + "print('ready', flush=True)\nproof.load('p')\n", **sinks({"target": "note"})
    )
    assert "ready\n" == program.stdout.readline()
    for _ in range(3):
        grows(world, place)
        world.kill(world.writer())
    grows(world, place)
    world.stop()
    world.finish(program)
    world.check()
    got = sinkside.ids(place)

    assert {1} == set(got.values())
    assert set(got) <= ids_of(world)


CARRIED = """
import json
def show(line):
    with open(os.path.join(os.environ["SINKSIDE"], "notes"), "a") as out:
        out.write(f"{line.session or '-'} {line.seq} {json.dumps(line.message)}\\n")
factor = 3
sinks = [
    {"type": "callable", "target": show},
    {"type": "callable", "name": "b", "target": lambda line: line.seq % factor or show(line)},
]
mplog.configure(LOG, sinks=sinks)
log = mplog.get_logger("shop")
for n in range(1, 10):
    log.info("x")
mplog.flush(60)
"""


def test_a_function_without_a_name_crosses_to_the_writer(world, place):
    """With the globals that it uses; nothing of it lies in shared memory or on disk."""
    world.run(
        CARRIED
        + """
found = [os.path.join(at, name) for top in (os.environ["MPLOG_DIR"], os.path.dirname(LOG))
         for at, _, names in os.walk(top) for name in names]
print(len(found), [path for path in found if b"dill" in open(path, "rb").read()])
"""
    )
    world.gone()
    counts = sinkside.ids(place)

    assert {n: 2 if n % 3 == 0 else 1 for n in range(1, 10)} == {
        seq: count for (_, seq), count in counts.items()
    }


def test_the_next_writer_has_it_too(world, place):
    """The supervisor keeps it in its memory."""
    program = world.start(
        CARRIED + "print('ready', flush=True)\nsys.stdin.readline()\nlog.info('y')\n" + ARRIVED
    )
    assert "ready\n" == program.stdout.readline()
    world.kill(world.writer())
    world.go_on(program)
    world.finish(program)
    world.gone()

    assert ['"y"'] == [words[2] for words in sinkside.lines(place) if words[1] == "10"]


def test_a_running_service_takes_names_only(world, place):
    """The same program again finds its own; another object is told to have no effect."""
    program = world.start(CARRIED + "print('ready', flush=True)\nsys.stdin.readline()\n")
    assert "ready\n" == program.stdout.readline()
    world.run(CARRIED)
    _, err = world.run(
        "mplog.configure(LOG, sinks=[{'type': 'callable', 'target': lambda line: 1}])", quiet=False
    )
    world.go_on(program)
    world.finish(program)

    assert "sinks: the running service keeps" in err
    assert 2 == sum(words[1] == "1" for words in sinkside.lines(place))

"""No data forges a line or drives a terminal, on its whole way: every place of an event, every
format, every kind of sink (faults C1, C2, C5).
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import tempfile
from pathlib import Path
from unittest.mock import ANY

import far_sides  # first: it makes the others known
import pytest

# isort: split
import attacks
import rfc5424
from journal import read_entry

pytestmark = pytest.mark.process

EVERY = {**attacks.ATTACKS, **attacks.LONE}
PAIR = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s="]+)(?: |$)')
HEAD = re.compile(r"(\d{4}-\d\d-\d\d[T ][\d:.]+Z?|own) +(DEBUG|INFO|WARNING|ERROR|CRITICAL) ")
NUMBER = re.compile(r"(?: n=|\"n\":)(\d+)")
# Each place that data can reach gets each text, in an event with a number of its own.
PROGRAM = """
import asyncio, json, logging, multiprocessing, threading
multiprocessing.current_process().name = "".join(EVERY.values())[:40]
mplog.configure(LOG, level="DEBUG", **json.loads(os.environ["SETTINGS"]))
said = []
def number():
    said.append(a)
    return len(said)
def log(name="shop"):
    return mplog.get_logger(name)
std = logging.getLogger("std")
std.addHandler(mplog.Handler(LOG))
std.propagate, std.level = False, 10
fast = logging.getLogger("std.fast")
def raising(a):
    error = ValueError(a)
    error.add_note(a) if hasattr(error, "add_note") else None
    name = "".join(c for c in a if c != "\\0" and not "\\ud800" <= c <= "\\udfff") or "x"
    error.__cause__ = type(name, (Exception,), {"__module__": name})(a)
    code = compile("def f(error):\\n raise error", name, "exec")
    space = {}
    exec(code, space)
    space["f"].__code__ = space["f"].__code__.replace(co_name=name)
    space["f"](error)
def in_task(a):
    async def main():
        asyncio.current_task().set_name(a)
        log().info("task", v=a, n=number())
    asyncio.run(main())
def in_thread(a):
    thread = threading.Thread(target=lambda: log().info("thread", v=a, n=number()), name=a)
    thread.start()
    thread.join()
for a in EVERY.values():
    log().info(a, v=a, n=number())
    log().info(a + " {v}", v=a, n=number())
    log().info("key", v=a, n=number(), **{a: a})
    log().info("nested {deep}", deep=[{a: [a, a.encode("utf-8", "replace")]}], v=a, n=number())
    log(a).warning("logger", v=a, n=number())
    log().bind(**{"b" + a: a}).info("bound {v}", v=a, n=number())
    with mplog.context(**{"c" + a: a}):
        log().critical("context {v}", v=a, n=number())
    in_thread(a)
    in_task(a)
    try:
        raising(a)
    except ValueError:
        log().exception("failed {v}", v=a, n=number())
    log().error("stack", v=a, n=number(), stack_info=True)
    std.info("%s", a, extra={"v": a, "n": number(), "x" + a: a})
    std.error(a, extra={"v": a, "n": number()})
    std.info("%(v)s", {"v": a}, extra={"v": a, "n": number()})
    logging.getLogger("std." + a).info("name", extra={"v": a, "n": number()})
with mplog.accelerate():
    for a in EVERY.values():
        fast.info("%s", a, extra={"v": a, "n": number()})
for a in EVERY.values():
    pid = os.fork()
    if not pid:
        multiprocessing.current_process().name = a
        log().info("process", v=a, n=len(said) + 1)
        os._exit(0)
    number()
    os.waitpid(pid, 0)
a = "fresh"
log().info("fresh", v=a, n=number())
print(json.dumps(said))
assert mplog.flush(60)
"""


@pytest.fixture
def short_path():
    """A directory whose path leaves room for a socket's name."""
    place = Path(tempfile.mkdtemp(prefix="mplog-"))
    yield place
    shutil.rmtree(place)


def of_json(data):
    """Numbers and texts; every line is an object, strictly."""
    return [(one["n"], one["v"]) for one in map(json.loads, attacks.lines_of(data)) if "n" in one]


def of_logfmt(data):
    """The same; every line is pairs and nothing else, each key once."""
    found = []
    for line in attacks.lines_of(data):
        pairs = list(PAIR.finditer(line))
        assert line == "".join(pair[0] for pair in pairs)
        told = {p[1]: json.loads(p[2]) if p[2].startswith('"') else p[2] for p in pairs}
        assert len(pairs) == len(told), line
        if "n" in told:
            found.append((int(told["n"]), told["v"]))
    return found


def of_people(data):
    """The numbers; every line at the margin has a head, which the data comes behind."""
    lines = attacks.at_the_margin(attacks.lines_of(data))
    assert [] == [line for line in lines if not HEAD.match(line)]
    return [(int(n[1]), ANY) for line in lines if (n := NUMBER.search(line))]


def of_messages(messages):
    """Of syslog, each by the grammar, and on one line."""
    found = []
    for message in messages:
        assert 1 == len(attacks.lines_of(message + b"\n"))
        told = rfc5424.read(message)
        assert ["mplog@32473"] == list(told.data)
        number = told.data["mplog@32473"].get("n") or NUMBER.search(told.text)
        if number:
            found.append((int(number if isinstance(number, str) else number[1]), ANY))
    return found


def of_lines(data):
    """The same where line feeds end them."""
    return of_messages(line.encode() for line in attacks.lines_of(data))


def of_entries(entries):
    """Of the journal's own protocol: each is one entry with one line of message."""
    found = []
    for told in map(read_entry, entries):
        assert 1 == len(attacks.lines_of(told["MESSAGE"].encode() + b"\n"))
        assert not attacks.UNSAFE.search("".join(told.values()))
        if "N" in told:
            found.append((int(told["N"]), ANY))
    return found


def of_calls(data):
    """What a function was given: the data as it is, but for what is no UTF-8."""
    told = map(ast.literal_eval, data.decode("ascii").splitlines())
    return [(n, v) for n, _, v, _ in told if n is not None]


SIDES = {
    "plain": of_people,
    "colours": lambda data: of_people(attacks.without_colours(data)),
    "making.py.taken": of_calls,
    "octets": of_messages,
    "dgram": of_messages,
    "lf": of_lines,
    "journal": of_entries,
}
READERS = {
    **SIDES,
    "app.jsonl": of_json,
    "logfmt": of_logfmt,
    "text": of_people,
    "layout": of_people,
    "own": of_people,
}


WAYS = {
    "usual": (("logfmt", "text", "layout"), {}, {}),
    "other formats": (
        ("own", "text", "logfmt"),
        {
            "dgram": "json",
            "octets": "logfmt",
            "lf": "text",
            "journald": "text",
            "plain": far_sides.LAYOUT,
        },
        {"redact_patterns": False},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_is_logged_forges_a_line_anywhere(world, short_path, way):
    """C1, C2, C5: a text of every kind, in every place of an event, is one event in each file and
    each sink, once and in order; nothing steers a terminal, and what keeps the data has it intact.
    """
    files, formats, options = WAYS[way]
    sides = far_sides.FarSides(short_path, world.log.parent)
    out, _ = world.run(
        f"EVERY = {EVERY!r}\n" + PROGRAM,
        SETTINGS=json.dumps(sides.settings(files, **formats) | options),
        PYTHONPATH=f"{world.environment()['PYTHONPATH']}:{sides.folder}",
    )
    world.gone()
    said = [text.encode("utf-8", "backslashreplace").decode() for text in json.loads(out)]
    expected = list(enumerate(said, 1))
    got = sides.end()
    readers = {name: read for name, read in READERS.items() if name in got}

    assert len(SIDES) + 1 + len(files) == len(readers)
    assert dict.fromkeys(readers, True) == {
        name: expected == read(got[name]) for name, read in readers.items()
    }
    if not formats:
        assert attacks.without_colours(got["colours"]) == got["plain"]
    arrived = of_messages(got["udp"])  # some of them may get lost, which is what UDP is
    assert arrived
    assert {n for n, _ in arrived} <= set(range(1, len(said) + 1))


TALKING = """
import json, multiprocessing
multiprocessing.current_process().name = "\\x1b]0;t\\x07\\x9b31m\\nFORGED\\u202e"
sink = {"type": "callable", "target": "making:refuse", "fallback": "stderr"}
mplog.configure(LOG, sinks=[sink])
for text in ("\\nFORGED", "\\x1b]52;c;ZXZpbA==\\x07\\x85FORGED"):
    mplog.get_logger("shop" + text).error(text)
    mplog.flush(20)
print("ready", flush=True)
sys.stdin.readline()
"""
REFUSING = """
def refuse(line): raise ValueError("not this one: " + line.message)
"""


def test_what_is_told_of_sinks_and_processes_forges_nothing_either(world):
    """C2: `mplog status` shows names and errors, the writer's stderr what no sink takes."""
    (world.log.parent / "making.py").write_text(REFUSING)
    program = world.start(
        TALKING, PYTHONPATH=f"{world.environment()['PYTHONPATH']}:{world.log.parent}"
    )
    assert "ready\n" == program.stdout.readline(), program.stderr.read()
    tool = "from mplog.cli.main import main\nmain(['status', *sys.argv[1:]])\n"
    page, _ = world.run(tool, "--dir", str(world.directory))
    (said,) = [path.read_bytes() for path in world.directory.glob("*.stderr")]
    world.go_on(program)
    world.finish(program)
    world.gone()

    assert "FORGED" in page
    assert [] == [line for line in attacks.lines_of(page.encode()) if line.startswith("FORGED")]
    told = [line for line in attacks.lines_of(said) if not HEAD.match(line)]
    assert any("not this one" in line and "FORGED" in line for line in told)
    assert [] == [line for line in told if not line.startswith("mplog: ")]

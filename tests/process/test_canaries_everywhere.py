"""Canary secrets in every place of an event, and then every byte that a service leaves anywhere:
shared memory, files, archives, spools, sinks, what is kept aside, and all that is told.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path

import far_sides
import proof
import pytest

from mplog.config import REDACTED
from mplog.files.verify import verify

pytestmark = pytest.mark.process

KEYED, LOOKS = "K3yc4nary", "P4tc4nary"  # found by the key; found by how the text around it looks
CARDS = ("4111111111111111", "5555 5555 5555 4444", "3782-822463-10005")
SINKS = ("plain", "colours", "making.py.taken", "octets", "dgram", "lf", "journal")
MAKING = """
def keep(line):
    raise ValueError(f"met {line.message} {line.fields} {line.exception}")
"""
HEAD = """
import ctypes, json, logging
from dataclasses import dataclass
KEYS, CARDS = json.loads(os.environ["KEYS"]), json.loads(os.environ["CARDS"])
count = 0
def K(place=""):
    return "K3yc4nary" + place
def P(place=""):
    return "P4tc4nary" + place
@dataclass
class Login:
    user: str
    password: str
def work(name):
    log, std = mplog.get_logger(name), logging.getLogger("std." + name)
    log.info("fields", password=K("field"), a=[{"b": {"api_key": K("nested")}}])
    log.info("by name {password}", password=K("name"), token=K("bytes").encode())
    log.info("headers", headers={b"cookie": K("headers").encode(), "X-Auth-Token": [K("list")]})
    log.info("object", login=Login("ann", K("object")), both=(K, {"secret": {K("set")}}))
    log.info("cut", token=K("cut"), text="x" * 200_000)
    log.info("names", **{key: K(key) for key in KEYS})
    log.bind(token=K("bound"), note=P() and f"Authorization: Basic {P('bound')}").info("bound")
    with mplog.context(api_key=K("context"), header=f"Cookie: session={P('context')}"):
        log.info("context")
    std.error("%(token)s", {"token": K("mapping")}, extra={"password": K("extra")})
    std.error("password=%s", P("args"), extra={"said": f"secret: {P('said')}"})
    log.info("password=" + P("message"))
    log.info(f"token: {P('template')} for {{user}}", user="ann")
    log.info("password={p}", p=P("rendered"))
    log.info("{scheme} {p}", scheme="Bearer", p=P("bearer"))
    log.info("looks", a=f"password={P('value')}", b=[{"c": f"https://u:{P('url')}@h/"}])
    log.info("bytes {body}", body=f"password={P('body')}&x=1".encode(), **{f"token={P('key')}": 1})
    log.info(json.dumps({"password": P("json"), "token": {"a": [P("inner")]}}))
    log.info("paid with {card}", card=CARDS[0], other=[CARDS[1]])
    log.info("paid with " + CARDS[2])
    mplog.get_logger(f"app.token={P('logger')}").warning("logger")
    try:
        try:
            raise KeyError(f"secret={P('cause')}")
        except KeyError as error:
            raise ValueError(f"password={P('exception')}") from error
    except ValueError as error:
        error.add_note(f"Bearer {P('note')}") if hasattr(error, "add_note") else None
        password = K("locals") + P("locals")
        log.exception("failed")
    log.info("plain {n}", n=4)
"""
PROGRAM = (
    HEAD
    + """
def wait(word):
    print(word, flush=True)
    sys.stdin.readline()
def listen(error):
    with open(os.environ["ERRORS"], "a") as out:
        out.write(f"{error} {error!r} {error.context}\\n")
    raise ValueError("the listener: password=" + P("listener"))
def at_the_end():
    raise ValueError("the callback: password=" + P("callback"))
mplog.on_error(listen)
mplog.on_shutdown(at_the_end)
mplog.configure(LOG, level="DEBUG", **json.loads(os.environ["SETTINGS"]))
std = logging.getLogger("std")
std.addHandler(mplog.Handler(LOG))
std.propagate = False
for n in range(5):
    work("first")
def heard():
    return os.path.exists(os.environ["ERRORS"]) and "filter" in open(os.environ["ERRORS"]).read()
late_s = time.monotonic() + 60
while not heard() and time.monotonic() < late_s:  # a process looks once a second
    mplog.get_logger("app").info("plain {n}", n=4)
    time.sleep(0.01)
assert mplog.flush(60)
wait("stop the writer")
work("overflow")
while not list(os.scandir(os.environ["MPLOG_DIR"])) or not any(
    one.name.endswith(".overflow") for one in os.scandir(os.environ["MPLOG_DIR"])
):
    work("overflow")
wait("let it go on")
pid = os.fork()
if not pid:
    work("crash")
    def login(password):
        ctypes.string_at(0)
    login(K("frame") + P("frame"))
os.waitpid(pid, 0)
mplog.sync(60)
wait("look")
print(repr(mplog.shutdown(60)))
"""
)


def spellings(mark: str) -> list[bytes]:
    """What a canary may look like in bytes: as it is, in hexadecimal digits, in base64."""
    raw = mark.encode()
    found = [raw, raw.hex().encode()]
    for before in range(3):  # bytes before it: the digits that are its alone
        whole = base64.b64encode(bytes(before) + raw)
        found.append(whole[(8 * before + 5) // 6 : 8 * (before + len(raw)) // 6])
    return found


def found_in(data: bytes, *marks: str) -> list[str]:
    """What of them is in it."""
    return [mark for mark in marks if any(one in data for one in spellings(mark))]


def found_below(place: Path, *marks: str) -> dict[str, list[str]]:
    """By file; what is compressed is looked into, what has just gone is not."""
    found = {}
    for path in place.rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            if hits := found_in(data, *marks):
                found[path.name] = hits
    return found


@pytest.fixture
def short_path():
    """A directory whose path leaves room for a socket's name."""
    place = Path(tempfile.mkdtemp(prefix="mplog-"))
    yield place
    shutil.rmtree(place)


@pytest.fixture
def nobody():
    """The address of a port that nobody listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield f"tcp://127.0.0.1:{sock.getsockname()[1]}"


def cli(world, *words):
    """What a command prints."""
    tool = "from mplog.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
    started = world.start(tool, *map(str, words))
    return "".join(started.communicate(timeout=60))


def test_the_search_finds_what_is_there():
    """So that its silence means something: as it is, in hexadecimal digits, in base64."""
    for before in range(4):
        data = b"x" * before + b"the K3yc4nary itself"
        assert [KEYED] == found_in(data, KEYED, LOOKS)
        assert [KEYED] == found_in(data.hex().encode(), KEYED, LOOKS)
        assert [KEYED] == found_in(base64.b64encode(data), KEYED, LOOKS)
    assert [] == found_in(b"nothing", KEYED, LOOKS, *CARDS)


def test_no_secret_is_left_in_any_place(world, short_path, nobody):
    """Keyed ones never leave the process that logs them; what is found by its look may stand in
    the lanes and their overflow, as documented, and nowhere else.
    """
    log = world.log.parent
    sides = far_sides.FarSides(short_path, log)
    settings = sides.settings(("logfmt", "text", "own"))
    settings["sinks"].append({"type": "syslog", "name": "away", "target": nobody, "spool": "50 MB"})
    settings["files"][0]["filter"] = "keeping:keep"
    (log / "keeping.py").write_text(MAKING)
    program = world.start(
        PROGRAM,
        SETTINGS=json.dumps(
            {**settings, "rotation": "100 KB", "retention": "all", "compression": "gzip"}
        ),
        KEYS=json.dumps(REDACTED),
        CARDS=json.dumps(CARDS),
        ERRORS=str(log / "errors"),
        PYTHONPATH=f"{world.environment()['PYTHONPATH']}:{log}",
    )
    assert "stop the writer\n" == program.stdout.readline(), program.stderr.read()
    writer = world.writer()
    os.kill(writer, signal.SIGSTOP)
    world.go_on(program)
    assert "let it go on\n" == program.stdout.readline()
    stopped = found_below(world.directory, KEYED, LOOKS)
    os.kill(writer, signal.SIGCONT)
    world.go_on(program)
    assert "look\n" == program.stdout.readline()
    told = cli(world, "status", "--dir", world.directory) + cli(world, "doctor", "--log", world.log)
    later = found_below(world.directory, KEYED, LOOKS)
    world.go_on(program)
    out, err = world.finish(program)
    world.gone()
    # What still waited for compression goes on without the writer.
    world.wait_for(lambda: not list(log.glob("app.2*.jsonl")), 40.0, "compressed archives")
    got = sides.end()

    assert {LOOKS} == {mark for marks in stopped.values() for mark in marks}, stopped
    suffixes = {Path(name).suffix for name in (*stopped, *later)}
    assert {".ring", ".overflow"} == suffixes, (stopped, later)
    assert {LOOKS} >= {mark for marks in later.values() for mark in marks}, later
    for words in (told, out, err):
        assert [] == found_in(words.encode(), KEYED, LOOKS, *CARDS)
    assert {} == found_below(log, KEYED, LOOKS, *CARDS)
    for name, data in got.items():
        data = data if isinstance(data, bytes) else b"\n".join(data)
        assert [] == found_in(data, KEYED, LOOKS, *CARDS), name
        assert b"plain 4" in data or name not in SINKS, name
    # All that is looked for has been there: archives, a spool, a death, errors of every kind.
    names = [path.name for path in log.rglob("*")]
    assert any(name.endswith(".gz") for name in names), names
    assert b"plain" in b"".join(path.read_bytes() for path in log.glob(".*.spool-away/*"))
    assert any(line.get("event_name") == "mplog.death" for line in proof.lines_of(world.log))
    assert "the listener: password=[redacted]" in err
    assert "the callback: password=[redacted]" in err
    assert "filter keeping:keep" in (log / "errors").read_text()
    assert 0 == verify([world.log]).exit_code

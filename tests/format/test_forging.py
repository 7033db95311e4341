"""No data forges a line, drives a terminal, or is read as a template (faults C1, C2, C5)."""

from __future__ import annotations

import json
import re

import pytest
from attacks import ATTACKS, LONE, UNSAFE, lines_of, without_colours

from mplog.event import codec
from mplog.event.event import Event, ExceptionInfo, Frame, Stamped
from mplog.format import FORMATS, formatter
from mplog.format.console import ConsoleFormat
from mplog.format.syslog import SyslogFormat
from mplog.sinks.journald import entry

STAMPED = Stamped(1_795_334_400_123_456_789, 20, 0, 0, "0123456789ab-1-7", 42, 1234, "Main")
PAIR = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s="]+)[ \n]')


def everywhere(text, kind):
    """An event that holds *text* in every place that data can reach."""
    info = ExceptionInfo(text, text, [Frame(text, 1, text, text)], [text])
    info.cause = ExceptionInfo(text, text)
    event = Event(
        text,
        text if kind == 2 else "said {v} %s",
        {"v": text, text: {text: [text]}},
        {"c" + text: text},
        text,
        1,
        text,
        1,
        text,
        text,
        info,
        text,
        [text],
    )
    decoded = codec.decode(codec.encode(event, 65_536)[0])
    assert decoded is not None
    return decoded, Stamped(STAMPED.wall_ns, 20, kind & 1, 0, text, 42, 1234, text)


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_json(text, kind):
    """One line of JSON with every attack intact inside of it, as data."""
    event, stamped = everywhere(text, kind)

    line = formatter("json").line(event, stamped).decode()

    assert 1 == len(line.splitlines())
    assert not UNSAFE.search(line)
    told = json.loads(line)
    assert (text, text, text) == (told["v"], told["logger"], told["session"])
    assert text in told["message"]
    if kind == 0:
        assert f"said {text} %s" == told["message"]


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_text(text, kind):
    """One line at the margin, the rest indented, and no control character but the line ends."""
    event, stamped = everywhere(text, kind)

    lines = formatter("text").line(event, stamped).decode()

    assert not UNSAFE.search(lines)
    assert lines.splitlines() == lines[:-1].split("\n")
    first, *rest = lines.splitlines()
    assert first.startswith("2026-11-22T08:00:00.123456Z INFO     ")
    assert all(line.startswith("    ") for line in rest)


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_logfmt(text, kind):
    """One line of pairs in their order, each key once, with every attack intact in its value."""
    event, stamped = everywhere(text, kind)

    line = formatter("logfmt").line(event, stamped).decode()

    assert 1 == len(line.splitlines())
    assert not UNSAFE.search(line)
    told: dict[str, str] = {}
    for pair in PAIR.finditer(line):
        assert pair[1] not in told
        told[pair[1]] = json.loads(pair[2]) if pair[2].startswith('"') else pair[2]
    assert line == "".join(pair[0] for pair in PAIR.finditer(line))
    assert (text, text, text) == (told["v"], told["logger"], told["session"])
    assert text in told["message"]
    ours = ["timestamp", "level", "logger", "message", "session", "seq"]
    assert ours == [key for key in told if key in ours]
    assert ("INFO", "42") == (told["level"], told["seq"])


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_formatters_in_c(native, name, kind):
    """Each text, where C takes it, becomes the line that Python's formatter makes, which is held to
    be safe above; a plain event is made in C.
    """
    made = 0
    for text in ATTACKS.values():
        fields = {"v": text}, {"v": text, "w" + text: 1}
        for event in (everywhere(text, kind)[0], *(Event(text, text, f) for f in fields)):
            made += native(name).agrees(codec.encode(event, 65_536)[0], kind=kind, session=text)

    assert made >= len(ATTACKS) * 2 // 3


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_console(text, kind):
    """One line at the margin; the only sequences are those of the colours."""
    event, stamped = everywhere(text, kind)
    plain = ConsoleFormat().line(event, stamped)

    first, *rest = lines_of(plain)
    assert re.match(r"[\d-]{10} [\d:.]{12} INFO     ", first)
    assert all(line.startswith("    ") for line in rest)
    assert plain == without_colours(ConsoleFormat(colour=True).line(event, stamped))


HARMLESS = {"braces", "percent", "lookup", "html"}


@pytest.mark.parametrize("name", [*ATTACKS, *LONE])
def test_the_readers_find_what_is_written_as_it_came(name):
    """So that their silence means something: they see an act, or more than one line."""
    data = ("a " + {**ATTACKS, **LONE}[name] + "\n").encode("utf-8", "surrogatepass")
    try:
        found = len(lines_of(data)) > 1
    except (AssertionError, UnicodeDecodeError):
        found = True

    assert found or name in HARMLESS
    assert b"\x1b[2J" in without_colours(b"\x1b[31m\x1b[2J\x1b]0;t\x07")


@pytest.mark.parametrize("name", [*sorted(FORMATS), "template:{level} {k} {message}", "console"])
@pytest.mark.parametrize("text", ATTACKS.values(), ids=ATTACKS)
def test_the_service_s_own_lines(text, name):
    """Notices and unreadable events are one line as well."""
    form = ConsoleFormat() if name == "console" else formatter(name)
    lines = [
        form.notice(1, 30, text, text, {text: text, "k": {text: text}}),
        form.unreadable(text.encode(), Stamped(1, 20, 0, 0, text, 1, 1, text)),
    ]

    for line in lines:
        assert 1 == len(line.decode().splitlines())
        assert not UNSAFE.search(line.decode())


TEMPLATES = [
    "{a}", "{a.__class__}", "{a[0]}", "{0}", "{a!r:>1000000000}", "{{a}}", "%s", "%(a)s",
    "%(levelname)s", "${a}", "${jndi:ldap://x/${a}}", "#{a}", "<%= a %>", "$a", "{message}", "{v}",
]  # fmt: skip
LAYOUT = "template:{level} {logger} {thread} {function} {v} {message}"
SECRET = "s3cret-of-a"


def written(form, event, stamped):
    """The line of a format of that name, or the message of a sink."""
    if form == "console":
        return ConsoleFormat().line(event, stamped)
    if form == "syslog":
        return SyslogFormat().message(event, stamped)
    return (
        entry(event, stamped, "app") if form == "journald" else formatter(form).line(event, stamped)
    )


@pytest.mark.parametrize("form", [*sorted(FORMATS), LAYOUT, "console", "syslog", "journald"])
@pytest.mark.parametrize("text", TEMPLATES)
def test_data_is_never_a_template(form, text):
    """C5: a value, a key, a name or an argument that looks like one comes out as it is, in both
    kinds: what another field holds is shown once at most, where it is its own.
    """
    fields = {"v": text, "a": SECRET, text + "k": text}
    rest = (text, 1, text, 1, text, text, ExceptionInfo(text, text), text)
    braces = Event(text, "said {v}", fields, None, *rest)
    percent = Event(text, "said %s", fields, None, *rest, args=[text])

    for event, kind in ((braces, 0), (percent, 1)):
        stamped = Stamped(STAMPED.wall_ns, 20, kind, 0, "s-1-1", 42, 1234, text)
        line = written(form, event, stamped).decode()
        shown = text.replace('"', '\\"')
        assert f"said {shown}" in line
        assert line.count(SECRET) == (0 if form == LAYOUT else 1)
        if form == LAYOUT:
            assert line.startswith(f"INFO {text} {text} {text} {text} said {text} ")


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_text_with_fields_is_a_template_of_these_names_alone(text):
    """What a program has made of data itself (an f-string) reaches fields of that call by their
    names, and nothing else: no attributes, no positions, no environment, no other template.
    """
    line = formatter("json").line(Event("l", text, {"a": "A", "w": "{a}"}), STAMPED)
    expected = {"{a}": "A", "{{a}}": "{a}"}.get(text, text.replace("{a}", "A"))

    assert expected == json.loads(line)["message"]

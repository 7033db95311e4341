"""The setting `sinks`: tables or JSON text in, one text out, each wrong entry told."""

from __future__ import annotations

import json

import pytest

from mplog.config import KEYS, from_bytes, to_bytes
from mplog.config.carried import OBJECTS, is_carried
from mplog.config.load import load
from mplog.config.sink import MAX_SINKS, SinkSettings, canonical, parse_sinks, sinks_text
from mplog.config.wrong import WrongValue
from mplog.errors import ConfigError

LOUD = {"type": "console", "level": "ERROR", "colour": "never", "queue": 50}
FAR = {
    "type": "syslog",
    "name": "far",
    "target": "tcp://10.0.0.1:601",
    "levels": {"app.db": "WARNING"},
    "spool": "10 MB",
    "retry_for": "2 min",
    "fallback": "console",
}


@pytest.mark.parametrize("nothing", [None, (), [], "", "off", "[]", False])
def test_no_sinks(nothing):
    """Their text is "off"."""
    assert "off" == KEYS["sinks"].parse(nothing)
    assert () == parse_sinks(nothing)


def test_tables_and_their_text_mean_the_same():
    """Also the stored form; what is not given is the default."""
    sinks = parse_sinks([LOUD, FAR])
    settings = load(arguments={"file": "/logs/app.jsonl", "sinks": [LOUD, FAR]}).settings

    assert sinks == parse_sinks(json.dumps([LOUD, FAR])) == parse_sinks(sinks_text(sinks))
    assert sinks == parse_sinks(settings.sinks) == parse_sinks(sinks)
    assert settings == from_bytes(to_bytes(settings))
    assert SinkSettings(
        kind="console", name="console", level=40, queue=50, batch_wait_s=0.02,
        options={"colour": "never"},
    ) == sinks[0]  # fmt: skip
    assert ((("app.db", 30),), 10_000_000, 120.0, "console") == (
        sinks[1].levels, sinks[1].spool_bytes, sinks[1].retry_for_s, sinks[1].fallback
    )  # fmt: skip


def test_sinks_of_a_toml_file_and_of_the_environment(tmp_path):
    """[[sinks]], and MPLOG_SINKS as JSON."""
    toml = tmp_path / "app.toml"
    toml.write_text(
        'file = "/logs/app.jsonl"\n[[sinks]]\ntype = "console"\nlevel = "ERROR"\n'
        'colour = "never"\nqueue = 50\n'
    )

    assert canonical([LOUD]) == load(toml=toml).settings.sinks
    assert canonical([LOUD]) == load(environ={"MPLOG_SINKS": json.dumps([LOUD])}).settings.sinks


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (3, "is not a list of sinks"),
        ("{", "is not JSON"),
        (["console"], r"is not a table \(sinks\[0\]\)"),
        ([LOUD, {}], r"has no type \(sinks\[1\]\)"),
        ([{"type": "konsole"}], r'sinks\[0\].type: "konsole" is no type of sink; give "console"'),
        ([{"type": "console", "color": "never"}], "did you mean colour"),
        ([{"type": "console", "facility": "user"}], "is no setting of a console sink"),
        ([{"type": "null", "queue": 0}], r"sinks\[0\].queue: 0 is not a count"),
        ([{"type": "null", "level": "LOUD"}], r"sinks\[0\].level"),
        ([{"type": "null", "name": "stderr"}], "is not the name of a sink"),
        ([{"type": "null"}, {"type": "null"}], "is the name of two sinks"),
        ([{"type": "null", "fallback": "nul"}], 'did you mean null'),
        ([{"type": "null", "fallback": "null"}], "is its own fallback"),
        ([{"type": "null", "filter": "level >"}], r"sinks\[0\].filter"),
        ([{"type": "null", "filter": "a.b:c"}], "is a callable"),
        ([{"type": "syslog", "max_bytes": "1 GiB"}], "give 480 to 16,777,216 bytes"),
        ([{"type": "syslog", "max_bytes": 479}], r"sinks\[0\].max_bytes: 479 is out of range"),
        ([{"type": "syslog", "timeout": 0}], "give more than 0 and at most 3,600 s"),
        ([{"type": "journald", "timeout": "2 h"}], r"sinks\[0\].timeout: 7200.0 is out of range"),
        ([{"type": "syslog", "key_file": "/k"}], r"is a key without its certificate \(sinks"),
        ([{"type": "callable"}], r"has no target \(sinks\[0\]\)"),
        ([{"type": "callable", "target": "no name"}], "is no name of an object"),
        ([{"type": "callable", "target": 7}], "is no sink"),
        ([{"type": "null", "name": f"n{i}"} for i in range(MAX_SINKS + 1)], "names 17 sinks"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(given, told):
    """With its place, and with what would be right."""
    with pytest.raises(WrongValue, match=told):
        parse_sinks(given)
    with pytest.raises(ConfigError, match=told):
        load(arguments={"file": "/logs/app.jsonl", "sinks": given})


@pytest.mark.parametrize(
    ("entry", "option", "kept"),
    [
        ({"type": "console", "target": "stdout"}, "target", "stdout"),
        ({"type": "console", "target": "/dev/pts/3"}, "target", "/dev/pts/3"),
        ({"type": "console", "fallback": "off"}, "fallback", None),
        ({"type": "console", "fallback": "stderr"}, "fallback", "stderr"),
        ({"type": "console", "spool": "off"}, "spool_bytes", 0),
        ({"type": "console", "spool": False}, "spool_bytes", 0),
        ({"type": "console", "format": "json"}, "format", "json"),
        ({"type": "console", "filter": False}, "filter", None),
    ],
)
def test_an_option_is_kept_as_it_was_given(entry, option, kept):
    """Also after its way through the text of the setting."""
    for sink in parse_sinks([entry]) + parse_sinks(sinks_text(parse_sinks([entry]))):
        found = sink.options[option] if option in sink.options else getattr(sink, option)
        assert kept == found


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("target", "pts/3", "is no console"),
        ("target", 2, "is no console"),
        ("target", "/dev/\n", "is no console"),
        ("spool", "10 B", "is too small"),
        ("fallback", "no name", "is not the name of a sink"),
        ("queue", 0, "is not a count"),
        ("app", "shop\n<0>forged", "is not a text"),
        ("app", "x" * 4_001, "is not a text"),
        ("app", 7, "is not a text"),
    ],
)
def test_a_wrong_option_is_told_with_its_value(option, value, told):
    """And what would be right."""
    with pytest.raises(WrongValue, match=told) as caught:
        parse_sinks([{"type": "journald" if option == "app" else "console", option: value}])
    assert "give " in caught.value.right


def test_a_function_of_a_module_is_known_by_its_name():
    """The writer imports it."""
    (sink,) = parse_sinks([{"type": "callable", "target": json.dumps}])

    assert "json:dumps" == sink.options["target"]


class Counter:
    """A sink with a number."""

    def take(self, batch):
        """What its object has."""

    @classmethod
    def make(cls, batch):
        """What the class has."""


@pytest.mark.parametrize(
    "value", [Counter(), Counter().take, [].append], ids=["object", "method", "builtin"]
)
def test_an_object_of_a_class_that_has_a_name_is_carried_itself(value):
    """Neither its module nor its class's function could stand for it in the writer."""
    word = parse_sinks([{"type": "callable", "target": value}])[0].options["target"]

    assert is_carried(word)
    assert value is OBJECTS.pop(word)


@pytest.mark.parametrize(
    "value", [Counter, Counter.take, Counter.make], ids=["class", "function", "class method"]
)
def test_what_a_class_has_is_known_by_its_name(value):
    """A class method by its class's."""
    (sink,) = parse_sinks([{"type": "callable", "target": value}])

    assert f"{__name__}:{value.__qualname__}" == sink.options["target"]


def test_what_has_no_name_is_known_by_its_place():
    """The same in each process of the program, so that their settings agree."""
    texts = {canonical([{"type": "callable", "target": lambda line: None}]) for _ in range(2)}
    word = parse_sinks(texts.pop())[0].options["target"]

    assert set() == texts
    assert is_carried(word)
    assert callable(OBJECTS.pop(word))

"""The setting `filter`: what parses, what it becomes, and how a wrong one is told."""

from __future__ import annotations

import pytest

from mplog.config.condition import DROP, MAX_BYTES, MAX_TESTS, TAKE, holds, to_bytes
from mplog.config.file import FILE_KEYS
from mplog.config.filter import compiled, parse_filter
from mplog.config.wrong import WrongValue
from mplog.event.event import Event, ExceptionInfo, Stamped

EVENT = Event(
    "app.db.pool",
    "slow query {sql}",
    {
        "user": "ann",
        "n": 3,
        "x": 2.5,
        "ok": True,
        "no": None,
        "a": {"b": {"c": 1}},
        "p.q": 7,
        "text": 'a "b"\n\t\r\\cd',
    },
    {"request": "r-1", "user": "shadowed"},
    "/srv/app.py",
    42,
    "query",
    99,
    "worker-1",
    None,
    ExceptionInfo("ValueError", "bad"),
)
STAMPED = Stamped(1, 30, 0, 0, "0123456789ab-1-7", 42, 1234, "web")

HOLD = [
    "level >= WARNING",
    "level == 30 and level < error",
    "level in [INFO, 'WARN']",
    'logger ~ "app.db"',
    'logger ~ "app.db.pool"',
    'not logger ~ "app.d"',
    'logger == "app.db.pool"',
    'template ~ "slow"',
    "user == 'ann'",
    'fields.user != "bob"',
    'request == "r-1"',
    "n == 3.0 and n > 2.9 and n <= 3 and x >= 2.5",
    "ok == true and no == null and has no",
    "ok != 1",
    "a.b.c == 1",
    "p.q == 7",
    'fields."p.q" in [6, 7]',
    "not has missing",
    "missing != 1",
    "not missing < 1",
    'file ~ "app" and line == 42 and function == "query"',
    'thread_name ~ "worker" and thread_id == 99',
    "not has task",
    'exception == "ValueError" and has exception',
    'process == "web" and pid == 1234',
    'n == 4 or user < "b" and user >= "a"',
    "not (n == 4 or n == 5)",
    "NOT n == 4 AND NOT n == 5",
    r'text == "a \"b\"\n\t\r\\c\d"',
]


@pytest.mark.parametrize("text", HOLD)
def test_what_holds(text):
    """Each of these holds for the event, and its negation does not."""
    assert holds(compiled(text), EVENT, STAMPED)
    assert not holds(compiled(f"not ({text})"), EVENT, STAMPED)


WRONG = {
    "user = 5": ("column 6", '"=" stands where a comparison should', "write =="),
    "user == bob": ("column 9", '"bob"', "put a text into quotes"),
    "level >= ERRO": ("column 10", '"ERRO"', "did you mean ERROR?"),
    "level > 256": ("column 9", '"256"', "0 to 255"),
    "level == true": ("column 10", '"true"', "give a name as ERROR"),
    "(n == 1": ("column 8", "its end", "close each ("),
    "n == 1)": ("column 7", '")"', "put and or or"),
    "n == 1 m == 2": ("column 8", '"m"', "put and or or"),
    'message ~ "x"': ("column 1", '"message"', "give template"),
    "n == 1 && m == 2": ("column 8", '"&&"', "write and"),
    "!ok": ("column 1", '"!"', "write not"),
    "n ~ 1": ("column 5", '"1"', "in quotes"),
    'n ~ ""': ("column 5", '""', "in quotes"),
    "n < true": ("column 5", '"true"', "numbers or texts"),
    "n in 1": ("column 6", '"1"', "as in [1, 2]"),
    "n in [1": ("column 8", "its end", "as [1, 2]"),
    "n in []": ("column 7", '"]"', "a text in quotes"),
    'n == "open': ("column 6", "stands where a literal", "a text in quotes"),
    "and": ("column 1", '"and"', "give the name of a field"),
    "has": ("column 4", "its end", "give the name of a field"),
    "has fields": ("column 5", '"fields"', "fields.user"),
    "(" * 40 + "n == 1" + ")" * 40: ("column 34", '"("', "nest at most"),
    "not " * 40 + "n == 1": ("column ", "less deep", "nest at most"),
    " or ".join(["n == 1"] * 65): ("column ", "no further test", "at most 64 tests"),
    "x" * 5_000 + " == 1": ("too long", "", "4096"),
    f'n == "{"é" * 2_100}"': ("too large", "", "4096"),
    "n == '\ud800'": ("is no text", "", "surrogates"),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_one_is_told_with_its_column(text):
    """Where, what stands there, and what would be right."""
    with pytest.raises(WrongValue) as caught:
        parse_filter(text)

    for part in WRONG[text]:
        assert part in str(caught.value)


def test_the_setting_takes_texts_names_and_nothing():
    """An expression as it was written, without what is around it; a callable by its name."""
    (key,) = [key for key in FILE_KEYS if key.name == "filter"]

    assert "n == 1" == key.parse(" n == 1 ") == key.text("n == 1")
    assert "app.filters:keep" == key.parse("app.filters:keep")
    assert "mplog.config.filter:parse_filter" == key.parse(parse_filter)
    assert [None] * 5 == [key.parse(value) for value in (None, False, "", "off", " OFF ")]
    assert "off" == key.text(None)
    for wrong in (5, ["n == 1"], True, b"n == 1"):
        with pytest.raises(WrongValue, match="is not a filter"):
            key.parse(wrong)


def test_a_program_goes_forwards_and_is_small():
    """So it ends, and the core takes it."""
    text = " or ".join([f"(a{n} == {n} and not b{n} < {n})" for n in range(MAX_TESTS // 2)])
    program = compiled(text)

    assert MAX_TESTS == len(program)
    for index, test in enumerate(program):
        for target in (test.then, test.other):
            assert target in (TAKE, DROP) or index < target < len(program)
    assert len(to_bytes(program)) <= MAX_BYTES

"""`enrich`: words, constants and callables, as a text, a list or a map."""

from __future__ import annotations

import functools

import pytest

from mplog.config import carried
from mplog.config.limits import MAX_ENRICHERS
from mplog.config.schema import KEYS
from mplog.config.wrong import WrongValue


def says() -> dict[str, int]:
    """An enricher with a name."""
    return {"answer": 42}


HERE = f"{__name__}:says"


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("host, Rank ", ("host", "rank")),
        (["host", "host", "environment = production"], ("host", "environment=production")),
        ({"host": True, "version": 1.4, "rank": False, "slurm": None}, ("host", "version=1.4")),
        ("shop.who:name", ("shop.who:name",)),
        ("team=a=b", ("team=a=b",)),
        (says, (HERE,)),
        ([says, "all"], (HERE, "all")),
        ("off", ()),
        ("", ()),
        (None, ()),
        (False, ()),
        ([], ()),
        ((), ()),
    ],
)
def test_enrichers_are_taken(value, parsed):
    """Each once, in the order given; and what is parsed is parsed again from its text."""
    key = KEYS["enrich"]
    assert parsed == key.parse(value)
    assert parsed == key.parse(key.text(parsed)) == key.parse(parsed)


def test_a_callable_without_a_name_is_known_by_a_word():
    """To this process and its forks: a lambda, a partial, a method."""
    key = KEYS["enrich"]
    for found in (lambda: {"a": 1}, functools.partial(says), {}.copy):
        (word,) = key.parse(found)
        assert carried.OBJECTS[word] is found
        assert (word,) == key.parse(key.text((word,)))


class Shop:
    """Knows something; its method has a name by which nobody finds the object."""

    def says(self):
        """A field."""
        return {"shop": id(self)}


def test_a_method_of_an_object_is_not_known_by_its_classs_name():
    """By that a spawned process found a function that lacks its object."""
    found = Shop().says

    (word,) = KEYS["enrich"].parse(found)

    assert carried.is_carried(word)
    assert carried.OBJECTS[word] == found


def test_an_object_that_fails_when_it_is_asked_for_its_name_is_refused():
    """Its own code runs while the settings are read, and ends nobody."""

    class Proxy:
        def __call__(self):
            return {}

        @property
        def __module__(self):
            raise RuntimeError("not connected")

    with pytest.raises(WrongValue, match="is not an enricher"):
        KEYS["enrich"].parse(Proxy())


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("hots", 'did you mean "host"'),
        ("host,,rank", "is not an enricher"),
        ("host=", "is not an enricher"),
        ("=x", "is not an enricher"),
        ("a b=x", "is not an enricher"),
        (["a=1,2"], "is not an enricher"),
        (["a=line\nbreak"], "is not an enricher"),
        (["x" * 400], "is not an enricher"),
        (7, "is not an enricher"),
        (True, "is not an enricher"),
        ({1: "x"}, "is not the name of an enricher"),
        ({"team": []}, "is no value for 'team'"),
        ([f"a{i}=1" for i in range(MAX_ENRICHERS + 1)], f"makes {MAX_ENRICHERS + 1} enrichers"),
    ],
)
def test_a_wrong_enricher_is_refused(value, wrong):
    """With the value and what is wrong with it."""
    with pytest.raises(WrongValue, match=wrong):
        KEYS["enrich"].parse(value)

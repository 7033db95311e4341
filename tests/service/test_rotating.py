"""The words of the standard library's rotating handlers mean here what they mean there."""

import datetime
import logging
import logging.config

import pytest

import mplog
from mplog.config import Moment, Retention, Rotation
from mplog.config.load import load
from mplog.errors import ConfigError
from mplog.service.rotating import translated

ALL = Retention()
THREE = datetime.time(3)


def settings_of(words):
    """What the writer gets."""
    found = load(arguments=translated(dict(words))).settings
    return found.rotation, found.retention


def at(unit, weekday=0, second=0, zone=""):
    return Rotation(moments=(Moment(unit, weekday, second, zone),))


@pytest.mark.parametrize(
    ("words", "rotation", "retention"),
    [
        ({"maxBytes": 5_000_000, "backupCount": 3}, Rotation(5_000_000), Retention(3)),
        ({"maxBytes": 5_000_000}, Rotation(5_000_000), ALL),
        ({"maxBytes": 5_000_000, "backupCount": 0}, Rotation(5_000_000), ALL),
        ({"maxBytes": 0, "backupCount": 3}, Rotation(), Retention(3)),
        ({"backupCount": 3}, Rotation(100_000_000), Retention(3)),
        ({"when": "S", "interval": 30}, Rotation(every_s=30), ALL),
        ({"when": "m"}, Rotation(every_s=60), ALL),
        ({"when": "H", "interval": 6, "utc": True}, Rotation(every_s=21_600), ALL),
        ({"when": "D", "interval": 2, "atTime": None}, Rotation(every_s=172_800), ALL),
        ({"when": "midnight", "backupCount": 7}, at("day"), Retention(7)),
        ({"when": "MIDNIGHT", "atTime": THREE}, at("day", 0, 10_800), ALL),
        ({"when": "midnight", "atTime": "03:00", "utc": True}, at("day", 0, 10_800, "UTC"), ALL),
        ({"when": "W0"}, at("week"), ALL),
        ({"when": "w6", "atTime": THREE, "interval": 1}, at("week", 6, 10_800), ALL),
        (
            {"maxBytes": 10, "when": "midnight", "retention": "3 days"},
            Rotation(10, None, (Moment("day"),)),
            Retention(age_s=259_200),
        ),
        ({"rotation": "1 MB", "backupCount": 2}, Rotation(1_000_000), Retention(2)),
        ({"rotation": "1 MB"}, Rotation(1_000_000), Retention(10)),
    ],
)
def test_words_are_translated(words, rotation, retention):
    """Sizes, times and counts; without a count everything is kept, as there."""
    assert (rotation, retention) == settings_of(words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"maxBytes": -1}, "Handler(maxBytes=…): -1 is no such number; give a whole number from 0"),
        ({"maxBytes": "1 MB"}, "Handler(maxBytes=…): '1 MB' is no such number"),
        ({"maxBytes": True}, "Handler(maxBytes=…): True is no such number"),
        ({"backupCount": -1}, "Handler(backupCount=…): -1 is no such number"),
        ({"when": "W7"}, "Handler(when=…): 'W7' is no time; give \"S\""),
        ({"when": 3}, "Handler(when=…): 3 is no time"),
        ({"when": "H", "interval": 0}, "Handler(interval=…): 0 is no such number"),
        ({"when": "H", "interval": 1.5}, "Handler(interval=…): 1.5 is no such number"),
        ({"when": "H", "atTime": THREE}, 'Handler(atTime=…): has no meaning with when="H"'),
        ({"when": "midnight", "interval": 3}, "Handler(interval=…): 3 has no meaning with when"),
        ({"when": "midnight", "atTime": "3 pm"}, "Handler(atTime=…): is no time of the day"),
        (
            {"when": "midnight", "atTime": datetime.time(3, tzinfo=datetime.timezone.utc)},
            "Handler(atTime=…): is no time of the day; give a datetime.time without a zone",
        ),
        ({"interval": 6}, "Handler(interval=…): says something about a time, and when is not"),
        ({"atTime": THREE, "utc": True}, "or leave utc and atTime out"),
        ({"maxBytes": 1, "rotation": "1 MB"}, "says with other words what rotation says"),
        ({"when": "H", "rotation": "1 MB"}, "give when or rotation"),
        ({"backupCount": 1, "retention": 1}, "give backupCount or retention"),
    ],
)
def test_wrong_words_and_contradictions_are_told(words, told):
    """With the word, its value, and what would be right."""
    with pytest.raises(ConfigError) as caught:
        translated(dict(words))
    assert told in str(caught.value)


def test_every_wrong_word_is_told_at_once():
    """As everywhere."""
    with pytest.raises(ConfigError) as caught:
        translated({"maxBytes": -1, "when": "X", "backupCount": -1, "retention": 1})
    assert 4 == len(caught.value.problems)


@pytest.mark.process
def test_a_dict_config_in_the_words_of_the_standard_library(shm, logdir):
    """The class is all that changes; what the service was given is what the words say."""
    handler = {
        "()": "mplog.Handler", "file": str(logdir / "app.jsonl"), "maxBytes": 1_000_000,
        "when": "midnight", "backupCount": 4,
    }  # fmt: skip
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        logging.config.dictConfig(
            {
                "version": 1,
                "disable_existing_loggers": False,
                "handlers": {"file": handler},
                "loggers": {"shop.rotating": {"handlers": ["file"], "level": "INFO"}},
            }
        )
        logging.getLogger("shop.rotating").info("one")
        assert mplog.flush(60)
        service = mplog.configure(logdir / "app.jsonl", rotation=["1 MB", "00:00"], retention=4)
    finally:
        logging.getLogger("shop.rotating").handlers.clear()
        root.handlers[:] = before

    assert () == service.differences

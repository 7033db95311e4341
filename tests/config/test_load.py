"""Many places of settings into one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.config import KEYS, REDACTED, Retention, Rotation, Settings
from mplog.config.load import Loaded, load
from mplog.errors import ConfigError


@pytest.fixture
def toml(tmp_path):
    """Write a TOML file and return its path."""

    def write(text):
        path = tmp_path / "app.toml"
        path.write_text(text)
        return path

    return write


def test_nothing_given_is_the_default():
    """Without any source every setting is its default and says so."""
    loaded = load()
    assert (Settings(), set(), ()) == (loaded.settings, loaded.given, loaded.overruled)
    assert dict.fromkeys(KEYS, "default") == loaded.origins


def test_defaults():
    """The defaults are those of the interface."""
    assert {key: load().text(key) for key in KEYS} == {
        "level": "INFO",
        "when_full": "overflow",
        "block_timeout": "10 s",
        "overflow": "256 MiB",
        "overflow_dir": "not set",
        "memory": "off",
        "redact_patterns": "on",
        "redact": ", ".join(REDACTED),
        "enrich": "off",
        "uncaught": "on",
        "faulthandler": "on",
        "on_internal_error": "disable",
        "file": "not set",
        "format": "json",
        "file_level": "0",
        "levels": "off",
        "filter": "off",
        "rotation": "100 MB",
        "retention": "10",
        "compression": "off",
        "mode": "0600",
        "files": "off",
        "sinks": "off",
        "spool": "64 MiB",
        "max_event_bytes": "64 KiB",
        "context_bytes": "16 KiB",
        "fsync": "none",
        "fsync_interval": "1 s",
        "durable_level": "off",
        "durable_timeout": "10 s",
        "service": "not set",
        "dir": "not set",
    }


def test_precedence(toml):
    """Command line, then environment, arguments, TOML, default; each key by itself."""
    path = toml("retention = 1\nlevel = 1\nformat = 'text'\nmode = '0640'")
    loaded = load(
        operator={"retention": 4},
        environ={"MPLOG_RETENTION": "3", "MPLOG_LEVEL": "3"},
        arguments={"retention": 2, "level": 2, "format": "json"},
        toml=path,
    )
    places = {
        "retention": (Retention(count=4), "command line --retention"),
        "level": (3, "environment variable MPLOG_LEVEL"),
        "format": ("json", "configure(format=…)"),
        "mode": (0o640, f"{path}: mode"),
        "when_full": ("overflow", "default"),
    }
    found = {key: (getattr(loaded.settings, key), loaded.origins[key]) for key in places}
    assert places == found
    assert loaded.given == places.keys() - {"when_full"}


@pytest.mark.parametrize("key", ["file", "service", "dir", "overflow_dir"])
def test_none_leaves_a_name_open(key):
    """None for file, service and dir is as if it had not been given."""
    loaded = load(arguments={key: None})
    assert loaded.given == set()


def test_none_is_a_value_where_it_means_something():
    """None for rotation and retention is given, and means off and all."""
    loaded = load(arguments={"rotation": None, "retention": None})
    assert (Rotation(), Retention()) == (loaded.settings.rotation, loaded.settings.retention)
    assert loaded.given == {"rotation", "retention"}


def test_all_problems_are_told_together(toml):
    """One error has the problems of every place, also of a value that another place overrules."""
    path = toml("mode = '0400'\nlevle = 1")
    with pytest.raises(ConfigError) as caught:
        load(
            operator={"block_timeout": "x"},
            environ={"MPLOG_ROTATION": "20 MX", "MPLOG_MODE": "0600"},
            arguments={"format": "xml"},
            toml=path,
        )
    assert {problem.place for problem in caught.value.problems} == {
        "command line --block-timeout",
        "environment variable MPLOG_ROTATION",
        "configure(format=…)",
        f"{path}: mode",
        f"{path}: levle",
    }


def test_operator_overrules():
    """What the command line overrules with another value is told; the same value is not."""
    loaded = load(
        operator={"rotation": "20 MB", "level": "INFO"},
        arguments={"rotation": "50 MB", "level": "info"},
    )
    expected = "configure(rotation=…): 50 MB gives way to 20 MB from the command line --rotation"
    assert (expected,) == loaded.overruled


def test_environment_wins_silently():
    """Only the command line's precedence is told."""
    assert load(environ={"MPLOG_LEVEL": "10"}, arguments={"level": 20}).overruled == ()


class Hostile:
    """A value whose every method raises."""

    def __getattribute__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError

    def __hash__(self):
        raise RuntimeError

    def __repr__(self):
        raise RuntimeError

    def __fspath__(self):
        raise RuntimeError


class HostileText(str):
    """A text whose methods raise."""

    def __getattribute__(self, name):
        raise RuntimeError(name)

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = str.__hash__


HOSTILE = {
    "object": Hostile(),
    "text": HostileText("INFO"),
    "huge": 10**5000,
    "huge negative": -(10**5000),
    "nan": float("nan"),
    "class": Hostile,
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_values_load_or_are_a_config_error(key, name):
    """A value whose own methods raise, or that is out of all bounds, is told with its place."""
    place = config_error_or_none(arguments={key: HOSTILE[name]})
    texts = (
        "level",
        "durable_level",
        "file_level",
        "redact",
        "file",
        "service",
        "dir",
        "overflow_dir",
    )
    taken_as_text = name == "text" and key in texts
    assert place == (None if taken_as_text else f"configure({key}=…)")


def config_error_or_none(**sources):
    """The place of the first problem; None when it loads. Anything else that is raised fails."""
    error = None
    try:
        loaded = load(**sources)
    except ConfigError as caught:
        error = caught
    if error is None:
        assert isinstance(loaded, Loaded)
        return None
    assert all(line.isprintable() for line in str(error).split("\n"))
    return error.problems[0].place


WILD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=80),
    st.binary(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
    st.from_regex(r"[0-9.]{1,4} ?(MB|KiB|s|ms|days|)", fullmatch=True),
)
NAMES = st.one_of(st.sampled_from(list(KEYS)), st.text(max_size=80), st.integers())


@given(st.dictionaries(NAMES, WILD, max_size=6))
@settings(max_examples=200)
def test_any_arguments_load_or_are_a_config_error(arguments):
    """No mapping of arguments, however wild, raises anything but ConfigError."""
    place = config_error_or_none(arguments=arguments)
    assert place is None or place.startswith("configure(")


@given(
    st.dictionaries(
        st.one_of(
            st.sampled_from([key.environment for key in KEYS.values() if key.environment]),
            st.text(max_size=20).map("MPLOG_".__add__),
            st.text(max_size=20),
        ),
        st.text(st.characters(), max_size=80),
        max_size=6,
    )
)
@settings(max_examples=100)
def test_any_environment_loads_or_is_a_config_error(environ):
    """No environment raises anything but ConfigError."""
    place = config_error_or_none(environ=environ)
    assert place is None or place.startswith("environment variable MPLOG_")

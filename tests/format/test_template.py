"""Templates: the data that fills them is never read as one."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mplog.format.template import (
    MAX_MESSAGE_CHARS,
    names_in,
    render_braces,
    render_percent,
)


@pytest.mark.parametrize(
    ("template", "fields", "expected"),
    [
        ("user {user} from {ip}", {"user": "alice", "ip": 4}, "user alice from 4"),
        ("{{{a}}} {{a}} }} {{", {"a": 1}, "{1} {a} } {"),
        ("{a} {missing} {a}", {"a": None}, "None {missing} None"),
        ("{a.real} {a!r} {a:>9} {0} {} { {a", {"a": 1}, "{a.real} {a!r} {a:>9} {0} {} { {a"),
        (
            "{http.method} 100% %s %(a)s {a%b}",
            {"http.method": "GET", "a%b": "%d"},
            "GET 100% %s %(a)s %d",
        ),
        ("{a}", {"a": "{b} %s {{"}, "{b} %s {{"),
        (
            "{0.__class__} {a.__class__.__init__.__globals__}",
            {"a": 1},
            "{0.__class__} {a.__class__.__init__.__globals__}",
        ),
        ("no {fields} {{at}} all", {}, "no {fields} {{at}} all"),
        (
            "{a} {b} {c} {d}",
            {"a": 1.5, "b": True, "c": [1, "x", None], "d": {"k": b"v"}},
            "1.5 True [1, 'x', None] {'k': b'v'}",
        ),
        ("", {"a": 1}, ""),
        ("a}b", {"a": 1}, "a}b"),
    ],
)
def test_braces(template, fields, expected):
    """Only `{name}` is a placeholder; everything else is text."""
    assert expected == render_braces(template, fields, None)


def test_context_fills_what_fields_do_not():
    """A name is looked up in the fields first, then in the context."""
    assert "1 2 {c}" == render_braces("{a} {b} {c}", {"a": 1}, {"a": 9, "b": 2})


def test_repeated_placeholders_are_bounded():
    """A template cannot multiply one long value without end."""
    text = render_braces("{a}" * 20_000, {"a": "x" * 10_000}, None)

    assert len(text) <= MAX_MESSAGE_CHARS + 1
    assert text.endswith("x…")


def test_a_value_that_is_repeated_is_made_a_text_once():
    """However large it is, and however often it stands there."""
    shown = []

    class Large:
        def __repr__(self):
            shown.append(self)
            return "L"

    assert "L" * 5_000 == render_braces("{a}" * 5_000, {"a": Large()})
    assert 1 == len(shown)


def test_few_large_values_are_shown_whole():
    """As the core shows them, which makes such lines where all of them are texts."""
    text = render_braces("{a}{b}", {"a": "x" * MAX_MESSAGE_CHARS, "b": [1]})

    assert "x" * MAX_MESSAGE_CHARS + "[1]" == text


def test_names_in():
    """The names of placeholders, and of nothing else."""
    assert {"a", "b"} == names_in("{a} {{c}} {b} {a}")


@settings(max_examples=200)
@given(st.text("{}ab%s ", max_size=30), st.dictionaries(st.sampled_from("ab"), st.text("{}%ab")))
def test_braces_never_raise(template, fields):
    """Any text is a template or a text."""
    render_braces(template, fields, {})


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
SPECS = st.from_regex(
    r"\A%[#0\- +]{0,3}(\*|[0-9]{0,2})(\.(\*|[0-9]{0,2}))?[hlL]?[diouxXeEfFgGcrsa%]\Z"
)


@settings(max_examples=200)
@given(
    st.lists(SPECS | st.text("ab %(){}", max_size=4), max_size=5).map("".join),
    st.lists(SCALARS, min_size=1, max_size=5),
)
@example("%5%", [1])
@example("%-*.*f|%s", [-9, -3, 2.5, None])
@example("%c%c", ["x", 0x1F600])
@example("%.0d %+.3d %#o %#x", [5, 5, 8, 255])
def test_percent_is_pythons(template, args):
    """Where Python's own `%` gives a text, so do we, the same; where it raises, both are shown."""
    if "*" in template:  # the width is an argument: kept small, for Python's own sake
        args = [value % 1_000 if type(value) is int else value for value in args]
    try:
        expected = template % tuple(args)
    except (TypeError, ValueError, OverflowError):
        assert render_percent(template, args).startswith(template + " [")
    else:
        assert expected == render_percent(template, args)


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(["%(a)s", "%(b)5d", "%(c)r", "%%", "%s", "%(a(b)c)s", "x"])).map(
        "".join
    )
)
def test_percent_with_names_is_pythons(template):
    """A map of arguments goes by name, as in Python."""
    args = {"a": "x", "b": 5, "c": None, "a(b)c": 1.5}
    try:
        expected = template % args
    except TypeError:
        assert render_percent(template, args).startswith(template + " {")
    else:
        assert expected == render_percent(template, args)


@pytest.mark.parametrize(
    "template",
    [
        "%999999999d",
        "%.999999999999999999999f",
        "%*d",
        "%.*f",
        "%0999999999999999d" * 1_000,
        "%s" * 20_000,
    ],
    ids=lambda template: template[:12],
)
def test_hostile_widths_are_held(template):
    """Width, precision and their sum are bounded."""
    text = render_percent(template, [1_000_000_000, 5] if "*" in template else [7])

    assert len(text) < MAX_MESSAGE_CHARS + 2_000


def test_values_of_names_are_bounded_in_sum():
    """A named argument that stands in a template many times is bounded."""
    text = render_percent("%(a)s" * 20_000, {"a": "x" * 30_000})

    assert len(text) <= MAX_MESSAGE_CHARS + 30_001


@pytest.mark.parametrize("args", [None, [], {}])
def test_percent_without_arguments_is_text(args):
    """As in the standard library, a `%` means nothing without arguments."""
    assert "100% %s" == render_percent("100% %s", args)


def test_lists_and_bytes_are_shown_as_python_shows_them():
    """Containers go through `%s` and `%r` as they look."""
    assert "[1, 'a'] b'x' ['é']" == render_percent("%s %r %s", [[1, "a"], b"x", ["é"]])


@pytest.mark.parametrize(
    ("template", "args"),
    [("%(a)s", [1]), ("%(a)*d", {"a": 5}), ("%(a).*f", {"a": 1.5}), ("%(a)s %s", [{"a": 1}])],
)
def test_names_want_a_map_and_no_width_of_their_own(template, args):
    """Where Python's `%` raises for a name, template and arguments are both shown."""
    with pytest.raises(TypeError):
        template % (tuple(args) if isinstance(args, list) and len(args) != 1 else args)

    assert render_percent(template, args).startswith(f"{template} ")


@pytest.mark.parametrize("template", ["100%", "%s %", "%(a", "%5", "%s 100%\n", "%-.3"])
def test_a_conversion_without_an_end_shows_template_and_arguments(template):
    """As where they do not match."""
    assert f"{template} [1]" == render_percent(template, [1])
